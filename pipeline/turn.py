"""One answer: from what the customer said, as sound, to the last word heard from the loudspeaker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

from pipeline.audio import AudioChunk
from pipeline.delivery import Apology, Delivery
from pipeline.errors import AudioFileError, DeviceError, ProviderError, first_cause, without_words
from pipeline.events import EventFeed, NoSpeechHeard, PersonWanted, ReplyText, StagesMs, TranscriptReady, TurnEnd
from pipeline.fallback import FallbackVoice
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.preparation import Question
from pipeline.protocols import Agent, Speaker
from pipeline.questions import asks_something
from pipeline.request_handler import Handled, RequestHandler
from pipeline.sentences import sentences, sentences_of
from pipeline.speech import Exchange, NoSpeech, NoSpeechReason, Personality, Transcript, Utterance, primary_language

log = logging.getLogger(__name__)

MISHEARD = frozenset({NoSpeechReason.DOUBTFUL, NoSpeechReason.REPETITION})
"""Somebody spoke and deserves an answer; noise does not."""

SENTENCES_AHEAD = 16
"""Sentences that may wait for the loudspeaker before the agent has to wait."""


@dataclass(frozen=True, slots=True)
class TurnParts:
    """What answers a customer."""

    transcriber: FallbackTranscriber
    agent: Agent
    voice: FallbackVoice
    speaker: Speaker
    speakable: Callable[[str, str], str]
    """Makes a sentence speakable: (text, language) to text."""
    apologies: Mapping[str, str]
    """What is said when there is no answer, by language (ISO 639-1); ``en`` is always there."""
    repeat_requests: Mapping[str, str]
    """What is said when somebody spoke but was not understood, in the same form."""
    recorded_apologies: Mapping[str, AudioChunk] = field(default_factory=dict)
    """Played when no voice can speak, by language (ISO 639-1)."""
    error_tone: AudioChunk | None = None
    """Played when there is no such recording either."""
    requests: RequestHandler = field(default_factory=RequestHandler)
    """Does what customers ask of the conversation itself; as it comes it leaves everything to the agent."""

    def sorry(self, language: str) -> Apology | None:
        """What to play when no voice can speak: a recording in the customer's language or in English, else a tone."""
        for spoken in (primary_language(language), "en"):
            if spoken in self.recorded_apologies:
                return Apology(self.recorded_apologies[spoken], self.apologies.get(spoken, ""), spoken)
        return Apology(self.error_tone) if self.error_tone is not None else None


