"""Sound from one sample rate to another, piece by piece, without seams."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import FULL_SCALE, Pcm, from_float

MARGIN_S = 0.002
"""Audio seconds before and after a piece that its resampled samples depend on."""


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


class PieceResampler:
    """Pieces of sound that are cut out with a margin, each for itself, so that the results follow without a seam.

    Other than a ``Resampler`` it holds nothing back.
    """

    def __init__(self, from_hz: int, to_hz: int, samples: int) -> None:
        """``samples`` is the length of a result."""
        self.from_hz = from_hz
        self.margin = round(MARGIN_S * from_hz)
        """Samples that are needed before and after each piece."""
        self.length = -(-samples * from_hz // to_hz) + 2 * self.margin
        """Samples that ``resample`` takes, margins included."""
        self._weights = None if from_hz == to_hz else _weights(from_hz, to_hz, samples, self.length, self.margin)

    def resample(self, pcm: Pcm) -> Pcm:
        """A piece (int16, shape [``length``]) at the new rate, without the margins."""
        if self._weights is None:
            return pcm[self.margin : len(pcm) - self.margin]
        return np.clip(np.rint(self._weights @ pcm.astype(np.float32)), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def _weights(from_hz: int, to_hz: int, samples: int, length: int, margin: int) -> NDArray[np.float32]:
    """float32, shape [samples, length]: a low-pass filter for each sample, the sinc function under a cosine's arch."""
    cutoff_hz = 0.46 * min(from_hz, to_hz)
    apart_s = np.arange(samples)[:, np.newaxis] / to_hz - (np.arange(length) - margin) / from_hz
    window = np.where(np.abs(apart_s) < MARGIN_S, np.cos(np.pi / 2 * apart_s / MARGIN_S) ** 2, 0.0)
    found: NDArray[np.float64] = window * np.sinc(2 * cutoff_hz * apart_s)
    found /= found.sum(axis=1, keepdims=True)
    return found.astype(np.float32)


def _stream(from_hz: int, to_hz: int) -> Any:
    if from_hz == to_hz:
        return None
    import soxr

    return soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality="HQ")
