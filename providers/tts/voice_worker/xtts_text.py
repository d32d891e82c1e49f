"""Text as XTTS's model reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

HINDI_DIGITS = ("शून्य", "एक", "दो", "तीन", "चार", "पाँच", "छह", "सात", "आठ", "नौ")
"""num2words 0.5.14, which the package asks, cannot count in Hindi."""

_LAST_STOP = re.compile(r"(?<=\d)\.(?=\s*$)")
_STOP = re.compile(r"(?<=\d)\.(?=\s)")
_EDGE_OF_NUMBER = re.compile(r"(?<=\d)(?=[^\d\s])|(?<=[^\d\s])(?=\d)")
_DIGIT = re.compile(r"\d")
_NO_WORD = re.compile(r"[^\w\s]|\d")

REFUSALS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What the package's tokenizer raises where a number, mark or script is beyond it (``NotImplementedError`` is among
them)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A text for the model."""

    tokens: list[int]
    """Numbers of the vocabulary."""
    read: str
    """The same as letters: numbers in words; Chinese, Japanese and Korean in Latin letters."""


def reading(tokenizer: Any, text: str, language: str) -> Reading | None:
    """How the model reads a text in that language (ISO 639-1), None where it has nothing to say.

    The package's tokenizer fails on some texts: Czech and Turkish ordinals, every number in Hindi, numbers beyond any
    name. Then a full stop behind a number is no longer an ordinal's, else numbers are told apart from all that stands
    around them, else they are read digit by digit, else left out.
    """
    text = _DIGIT.sub(lambda digit: str(int(digit[0])), text.strip().lower())  # the package knows 0 to 9 only
    for variant in _variants(text, language):
        try:
            read = tokenizer.preprocess_text(variant, language)
            tokens = tokenizer.encode(variant, lang=language)
        except REFUSALS:
            continue
        if any(map(str.isalnum, read)) and tokens:
            return Reading(list(tokens), read)
    return None


def _variants(text: str, language: str) -> Iterator[str]:
    yield text
    yield _STOP.sub("", _LAST_STOP.sub(" .", text))
    yield _EDGE_OF_NUMBER.sub(" ", text)
    yield _DIGIT.sub(lambda digit: f" {_named(digit[0], language)} ", text)
    yield _NO_WORD.sub(" ", text)


def _named(digit: str, language: str) -> str:
    return HINDI_DIGITS[int(digit)] if language == "hi" else digit
