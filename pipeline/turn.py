"""One answer: from what the customer said, as sound, to the last word heard from the loudspeaker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from pipeline.audio import AudioChunk, leading_silence_s
from pipeline.errors import AssistantError, DeviceError
from pipeline.events import (
    EventFeed,
    Interrupted,
    NoSpeechHeard,
    ReplyText,
    Speaking,
    StagesMs,
    TranscriptReady,
    TurnEnd,
)
from pipeline.fallback import FallbackVoice
from pipeline.protocols import Agent, Speaker, Transcriber
from pipeline.sentences import sentences
from pipeline.speech import Exchange, NoSpeech, NoSpeechReason, Personality, Transcript, Utterance, VoiceSettings

log = logging.getLogger(__name__)

MISHEARD = frozenset({NoSpeechReason.DOUBTFUL, NoSpeechReason.REPETITION})
"""Somebody spoke and deserves an answer; noise does not."""

CHARACTERS_PER_S = 15.0
"""Characters that a voice says in a second at speed 1; what a sentence is measured by that was cut short."""

SENTENCES_AHEAD = 16
"""Sentences that may wait for the loudspeaker before the agent has to wait."""


@dataclass(frozen=True, slots=True)
class TurnParts:
    """What answers a customer."""

    transcriber: Transcriber
    agent: Agent
    voice: FallbackVoice
    speaker: Speaker
    speakable: Callable[[str, str], str]
    """Makes a sentence speakable: (text, language) to text."""
    apologies: Mapping[str, str]
    """What is said when there is no answer, by language (ISO 639-1); ``en`` is always there."""
    repeat_requests: Mapping[str, str]
    """What is said when somebody spoke but was not understood, in the same form."""
    error_tone: AudioChunk | None = None
    """Played when no voice can speak."""


@dataclass(slots=True)
class _Spoken:
    """A sentence and the stretch of the answer's audio that holds it."""

    text: str
    from_s: float
    to_s: float
    whole: bool = False
    """Its audio is complete; until then its length is a guess."""

    def words_heard(self, played_s: float, speed: float) -> list[str]:
        """The words that fit into the part that was played."""
        length_s = self.to_s - self.from_s
        if not self.whole:
            length_s = max(length_s, len(self.text) / CHARACTERS_PER_S / speed)
        share = (played_s - self.from_s) / max(length_s, 1e-6)
        words = self.text.split()
        return words if share >= 1 else words[: max(0, int(len(words) * share))]


