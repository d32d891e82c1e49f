"""Whether one or two people speak in a recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.samples.spectrum import HOP, cepstra, pitches, powers
from assistant.samples.trimming import Speech
from pipeline.audio import FRAME_S, AudioChunk

WINDOW = 1024
"""Samples: 43 ms, three periods of a deep voice."""

SHAPES = 8
"""Numbers that tell the shape of a spectrum; more of them tell what is said rather than who says it."""

SEMITONES_PER_UNIT = 2.0
"""Weight of the pitch beside the shapes, which vary by about 1."""

LONGEST_TURN = 200
"""Windows (2 s) after which a stretch of speech without a pause is divided: people do interrupt each other."""

PAUSE = 15
"""Windows (0.15 s) without speech that end a stretch."""

LEAST_VOICED = 60
"""Windows with a pitch that a stretch needs to be compared; shorter ones go with the one before."""

LEAST_SHARE = 0.12
"""Share of the speech below which the other voice is none: a laugh, a word said in play."""

SPREAD = 0.2
"""Added to each variance, so that the monotony of a few windows is not taken for a character."""


def unlikeness(audio: AudioChunk, speech: Speech) -> float:
    """How much better two voices explain a recording than one: about 0.3 for one person, 0.5 to 2 for two.

    Stretches between pauses are merged, the likest first, until two groups are left; the result is the logarithm of
    the likelihood ratio of two Gaussians to one, per window (Chen and Gopalakrishnan 1998). ``speech`` is that of
    ``audio``. 0 where there is too little to compare.
    """
    groups = [_Group.of(stretch) for stretch in _stretches(audio, speech)]
    while len(groups) > 2:
        pairs = [(groups[i].apart(groups[j]), i, j) for i in range(len(groups)) for j in range(i)]
        _, i, j = min(pairs)
        groups[j] = groups[j] + groups.pop(i)
    if len(groups) < 2:
        return 0.0
    one, other = groups
    if min(one.count, other.count) < LEAST_SHARE * (one.count + other.count):
        return 0.0
    return one.apart(other) / (one.count + other.count)


@dataclass(frozen=True, slots=True)
class _Group:
    """What is needed of windows to fit a Gaussian to them."""

    count: int
    sums: NDArray[np.float64]
    products: NDArray[np.float64]

    @classmethod
    def of(cls, windows: NDArray[np.float64]) -> _Group:
        return cls(len(windows), windows.sum(axis=0), windows.T @ windows)

    def __add__(self, other: _Group) -> _Group:
        return _Group(self.count + other.count, self.sums + other.sums, self.products + other.products)

    def apart(self, other: _Group) -> float:
        """Logarithm of the likelihood ratio of two Gaussians to one."""
        both = self + other
        return 0.5 * (both.volume * both.count - self.volume * self.count - other.volume * other.count)

    @property
    def volume(self) -> float:
        """Logarithm of the determinant of the covariance."""
        mean = self.sums / self.count
        covariance = self.products / self.count - np.outer(mean, mean) + SPREAD * np.eye(len(mean))
        return float(np.linalg.slogdet(covariance)[1])


def _stretches(audio: AudioChunk, speech: Speech) -> list[NDArray[np.float64]]:
    """Windows with a pitch, stretch by stretch, each of shape [windows, SHAPES + 1]."""
    spectra = powers(audio.as_float(), WINDOW)
    if not len(spectra) or not len(speech.frames):
        return []
    times_s = (np.arange(len(spectra)) * HOP + WINDOW / 2) / audio.rate_hz
    probability = speech.frames[np.minimum((times_s / FRAME_S).astype(int), len(speech.frames) - 1)]
    pitch_hz, periodic = pitches(spectra, WINDOW)
    level_db = 10 * np.log10(spectra.sum(axis=1) + 1e-12)
    spoken = probability > 0.5
    if not spoken.any():
        return []
    loud = level_db > np.percentile(level_db[spoken], 90) - 25
    voiced = spoken & loud & (periodic > 0.6) & (pitch_hz > 0)
    semitones = 12 * np.log2(np.maximum(pitch_hz, 1.0) / 100)
    features = np.column_stack([cepstra(spectra, SHAPES), semitones / SEMITONES_PER_UNIT])
    found: list[NDArray[np.float64]] = []
    for part in _between_pauses(probability > 0.35):
        windows = features[part[voiced[part]]]
        if len(windows) < 20:
            continue
        if found and len(found[-1]) < LEAST_VOICED:
            found[-1] = np.concatenate([found[-1], windows])
        else:
            found.append(windows)
    if len(found) > 1 and len(found[-1]) < LEAST_VOICED:
        found[-2:] = [np.concatenate(found[-2:])]
    return found


def _between_pauses(spoken: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Indices of the windows of each stretch of speech."""
    indices = np.flatnonzero(spoken)
    if not len(indices):
        return []
    parts = np.split(indices, np.flatnonzero(np.diff(indices) > PAUSE) + 1)
    return [piece for part in parts for piece in np.array_split(part, max(1, round(len(part) / LONGEST_TURN)))]
