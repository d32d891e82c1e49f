from __future__ import annotations

from datetime import date, datetime

import pytest

from providers.agent.faq.hours import Schedule, parse_spans

pytestmark = pytest.mark.unit


def schedule(*week: str, **special: str) -> Schedule:
    days = [parse_spans(text) for text in (week if len(week) == 7 else week * 7)]
    return Schedule(tuple(days), {(None, 12, 25): parse_spans(special.get("christmas", "closed"))})


SIESTA = schedule("09:00-14:00, 17:00-20:30")
BAR = schedule(*["18:00-02:00"] * 6, "closed")
"""Open from evening to night, except on Sundays; 2026-11-23 is a Monday."""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9-21",
        "08:00",
        "08:00-08:00",
        "25:00-26:00",
        "08:60-09:00",
        "08:00-25:00",
        "09:00-14:00, 13:00-20:00",
        "open",
    ],
)
def test_what_are_no_hours(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_spans(text)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-23 08:59", None),
        ("2026-11-23 09:00", "2026-11-23 14:00"),
        ("2026-11-23 14:00", None),
        ("2026-11-23 20:29", "2026-11-23 20:30"),
        ("2026-12-25 10:00", None),
    ],
)
def test_a_break_at_noon(now: str, until: str | None) -> None:
    expected = datetime.fromisoformat(until) if until else None
    assert SIESTA.open_until(datetime.fromisoformat(now)) == expected


@pytest.mark.parametrize(
    ("now", "until", "business_day"),
    [
        ("2026-11-23 01:00", None, 23),
        ("2026-11-24 01:59", "2026-11-24 02:00", 23),
        ("2026-11-24 02:00", None, 24),
        ("2026-11-29 01:00", "2026-11-29 02:00", 28),
        ("2026-11-29 19:00", None, 29),
    ],
)
def test_hours_over_midnight(now: str, until: str | None, business_day: int) -> None:
    moment = datetime.fromisoformat(now)
    assert BAR.open_until(moment) == (datetime.fromisoformat(until) if until else None)
    assert BAR.business_day(moment).day == business_day


def test_the_next_opening() -> None:
    assert SIESTA.next_opening(datetime(2026, 11, 23, 15)) == datetime(2026, 11, 23, 17)
    assert BAR.next_opening(datetime(2026, 11, 28, 19)) == datetime(2026, 11, 30, 18)
    assert schedule("closed").next_opening(datetime(2026, 11, 23)) is None


def test_special_days() -> None:
    assert schedule("08:00-21:00", christmas="10:00-12:00").on(date(2031, 12, 25)) == parse_spans("10:00-12:00")


def test_day_and_night() -> None:
    always = schedule("00:00-24:00")
    assert always.open_until(datetime(2026, 11, 23, 23, 59)) == datetime(2026, 11, 24)
