"""Short tones: the kiosk listens; something went wrong. Made, not recorded."""

from __future__ import annotations

import numpy as np

from pipeline.audio import AudioChunk, from_float

RATE_HZ = 16_000
"""Samples per second."""

LEVEL_DB = -20.0
"""Root mean square of a tone's middle, dB relative to full scale: as loud as quiet speech."""

FADE_S = 0.015
"""Seconds of the fade at either end of a note; a shorter one clicks."""


def listening() -> AudioChunk:
    """A rising fifth, 0.2 s: speak now."""
    return _notes((587.33, 0.08), (880.0, 0.12))


def error() -> AudioChunk:
    """A falling minor third, 0.24 s: that did not work."""
    return _notes((392.0, 0.11), (329.63, 0.13))


def _notes(*notes: tuple[float, float]) -> AudioChunk:
    """Notes of a frequency in Hz and a length in seconds, one after the other, with a soft overtone each."""
    return from_float(np.concatenate([_note(pitch_hz, length_s) for pitch_hz, length_s in notes]), RATE_HZ)


def _note(pitch_hz: float, length_s: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    at_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    wave = np.sin(2 * np.pi * pitch_hz * at_s) + 0.25 * np.sin(4 * np.pi * pitch_hz * at_s)
    # Half a cosine up and down.
    fade = np.clip(np.minimum(at_s, at_s[::-1]) / FADE_S, 0.0, 1.0)
    envelope = 0.5 - 0.5 * np.cos(np.pi * fade)
    loudness = 10 ** (LEVEL_DB / 20) / np.sqrt(np.mean(wave**2))
    return np.asarray(wave * envelope * loudness)
