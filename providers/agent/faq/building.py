"""Makes a FAQ file into what answers questions, and refuses one that could not answer what it promises."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipeline.errors import SettingsError
from providers.agent.faq.document import Document
from providers.agent.faq.facts import ALL, ALWAYS, WITH_TIME, FactBook, listings
from providers.agent.faq.hours import Schedule, Span, parse_spans
from providers.agent.faq.knowledge import Answer, Case, Knowledge
from providers.agent.faq.language import Language, Tokens
from providers.agent.faq.loading import Path_, Source, load
from providers.agent.faq.matcher import Matcher
from providers.agent.faq.patterns import Pattern, patterns
from providers.agent.faq.slots import DAY, NUMBER, TIME, Holiday, SlotFinder
from providers.agent.faq.table import Table, listed, read_table
from providers.agent.faq.template import Condition, Template

_HOURS_COLUMN = "hours"
"""A row's own opening hours stand in the column of this name."""


def build(path: Path) -> Knowledge:
    """Read a FAQ file and all it names. Raises ``SettingsError`` with file, line and remedy."""
    document, source = load(path)
    language = Language(document.language, document.words)
    tables = _tables(document, source, language)
    schedules = _schedules(document, source)
    _check_own_hours(tables, schedules)
    finder = SlotFinder(language, tables, _holidays(document))
    ways = _patterns(document, source, language, finder)
    clock = int(document.clock or document.words.clock)
    facts = FactBook(language, clock, document.shop, schedules, listings(tables, language))
    answers = _Answers(document, source, tables, facts.listings)
    return Knowledge(
        language=language,
        matcher=Matcher(language, finder, ways),
        facts=facts,
        answers={name: answers.of_question(name, ways) for name in document.questions},
        unknown=answers.simple(("unknown", "answer"), document.unknown.answer, frozenset()),
        about={
            table: answers.simple(("unknown", "about", table), texts, frozenset({table}))
            for table, texts in document.unknown.about.items()
        },
    )


def _tables(document: Document, source: Source, language: Language) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    for name, where in document.tables.items():
        file = source.path.parent / where.file
        tables[name] = read_table(name, file, where.name, where.synonyms, language)
    for name, items in document.lists.items():
        if name in tables:
            raise source.error(("lists", name), f"{name!r} is a table already.")
        tables[name] = listed(name, items)
    for name in tables:
        if name in (DAY, TIME, NUMBER, ALL, "hours", "now", "shop", "personality"):
            raise source.error(("tables",), f"{name!r} has a meaning of its own.", "Give the table another name.")
    return tables


def _schedules(document: Document, source: Source) -> dict[str, Schedule]:
    special: dict[tuple[int | None, int, int], tuple[Span, ...]] = {}
    for text, day in document.special_days.items():
        where: Path_ = ("special_days", text)
        try:
            special[_date_key(text)] = parse_spans(day.hours)
        except ValueError as error:
            raise source.error(where, f"{error}.") from error
    schedules = {}
    for number, (name, week) in enumerate(document.hours.items()):
        spans = []
        for weekday, text in week.model_dump().items():
            try:
                spans.append(parse_spans(text))
            except ValueError as error:
                raise source.error(("hours", name, weekday), f"{error}.") from error
        # A department is closed on the shop's closed days; other special hours are those of the shop's doors.
        own = special if number == 0 else {key: value for key, value in special.items() if not value}
        schedules[name] = Schedule(tuple(spans), own)
    return schedules


def _date_key(text: str) -> tuple[int | None, int, int]:
    *year, month, day = map(int, text.split("-"))
    date(year[0] if year else 2000, month, day)
    return year[0] if year else None, month, day


def _holidays(document: Document) -> list[Holiday]:
    named = ((text, day.names.get(document.language)) for text, day in document.special_days.items())
    return [Holiday(names, *_date_key(text)) for text, names in named if names]


def _check_own_hours(tables: Mapping[str, Table], schedules: Mapping[str, Schedule]) -> None:
    for table in tables.values():
        for row in table.rows:
            own = row.values.get(_HOURS_COLUMN, "")
            if own and own not in schedules:
                known = ", ".join(schedules) or "none"
                raise SettingsError(
                    f"{table.file}, line {row.line}: there are no hours {own!r}.", remedy=f"Known: {known}."
                )


