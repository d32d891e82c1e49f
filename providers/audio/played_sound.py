"""What the loudspeaker gives out, kept for a moment: the echo canceller's other half.

It is taken where samples are handed to the sound card, at the card's rate, on the thread of its callback.
"""

from __future__ import annotations

import threading
from collections import deque

import numpy as np

from pipeline.audio import ECHO_FRAME_S, ECHO_FRAME_SAMPLES, LISTENING_RATE_HZ, Pcm
from providers.audio.resample import PieceResampler
from providers.audio.sample_clock import SampleClock

KEPT_BLOCKS = 512
"""Most blocks that are kept where nobody fetches them: five to ten seconds."""

WANDERS_S = 0.02
"""How far the clocks may be apart while nothing sounds: reports through a sound server wander by as much."""

STRAYS_S = 0.04
"""How far they may be apart while something sounds. A step in time costs the canceller what it has learnt, but an echo
that comes before its sound cannot be cancelled at all."""


class PlayedSound:
    """What all loudspeakers of a run give out, one after another."""

    def __init__(self) -> None:
        self._track = PlayedTrack()

    def begin(self) -> PlayedTrack:
        """A loudspeaker is being opened: what its callback reports is heard from now on."""
        self._track = PlayedTrack()
        return self._track

    def sounds(self, from_s: float, to_s: float) -> bool:
        """Whether anything is given out between two moments of the clock."""
        return self._track.sounds(from_s, to_s)

    def frame(self, at_s: float) -> Pcm:
        """The ``ECHO_FRAME_SAMPLES`` at ``LISTENING_RATE_HZ`` that are given out from a moment of the clock on.

        Calls in steps of ``ECHO_FRAME_S`` get stretches that follow each other without a seam.
        """
        return self._track.frame(at_s)


class PlayedTrack:
    """What one loudspeaker gives out while it is open."""

    def __init__(self) -> None:
        self._clock = SampleClock()
        self._lock = threading.Lock()
        self._blocks: deque[tuple[int, Pcm]] = deque(maxlen=KEPT_BLOCKS)
        """Those that are not silent: number of the first sample, and the samples."""
        self._reported = 0
        self._rate_hz = 48_000
        self._next: float | None = None
        """Sample with which the next frame goes on; not whole for rates such as 22,050."""
        self._silent = True
        self._resampler: PieceResampler | None = None

    def report(self, block: Pcm, rate_hz: int, heard_at_s: float) -> None:
        """On the callback's thread: ``block``, which nobody changes any more, is in the air at ``heard_at_s``."""
        self._rate_hz = rate_hz
        self._clock.report(self._reported / rate_hz, heard_at_s)
        if block.any():
            with self._lock:
                self._blocks.append((self._reported, block))
        self._reported += len(block)

    def sounds(self, from_s: float, to_s: float) -> bool:
        """Whether anything is given out between two moments of the clock."""
        if not self._blocks:  # by far the most frequent case
            return False
        first = self._sample(from_s)
        self._drop(first)
        with self._lock:
            return bool(self._blocks) and self._blocks[0][0] < first + round((to_s - from_s) * self._rate_hz)

    def frame(self, at_s: float) -> Pcm:
        """The ``ECHO_FRAME_SAMPLES`` from a moment of the clock on."""
        if self._resampler is None or self._resampler.from_hz != self._rate_hz:
            self._resampler = PieceResampler(self._rate_hz, LISTENING_RATE_HZ, ECHO_FRAME_SAMPLES)
        aligned = self._aligned(self._sample(at_s))
        self._next = aligned + self._rate_hz * ECHO_FRAME_S
        return self._resampler.resample(self._read(round(aligned) - self._resampler.margin, self._resampler.length))

    def _read(self, first: int, count: int) -> Pcm:
        pcm = np.zeros(count, np.int16)
        self._drop(first)
        with self._lock:
            for start, block in self._blocks:
                if start >= first + count:
                    break
                low, high = max(first, start), min(first + count, start + len(block))
                if low < high:
                    pcm[low - first : high - first] = block[low - start : high - start]
        self._silent = not pcm.any()
        return pcm

    def _aligned(self, wanted: int) -> float:
        bound_s = WANDERS_S if self._silent else STRAYS_S
        if self._next is None or abs(wanted - self._next) > bound_s * self._rate_hz:
            return wanted
        return self._next

    def _sample(self, at_s: float) -> int:
        return round((at_s - (self._clock.origin_s or 0.0)) * self._rate_hz)

    def _drop(self, first: int) -> None:
        """Forget what lies well before ``first``: the clocks may still step back a little."""
        kept = first - round(STRAYS_S * self._rate_hz)
        with self._lock:
            while self._blocks and self._blocks[0][0] + len(self._blocks[0][1]) <= kept:
                self._blocks.popleft()
