from __future__ import annotations

import numpy as np
import pytest

from pipeline.audio import FRAME_S, SILENCE_DB
from pipeline.noise_floor import NoiseFloor

pytestmark = pytest.mark.unit


def after(
    floor: NoiseFloor, level_db: float, duration_s: float, *, speech: bool = False, spread_db: float = 0
) -> float:
    rng = np.random.default_rng(2)
    for _ in range(round(duration_s / FRAME_S)):
        floor.update(level_db + spread_db * rng.standard_normal(), speech=speech)
    return floor.level_db


def test_it_is_the_level_of_steady_noise() -> None:
    assert after(NoiseFloor(), -50, 2) == -50
    assert after(NoiseFloor(), -50, 4, spread_db=2) == pytest.approx(-51, abs=1)
    assert after(NoiseFloor(), SILENCE_DB, 1) == SILENCE_DB


def test_it_is_known_after_a_quarter_of_a_second() -> None:
    floor = NoiseFloor()
    assert not floor.known
    after(floor, -50, 0.1)
    assert not floor.known
    after(floor, -50, 0.2)
    assert floor.known


def test_it_rises_within_three_seconds_and_not_at_once() -> None:
    floor = NoiseFloor()
    after(floor, -60, 5)
    assert after(floor, -40, 1) == -60
    assert after(floor, -40, 2) == -40


def test_it_falls_within_a_quarter_of_a_second() -> None:
    floor = NoiseFloor()
    after(floor, -40, 5)
    assert after(floor, -60, 0.2) == -40
    assert after(floor, -60, 0.1) == -60


def test_speech_does_not_drag_it_up() -> None:
    floor = NoiseFloor()
    after(floor, -60, 2)
    assert after(floor, -20, 30, speech=True) == -60


def test_unnoticed_speech_with_pauses_does_not_drag_it_up_either() -> None:
    floor = NoiseFloor()
    after(floor, -60, 3)
    for _ in range(20):
        after(floor, -20, 0.4)
        assert after(floor, -60, 0.3) <= -60


def test_what_is_quieter_than_the_floor_counts_even_if_called_speech() -> None:
    floor = NoiseFloor()
    after(floor, -30, 2)
    assert after(floor, -50, 1, speech=True) == -50


def test_a_stream_that_begins_with_speech_learns_the_room_in_the_first_pause() -> None:
    floor = NoiseFloor()
    after(floor, -20, 2, speech=True)
    assert after(floor, -55, 0.3) == -55
