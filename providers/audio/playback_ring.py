"""Samples on their way to the loudspeaker: filled by the event loop, emptied by the audio callback."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import Pcm

_NOTHING: Pcm = np.zeros(0, np.int16)
_NO_RAMP: NDArray[np.float32] = np.zeros(0, np.float32)


class PlaybackRing:
    """A bounded first-in-first-out store of samples for one writing and one reading thread.

    It can be paused, and go back to what was taken just before, as long as that is kept. The lock is held for a copy of
    a few hundred samples, far less than a callback's period.
    """

    def __init__(self, capacity: int, keep: int = 0) -> None:
        """``capacity``: samples not yet taken; ``keep``: samples that were taken."""
        self._capacity = capacity
        self._samples: Pcm = np.zeros(capacity + keep, np.int16)
        self._lock = threading.Lock()
        self._first = 0
        self._stored = 0
        self._kept = 0
        """Samples before ``first`` that were taken in this answer and not overwritten yet."""
        self._taken = 0
        self._tail: Pcm = _NOTHING
        """Falls silent before anything else is heard; counts as not taken."""
        self._rise: NDArray[np.float32] = _NO_RAMP
        """Factors of the samples taken next."""
        self._paused = False
        self._more_expected = False
        self._ran_dry = 0

    @property
    def stored(self) -> int:
        """Samples not yet taken."""
        return self._stored

    @property
    def taken(self) -> int:
        """Samples taken since ``restart``, less those to be taken again; silence put in does not count."""
        return self._taken

    @property
    def paused(self) -> bool:
        """Nothing is taken."""
        return self._paused

    @property
    def ran_dry(self) -> int:
        """How often it ran empty in the middle of an answer, since it was made."""
        return self._ran_dry

    def restart(self) -> None:
        """Forget everything and count ``taken`` from zero."""
        with self._lock:
            self._drop()
            self._taken = 0

    def write(self, pcm: Pcm) -> int:
        """Store as many samples as there is room for; returns how many that were."""
        with self._lock:
            count = min(len(pcm), max(0, self._capacity - self._stored))
            places = (self._first + self._stored + np.arange(count)) % len(self._samples)
            self._samples[places] = pcm[:count]
            self._stored += count
            self._kept = min(self._kept, len(self._samples) - self._stored)
            self._more_expected = True
            return count

    def complete(self) -> None:
        """Nothing more follows in this answer: running empty is its end, not a gap."""
        with self._lock:
            self._more_expected = False

    def read_into(self, block: Pcm) -> None:
        """Take ``len(block)`` samples; silence where there are not enough."""
        with self._lock:
            if len(self._tail):
                count = min(len(block), len(self._tail))
                block[:count] = self._tail[:count]
                self._tail, block = self._tail[count:], block[count:]
            count = 0 if self._paused else min(len(block), self._stored)
            block[:count] = self._next(count)
            block[count:] = 0
            if len(self._rise) and count:
                rise, self._rise = self._rise[:count], self._rise[count:]
                block[: len(rise)] = block[: len(rise)] * rise
            self._move(count)
            if self._more_expected and count < len(block) and not self._paused:
                self._ran_dry += 1
                self._more_expected = False

    def cut(self, fade_samples: int) -> None:
        """Drop what is stored; the next ``fade_samples`` of it fade to silence instead of clicking."""
        with self._lock:
            self._fade(fade_samples)
            self._drop()

    def pause(self, fade_samples: int) -> None:
        """Keep what is stored until ``resume``; silence falls as with ``cut``."""
        with self._lock:
            self._fade(fade_samples)
            self._paused = True

    def resume(self, back: int, rise_samples: int) -> None:
        """Go on, ``back`` samples before the pause or as many as are kept; the first ``rise_samples`` fade in."""
        with self._lock:
            if not self._paused:
                return
            self._move(-min(back, self._kept))
            self._rise = np.linspace(0.0, 1.0, rise_samples, dtype=np.float32)
            self._paused = False

    def _next(self, count: int) -> Pcm:
        """A copy of the samples taken next."""
        return self._samples[(self._first + np.arange(count)) % len(self._samples)]

    def _move(self, count: int) -> None:
        """So many samples are taken, or put back."""
        self._first = (self._first + count) % len(self._samples)
        self._stored -= count
        self._kept = min(self._kept + count, len(self._samples) - self._stored)
        self._taken += count

    def _fade(self, count: int) -> None:
        """What is heard just now falls silent within ``count`` samples."""
        if not self._paused:
            count = min(count, self._stored)
            self._tail = (self._next(count) * np.linspace(1.0, 0.0, count, dtype=np.float32)).astype(np.int16)

    def _drop(self) -> None:
        self._stored = 0
        self._kept = 0
        self._rise = _NO_RAMP
        self._paused = False
        self._more_expected = False