def _patterns(document: Document, source: Source, language: Language, finder: SlotFinder) -> list[Pattern]:
    ways: list[Pattern] = []
    taken: dict[Tokens, Pattern] = {}
    for name, question in document.questions.items():
        for index, asked in enumerate(question.ask):
            where: Path_ = ("questions", name, "ask", index)
            try:
                found = list(patterns(name, [asked], language))
            except ValueError as error:
                raise source.error(where, f"{error}.") from error
            if not found:
                raise source.error(where, f"{asked!r} has no word in it.")
            for way in found:
                for slot in way.slots - finder.kinds:
                    raise source.error(where, f"there is no table {slot!r}.", _suggestion(slot, finder.kinds))
                other = taken.setdefault(way.tokens, way)
                if other.question != name:
                    raise source.error(where, f"{asked!r} is already asked by {other.question!r} ({other.written!r}).")
                if other is way:
                    ways.append(way)
    return ways


@dataclass(frozen=True, slots=True)
class _Answers:
    """Checks that every field of an answer will have a value."""

    document: Document
    source: Source
    tables: Mapping[str, Table]
    listings: Mapping[str, str]

    def of_question(self, name: str, ways: Sequence[Pattern]) -> Answer:
        question = self.document.questions[name]
        asked = [way.slots for way in ways if way.question == name]
        slots = frozenset.intersection(*asked)
        if question.answer:
            return self.simple(("questions", name, "answer"), question.answer, slots)
        cases: list[Case] = []
        excluded: set[str] = set()
        for index, case in enumerate(question.cases):
            where: Path_ = ("questions", name, "cases", index)
            conditions = tuple(self._condition((*where, "when"), text, slots) for text in case.when)
            sure = excluded | {condition.field for condition in conditions if condition.wanted}
            cases.append(Case(conditions, self._variants((*where, "answer"), case.answer, slots, sure)))
            if len(conditions) == 1 and not conditions[0].wanted:
                excluded.add(conditions[0].field)
        return Answer(tuple(cases))

    def simple(self, where: Path_, texts: Sequence[str], slots: frozenset[str]) -> Answer:
        return Answer((Case((), self._variants(where, texts, slots, ())),))

    def _condition(self, where: Path_, text: str, slots: frozenset[str]) -> Condition:
        try:
            condition = Condition.parse(text)
        except ValueError as error:
            raise self.source.error(where, f"{error}.") from error
        self._check_known(where, condition.field, slots)
        return condition

    def _variants(
        self, where: Path_, texts: Sequence[str], slots: frozenset[str], sure: Iterable[str]
    ) -> tuple[Template, ...]:
        templates = []
        for text in texts:
            try:
                template = Template.parse(text)
            except ValueError as error:
                raise self.source.error(where, f"{error}.") from error
            for field in sorted(template.fields):
                self._check_known(where, field, slots)
                if field not in sure:
                    self._check_filled(where, field)
            templates.append(template)
        return tuple(templates)

    def _check_known(self, where: Path_, field: str, slots: frozenset[str]) -> None:
        known = {"shop." + key for key in self.document.shop}
        known |= ALWAYS if self.document.hours else {one for one in ALWAYS if not one.startswith(("hours.", "day."))}
        known |= WITH_TIME if self.document.hours and TIME in slots else set()
        known |= ({NUMBER} & slots) | self.listings.keys()
        for table in slots & self.tables.keys():
            known |= {f"{table}.{column}" for column in self.tables[table].columns}
        if field in known:
            return
        owner, _, column = field.partition(".")
        if owner in self.tables and column in self.tables[owner].columns:
            problem = f"the answer needs {{{field}}}, but not every way to ask names a {{{owner}}}"
            raise self.source.error(where, f"{problem}.", "Make two questions of it.")
        raise self.source.error(where, f"there is no field {{{field}}}.", _suggestion(field, known))

    def _check_filled(self, where: Path_, field: str) -> None:
        if not self.listings.get(field, "some"):
            raise self.source.error(
                where, f"no row has a value for {{{field}}}.", f"Use `cases` with `when: {field}` and one without."
            )
        owner, _, column = field.partition(".")
        for row in self.tables[owner].rows if owner in self.tables else ():
            if not row.values.get(column):
                table = self.tables[owner].file
                raise self.source.error(
                    where,
                    f"the answer needs {{{field}}}, which is empty in {table}, line {row.line}.",
                    f"Fill it in, or use `cases` with `when: {field}`.",
                )


def _suggestion(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.5)
    return f"Did you mean {close[0]!r}?" if close else ""
