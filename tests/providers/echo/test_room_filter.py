"""The filter that learns a room's echo."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.audio import LISTENING_RATE_HZ
from providers.echo.room_filter import REACH_S, RoomFilter

pytestmark = pytest.mark.unit

STEP = 160


def signal(seconds: float, seed: int, level: float = 0.1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, level, round(seconds * LISTENING_RATE_HZ)).astype(np.float32)


def echo_of(played: np.ndarray, delay_s: float = 0.05, seed: int = 3) -> np.ndarray:
    """A delay and a tail of 100 ms."""
    length = LISTENING_RATE_HZ // 10
    tail = np.random.default_rng(seed).normal(size=length) * np.exp(-np.arange(length) / 200)
    answer = np.concatenate([np.zeros(round(delay_s * LISTENING_RATE_HZ)), 0.5 * tail / np.linalg.norm(tail)])
    return np.convolve(played, answer)[: len(played)].astype(np.float32)


def left_of(heard: np.ndarray, played: np.ndarray, room: RoomFilter | None = None) -> np.ndarray:
    room = room or RoomFilter(STEP, LISTENING_RATE_HZ)
    steps = range(0, len(heard), STEP)
    return np.concatenate([room.cancel(heard[at : at + STEP], played[at : at + STEP]) for at in steps])


def softer_db(before: np.ndarray, after: np.ndarray, from_s: float, to_s: float) -> float:
    part = slice(round(from_s * LISTENING_RATE_HZ), round(to_s * LISTENING_RATE_HZ))
    return float(10 * np.log10(np.mean(before[part] ** 2) / np.mean(after[part] ** 2)))


def test_within_a_second_most_of_the_echo_is_gone() -> None:
    played = signal(3, 1)
    echo = echo_of(played)
    left = left_of(echo, played)
    assert softer_db(echo, left, 0.5, 1.0) > 10
    assert softer_db(echo, left, 2.0, 3.0) > 25


def test_whoever_speaks_stays_and_spoils_nothing_that_was_learnt() -> None:
    played, voice = signal(6, 1), signal(6, 2, 0.05)
    voice[: 3 * LISTENING_RATE_HZ] = voice[4 * LISTENING_RATE_HZ :] = 0
    echo = echo_of(played)
    left = left_of(echo + voice, played)
    assert softer_db(echo, left - voice, 3.0, 4.0) > 15, "the voice is left, the echo under it is not"
    assert softer_db(echo, left, 4.0, 5.0) > 20


def test_a_room_that_changes_is_learnt_anew() -> None:
    played = signal(6, 1)
    echo = echo_of(played)
    echo[3 * LISTENING_RATE_HZ :] = echo_of(played, 0.08, seed=4)[3 * LISTENING_RATE_HZ :]
    assert softer_db(echo, left_of(echo, played), 5.0, 6.0) > 10


def test_what_comes_later_than_it_reaches_is_left_alone() -> None:
    played = signal(3, 1)
    echo = echo_of(played, REACH_S + 0.1)
    assert softer_db(echo, left_of(echo, played), 2.0, 3.0) > -1.5


def test_where_nothing_is_played_nothing_changes() -> None:
    voice = signal(1, 2)
    assert np.abs(left_of(voice, np.zeros_like(voice)) - voice).max() == 0


def test_a_muted_microphone_teaches_nothing() -> None:
    played = signal(8, 1)
    echo = echo_of(played)
    echo[: 4 * LISTENING_RATE_HZ] = 0
    assert softer_db(echo, left_of(echo, played), 5.0, 8.0) > 10
