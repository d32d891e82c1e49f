"""Faster or slower speech at the same pitch, for engines that know no pace of their own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FRAME_S = 0.04
"""Length of a piece: long enough to hold the deepest voice's period (16 ms) twice."""

SEARCH_S = 0.008
"""How far a piece may be moved to fit its neighbour: half the deepest voice's period."""

Sound = NDArray[np.float32]


class Tempo:
    """Changes the pace of a stream by overlapping pieces where their waves fit best.

    WSOLA: Verhelst and Roelands, "An overlap-add technique based on waveform similarity", ICASSP 1993.
    """

    def __init__(self, speed: float, rate_hz: int) -> None:
        """``speed``: 2 is twice as fast, 1 hands on every sample as it is."""
        self._speed = speed
        self._hop = round(FRAME_S * rate_hz / 2)
        self._search = round(SEARCH_S * rate_hz)
        self._window = np.hanning(2 * self._hop + 1)[:-1].astype(np.float32)
        self._input = np.zeros(0, np.float32)
        """What may still be needed."""
        self._begin = 0
        """Sample of the stream at which ``_input`` begins."""
        self._pieces = 0
        """Pieces laid down so far."""
        self._expected = 0
        """Sample of the stream at which the last piece would go on by itself."""
        self._tail = np.zeros(0, np.float32)
        """Second half of the last piece, under its window: the next one is laid over it."""

    def feed(self, samples: Sound) -> Sound:
        """What can be said after these samples (float32, shape [samples])."""
        if self._speed == 1.0:
            return samples
        self._input = np.concatenate([self._input, samples])
        said = []
        while (piece := self._next()) is not None:
            said.append(piece)
        return np.concatenate(said) if said else np.zeros(0, np.float32)

    def flush(self) -> Sound:
        """What is left at the end of the stream; it may begin anew after that."""
        if self._speed == 1.0:
            return np.zeros(0, np.float32)
        length = self._begin + len(self._input)
        wanted = round(length / self._speed) - self._pieces * self._hop
        rest = self.feed(np.zeros(2 * self._hop + 2 * self._search + round(self._hop * self._speed), np.float32))
        rest = np.concatenate([rest, self._tail])[: max(0, wanted)]
        self._reset()
        return rest

    def _reset(self) -> None:
        self._input, self._tail = np.zeros(0, np.float32), np.zeros(0, np.float32)
        self._begin = self._pieces = self._expected = 0

    def _next(self) -> Sound | None:
        """The next half piece, None where more input is needed."""
        at = round(self._pieces * self._hop * self._speed)
        last = max(at, self._expected) + self._search + 2 * self._hop
        if last > self._begin + len(self._input):
            return None
        start = at if self._pieces == 0 else self._best(at)
        piece = self._slice(start) * self._window
        if self._pieces == 0:
            piece[: self._hop] = self._slice(start)[: self._hop]  # nothing lies before it
            said = piece[: self._hop]
        else:
            said = self._tail + piece[: self._hop]
        self._tail = piece[self._hop :]
        self._pieces += 1
        self._expected = start + self._hop
        self._forget(min(round(self._pieces * self._hop * self._speed) - self._search, self._expected))
        return said

    def _best(self, at: int) -> int:
        """Near ``at``, the start of the piece that looks most like the one that would follow by itself."""
        target = self._slice(self._expected)
        first = max(self._begin, at - self._search)
        stretch = self._input[first - self._begin : at + self._search + 2 * self._hop - self._begin]
        likeness = np.correlate(stretch, target, "valid")
        energy = np.convolve(stretch**2, np.ones(len(target), np.float32), "valid")
        return first + int(np.argmax(likeness / np.sqrt(energy + 1e-6)))

    def _slice(self, start: int) -> Sound:
        return self._input[start - self._begin : start - self._begin + 2 * self._hop]

    def _forget(self, before: int) -> None:
        """Input before that sample of the stream is needed no more."""
        drop = max(0, before - self._begin)
        self._input, self._begin = self._input[drop:], self._begin + drop
