"""A microphone that has fallen dead, a quiet room, and sources that are silent by nature."""

from __future__ import annotations

import numpy as np
import pytest

from providers.audio.dead_silence import DEAD_S, PAUSE_S, REAL_S, DeadSilence

pytestmark = pytest.mark.unit

RATE_HZ = 1000
BLOCK = 10


def fell_after_s(silence: DeadSilence, duration_s: float, value: int) -> float | None:
    """When it was told, within so many seconds of equal samples."""
    for number in range(round(duration_s * RATE_HZ / BLOCK)):
        if silence.fell(np.full(BLOCK, value, np.int16)):
            return (number + 1) * BLOCK / RATE_HZ
    return None


def test_zeros_after_real_sound_are_a_dead_microphone() -> None:
    silence = DeadSilence(RATE_HZ)
    assert fell_after_s(silence, REAL_S, 1) is None
    assert fell_after_s(silence, 60, 0) == pytest.approx(DEAD_S)


def test_the_quietest_room_is_none() -> None:
    silence = DeadSilence(RATE_HZ)
    assert fell_after_s(silence, REAL_S, 1) is None
    for _ in range(20):
        assert fell_after_s(silence, DEAD_S - 0.1, 0) is None
        assert fell_after_s(silence, 0.01, 1) is None


def test_what_gives_zeros_between_sounds_proves_nothing() -> None:
    silence = DeadSilence(RATE_HZ)
    assert fell_after_s(silence, 30, 0) is None
    for _ in range(3):
        assert fell_after_s(silence, REAL_S - 1, 1) is None
        assert fell_after_s(silence, PAUSE_S, 0) is None
    assert fell_after_s(silence, 60, 0) is None


def test_blocks_of_zeros_shorter_than_a_pause_do_not_hide_that_it_is_real() -> None:
    silence = DeadSilence(RATE_HZ)
    for _ in range(20):
        fell_after_s(silence, REAL_S / 15, 1)
        fell_after_s(silence, PAUSE_S / 2, 0)
    assert fell_after_s(silence, 60, 0) == pytest.approx(DEAD_S, abs=PAUSE_S)
