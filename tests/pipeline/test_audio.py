"""Audio values."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.audio import SILENCE_DB, AudioChunk, from_float, joined, leading_silence_s, silence

pytestmark = pytest.mark.unit


def ramp(samples: int, start_s: float = 0.0) -> AudioChunk:
    return AudioChunk(np.arange(samples, dtype=np.int16), 1000, start_s)


def test_since_and_until_cut_by_time() -> None:
    chunk = ramp(100, start_s=2.0)
    assert chunk.since(2.01).pcm[0] == 10
    assert chunk.since(2.01).start_s == pytest.approx(2.01)
    assert chunk.until(2.03).pcm[-1] == 29
    assert len(chunk.since(9).pcm) == len(chunk.until(1).pcm) == 0
    assert len(chunk.since(0).pcm) == len(chunk.until(9).pcm) == 100


def test_level_of_a_full_scale_square_wave_is_zero_db() -> None:
    square = AudioChunk(np.array([-32768, 32767] * 50, np.int16), 1000)
    assert square.level_db == pytest.approx(0, abs=0.01)
    assert from_float(0.1 * np.ones(100), 1000).level_db == pytest.approx(-20, abs=0.01)
    assert silence(0.1, 1000).level_db == AudioChunk(np.zeros(0, np.int16), 1000).level_db == SILENCE_DB


def test_float_goes_there_and_back_and_clips() -> None:
    assert from_float(np.array([2.0, -2.0, 0.5]), 1000).pcm.tolist() == [32767, -32768, 16384]
    assert from_float(ramp(50).as_float(), 1000).pcm.tolist() == list(range(50))


def test_joined_refuses_mixed_rates_and_nothing() -> None:
    assert joined([ramp(2), ramp(3)]).pcm.tolist() == [0, 1, 0, 1, 2]
    with pytest.raises(ValueError, match="rates"):
        joined([ramp(2), silence(1, 8000)])
    with pytest.raises(ValueError, match="rates"):
        joined([])


def test_leading_silence_ends_with_the_first_audible_sample() -> None:
    pcm = np.zeros(100, np.int16)
    pcm[30] = -200  # -44 dB
    pcm[10] = 20  # -64 dB: nobody hears it
    assert leading_silence_s(AudioChunk(pcm, 1000)) == pytest.approx(0.03)
    assert leading_silence_s(silence(0.5, 1000)) == pytest.approx(0.5)
