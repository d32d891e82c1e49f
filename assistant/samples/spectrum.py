"""Looks at speech through short windows: its energy in bands as the ear hears them, and its pitch."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from assistant.samples.decoder_program import RATE_HZ

Floats = NDArray[np.float64]

HOP = RATE_HZ // 100
"""Samples from one window to the next: 10 ms."""

HOP_S = HOP / RATE_HZ

FFT = 2048
BANDS = 26
LOWEST_HZ, HIGHEST_HZ = 150.0, 7000.0
"""What the bands cover: below lies hum, above it much that microphones and codecs leave out."""

LOWEST_PITCH_HZ, HIGHEST_PITCH_HZ = 70, 400


def powers(samples: NDArray[np.float32], length: int) -> Floats:
    """Power spectra of windows of ``length`` samples, shape [windows, FFT // 2 + 1]."""
    if len(samples) < length:
        return np.zeros((0, FFT // 2 + 1))
    windows = np.lib.stride_tricks.sliding_window_view(samples, length)[::HOP]
    spectra: Floats = np.abs(np.fft.rfft(windows * np.hanning(length), FFT)) ** 2
    return spectra


def in_bands(spectra: Floats) -> Floats:
    """Energy in bands that are equally wide for the ear, shape [windows, BANDS]."""
    energies: Floats = spectra @ _mel().T
    return energies


def cepstra(spectra: Floats, count: int) -> Floats:
    """The shape of each spectrum without its loudness, shape [windows, count] (Davis and Mermelstein 1980)."""
    numbers = np.arange(1, count + 1)[:, None]
    cosines = np.cos(np.pi * numbers * (np.arange(BANDS) + 0.5) / BANDS) * np.sqrt(2 / BANDS)
    shapes: Floats = np.log(in_bands(spectra) + 1e-10) @ cosines.T
    return shapes


def pitches(spectra: Floats, length: int) -> tuple[Floats, Floats]:
    """Of windows of ``length`` samples: pitch in Hz, 0 for none, and how periodic the sound is, 0 to 1.

    By autocorrelation, divided by the window's own (Boersma 1993); of nearly equal peaks the shortest period counts.
    """
    own = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(length), FFT)) ** 2)[:length]
    likeness = np.fft.irfft(spectra, axis=1)[:, :length]
    likeness /= np.maximum(likeness[:, :1], 1e-9) * (own / own[0])
    shortest = RATE_HZ // HIGHEST_PITCH_HZ
    inner = likeness[:, shortest : RATE_HZ // LOWEST_PITCH_HZ]
    best = inner.max(axis=1, initial=0.0)
    middle = inner[:, 1:-1]
    peaks = (middle >= inner[:, :-2]) & (middle >= inner[:, 2:]) & (middle >= 0.9 * best[:, None])
    periods = peaks.argmax(axis=1) + 1 + shortest
    return np.where(peaks.any(axis=1) & (best > 0), RATE_HZ / periods, 0.0), best


@cache
def _mel() -> Floats:
    """Weights of each frequency in each band, shape [BANDS, FFT // 2 + 1]."""
    edges = 700 * (10 ** (np.linspace(_mel_of(LOWEST_HZ), _mel_of(HIGHEST_HZ), BANDS + 2) / 2595) - 1)
    frequencies = np.arange(FFT // 2 + 1) * RATE_HZ / FFT
    rising = (frequencies - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies) / (edges[2:] - edges[1:-1])[:, None]
    weights: Floats = np.maximum(0, np.minimum(rising, falling))
    return weights


def _mel_of(frequency_hz: float) -> float:
    return float(2595 * np.log10(1 + frequency_hz / 700))
