"""Where a wake word ends, so that the question's sound can begin there (docs/decisions/011)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk, Pcm

RISE_SCORE = 0.1
"""The score's first rise to this value marks the end of the word better than its way through the threshold: a fast
speaker's score hesitates there for up to half a second."""

LOOK_BACK_STEPS = 10
"""Scores before the hit among which that rise is looked for."""

END_AFTER_RISE_S = 0.05
"""Seconds from the rise to the word's end, in the mean over voices."""

SNAP_S = 0.12
"""Seconds around the estimate in which the quietest place is taken for the end."""

_WINDOW = 320
_HOP = 80


def word_end_s(scores: Sequence[float], step_s: float, sound: AudioChunk) -> float:
    """Seconds from the start of ``sound`` to the word's end.

    ``scores`` are the word's, one per ``step_s`` of ``sound``, and the last one is the hit.
    """
    likely_s = (1 + rise_steps(scores)) * step_s + END_AFTER_RISE_S
    return quietest_s(sound.pcm, likely_s - SNAP_S, min(likely_s + SNAP_S, sound.duration_s))


def rise_steps(scores: Sequence[float]) -> float:
    """Steps from the first of ``scores`` (the last one is the hit) to the rise, a fraction by interpolation."""
    first = max(1, len(scores) - 1 - LOOK_BACK_STEPS)
    for step in range(first, len(scores)):
        before, score = scores[step - 1], scores[step]
        if score >= RISE_SCORE:
            share = (RISE_SCORE - before) / (score - before) if score > before else 0.0
            return step - 1 + min(1.0, max(0.0, share))
    return float(len(scores) - 1)


def quietest_s(pcm: Pcm, from_s: float, to_s: float) -> float:
    """Seconds from the start of ``pcm`` (int16, 16 kHz) to the middle of the quietest 20 ms between two places."""
    samples = pcm.astype(np.float32)
    first = max(0, round(from_s * LISTENING_RATE_HZ) - _WINDOW // 2)
    last = min(len(pcm), round(to_s * LISTENING_RATE_HZ) + _WINDOW // 2)
    if last - first < _WINDOW:
        return to_s
    windows = np.lib.stride_tricks.sliding_window_view(samples[first:last], _WINDOW)[::_HOP]
    quietest = int(np.argmin(np.einsum("ij,ij->i", windows, windows)))
    return (first + quietest * _HOP + _WINDOW // 2) / LISTENING_RATE_HZ
