"""Takes the assistant's own voice out of what the microphone hears.

The canceller works in steps of 10 ms, chunks have 32 ms, and it is late by a few milliseconds; so the chunks that come
out are later by a constant, and say so in ``start_s``. While nothing is played it rests: the chunks are the
microphone's own, equally late.
"""

from __future__ import annotations

import logging
from typing import Protocol

import numpy as np

from pipeline.audio import (
    ECHO_FRAME_SAMPLES,
    FRAME_S,
    FRAME_SAMPLES,
    LISTENING_RATE_HZ,
    AudioChunk,
    Pcm,
)
from pipeline.errors import ProviderError
from pipeline.protocols import EchoCanceller

log = logging.getLogger(__name__)

LEAD_S = 0.04
"""Seconds by which the canceller is told in advance what is played: the devices' own accounts of their delays are
wrong by some tens of milliseconds, and an echo that came before its sound could not be cancelled."""

HOLD_S = 0.6
"""Audio seconds for which the canceller goes on when nothing is played any more: the room's answer, and delays that no
device tells of, such as a Bluetooth loudspeaker's."""

PRIMING = 128
"""Samples by which whole steps may lag behind whole chunks: the most that 512 n leaves over 160 m."""

WARM_UP = 3 * ECHO_FRAME_SAMPLES
"""Samples from before that the canceller hears first when it begins again: what it still held is old."""

FADE = ECHO_FRAME_SAMPLES
"""Samples in which the one sound goes over to the other, so that nothing clicks."""


class PlayedSound(Protocol):
    """What the loudspeaker gives out, by a clock which it shares with the microphone."""

    def sounds(self, from_s: float, to_s: float) -> bool:
        """Whether anything is given out between two moments of the clock; what was before them may be forgotten."""
        ...

    def frame(self, at_s: float) -> Pcm:
        """The ``ECHO_FRAME_SAMPLES`` that are given out from a moment on, silence included; ``LISTENING_RATE_HZ``."""
        ...


class EchoCancelling:
    """One microphone's chunks through an ``EchoCanceller``, which has been entered."""

    def __init__(self, canceller: EchoCanceller, played: PlayedSound) -> None:
        self.left_out = False
        """Set it to hear the room as it is, echo included; the time line stays."""
        self._canceller = canceller
        self._played = played
        self._late = PRIMING + round(canceller.latency_s * LISTENING_RATE_HZ)
        """Samples by which what comes out is late."""
        self._failed = False
        self._end_s: float | None = None
        self._raw: Pcm = np.zeros(0, np.int16)
        """The last samples of the microphone, as many as are needed to be late or to warm up."""
        self._working = False
        self._idle_s = 0.0
        """Audio seconds without a sound from the loudspeaker."""
        self._waiting: Pcm = np.zeros(0, np.int16)
        """What the microphone heard and is no whole step yet."""
        self._done: Pcm = np.zeros(0, np.int16)
        """What was cancelled and is no whole chunk yet."""
        self._surplus = 0
        """Results to leave out."""

    @property
    def late_s(self) -> float:
        """Audio seconds by which what comes out is late."""
        return self._late / LISTENING_RATE_HZ

    @property
    def working(self) -> bool:
        """Whether the last chunk went through the canceller."""
        return self._working

    def clean(self, chunk: AudioChunk, captured_at_s: float) -> AudioChunk:
        """The next chunk of ``FRAME_SAMPLES``, whose first sample was in the air at ``captured_at_s`` of the clock.

        One whose ``start_s`` does not follow the last one's end begins anew, with silence.
        """
        if self._end_s is None or abs(chunk.start_s - self._end_s) > FRAME_S / 2:
            self._begin()
        self._end_s = chunk.end_s
        before = self._raw
        self._raw = np.concatenate([before, chunk.pcm])[-(max(self._late, WARM_UP) + FRAME_SAMPLES) :]
        plain = self._raw[-FRAME_SAMPLES - self._late : len(self._raw) - self._late]
        was_working, self._working = self._working, self._is_needed(captured_at_s)
        pcm = plain
        if self._working or was_working:
            if not was_working:
                self._warm_up(before)
            try:
                pcm = self._cancelled(chunk.pcm, captured_at_s)
            except ProviderError as error:
                log.warning("The assistant's own voice is no longer taken out of what it hears. %s", error)
                self._failed, self._working = True, False
            else:
                if self._working != was_working:
                    pcm = _faded(plain, pcm) if self._working else _faded(pcm, plain)
        return AudioChunk(pcm, LISTENING_RATE_HZ, chunk.start_s - self.late_s)

    def _begin(self) -> None:
        self._raw = np.zeros(max(self._late, WARM_UP), np.int16)
        self._working = False

    def _is_needed(self, captured_at_s: float) -> bool:
        if self.left_out or self._failed:
            return False
        if not self._canceller.may_rest:
            return True
        from_s = captured_at_s + LEAD_S
        if self._played.sounds(from_s, from_s + FRAME_S):
            self._idle_s = 0.0
            return True
        self._idle_s += FRAME_S
        return self._working and self._idle_s < HOLD_S

    def _warm_up(self, before: Pcm) -> None:
        """The first results are of samples that went out before, as they were."""
        self._waiting = before[-WARM_UP:]
        self._done = np.zeros(0, np.int16)
        self._surplus = WARM_UP - PRIMING

    def _cancelled(self, pcm: Pcm, captured_at_s: float) -> Pcm:
        """The next ``FRAME_SAMPLES`` of results. Raises ``ProviderError``."""
        at_s = captured_at_s + LEAD_S - len(self._waiting) / LISTENING_RATE_HZ
        waiting, done = np.concatenate([self._waiting, pcm]), [self._done]
        for first in range(0, len(waiting) - ECHO_FRAME_SAMPLES + 1, ECHO_FRAME_SAMPLES):
            played = self._played.frame(at_s + first / LISTENING_RATE_HZ)
            done.append(self._canceller.cancel(waiting[first : first + ECHO_FRAME_SAMPLES], played, LEAD_S))
        self._waiting = waiting[len(waiting) // ECHO_FRAME_SAMPLES * ECHO_FRAME_SAMPLES :]
        results, self._surplus = np.concatenate(done)[self._surplus :], 0
        self._done = results[FRAME_SAMPLES:]
        return results[:FRAME_SAMPLES]


def _faded(old: Pcm, new: Pcm) -> Pcm:
    """From one to the other within ``FADE`` samples."""
    rise = np.arange(FADE, dtype=np.float32) / FADE
    head = old[:FADE] * (1 - rise) + new[:FADE] * rise
    return np.concatenate([np.rint(head).astype(np.int16), new[FADE:]])
