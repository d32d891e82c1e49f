from __future__ import annotations

import pytest

from providers.agent.faq.times import TimeReader
from tests.providers.agent.faq.test_language import ENGLISH, SPANISH

pytestmark = pytest.mark.unit


def minutes(hour: int, minute: int = 0) -> int:
    return hour * 60 + minute


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("nine PM", [minutes(21)]),
        ("nine in the morning", [minutes(9)]),
        ("12 AM", [0]),
        ("12 PM", [minutes(12)]),
        ("9:30 pm", [minutes(21, 30)]),
        ("21:30", [minutes(21, 30)]),
        ("nine thirty", [minutes(9, 30), minutes(21, 30)]),
        ("nine o'clock", [minutes(9), minutes(21)]),
        ("twelve fifteen", [minutes(0, 15), minutes(12, 15)]),
        ("half past eight in the evening", [minutes(20, 30)]),
        ("quarter to nine am", [minutes(8, 45)]),
        ("noon", [minutes(12)]),
        ("midnight", [minutes(24)]),
    ],
)
def test_english_times(text: str, found: list[int]) -> None:
    tokens = ENGLISH.tokens(text)
    result = TimeReader(ENGLISH).at(tokens, 0)
    assert result is not None
    assert (result[0], list(result[1].minutes)) == (len(tokens), found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ocho y media de la tarde", [minutes(20, 30)]),
        ("nueve menos cuarto de la mañana", [minutes(8, 45)]),
        ("20:15", [minutes(20, 15)]),
        ("mediodía", [minutes(12)]),
    ],
)
def test_spanish_times(text: str, found: list[int]) -> None:
    result = TimeReader(SPANISH).at(SPANISH.tokens(text), 0)
    assert result is not None
    assert list(result[1].minutes) == found


@pytest.mark.parametrize(
    "text", ["nine", "ninety", "three four five", "25:00", "9:75", "thirty PM", "milk", "half past"]
)
def test_what_is_no_time(text: str) -> None:
    assert TimeReader(ENGLISH).at(ENGLISH.tokens(text), 0) is None


def test_a_bare_number_is_a_time_behind_at() -> None:
    result = TimeReader(ENGLISH).at(ENGLISH.tokens("open at nine"), 2)
    assert result is not None and result[1].ambiguous
