"""What can be said at a moment: the values of all fields that answers may name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice, product

from pipeline.speech import Personality
from providers.agent.faq.hours import Schedule, Span, at
from providers.agent.faq.language import Language
from providers.agent.faq.slots import DAY, NUMBER, TIME, DayName, Slot, Value, resolve
from providers.agent.faq.table import Row, Table
from providers.agent.faq.times import TimeOfDay

_MOST_THINGS = 4
"""Things of which one answer speaks at most; nobody can remember more."""
_LONGEST_LIST = 8
"""Names that ``all.…`` has at most, the first of the table."""

ALWAYS = frozenset(
    {"now.time", "now.date", "now.day", "day.name", "day.on", "personality.name", "last.answer"}
    | {"hours." + name for name in ("opens", "closes", "text", "open", "closed", "week", "open_now", "until", "over")}
    | {"hours." + name for name in ("next_on", "next_opens")}
)
"""Fields that every answer may name."""

FLEETING = frozenset({"now.time", "last.answer"})
"""Fields whose value no answer has for long."""

ALL = "all"
"""Begins the fields that list rows of a table."""

WITH_TIME = frozenset({"time.text", "hours.open_then", "hours.closed_then"})
"""Fields that need ``{time}`` in the question."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When and by whom a question is answered."""

    now: datetime
    """The shop's wall clock, without a zone."""
    personality: Personality
    last_answer: str
    """What the customer heard last; empty at the beginning of a conversation."""


