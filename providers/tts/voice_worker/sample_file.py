"""A sample as it arrives: a WAV file in memory."""

from __future__ import annotations

import io
import wave

import numpy as np

from providers.tts.voice_worker.engine import Sound

SHORTEST_S, LONGEST_S = 1.0, 60.0
"""Who takes samples in has checked them; these only keep nonsense from the engine."""

LOWEST_HZ, HIGHEST_HZ = 16_000, 48_000


def sound_of(file: bytes) -> tuple[Sound, int]:
    """Its sound and its rate in Hz. Raises ``ValueError`` for anything but 16-bit speech of one channel."""
    try:
        with wave.open(io.BytesIO(file)) as opened:
            kind = (opened.getnchannels(), opened.getsampwidth())
            rate_hz = opened.getframerate()
            data = opened.readframes(opened.getnframes())
    except (wave.Error, EOFError, RuntimeError, ValueError, OverflowError) as error:  # all of them come of odd headers
        raise ValueError("it is no WAV file") from error
    if kind != (1, 2):
        raise ValueError("it must have one channel of 16 bits")
    if not LOWEST_HZ <= rate_hz <= HIGHEST_HZ:
        raise ValueError(f"{rate_hz} Hz is not a rate of speech")
    samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2")
    if not SHORTEST_S <= len(samples) / rate_hz <= LONGEST_S:
        raise ValueError(f"it must last {SHORTEST_S:.0f} to {LONGEST_S:.0f} s")
    return samples.astype(np.float32) / np.float32(32768), rate_hz
