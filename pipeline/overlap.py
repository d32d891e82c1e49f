"""Listens to customers who speak while an answer is being prepared or spoken."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from pipeline.audio import AudioChunk
from pipeline.preparation import TurnTaking
from pipeline.segmenter import SegmenterSettings, SpeechEnded, SpeechPaused, SpeechStarted
from pipeline.speech import Utterance, VoiceFrame
from pipeline.utterance_taker import UtteranceTaker

LEAST_S = 0.5
"""Voiced seconds over an answer that pause it: less is a cough, a laugh or an "aha"."""

CONTINUES_S = 2.0
"""Audio seconds after an utterance within which further speech is its continuation: who thought that they had not
finished goes on, and does not begin anew."""

STOP_WORD_WAIT_S = 1.0
"""Seconds of the clock to wait for the words of a short sound, while the answer goes on."""

KEPT_S = 1.0
"""Audio seconds that are kept while nobody speaks: what the beginning of an utterance needs."""


class BargeIn(StrEnum):
    """What stops an answer."""

    OFF = "off"
    """Nothing that is said."""
    WAKE_WORD = "wake_word"
    """The wake word."""
    VOICE = "voice"
    """Whoever speaks. It needs an echo canceller, or a loudspeaker that the microphone does not hear."""


class Overlap:
    """One answer's time. ``push`` what is heard meanwhile."""

    def __init__(
        self,
        mode: BargeIn,
        *,
        audible: Callable[[], bool],
        pause: Callable[[], None],
        stops: Callable[[str, str], bool],
        begin: Callable[[], TurnTaking],
        settings: SegmenterSettings,
        before: Utterance | None = None,
    ) -> None:
        """What to do about speech.

        Args:
            mode: What stops the answer once it sounds.
            audible: Whether it does.
            pause: Called once speech is noticed.
            stops: Whether a text in a language (ISO 639-1) wants silence at once, however short it is.
            begin: Makes what takes the customer's turn.
            settings: What counts as an utterance.
            before: What is being answered; None where nobody asked.
        """
        self._mode = mode
        self._audible = audible
        self._pause = pause
        self._stops = stops
        self._begin = begin
        self._before = before
        self._settings = replace(settings, no_speech_timeout_s=math.inf, wake_tail_s=0.0)
        self._noticed = False
        self.taking = begin()
        """The customer's turn."""
        self._taker = UtteranceTaker(self._settings, self.taking)
        self._idle = True

    @property
    def obeys_wake_words(self) -> bool:
        """Whether a wake word stops the answer."""
        return self._mode is not BargeIn.OFF

    @property
    def attentive(self) -> bool:
        """Whether what is said counts: until the answer sounds customers may go on, whatever stops it later."""
        if self._noticed or self._mode is BargeIn.VOICE:
            return True
        return self._before is not None and not self._audible()

    async def push(self, chunk: AudioChunk, frame: VoiceFrame) -> Utterance | None:
        """Take the next chunk; what was said, once it is over and long enough, or a word that stops."""
        if not self.attentive:
            if not self._idle:
                self.begin_anew()
            return None
        self._idle = False
        step = await self._taker.push(chunk, frame)
        if isinstance(step, SpeechStarted):
            self._goes_on(step.at_s)
        elif self._taker.speech_s == 0.0:
            self._taker.forget_before(chunk.end_s - KEPT_S)
        if not self._noticed and self._taker.speech_s >= self._least_s():
            self._notice()
        if isinstance(step, SpeechPaused | SpeechEnded) and not self._noticed:
            if await self._is_stop_word():
                self._notice()
                return self._taker.cut(step.so_far if isinstance(step, SpeechPaused) else step)
            if isinstance(step, SpeechEnded):
                self.begin_anew()
        elif isinstance(step, SpeechEnded):
            return self._taker.cut(step)
        return None

    def begin_anew(self) -> None:
        """What was said was nothing."""
        self.taking.drop()
        self.taking = self._begin()
        self._taker = UtteranceTaker(self._settings, self.taking)
        self._noticed, self._idle = False, True

    def _least_s(self) -> float:
        return LEAST_S if self._audible() else self._settings.min_speech_s

    def _goes_on(self, at_s: float) -> None:
        """Speech has begun; perhaps it is the rest of what was said before."""
        before = self._before
        if before is not None and at_s - before.speech_end_s <= CONTINUES_S:
            self.taking.before = before

    def _notice(self) -> None:
        self._noticed = True
        self._pause()

    async def _is_stop_word(self) -> bool:
        try:
            async with asyncio.timeout(STOP_WORD_WAIT_S):
                said = await self.taking.words()
        except TimeoutError:
            return False
        return said is not None and self._stops(said.text, said.language)
