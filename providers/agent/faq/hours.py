"""Opening hours: by weekday, with holidays, over midnight, with a break at noon. Pure: the time is always given."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

MINUTES_A_DAY = 24 * 60
_SPAN = re.compile(r"(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)")
_LOOK_AHEAD_DAYS = 60


@dataclass(frozen=True, slots=True)
class Span:
    """From one minute of a day to another; the end may lie in the next day."""

    opens_min: int
    """Minutes since midnight, 0 to 1439."""

    closes_min: int
    """Minutes since the same midnight, more than ``opens_min``, at most 2880."""


def parse_spans(text: str) -> tuple[Span, ...]:
    """``08:00-21:00``, several with commas, or ``closed``. Raises ``ValueError`` with a line for the shop."""
    if text.strip().lower() == "closed":
        return ()
    spans: list[Span] = []
    for part in text.split(","):
        match = _SPAN.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{text!r} are no opening hours; write 08:00-21:00, 09:00-14:00, 17:00-20:30 or closed")
        hour, minute, end_hour, end_minute = map(int, match.groups())
        opens, closes = hour * 60 + minute, end_hour * 60 + end_minute
        if minute > 59 or end_minute > 59 or opens >= MINUTES_A_DAY or closes > MINUTES_A_DAY or opens == closes:
            raise ValueError(f"{part.strip()!r} is no span of a day; midnight at its end is 24:00")
        closes += MINUTES_A_DAY if closes < opens else 0
        if spans and opens <= spans[-1].closes_min:
            raise ValueError(f"{text!r}: the spans of a day must follow each other")
        spans.append(Span(opens, closes))
    return tuple(spans)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is open."""

    week: tuple[tuple[Span, ...], ...]
    """Spans of each day, Monday first."""

    special: Mapping[tuple[int | None, int, int], tuple[Span, ...]]
    """Spans of the days that differ, by (year or None for every year, month, day)."""

    def on(self, day: date) -> tuple[Span, ...]:
        """The spans that begin on a day, none when closed."""
        for key in ((day.year, day.month, day.day), (None, day.month, day.day)):
            if key in self.special:
                return self.special[key]
        return self.week[day.weekday()]

    def open_until(self, moment: datetime) -> datetime | None:
        """When it closes, if it is open at ``moment``; the span of the evening before counts after midnight."""
        for day in (moment.date() - timedelta(days=1), moment.date()):
            for span in self.on(day):
                if at(day, span.opens_min, moment) <= moment < at(day, span.closes_min, moment):
                    return at(day, span.closes_min, moment)
        return None

    def next_opening(self, moment: datetime) -> datetime | None:
        """The first opening after ``moment``; None where there is none within two months."""
        for ahead in range(_LOOK_AHEAD_DAYS):
            day = moment.date() + timedelta(days=ahead)
            for span in self.on(day):
                if at(day, span.opens_min, moment) > moment:
                    return at(day, span.opens_min, moment)
        return None

    def business_day(self, moment: datetime) -> date:
        """The day whose hours hold at ``moment``: yesterday while yesterday's last span goes on."""
        yesterday = moment.date() - timedelta(days=1)
        ends = [at(yesterday, span.closes_min, moment) for span in self.on(yesterday)]
        still = any(moment < end for end in ends) and self.open_until(moment) in ends
        return yesterday if still else moment.date()

    def same_days(self) -> Sequence[tuple[int, int, tuple[Span, ...]]]:
        """The week as (first day, last day, spans) of neighbouring equal days, 0 being Monday."""
        groups: list[tuple[int, int, tuple[Span, ...]]] = []
        for weekday, spans in enumerate(self.week):
            if groups and groups[-1][2] == spans:
                groups[-1] = (groups[-1][0], weekday, spans)
            else:
                groups.append((weekday, weekday, spans))
        return groups


def at(day: date, minutes: int, like: datetime) -> datetime:
    """The wall clock showing ``minutes`` after midnight of ``day``, in the zone of ``like``."""
    days, rest = divmod(minutes, MINUTES_A_DAY)
    base = day + timedelta(days=days)
    return datetime(base.year, base.month, base.day, rest // 60, rest % 60, tzinfo=like.tzinfo)