@dataclass(slots=True)
class Turn:
    """One turn while it goes on. Times are seconds of the injected clock."""

    parts: TurnParts
    feed: EventFeed
    clock: Callable[[], float]
    personality: Personality
    voice_settings: VoiceSettings
    history: Sequence[Exchange]
    heard_by_s: float
    """Clock time at which the end of the utterance was decided."""

    transcript: Transcript | None = None
    """What the customer said, once known."""
    _transcribed_s: float = 0.0
    _first_sentence_s: float | None = None
    _first_audible_s: float | None = None
    _spoken: list[_Spoken] = field(default_factory=list)
    _handed_s: float = 0.0

    async def answer(self, utterance: Utterance) -> None:
        """Transcribe, ask the agent, speak. Cancelling it silences the loudspeaker within one chunk.

        A provider's failure becomes an apology; only a lost sound device is raised (``DeviceError``).
        """
        speaker = self.parts.speaker
        await speaker.start()
        interrupted = True
        try:
            if await self._transcribe(utterance):
                await self._reply()
                await speaker.finish()
            interrupted = False
        finally:
            speaker.stop()
            if interrupted and self.transcript is not None:
                self.feed.publish(Interrupted(self.heard_text()))
            self.feed.publish(self._turn_end(utterance))

    def heard_text(self) -> str:
        """The part of the answer that has left the loudspeaker; of a sentence cut short, the words that fit."""
        played_s = self.parts.speaker.played_s
        speed = self.voice_settings.speed
        return " ".join(word for sentence in self._spoken for word in sentence.words_heard(played_s, speed))

    async def _transcribe(self, utterance: Utterance) -> bool:
        """Whether there is something to answer."""
        try:
            result = await self.parts.transcriber.transcribe(utterance)
        except AssistantError as error:
            log.error("Speech recognition failed: %s", error)
            self._transcribed_s = self.clock()
            await self._say_one_of(self.parts.apologies, self.personality.language)
            await self.parts.speaker.finish()
            return False
        self._transcribed_s = self.clock()
        if isinstance(result, NoSpeech):
            self.feed.publish(NoSpeechHeard(result.reason))
            if result.reason in MISHEARD:
                await self._say_one_of(self.parts.repeat_requests, self.personality.language)
                await self.parts.speaker.finish()
            return False
        self.transcript = result
        self.feed.publish(TranscriptReady(result.text, result.language, result.provider, result.compute_ms))
        return True

    async def _reply(self) -> None:
        """Speak each sentence while the agent still writes the next ones."""
        assert self.transcript is not None
        language = self.transcript.language
        waiting: asyncio.Queue[str | AssistantError | None] = asyncio.Queue(SENTENCES_AHEAD)
        said: list[str] = []
        failure: AssistantError | None = None
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write(waiting), name="agent")
            while (item := await waiting.get()) is not None:
                if isinstance(item, AssistantError):
                    failure = item
                    continue
                said.append(item)
                self.feed.publish(ReplyText(item, final=False))
                await self._say_or_log(item, language)
        if failure is not None:
            log.error("The agent failed: %s", failure)
            said.append(await self._say_one_of(self.parts.apologies, language))
        self.feed.publish(ReplyText(" ".join(said), final=True))

    async def _write(self, waiting: asyncio.Queue[str | AssistantError | None]) -> None:
        """The agent's side: sentences as they arise, an error if it fails, None at the end."""
        try:
            async with aclosing(self._agent_sentences()) as texts:
                async for text in texts:
                    if self._first_sentence_s is None:
                        self._first_sentence_s = self.clock()
                    await waiting.put(text)
        except AssistantError as error:
            await waiting.put(error)
        await waiting.put(None)

    async def _agent_sentences(self) -> AsyncGenerator[str]:
        assert self.transcript is not None
        pieces = self.parts.agent.reply(self.transcript, self.personality, self.history)
        async with aclosing(sentences(pieces)) as texts:
            async for text in texts:
                yield text

    async def _say_one_of(self, texts: Mapping[str, str], language: str) -> str:
        """Say one of our own sentences in the customer's language."""
        text = texts.get(language) or texts["en"]
        if self._first_sentence_s is None:
            self._first_sentence_s = self.clock()
        await self._say_or_log(text, language)
        return text

    async def _say_or_log(self, text: str, language: str) -> None:
        """Speak; when no voice can, say so in the log: the customer reads along on the screen."""
        try:
            await self._say(text, language)
        except DeviceError:
            raise
        except AssistantError as error:
            log.error("%s", error)
            if self.parts.error_tone is not None:
                await self.parts.speaker.play(self.parts.error_tone)

    async def _say(self, text: str, language: str) -> None:
        spoken = self.parts.speakable(text, language)
        if not spoken:
            return
        entry = _Spoken(text, self._handed_s, self._handed_s)
        self._spoken.append(entry)
        async with aclosing(self.parts.voice.say(spoken, language, self.voice_settings)) as chunks:
            async for chunk, rendering in chunks:
                if rendering is not None:  # an engine begins the sentence, perhaps after another one broke off
                    entry.from_s = self._handed_s
                    self.feed.publish(
                        Speaking(
                            rendering.provider,
                            rendering.voice,
                            cached=False,
                            text=text,
                            first_audio_ms=rendering.first_audio_ms,
                            attempts=rendering.attempts,
                        )
                    )
                if self._first_audible_s is None and (quiet_s := leading_silence_s(chunk)) < chunk.duration_s:
                    self._first_audible_s = self.clock() + quiet_s
                self._handed_s += chunk.duration_s
                entry.to_s = self._handed_s
                await self.parts.speaker.play(chunk)
        entry.whole = True

    def _turn_end(self, utterance: Utterance) -> TurnEnd:
        if self._first_audible_s is None or self._first_sentence_s is None:
            return TurnEnd(None, None)
        end_of_turn_ms = (utterance.decided_s - utterance.speech_end_s) * 1000
        return TurnEnd(
            end_of_turn_ms + (self._first_audible_s - self.heard_by_s) * 1000,
            StagesMs(
                end_of_turn=end_of_turn_ms,
                stt=(self._transcribed_s - self.heard_by_s) * 1000,
                agent=(self._first_sentence_s - self._transcribed_s) * 1000,
                tts=(self._first_audible_s - self._first_sentence_s) * 1000,
            ),
        )
