"""Finds in a question the things it is about: rows of tables, days, times, numbers."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from rapidfuzz import fuzz

from providers.agent.faq.language import Language, Phrasebook, Tokens
from providers.agent.faq.table import Row, Table
from providers.agent.faq.times import TimeOfDay, TimeReader

DAY, TIME, NUMBER = "day", "time", "number"
"""Slots that every FAQ has, beside its tables."""

_SIMILAR = 87.0
"""Least similarity (0 to 100, rapidfuzz' ratio) of a name and what was heard instead of it."""
_SHORTEST_SIMILAR = 6
"""Letters of the shortest name that may be heard wrongly; shorter ones are too much like other words."""

_LEAP_YEARS_APART = 8
"""At most, around the year 2100."""


@dataclass(frozen=True, slots=True)
class DayName:
    """A day as a customer names it; exactly one of the fields is set."""

    ahead: int | None = None
    """Days from today."""
    weekday: int | None = None
    """0 is Monday; the next such day, today included."""
    holiday: tuple[str, int | None, int, int] | None = None
    """Name, year (None for every year), month and day."""


Value = Row | DayName | TimeOfDay | int


@dataclass(frozen=True, slots=True)
class Slot:
    """A thing found in a question."""

    kind: str
    """Table's name, ``day``, ``time`` or ``number``."""

    values: tuple[Value, ...]
    """More than one where the question names several: "milk and bread"."""

    exact: bool = True
    """False where the name was only similar."""

    @property
    def token(self) -> str:
        """How patterns write it."""
        return "{" + self.kind + "}"


Item = str | Slot


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day with a name."""

    names: Sequence[str]
    """What it may be called."""
    year: int | None
    """None for every year."""
    month: int
    day: int


@dataclass(slots=True)
class SlotFinder:
    """Knows a shop's things."""

    language: Language
    tables: Mapping[str, Table]
    holidays: Iterable[Holiday]
    common: frozenset[str] = frozenset()
    """Words of the FAQ's own questions: never taken for a name heard wrongly."""
    _names: dict[str, Phrasebook[Row]] = field(init=False)
    _joined: dict[str, dict[str, Row]] = field(init=False)
    _days: Phrasebook[tuple[DayName, ...]] = field(init=False)
    _times: TimeReader = field(init=False)

    def __post_init__(self) -> None:
        tokens = self.language.tokens
        self._names, self._joined = {}, {}
        for name, table in self.tables.items():
            named = [(tokens(called), row) for row in table.rows for called in row.names]
            self._names[name] = Phrasebook(named)
            self._joined[name] = {"".join(phrase): row for phrase, row in reversed(named)}
        self._days = Phrasebook(
            [
                (tokens(called), value)
                for phrases, value in _day_names(self.language, self.holidays)
                for called in phrases
            ]
        )
        self._times = TimeReader(self.language)

    @property
    def kinds(self) -> frozenset[str]:
        """All slots a pattern may have."""
        return frozenset({*self.tables, DAY, TIME, NUMBER})

    def find(self, tokens: Tokens, kinds: frozenset[str]) -> tuple[Item, ...]:
        """The text with the things of these kinds in the place of their names."""
        items: list[Item] = []
        place = 0
        while place < len(tokens):
            length, item = self._at(tokens, place, kinds)
            items.append(item)
            place += length
        missing = {kind for kind in kinds & set(self.tables) if not _has(items, kind)}
        for kind in sorted(missing):
            items = self._similar(items, kind)
        return tuple(self._together(items))

    def _at(self, tokens: Tokens, place: int, kinds: frozenset[str]) -> tuple[int, Item]:
        best: tuple[int, Item] = (0, "")
        for kind in self.tables:
            if kind in kinds and (row := self._row(kind, tokens, place)) and row[0] > best[0]:
                best = row[0], Slot(kind, (row[1],))
        if DAY in kinds and (days := self._days.at(tokens, place)) and days[0] > best[0]:
            best = days[0], Slot(DAY, days[1])
        if TIME in kinds and (time := self._times.at(tokens, place)) and time[0] > best[0]:
            best = time[0], Slot(TIME, (time[1],))
        if best[0] == 0 and NUMBER in kinds and tokens[place].isdigit():
            best = 1, Slot(NUMBER, (int(tokens[place]),))
        return best if best[0] else (1, tokens[place])

    def _row(self, kind: str, tokens: Tokens, place: int) -> tuple[int, Row] | None:
        found = self._names[kind].at(tokens, place)
        for length in (3, 2, 1):  # "tooth paste", "icecream"
            part = tokens[place : place + length]
            row = self._joined[kind].get("".join(part)) if len(part) == length else None
            if row is not None and (found is None or length > found[0]):
                return length, row
        return found

    def _similar(self, items: list[Item], kind: str) -> list[Item]:
        best: tuple[float, int, int, Row] | None = None
        for length in (3, 2, 1):
            for place in range(len(items) - length + 1):
                heard = self._plain(items[place : place + length])
                if len(heard) < _SHORTEST_SIMILAR - 1:
                    continue
                for called, row in self._joined[kind].items():
                    if len(called) < _SHORTEST_SIMILAR or any(letter.isdigit() for letter in called):
                        continue
                    score = fuzz.ratio(heard, called, score_cutoff=_SIMILAR)
                    if score and (best is None or score > best[0]):
                        best = score, place, length, row
        if best is None:
            return items
        _, place, length, row = best
        return [*items[:place], Slot(kind, (row,), exact=False), *items[place + length :]]

    def _plain(self, items: Sequence[Item]) -> str:
        """Words joined; empty where one of them is a thing already, a number or one of the FAQ's own."""
        for item in items:
            if isinstance(item, Slot) or item.isdigit() or item in self.common or item in self.language.light:
                return ""
        return "".join(item for item in items if isinstance(item, str))

    def _together(self, items: Iterable[Item]) -> list[Item]:
        """Things of one kind that follow each other, with nothing, "and" or "and the" between them, as one."""
        out: list[Item] = []
        for item in items:
            between = self._link(out)
            before = out[-1 - between] if between < len(out) else ""
            if isinstance(item, Slot) and isinstance(before, Slot) and item.kind == before.kind:
                del out[-1 - between :]
                more = tuple(value for value in item.values if value not in before.values)
                out.append(Slot(item.kind, before.values + more, item.exact and before.exact))
            else:
                out.append(item)
        return out

    def _link(self, items: Sequence[Item]) -> int:
        """How many words at the end link what is before them with what comes: 0, 1 for "and", 2 for "and the"."""
        words = [item if isinstance(item, str) else "" for item in items[-2:]]
        if words[-1:] and words[-1] in self.language.conjunctions:
            return 1
        return (
            2 if len(words) == 2 and words[0] in self.language.conjunctions and words[1] in self.language.light else 0
        )


def resolve(name: DayName, today: date) -> date:
    """The date of the next day of that name, today included."""
    if name.ahead is not None:
        return date.fromordinal(today.toordinal() + name.ahead)
    if name.weekday is not None:
        return date.fromordinal(today.toordinal() + (name.weekday - today.weekday()) % 7)
    assert name.holiday is not None
    _, year, month, day = name.holiday
    if year is not None:
        return date(year, month, day)
    dates = (_date(one, month, day) for one in range(today.year, today.year + _LEAP_YEARS_APART + 1))
    return next(one for one in dates if one is not None and one >= today)


def _date(year: int, month: int, day: int) -> date | None:
    return None if (month, day) == (2, 29) and not isleap(year) else date(year, month, day)


def _day_names(language: Language, holidays: Iterable[Holiday]) -> list[tuple[Sequence[str], tuple[DayName, ...]]]:
    words = language.words
    named: list[tuple[Sequence[str], tuple[DayName, ...]]] = [
        (words.today, (DayName(ahead=0),)),
        (words.tomorrow, (DayName(ahead=1),)),
        (words.day_after_tomorrow, (DayName(ahead=2),)),
        (words.weekend, (DayName(weekday=5), DayName(weekday=6))),
    ]
    named += [(called, (DayName(weekday=number),)) for number, called in enumerate(words.weekdays)]
    for day in holidays:
        named.append((day.names, (DayName(holiday=(day.names[0], day.year, day.month, day.day)),)))
    return named


def _has(items: Iterable[Item], kind: str) -> bool:
    return any(isinstance(item, Slot) and item.kind == kind for item in items)
