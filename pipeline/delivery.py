"""Speaks an answer sentence by sentence and keeps account of what was heard and when."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from pipeline.audio import AudioChunk, leading_silence_s
from pipeline.events import Attempt, EventFeed, Speaking
from pipeline.fallback import FallbackVoice, NoVoice, Rendering
from pipeline.protocols import Speaker
from pipeline.speech import Personality

log = logging.getLogger(__name__)

CHARACTERS_PER_S = 15.0
"""Characters that a voice says in a second at speed 1; what a sentence is measured by that was cut short."""


RECORDING, TONE = "recording", "tone"
"""What stands for a provider in events where no engine could speak."""


@dataclass(frozen=True, slots=True)
class Apology:
    """What is played when no voice can speak."""

    audio: AudioChunk
    """Its sound."""
    text: str = ""
    """What it says, empty for a tone and where that is not known."""
    language: str = ""
    """ISO 639-1 code, empty for a tone."""


@dataclass(slots=True)
class _Sentence:
    """A sentence and the stretch of the answer's audio that holds it, in audio seconds."""

    text: str
    spoken: str
    """``text`` made speakable."""
    from_s: float
    to_s: float
    whole: bool = False
    """Its audio is complete; until then its length is a guess."""

    speed: float = 1.0
    """Pace at which it is spoken."""

    def words_heard(self, played_s: float) -> list[str]:
        """The words that fit into the part that was played."""
        length_s = self.to_s - self.from_s
        if not self.whole:
            length_s = max(length_s, len(self.text) / CHARACTERS_PER_S / self.speed)
        share = (played_s - self.from_s) / max(length_s, 1e-6)
        words = self.text.split()
        return words if share >= 1 else words[: max(0, int(len(words) * share))]


class Delivery:
    """The spoken side of one answer."""

    def __init__(
        self,
        *,
        voice: FallbackVoice,
        speaker: Speaker,
        speakable: Callable[[str, str], str],
        personality: Personality,
        sorry: Callable[[str], Apology | None],
        feed: EventFeed,
        clock: Callable[[], float],
    ) -> None:
        self._voice = voice
        self._speaker = speaker
        self._speakable = speakable
        self._personality = personality
        self._sorry = sorry
        self._feed = feed
        self._clock = clock
        self._sentences: list[_Sentence] = []
        self._handed_s = 0.0
        self._began_s: float | None = None
        self.first_audible_s: float | None = None
        """Clock time at which the first audible sample leaves the loudspeaker, None before there is one."""
        self._voiceless = False
        self.apology: Apology | None = None
        """What was played in place of a sentence that no voice could say, None where there was none."""

    @property
    def silent(self) -> bool:
        """Nothing has been handed to the loudspeaker yet."""
        return self._began_s is None

    def switch(self, personality: Personality) -> None:
        """Go on as somebody else: the sentence that is being spoken is said again whole in the other voice, if it is
        another one.
        """
        self._personality = personality

    async def say(self, text: str, language: str) -> None:
        """Speak one sentence. Where no voice can, a recording says sorry, for the customer must not think it dead, and
        the rest of the answer is dropped.

        Raises ``DeviceError`` when the loudspeaker is lost.
        """
        if self._voiceless or not (spoken := self._speakable(text, language)):
            return
        asked_s = self._clock()
        sentence = _Sentence(text, spoken, self._handed_s, self._handed_s)
        self._sentences.append(sentence)
        try:
            while not await self._say_as(self._personality, sentence, spoken, language):
                pass
        except NoVoice as error:
            self._sentences.remove(sentence)
            log.error("%s", error)
            await self._apologise(language, error.attempts, asked_s)
        sentence.whole = True

    async def _apologise(self, language: str, attempts: Sequence[Attempt], asked_s: float) -> None:
        """Without a voice."""
        self._voiceless = True
        self.apology = sorry = self._sorry(language)
        if sorry is None:
            return
        provider = RECORDING if sorry.language else TONE
        trail = [*attempts, Attempt(provider, None, 0.0)]
        first_audio_ms = (self._clock() - asked_s) * 1000
        self._feed.publish(Speaking(provider, sorry.language, True, sorry.text, first_audio_ms, trail))
        await self._hand_over(sorry.audio)

    async def _say_as(self, personality: Personality, sentence: _Sentence, spoken: str, language: str) -> bool:
        """Speak a sentence in a personality's voice; whether it came to its end before another one took over."""
        async with aclosing(self._voice.say(spoken, language, personality)) as chunks:
            async for chunk, rendering in chunks:
                if personality.voice != self._personality.voice:
                    return False
                if rendering is not None:  # an engine begins the sentence, perhaps after another one broke off
                    sentence.from_s = self._handed_s
                    sentence.speed = personality.voice.settings.speed
                    self._feed.publish(_speaking(sentence.text, rendering))
                sentence.to_s = self._handed_s + chunk.duration_s
                await self._hand_over(chunk)
        return True

    def heard_text(self) -> str:
        """What has left the loudspeaker; of a sentence cut short, the words that fit."""
        played_s = self._speaker.played_s
        return " ".join(word for sentence in self._sentences for word in sentence.words_heard(played_s))

    def being_said(self) -> str:
        """All that was handed to a voice so far, as it is spoken."""
        return " ".join(sentence.spoken for sentence in self._sentences)

    async def _hand_over(self, chunk: AudioChunk) -> None:
        now_s = self._clock()
        if self._began_s is None:
            self._began_s = now_s
        if self.first_audible_s is None and (quiet_s := leading_silence_s(chunk)) < chunk.duration_s:
            # Silence that was handed over before has to be played first.
            self.first_audible_s = max(now_s, self._began_s + self._handed_s) + quiet_s
        self._handed_s += chunk.duration_s
        await self._speaker.play(chunk)


def _speaking(text: str, rendering: Rendering) -> Speaking:
    return Speaking(
        rendering.provider,
        rendering.voice,
        cached=rendering.cached,
        text=text,
        first_audio_ms=rendering.first_audio_ms,
        attempts=rendering.attempts,
    )
