"""Sound from one sample rate to another, piece by piece, without seams."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import FULL_SCALE, Pcm, from_float


class Resampler:
    """A soxr stream from one rate to another; equal rates pass samples through unchanged.

    The filter looks ahead, so the first pieces give fewer samples than they hold; ``flush`` gives the rest.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self.from_hz = from_hz
        self.to_hz = to_hz
        self._stream: Any = _stream(from_hz, to_hz)

    def push(self, pcm: Pcm) -> Pcm:
        """The next samples (int16, shape [samples]) at the new rate, as far as they are known."""
        if self._stream is None:
            return pcm
        return self.push_float(pcm.astype(np.float32) / np.float32(FULL_SCALE))

    def push_float(self, samples: NDArray[np.float32]) -> Pcm:
        """Like ``push`` for float32 samples in [-1, 1], shape [samples]; what exceeds the range is clipped."""
        converted = samples if self._stream is None else self._stream.resample_chunk(samples, last=False)
        return from_float(converted, self.to_hz).pcm

    def flush(self) -> Pcm:
        """The samples still inside; the next ``push`` begins a new sound."""
        if self._stream is None:
            return np.zeros(0, np.int16)
        rest = self._stream.resample_chunk(np.zeros(0, np.float32), last=True)
        self._stream = _stream(self.from_hz, self.to_hz)
        return from_float(rest, self.to_hz).pcm


def _stream(from_hz: int, to_hz: int) -> Any:
    if from_hz == to_hz:
        return None
    import soxr

    return soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality="HQ")
