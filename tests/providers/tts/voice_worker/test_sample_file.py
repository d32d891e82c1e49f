"""Samples as they arrive."""

from __future__ import annotations

import random

import numpy as np
import pytest

from providers.tts.voice_worker.sample_file import sound_of
from tests.providers.tts.voice_worker.running import wav

pytestmark = pytest.mark.unit


def test_its_sound_is_read() -> None:
    sound, rate_hz = sound_of(wav(440.0, 2.0, rate_hz=16_000))
    assert (rate_hz, sound.dtype, sound.shape) == (16_000, np.float32, (32_000,))
    expected = 0.5 * np.sin(2 * np.pi * 440.0 * np.arange(32_000) / 16_000)
    assert np.abs(sound - expected).max() < 1e-4


def test_nothing_but_a_refusal_comes_of_damage() -> None:
    """Bytes of the header are changed, and the file is cut."""
    whole, draw = wav(seconds=1.5, rate_hz=16_000), random.Random(5)
    refused = 0
    for _ in range(2000):
        content = bytearray(whole[: draw.choice([len(whole), draw.randrange(200)])])
        for _ in range(draw.choice([1, 2, 8])):
            if content:
                content[draw.randrange(min(44, len(content)))] = draw.choice([0, 1, 127, 128, 255, draw.randrange(256)])
        try:
            sound, rate_hz = sound_of(bytes(content))
        except ValueError:
            refused += 1
        else:
            assert 16_000 <= rate_hz <= 48_000
            assert 1.0 <= len(sound) / rate_hz <= 60.0
    assert refused > 500
