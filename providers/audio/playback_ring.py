"""Samples on their way to the loudspeaker: filled by the event loop, emptied by the audio callback."""

from __future__ import annotations

import threading

import numpy as np

from pipeline.audio import Pcm


class PlaybackRing:
    """A bounded first-in-first-out store of samples for one writing and one reading thread.

    The lock is held for a copy of a few hundred samples, far less than a callback's period.
    """

    def __init__(self, capacity: int) -> None:
        """``capacity``: samples."""
        self._samples: Pcm = np.zeros(capacity, np.int16)
        self._lock = threading.Lock()
        self._first = 0
        self._stored = 0
        self._taken = 0
        self._more_expected = False
        self._ran_dry = 0

    @property
    def stored(self) -> int:
        """Samples not yet taken."""
        return self._stored

    @property
    def taken(self) -> int:
        """Samples taken since ``restart``; silence put in for missing ones does not count."""
        return self._taken

    @property
    def ran_dry(self) -> int:
        """How often it ran empty in the middle of an answer, since it was made."""
        return self._ran_dry

    def restart(self) -> None:
        """Forget everything and count ``taken`` from zero."""
        with self._lock:
            self._stored = 0
            self._taken = 0
            self._more_expected = False

    def write(self, pcm: Pcm) -> int:
        """Store as many samples as there is room for; returns how many that were."""
        with self._lock:
            count = min(len(pcm), len(self._samples) - self._stored)
            places = (self._first + self._stored + np.arange(count)) % len(self._samples)
            self._samples[places] = pcm[:count]
            self._stored += count
            self._more_expected = True
            return count

    def complete(self) -> None:
        """Nothing more follows in this answer: running empty is its end, not a gap."""
        with self._lock:
            self._more_expected = False

    def read_into(self, block: Pcm) -> None:
        """Take ``len(block)`` samples; silence where there are not enough."""
        with self._lock:
            count = min(len(block), self._stored)
            block[:count] = self._samples[(self._first + np.arange(count)) % len(self._samples)]
            block[count:] = 0
            self._first = (self._first + count) % len(self._samples)
            self._stored -= count
            self._taken += count
            if self._more_expected and count < len(block):
                self._ran_dry += 1
                self._more_expected = False

    def cut(self, fade_samples: int) -> None:
        """Drop what is stored except for the next ``fade_samples``, which fade to silence instead of clicking."""
        with self._lock:
            count = min(fade_samples, self._stored)
            places = (self._first + np.arange(count)) % len(self._samples)
            ramp = np.linspace(1.0, 0.0, count, dtype=np.float32)
            self._samples[places] = (self._samples[places] * ramp).astype(np.int16)
            self._stored = count
            self._more_expected = False
