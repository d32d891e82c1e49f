"""Numbers as they are written, in figures."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

AMOUNT = r"(?:\d{1,3}(?:[.,'\u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?)(?![.,]?\d)"
"""A number with or without marks between its thousands, with or without decimals."""

LONGEST_DIGITS = 15
"""Digits of the largest number that is said as one; a longer one is a code and said digit by digit."""

_SPACES = str.maketrans("", "", "'\u00a0\u202f")

FRACTION_SIGNS = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
"""Common fractions that are one character."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A number as a person reads it."""

    whole: int
    """What stands before the decimal mark."""

    decimals: str = ""
    """The digits after it, as written."""

    fraction: tuple[int, int] | None = None
    """Numerator and denominator of a common fraction beside ``whole``: 1 1/2 is ``Amount(1, "", (1, 2))``."""

    @property
    def is_one(self) -> bool:
        """Whether what is counted stands in the singular."""
        return (self.whole, self.decimals.strip("0"), self.fraction) == (1, "", None)


def read(figures: str, *, decimal_comma: bool) -> Amount | None:
    """The number that ``AMOUNT`` found, None for one too long to be said as one.

    Where both marks occur the last one is the decimal mark. A single mark before exactly three digits stands between
    thousands if it is the language's mark for that, and is the decimal mark otherwise.
    """
    figures = figures.translate(_SPACES)
    dot, comma = figures.rfind("."), figures.rfind(",")
    mark = max(dot, comma)
    if mark >= 0 and min(dot, comma) < 0:
        thousands = "." if decimal_comma else ","
        is_grouped = len(figures) - mark == 4 and figures[mark] == thousands and figures[0] != "0"
        if is_grouped or figures.count(figures[mark]) > 1:
            mark = -1
    whole, decimals = (figures[:mark], figures[mark + 1 :]) if mark >= 0 else (figures, "")
    whole = whole.replace(".", "").replace(",", "")
    if len(whole) > LONGEST_DIGITS or len(decimals) > LONGEST_DIGITS:
        return None
    return Amount(int(whole), decimals)


def fraction(sign: str) -> tuple[int, int]:
    """Numerator and denominator of one of ``FRACTION_SIGNS``."""
    numerator, _, denominator = unicodedata.normalize("NFKD", sign).partition("⁄")
    return int(numerator), int(denominator)


def grouped(digits: str) -> list[str]:
    """A row of digits in groups as people say them: threes, at the end two to four."""
    groups = []
    while len(digits) > 4:
        groups.append(digits[:3])
        digits = digits[3:]
    return [*groups, digits]


def runs(text: str) -> list[str]:
    """The rows of digits in a text, such as a telephone number's groups."""
    return re.findall(r"\d+", text)
