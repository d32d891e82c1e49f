"""The frequency bands of the envelope and of the aperiodicity."""

import math

import numpy as np
import numpy.typing as npt

from piper_kiosk.dimensions import ENVELOPE, SAMPLE_RATE_HZ

Array = npt.NDArray[np.float64]

APERIODICITY_HZ = np.array([0, 700, 1800, 3200, 5000, 8000.0])
"""Centres of the bands of the aperiodicity."""


def to_mel(frequency_hz: Array) -> Array:
    """The mel scale (O'Shaughnessy 1987)."""
    return 2595 * np.log10(1 + frequency_hz / 700)


def envelope_hz() -> Array:
    """Centres of the bands of the envelope."""
    top = 2595 * math.log10(1 + SAMPLE_RATE_HZ / 2 / 700)
    return 700 * (10 ** (np.linspace(0, top, ENVELOPE) / 2595) - 1)


def triangles(at: Array, centres: Array) -> Array:
    """Weight of each band at each place, shape (places, bands): 1 at its centre, 0 at its neighbours'."""
    bands = len(centres)
    return np.stack([np.interp(at, centres, np.eye(bands)[k]) for k in range(bands)], 1)


def frequencies_hz(bins: int) -> Array:
    """Frequency of each bin of a spectrum, shape (bins,)."""
    return np.linspace(0, SAMPLE_RATE_HZ / 2, bins)


def envelope_filter(bins: int) -> Array:
    """Spectrum to bands of the envelope, shape (bins, 64); each band sums to 1 and has at least its nearest bin."""
    frequency, centres = frequencies_hz(bins), envelope_hz()
    weights = triangles(frequency, centres)
    nearest = np.abs(frequency[:, None] - centres[None]).argmin(0)
    for k in range(ENVELOPE):
        if weights[:, k].sum() < 1.0:
            weights[nearest[k], k] += 1.0 - weights[:, k].sum()
    return weights / weights.sum(0)


def aperiodicity_filter(bins: int) -> Array:
    """Aperiodicity spectrum to bands, shape (bins, 6); each band sums to 1."""
    weights = triangles(frequencies_hz(bins), APERIODICITY_HZ)
    return weights / weights.sum(0)
