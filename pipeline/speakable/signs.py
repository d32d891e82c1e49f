"""Signs and abbreviations replaced by words, many at once."""

from __future__ import annotations

import re
from collections.abc import Mapping

_ACRONYM = re.compile(r"\b(?:[A-Z]\.\s?){2,}(?!\w)")
_SLASH = re.compile(r"(?<=\w)\s?/\s?(?=\w)")
_ENDS = re.compile(r"\s*$|\s+[\"'“¿¡(]?[A-Z]")


class Replacements:
    """Regular expressions, each with the plain text that takes the place of what it finds.

    Those beginning with a letter find only whole words.
    """

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = list(words.values())
        self._pattern = re.compile("|".join(f"({_bounded(pattern)})" for pattern in words))

    def apply(self, text: str) -> str:
        """The text with all of them replaced."""
        return self._pattern.sub(lambda found: self._words[(found.lastindex or 1) - 1], text)


def acronyms(text: str) -> str:
    """``U.S.`` as "U S": its full stops would end the sentence. The one that does end it stays."""

    def spell(found: re.Match[str]) -> str:
        letters = " ".join(character for character in found[0] if character.isalpha())
        ends = _ENDS.match(text, found.end()) or (found[0][-1].isspace() and _ENDS.match(text, found.end() - 1))
        return letters + ("." if ends and not text[found.end() :].strip() else "") + " " * found[0][-1].isspace()

    return _ACRONYM.sub(spell, text)


def slashes(text: str, word: str) -> str:
    """``pickup/delivery`` as "pickup or delivery", ``and/or`` and ``TCP/IP`` with nothing between."""

    def say(found: re.Match[str]) -> str:
        left, right = text[: found.start()][-8:].split(), text[found.end() :][:8].split()
        joined = {"and", "y", "e"} & {left[-1].lower()} or (left[-1].isupper() and right[0].isupper())
        return " " if joined else f" {word} "

    return _SLASH.sub(say, text)


def _bounded(pattern: str) -> str:
    return rf"\b(?:{pattern})" if pattern[0].isalpha() else pattern
