"""How loud answers are: the shop's volume, the customer's wishes, the room's noise, and their limits."""

from __future__ import annotations

import pytest

from pipeline.loudness import LOWEST_DB, MOST_DB, Loudness, LoudnessSettings

pytestmark = pytest.mark.unit


def test_nothing_is_changed_unless_somebody_wants_it() -> None:
    loudness = Loudness()
    loudness.hear_room(-60.0)
    assert loudness.gain_db == 0.0


def test_a_customer_hears_every_step_until_the_limit_is_told() -> None:
    loudness = Loudness()
    assert [loudness.louder() for _ in range(4)] == [True, True, True, False]
    assert loudness.gain_db == 12.0
    assert [loudness.softer() for _ in range(7)] == [True] * 6 + [False]
    assert loudness.gain_db == -12.0


def test_the_next_customer_hears_the_shops_volume() -> None:
    loudness = Loudness(LoudnessSettings(volume_db=-6.0))
    loudness.louder()
    assert loudness.gain_db == -2.0
    loudness.reset()
    assert loudness.gain_db == -6.0


def test_a_wish_without_effect_need_not_be_taken_back() -> None:
    loudness = Loudness(LoudnessSettings(volume_db=6.0))
    assert [loudness.louder() for _ in range(3)] == [True, True, False]
    assert loudness.gain_db == MOST_DB
    assert loudness.softer()
    assert loudness.gain_db == MOST_DB - 4.0


@pytest.mark.parametrize(("floor_db", "more_db"), [(-80.0, 0.0), (-50.0, 0.0), (-44.0, 3.0), (-40.0, 5.0), (-5.0, 9.0)])
def test_noise_makes_it_louder_within_limits(floor_db: float, more_db: float) -> None:
    loudness = Loudness(LoudnessSettings(volume_db=2.0))
    loudness.hear_room(floor_db)
    assert loudness.gain_db == pytest.approx(2.0 + more_db)
    loudness.hear_room(None)
    assert loudness.gain_db == pytest.approx(2.0 + more_db), "nothing was heard that speaks against it"
    loudness.hear_room(-60.0)
    assert loudness.gain_db == pytest.approx(2.0)


def test_the_room_can_be_left_out_of_it() -> None:
    loudness = Loudness(LoudnessSettings(follow_noise=False))
    loudness.hear_room(-10.0)
    assert loudness.gain_db == 0.0


def test_a_room_that_has_become_louder_cannot_push_it_beyond_the_limit() -> None:
    loudness = Loudness(LoudnessSettings(volume_db=6.0))
    assert loudness.louder()
    loudness.hear_room(-20.0)
    assert loudness.gain_db == MOST_DB
    assert not loudness.louder()


def test_the_volume_stays_within_its_range() -> None:
    loudness = Loudness()
    loudness.volume_db = -1000.0
    assert loudness.gain_db == LOWEST_DB
