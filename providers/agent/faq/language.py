"""Makes questions comparable: case, accents, punctuation, plurals, number words and polite phrases no longer matter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Generic, TypeVar

from providers.agent.faq.words import Words

T = TypeVar("T")
Tokens = tuple[str, ...]

_TOKEN = re.compile(r"\d+[:.,]\d+|\d+|[^\W\d_]+(?:'[^\W\d_]+)*")
_LARGEST_NUMBER = 999
"""Number words are known up to here; what is larger is rarely spoken in a shop."""
_SHORTEST_STEM = 3


class Phrasebook(Generic[T]):
    """Values by phrase, found in a text at a place, the longest phrase first."""

    def __init__(self, entries: Iterable[tuple[Tokens, T]] = ()) -> None:
        self._entries: dict[Tokens, T] = {}
        for phrase, value in entries:
            if phrase:
                self._entries.setdefault(phrase, value)
        self._longest = max(map(len, self._entries), default=0)

    def at(self, tokens: Tokens, place: int) -> tuple[int, T] | None:
        """How many tokens the longest phrase that begins at ``place`` has, and its value."""
        for length in range(min(self._longest, len(tokens) - place), 0, -1):
            phrase = tokens[place : place + length]
            if phrase in self._entries:
                return length, self._entries[phrase]
        return None

    def replaced(self, tokens: Tokens, into: Mapping[T, Tokens]) -> Tokens:
        """The text with every phrase replaced by what ``into`` has for its value."""
        out: list[str] = []
        place = 0
        while place < len(tokens):
            length, value = self.at(tokens, place) or (1, None)
            out += tokens[place : place + 1] if value is None else into[value]
            place += length
        return tuple(out)


class Language:
    """Reads texts in one language."""

    def __init__(self, code: str, words: Words) -> None:
        self.code = code
        """ISO 639-1."""
        self.words = words
        self._rewrites = {_split(phrase): _split(into) for phrase, into in words.rewrites.items()}
        self._rewrite_book = Phrasebook((phrase, phrase) for phrase in self._rewrites)
        numbers = dict(_number_words(code)) | {_split(word): value for word, value in words.numbers.items()}
        self._numbers = Phrasebook(numbers.items())
        self._fillers = self.book(words.fillers)
        self.light = self._single(words.light)
        self.negations = self._single(words.negations)
        self.pronouns = self._single(words.pronouns)
        self.conjunctions = self._single(words.and_)

    def tokens(self, text: str) -> Tokens:
        """Words of a text in the form that is compared; number words are digits."""
        found: list[str] = []
        for word in _split(text):
            found += self._uncontracted(word)
        tokens = self._rewrite_book.replaced(tuple(found), self._rewrites)
        out: list[str] = []
        place = 0
        while place < len(tokens):
            if number := self._numbers.at(tokens, place):
                out.append(str(number[1]))
                place += number[0]
            else:
                out.append(self._stem(tokens[place]))
                place += 1
        return tuple(out)

    def book(self, phrases: Iterable[str]) -> Phrasebook[bool]:
        """A phrasebook that only knows whether a phrase is in it."""
        return Phrasebook((self.tokens(phrase), True) for phrase in phrases)

    def without_fillers(self, tokens: Tokens) -> Tokens:
        """The text without polite phrases; the whole text where it has nothing else."""
        return self._fillers.replaced(tokens, {True: ()}) or tokens

    def _single(self, words: Iterable[str]) -> frozenset[str]:
        return frozenset(token for word in words for token in self.tokens(word))

    def _uncontracted(self, word: str) -> Tokens:
        if "'" in word and (word,) not in self._rewrites:
            for ending, full in self.words.contractions.items():
                if word.endswith(ending) and word != ending:
                    return (word.removesuffix(ending), full)
        return (word,)

    def _stem(self, word: str) -> str:
        if word[0].isdigit():
            return word
        for ending, replacement in self.words.endings:
            if word.endswith(ending) and len(word) - len(ending) + len(replacement) >= _SHORTEST_STEM:
                return word.removesuffix(ending) + replacement
        return word


def _split(text: str) -> Tokens:
    decomposed = unicodedata.normalize("NFKD", text.lower().replace("’", "'"))
    return tuple(_TOKEN.findall("".join(letter for letter in decomposed if not unicodedata.combining(letter))))


@cache
def _number_words(language: str) -> tuple[tuple[Tokens, int], ...]:
    import num2words

    try:
        return tuple((_split(num2words.num2words(n, lang=language)), n) for n in range(_LARGEST_NUMBER + 1))
    except NotImplementedError:  # a language that the library does not know
        return ()
