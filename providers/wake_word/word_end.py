"""Where a wake word ends, so that the question's sound can begin there (docs/decisions/011)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk, Pcm

RISE_SCORE = 0.1
"""The score's first rise to this value marks the end of the word better than its way through the threshold: a fast
speaker's score hesitates there for up to half a second."""

LOOK_BACK_STEPS = 10
"""Scores before the hit among which that rise is looked for."""

LEVEL_WEIGHT, CHANGE_WEIGHT = 0.3, 0.1
"""Cost of a decibel of level and gain of a decibel of change, where a place one ``spread_s`` away costs 0.5."""


@dataclass(frozen=True, slots=True)
class EndShape:
    """Where a word's end lies, seen from the rise of its score. Seconds."""

    after_s: float
    """From the rise to the end, in the mean over voices."""

    spread_s: float
    """How far from there a better place may draw it."""

    search_s: tuple[float, float]
    """The places looked at, from the rise. A word with a stop inside, as in "alexa", must not be searched far back."""


ANY_WORD = EndShape(0.13, 0.06, (-0.1, 0.25))
"""Fitted on "alexa" and "hey mycroft" in 15 voices, each followed by a question after 0 to 0.3 s."""

SHAPES = {"hey_jarvis": EndShape(0.08, 0.16, (-0.3, 0.25))}
"""Words measured for themselves, by the words that Whisper then found in 572 questions."""


_HOP = 160
_LEVEL_SAMPLES = 480
_SPECTRUM_SAMPLES = 640
_BAND_EDGES = np.geomspace(2, _SPECTRUM_SAMPLES // 2 + 1, 9).astype(int)[:-1]
_WINDOW = np.hanning(_SPECTRUM_SAMPLES).astype(np.float32)


def word_end_s(name: str, scores: Sequence[float], step_s: float, sound: AudioChunk) -> float:
    """Seconds from the start of ``sound`` to the end of the word ``name``.

    ``scores`` are the word's, one per ``step_s`` of ``sound``, and the last one is the hit. The score tells within
    about 0.1 s; within that, a word ends where it is quiet, or at least where the sound changes.
    """
    shape = SHAPES.get(name, ANY_WORD)
    rise_s = (1 + rise_steps(scores)) * step_s
    margin_s = _SPECTRUM_SAMPLES / LISTENING_RATE_HZ
    first = max(margin_s, rise_s + shape.search_s[0])
    last = min(sound.duration_s - margin_s, rise_s + shape.search_s[1])
    if last <= first:
        return min(rise_s, sound.duration_s)
    places = np.arange(round(first * LISTENING_RATE_HZ), round(last * LISTENING_RATE_HZ), _HOP)
    distance = (places / LISTENING_RATE_HZ - rise_s - shape.after_s) / shape.spread_s
    cost = (
        distance**2 / 2 + LEVEL_WEIGHT * _levels_db(sound.pcm, places) - CHANGE_WEIGHT * _changes_db(sound.pcm, places)
    )
    return float(places[np.argmin(cost)]) / LISTENING_RATE_HZ


def rise_steps(scores: Sequence[float]) -> float:
    """Steps from the first of ``scores`` (the last one is the hit) to the rise, a fraction by interpolation."""
    first = max(1, len(scores) - 1 - LOOK_BACK_STEPS)
    for step in range(first, len(scores)):
        before, score = scores[step - 1], scores[step]
        if score >= RISE_SCORE:
            share = (RISE_SCORE - before) / (score - before) if score > before else 0.0
            return step - 1 + min(1.0, max(0.0, share))
    return float(len(scores) - 1)


def _levels_db(pcm: Pcm, places: NDArray[np.int_]) -> NDArray[np.float64]:
    """Level of the 30 ms around each place."""
    energy = np.concatenate([[0.0], np.cumsum(pcm.astype(np.float64) ** 2)])
    half = _LEVEL_SAMPLES // 2
    found: NDArray[np.float64] = 10 * np.log10((energy[places + half] - energy[places - half]) / _LEVEL_SAMPLES + 1)
    return found


def _changes_db(pcm: Pcm, places: NDArray[np.int_]) -> NDArray[np.float64]:
    """By how much the spectrum (eight bands) of the 40 ms before each place differs from that of the 40 ms after."""
    windows = np.lib.stride_tricks.sliding_window_view(pcm, _SPECTRUM_SAMPLES)
    before, after = (_bands_db(windows[starts]) for starts in (places - _SPECTRUM_SAMPLES, places))
    found: NDArray[np.float64] = np.abs(before - after).mean(axis=1)
    return found


def _bands_db(windows: NDArray[np.int16]) -> NDArray[np.float64]:
    power = np.abs(np.fft.rfft(windows * _WINDOW)) ** 2
    found: NDArray[np.float64] = 10 * np.log10(np.add.reduceat(power, _BAND_EDGES, axis=1) + 100)
    return found
