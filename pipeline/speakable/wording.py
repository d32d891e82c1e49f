"""What a language must be able to say; the rules that find prices, times and the like know no word of any language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pipeline.speakable.numerals import Amount


@dataclass(frozen=True, slots=True)
class Noun:
    """Something that is counted."""

    one: str
    """Singular."""

    many: str
    """Plural."""

    feminine: bool = False
    """Whether numbers before it take their feminine form."""


@dataclass(frozen=True, slots=True)
class Currency:
    """Money."""

    unit: Noun
    cent: Noun | None = None
    """Hundredth part, None where there is none in use."""


@dataclass(frozen=True, slots=True)
class Date:
    """A day as far as it is written."""

    month: int
    """1 to 12."""

    day: int | None = None
    """1 to 31."""

    last_day: int | None = None
    """Of a range within the month."""

    year: int | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day."""

    hour: int
    """0 to 24 as written."""

    minute: int | None = None
    """0 to 59, None where only the hour is written."""

    half: str = ""
    """``am``, ``pm`` or nothing, as written."""


@dataclass(frozen=True, slots=True)
class Words:
    """Single words that rules put between others."""

    to: str
    """Between the ends of a range."""
    by: str
    """Between the sides of a board."""
    times: Noun
    """How often."""
    per: str
    """Between a price and its measure."""
    minus: str
    plus: str
    number: str
    slash: str
    """Between figures that are neither a date nor a fraction."""


class Wording(Protocol):
    """One language (of one region)."""

    words: Words
    singular_between: bool
    """Whether a measure between "a" and a noun stands in the singular: "a five dollar coupon"."""
    decimal_comma: bool
    """Whether a comma is the decimal mark and a dot stands between thousands."""
    day_first: bool
    """Whether 3/4 is in April."""
    months: Mapping[str, int]
    """Number of the month by name and abbreviation, lower case."""
    units: Mapping[str, Noun]
    """Measures by their sign, as written."""
    currencies: Mapping[str, Currency]
    """By sign and code, as written."""
    magnitudes: Mapping[str, str]
    """"million" and the like after a price, as written to as said; ``k`` is always there."""
    dates: tuple[re.Pattern[str], ...]
    """Forms of a date with the month's name: groups month and, where they have them, day, last_day, year."""
    ordinal_marks: str
    """Regular expression for what follows the figures of an ordinal."""

    def number(self, amount: Amount, *, feminine: bool = False, following: str = "") -> str:
        """A number, in the form that stands before the word ``following``."""
        ...

    def counted(self, amount: Amount, noun: Noun) -> str:
        """A number of things."""
        ...

    def price(self, amount: Amount, currency: Currency, magnitude: str) -> str:
        """An amount of money; ``magnitude`` is as said, or nothing."""
        ...

    def ordinal(self, number: int, mark: str) -> str:
        """``mark`` is what followed the figures."""
        ...

    def year(self, year: int) -> str:
        """A year's number."""
        ...

    def decade(self, year: int) -> str | None:
        """``1990s``; None where the language does not write that."""
        ...

    def date(self, date: Date, before: str) -> str:
        """A day; ``before`` is the text before it."""
        ...

    def time(self, clock: Clock, after: str) -> str:
        """A time of day; ``after`` is the text after it."""
        ...

    def expand(self, text: str) -> str:
        """Abbreviations in full; done before everything else."""
        ...

    def symbols(self, text: str) -> str:
        """Signs that are left, as words; done after everything else."""
        ...
