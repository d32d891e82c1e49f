"""Speaks an answer sentence by sentence and keeps account of what was heard and when."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from pipeline.audio import AudioChunk, leading_silence_s
from pipeline.errors import ProviderError
from pipeline.events import EventFeed, Speaking
from pipeline.fallback import FallbackVoice, Rendering
from pipeline.protocols import Speaker
from pipeline.speech import VoiceSettings

log = logging.getLogger(__name__)

CHARACTERS_PER_S = 15.0
"""Characters that a voice says in a second at speed 1; what a sentence is measured by that was cut short."""


@dataclass(slots=True)
class _Sentence:
    """A sentence and the stretch of the answer's audio that holds it, in audio seconds."""

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


class Delivery:
    """The spoken side of one answer."""

    def __init__(
        self,
        *,
        voice: FallbackVoice,
        speaker: Speaker,
        speakable: Callable[[str, str], str],
        settings: VoiceSettings,
        error_tone: AudioChunk | None,
        feed: EventFeed,
        clock: Callable[[], float],
    ) -> None:
        self._voice = voice
        self._speaker = speaker
        self._speakable = speakable
        self._settings = settings
        self._error_tone = error_tone
        self._feed = feed
        self._clock = clock
        self._sentences: list[_Sentence] = []
        self._handed_s = 0.0
        self._began_s: float | None = None
        self.first_audible_s: float | None = None
        """Clock time at which the first audible sample leaves the loudspeaker, None before there is one."""

    @property
    def silent(self) -> bool:
        """Nothing has been handed to the loudspeaker yet."""
        return self._began_s is None

    async def say(self, text: str, language: str) -> None:
        """Speak one sentence; a tone where no voice can, for the customer must not think it dead.

        Raises ``DeviceError`` when the loudspeaker is lost.
        """
        spoken = self._speakable(text, language)
        if not spoken:
            return
        sentence = _Sentence(text, self._handed_s, self._handed_s)
        self._sentences.append(sentence)
        try:
            async with aclosing(self._voice.say(spoken, language, self._settings)) as chunks:
                async for chunk, rendering in chunks:
                    if rendering is not None:  # an engine begins the sentence, perhaps after another one broke off
                        sentence.from_s = self._handed_s
                        self._feed.publish(_speaking(text, rendering))
                    sentence.to_s = self._handed_s + chunk.duration_s
                    await self._hand_over(chunk)
        except ProviderError as error:
            self._sentences.remove(sentence)
            log.error("%s", error)
            if self._error_tone is not None:
                await self._hand_over(self._error_tone)
        sentence.whole = True

    def heard_text(self) -> str:
        """What has left the loudspeaker; of a sentence cut short, the words that fit."""
        played_s, speed = self._speaker.played_s, self._settings.speed
        return " ".join(word for sentence in self._sentences for word in sentence.words_heard(played_s, speed))

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
        cached=False,
        text=text,
        first_audio_ms=rendering.first_audio_ms,
        attempts=rendering.attempts,
    )