@dataclass(frozen=True, slots=True)
class FactBook:
    """Knows a shop."""

    language: Language
    clock: int
    """12 or 24."""
    shop: Mapping[str, str]
    schedules: Mapping[str, Schedule]
    """The first is the shop's."""
    listings: Mapping[str, str]
    """From the tables, as ``listings`` makes them."""

    def combinations(self, slots: Sequence[Slot], moment: Moment) -> Iterator[Mapping[str, str]]:
        """One set of facts for each thing asked for, in their order; one where nothing was."""
        chosen = product(*(slot.values for slot in slots))
        for values in islice(chosen, _MOST_THINGS):
            yield self._facts(dict(zip((slot.kind for slot in slots), values, strict=True)), moment)

    def _facts(self, values: Mapping[str, Value], moment: Moment) -> Mapping[str, str]:
        now = moment.now
        facts = {"shop." + key: value for key, value in self.shop.items()} | dict(self.listings)
        facts |= {"personality.name": moment.personality.name, "last.answer": moment.last_answer}
        facts |= {"now.time": self._clock_time(now), "now.date": self._date(now.date())}
        facts |= {"now.day": self.language.words.weekdays[now.weekday()][0]}
        rows = [value for value in values.values() if isinstance(value, Row)]
        for row in rows:
            facts |= {f"{row.table}.{column}": value for column, value in row.values.items()}
        if NUMBER in values:
            facts[NUMBER] = str(values[NUMBER])
        own = next((name for row in rows if (name := row.values.get("hours"))), "")
        schedule = self.schedules.get(own) or next(iter(self.schedules.values()), None)
        day = values.get(DAY)
        if schedule is not None:
            asked = day if isinstance(day, DayName) else None
            facts |= self._hours(schedule, asked, values.get(TIME), now)
        return facts

    def _hours(self, schedule: Schedule, asked: DayName | None, time: Value | None, now: datetime) -> Mapping[str, str]:
        # At half past midnight a bar's "today" is still the evening that has begun.
        today = schedule.business_day(now) if asked is None or asked.ahead == 0 else now.date()
        day = today if asked is None else resolve(asked, today)
        spans = schedule.on(day)
        until, opening = schedule.open_until(now), schedule.next_opening(now)
        facts = {
            "day.name": self._day_name(asked, day, today),
            "day.on": self._on_day(asked, day, today),
            "hours.text": self._spans(spans),
            "hours.opens": self._clock_time(at(day, spans[0].opens_min, now)) if spans else "",
            "hours.closes": self._clock_time(at(day, spans[-1].closes_min, now)) if spans else "",
            "hours.open": _flag(bool(spans)),
            "hours.closed": _flag(not spans),
            "hours.over": _flag(bool(spans) and day == today and at(day, spans[-1].closes_min, now) <= now),
            "hours.week": self._week(schedule),
            "hours.open_now": _flag(until is not None),
            "hours.until": self._clock_time(until) if until else "",
            "hours.next_on": self._on_day(None, opening.date(), now.date()) if opening else "",
            "hours.next_opens": self._clock_time(opening) if opening else "",
        }
        if isinstance(time, TimeOfDay):
            open_then = [schedule.open_until(at(day, minutes, now)) is not None for minutes in time.minutes]
            moment = at(day, time.minutes[0], now)
            facts["time.text"] = f"{moment.hour}:{moment.minute:02}" if time.ambiguous else self._clock_time(moment)
            facts["hours.open_then"] = _flag(all(open_then))
            facts["hours.closed_then"] = _flag(not any(open_then))
        return facts

    def _spans(self, spans: Sequence[Span]) -> str:
        say = self.language.words.say
        if not spans:
            return say.closed
        midnight = datetime(2000, 1, 1)
        if (spans[0].opens_min, spans[-1].closes_min) == (0, 1440) and len(spans) == 1:
            return say.all_day
        texts = [
            say.hours.format(
                opens=self._clock_time(at(midnight.date(), span.opens_min, midnight)),
                closes=self._clock_time(at(midnight.date(), span.closes_min, midnight)),
            )
            for span in spans
        ]
        return f" {say.and_} ".join(texts)

    def _week(self, schedule: Schedule) -> str:
        words, say = self.language.words, self.language.words.say
        groups = []
        for first, last, spans in schedule.same_days():
            names = words.weekdays[first][0], words.weekdays[last][0]
            days = names[0] if first == last else say.days.format(first=names[0], last=names[1])
            if last == first + 1:
                days = f"{names[0]} {say.and_} {names[1]}"
            groups.append(say.on_days.format(days=days, hours=self._spans(spans)))
        return _joined(groups, say.and_)

    def _day_name(self, asked: DayName | None, day: date, today: date) -> str:
        words = self.language.words
        if asked is not None and asked.holiday is not None:
            return asked.holiday[0]
        if asked is None or asked.ahead is not None:
            nearby = {0: words.say.today, 1: words.say.tomorrow}.get((day - today).days, "")
            if nearby:
                return nearby
        return words.weekdays[day.weekday()][0]

    def _on_day(self, asked: DayName | None, day: date, today: date) -> str:
        name, say = self._day_name(asked, day, today), self.language.words.say
        return name if name in (say.today, say.tomorrow) else say.on_day.format(day=name)

    def _date(self, day: date) -> str:
        return self.language.words.say.date.format(day=day.day, month=self.language.words.months[day.month - 1])

    def _clock_time(self, moment: datetime) -> str:
        if self.clock == 24:
            return f"{moment.hour}:{moment.minute:02}"
        say = self.language.words.say
        named = {(0, 0): say.midnight, (12, 0): say.noon}.get((moment.hour, moment.minute))
        if named:
            return named
        half = "AM" if moment.hour < 12 else "PM"
        hour = moment.hour % 12 or 12
        return f"{hour}:{moment.minute:02} {half}" if moment.minute else f"{hour} {half}"


def listings(tables: Mapping[str, Table], language: Language) -> Mapping[str, str]:
    """By ``all.product.sale``: the names of the rows of ``product`` with a value in ``sale``; empty without any."""
    found: dict[str, str] = {}
    for table in tables.values():
        for column in table.columns:
            names = [row.values["name"] for row in table.rows if row.values.get(column)]
            found[f"{ALL}.{table.name}.{column}"] = _joined(names[:_LONGEST_LIST], language.words.say.and_)
    return found


def _joined(texts: Sequence[str], and_: str) -> str:
    return f" {and_} ".join([*filter(None, [", ".join(texts[:-1])]), *texts[-1:]])


def _flag(value: bool) -> str:
    return "yes" if value else ""