@dataclass(slots=True)
class Turn:
    """One turn while it goes on. Times are seconds of the injected clock."""

    parts: TurnParts
    feed: EventFeed
    clock: Callable[[], float]
    personality: Personality
    history: Sequence[Exchange]
    heard_by_s: float
    """Clock time at which the end of the utterance was decided."""

    called: bool = True
    """A wake word or a button came before it; else what is not understood may not have been meant for us."""

    transcript: Transcript | None = None
    """What the customer said, once known."""
    handled: Handled | None = None
    """What came of a request to the conversation itself, None where the agent was asked."""
    complete: bool = False
    """The answer was spoken to its end."""
    _said: list[str] = field(default_factory=list)
    _delivery: Delivery = field(init=False)
    _utterance: Utterance | None = None
    _transcribed_s: float = 0.0
    _first_sentence_s: float | None = None

    def __post_init__(self) -> None:
        parts = self.parts
        self._delivery = Delivery(
            voice=parts.voice,
            speaker=parts.speaker,
            speakable=parts.speakable,
            personality=self.personality,
            sorry=parts.sorry,
            feed=self.feed,
            clock=self.clock,
        )

    async def answer(self, question: Question) -> None:
        """Transcribe, ask the agent, speak. Cancelling it silences the loudspeaker within one chunk.

        Whatever fails becomes an apology; only a lost sound device is raised (``DeviceError``).
        """
        async with self._aloud():
            if not await self._transcribe(question):
                return
            assert self.transcript is not None
            self.handled = self.parts.requests.handle(self.transcript, self.personality)
            if self.handled is None:
                await self._reply(self.transcript)
            else:
                await self._do(self.handled)

    async def announce(self, text: str) -> None:
        """Say something without having been asked, in the personality's language; otherwise as ``answer``."""
        language = self.personality.language  # a switch changes the voice, not the language of the text
        async with self._aloud():
            for sentence in sentences_of(text):
                await self._delivery.say(sentence, language)

    def switch(self, personality: Personality) -> None:
        """Go on speaking as somebody else, at once."""
        self.personality = personality
        self._delivery.switch(personality)

    @asynccontextmanager
    async def _aloud(self) -> AsyncIterator[None]:
        """With the loudspeaker, which is silent at the end."""
        speaker = self.parts.speaker
        await speaker.start()
        try:
            try:
                yield
            except Exception as error:  # noqa: BLE001 - the end of a turn: the customer hears something
                await self._apologise_for(error)
            await speaker.finish()
            self.complete = True
        finally:
            speaker.stop()
            self.feed.publish(self._turn_end())

    def heard_text(self) -> str:
        """The part of the answer that has left the loudspeaker."""
        return self._delivery.heard_text()

    def being_said(self) -> str:
        """What was handed to a voice so far, as it is spoken."""
        return self._delivery.being_said()

    @property
    def audible(self) -> bool:
        """Whether any of it may have been heard."""
        return self._delivery.first_audible_s is not None

    @property
    def asks(self) -> bool:
        """Whether the customer is expected to answer."""
        language = self.personality.language
        if self.transcript is not None:
            language = self.transcript.language if self.handled is None else self.handled.language
        return asks_something(" ".join(self._said), language)

    async def _transcribe(self, question: Question) -> bool:
        """Whether there is something to answer."""
        self._utterance = question.utterance
        try:
            result = await question.prepared.result()
        finally:
            self._transcribed_s = self.clock()
        if isinstance(result, Transcript):
            self.transcript = result
            self.feed.publish(TranscriptReady(result.text, result.language, result.provider, result.compute_ms))
            return True
        await self._explain(result)
        return False

    async def _explain(self, result: NoSpeech) -> None:
        self.feed.publish(NoSpeechHeard(result.reason))
        if result.reason in MISHEARD and self.called:
            self._said.append(await self._say_one_of(self.parts.repeat_requests, self.personality.language))

    async def _do(self, handled: Handled) -> None:
        """Say what comes of a request."""
        if handled.person_wanted:
            self.feed.publish(PersonWanted())
        for sentence in sentences_of(handled.text):
            await self._say(sentence, handled.language)
        self.feed.publish(ReplyText(" ".join(self._said), final=True))

    async def _reply(self, transcript: Transcript) -> None:
        """Speak each sentence while the agent still writes the next ones."""
        waiting: asyncio.Queue[str | Exception | None] = asyncio.Queue(SENTENCES_AHEAD)
        failure: Exception | None = None
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write(transcript, waiting), name="agent")
            while (item := await waiting.get()) is not None:
                if isinstance(item, Exception):
                    failure = item
                    continue
                self.parts.requests.answered(" ".join([*self._said, item]), transcript.language)
                await self._say(item, transcript.language)
        if failure is None and self._delivery.silent:
            failure = ProviderError("The agent answered nothing that can be said.")
        if failure is not None:
            self._said.append(await self._apologise_for(failure))
        elif (apology := self._delivery.apology) is not None and apology.text:
            self._said.append(apology.text)
        self.feed.publish(ReplyText(" ".join(self._said), final=True))

    async def _say(self, sentence: str, language: str) -> None:
        """One sentence of the answer."""
        if self._first_sentence_s is None:
            self._first_sentence_s = self.clock()
        self._said.append(sentence)
        self.feed.publish(ReplyText(sentence, final=False))
        await self._delivery.say(sentence, language)

    async def _write(self, transcript: Transcript, waiting: asyncio.Queue[str | Exception | None]) -> None:
        """The agent's side: sentences as they arise, an error if it fails, None at the end."""
        try:
            async with (
                aclosing(self.parts.agent.reply(transcript, self.personality, self.history)) as pieces,
                aclosing(sentences(pieces)) as texts,
            ):
                async for text in texts:
                    if self._first_sentence_s is None:
                        self._first_sentence_s = self.clock()
                    await waiting.put(text)
        except Exception as error:  # noqa: BLE001 - it waits until what came before it has been said
            await waiting.put(error)
        await waiting.put(None)

    async def _apologise_for(self, error: Exception) -> str:
        """Say sorry in the customer's language; the technician finds the reason in the log."""
        if isinstance(
            cause := first_cause(error), DeviceError | AudioFileError
        ):  # a file may stand for the loudspeaker
            raise cause
        log.error("A turn failed: %s", without_words(error))
        log.debug("The whole of it:", exc_info=error)
        language = self.transcript.language if self.transcript is not None else self.personality.language
        return await self._say_one_of(self.parts.apologies, language)

    async def _say_one_of(self, texts: Mapping[str, str], language: str) -> str:
        """Say one of our own sentences in the customer's language, in English where it has no words for it."""
        spoken = language if language in texts else "en"
        if self._first_sentence_s is None:
            self._first_sentence_s = self.clock()
        await self._delivery.say(texts[spoken], spoken)
        return texts[spoken]

    def _turn_end(self) -> TurnEnd:
        first_audible_s = self._delivery.first_audible_s if self.parts.speaker.played_s else None  # it may be absent
        if first_audible_s is None or self._first_sentence_s is None or self._utterance is None:
            return TurnEnd(None, None)
        end_of_turn_ms = (self._utterance.decided_s - self._utterance.speech_end_s) * 1000
        return TurnEnd(
            end_of_turn_ms + (first_audible_s - self.heard_by_s) * 1000,
            StagesMs(
                end_of_turn=end_of_turn_ms,
                stt=(self._transcribed_s - self.heard_by_s) * 1000,
                agent=(self._first_sentence_s - self._transcribed_s) * 1000,
                tts=(first_audible_s - self._first_sentence_s) * 1000,
            ),
        )
