"""The tones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pipeline import earcons
from pipeline.audio import AudioChunk, level_db

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("tone", [earcons.listening, earcons.error])
def test_short_soft_and_without_clicks(tone: Callable[[], AudioChunk]) -> None:
    chunk = tone()
    assert 0.1 <= chunk.duration_s <= 0.25
    assert -24.0 < level_db(chunk.pcm) < -19.0
    samples = chunk.as_float()
    assert abs(samples[0]) < 0.001
    assert abs(samples[-1]) < 0.001
    assert np.abs(np.diff(samples)).max() < 0.1


def pitch_hz(samples: np.ndarray, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 14))
    return float(spectrum.argmax()) * rate_hz / (1 << 14)


def test_one_rises_and_the_other_falls() -> None:
    for tone, rises in ((earcons.listening(), True), (earcons.error(), False)):
        third = len(tone.pcm) // 3
        first, last = (pitch_hz(part, tone.rate_hz) for part in (tone.as_float()[:third], tone.as_float()[-third:]))
        assert (last > first * 1.1) if rises else (last < first * 0.9)
