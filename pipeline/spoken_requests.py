"""What customers ask of the conversation itself, in so many words: to repeat, to speak louder, to stop.

A request is the whole of what was said, with courtesies around it, and never a part of a longer question: "stop" is
one, "where is the bus stop" is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.phrase_patterns import Words, comparable, forms
from pipeline.speech import primary_language

POLITE = "polite"
"""Beside the kinds: phrases that may stand around a request, such as ``please`` and ``could you``."""

HESITATION = "hesitation"
"""Beside the kinds: words without any meaning, such as ``um``."""

LANGUAGE_SLOT, OWN_SLOT = "language", "own"
"""``speak {language}``: every name of a language. ``[in] {own} please``: only the names of the phrase's own."""

LONGEST_WORDS = 16
"""Whoever says more than this has a question."""


class RequestKind(StrEnum):
    """What is wanted."""

    REPEAT = "repeat"
    """Say the last answer again."""
    SLOWER = "slower"
    """Speak slower."""
    LOUDER = "louder"
    """Speak louder."""
    SOFTER = "softer"
    """Speak softer."""
    STOP = "stop"
    """Say no more."""
    LANGUAGE = "language"
    """Go on in another language."""
    PERSON = "person"
    """A person instead of a machine."""
    GOODBYE = "goodbye"
    """The conversation is over."""


@dataclass(frozen=True, slots=True)
class Request:
    """Something that the conversation itself can do."""

    kind: RequestKind
    """What."""

    language: str = ""
    """ISO 639-1 code of the language that is wanted; empty but for ``LANGUAGE``."""


class ReplyKind(StrEnum):
    """What is said to a request."""

    NOTHING_TO_REPEAT = "nothing_to_repeat"
    """There is no last answer."""
    LOUDER = "louder"
    """Said louder than before."""
    LOUDEST = "loudest"
    """It is as loud as it may be."""
    SOFTER = "softer"
    """Said softer than before."""
    SOFTEST = "softest"
    """It is as soft as it may be."""
    SLOWER = "slower"
    """Said slower than before."""
    SLOWEST = "slowest"
    """It is as slow as it may be."""
    STOP = "stop"
    """There was nothing to stop but the conversation."""
    LANGUAGE = "language"
    """Said in the new language."""
    OTHER_LANGUAGE = "other_language"
    """The personality does not speak the wanted one."""
    PERSON = "person"
    """Staff was told."""
    GOODBYE = "goodbye"
    """The conversation is over."""


class SpokenRequests:
    """Finds a request in what was said."""

    def __init__(
        self,
        phrases: Mapping[str, Mapping[str, Sequence[str]]],
        names: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    ) -> None:
        """Raises ``ValueError`` for a pattern with a mistake.

        Args:
            phrases: By language (ISO 639-1) and ``RequestKind`` (or ``POLITE``, ``HESITATION``): patterns as in
                ``phrase_patterns.forms``; case, accents and punctuation do not matter.
            names: By language: what the languages (ISO 639-1) are called in it, for ``{language}``.
        """
        self._books = {code: _Book(code, kinds, (names or {}).get(code, {})) for code, kinds in phrases.items()}

    def find(self, text: str, language: str, name: str = "") -> Request | None:
        """The request that a text is, None for a question. Quick: dictionary look-ups.

        Another language is also asked for in that language: ``español, por favor`` to somebody who speaks English.

        Args:
            text: The transcript.
            language: Its language; of one without phrases only requests for another language are found.
            name: The assistant's, which may be said with it.
        """
        words, called = comparable(text), comparable(name)
        code = primary_language(language)
        if len(words) > LONGEST_WORDS:
            return None
        if code in self._books and (request := self._books[code].read(words, called)):
            return request
        elsewhere = (book.read(words, called) for other, book in self._books.items() if other != code)
        return next((request for request in elsewhere if request and request.kind is RequestKind.LANGUAGE), None)

    def stop_words(self, language: str) -> frozenset[str]:
        """Whatever ends an answer at once, as ``comparable`` words with spaces; of all languages for one without."""
        book = self._books.get(primary_language(language))
        books = [book] if book is not None else self._books.values()
        return frozenset(" ".join(words) for one in books for words in one.stops())


class _Book:
    """One language's phrases."""

    def __init__(self, code: str, kinds: Mapping[str, Sequence[str]], names: Mapping[str, Sequence[str]]) -> None:
        codes = {called: one for one, all_called in names.items() for called in all_called}
        slots = {LANGUAGE_SLOT: list(codes), OWN_SLOT: names.get(code, ())}
        self._hesitations = {word for one in kinds.get(HESITATION, ()) for word in comparable(one)}
        self._polite = {words for one in kinds.get(POLITE, ()) for words, _ in forms(one, {})}
        self._requests: dict[Words, Request] = {}
        for kind in RequestKind:
            for pattern in kinds.get(kind, ()):
                for words, called in forms(pattern, slots if kind is RequestKind.LANGUAGE else {}):
                    if kind is RequestKind.LANGUAGE and not called:
                        raise ValueError(f"{pattern!r} names no language; write {{language}} or {{own}}")
                    self._requests.setdefault(words, Request(kind, codes.get(called, "")))
        self._longest = max(map(len, [*self._polite, *self._requests]), default=0)

    def stops(self) -> Iterator[Words]:
        return (words for words, request in self._requests.items() if request.kind is RequestKind.STOP)

    def read(self, words: Words, name: Words) -> Request | None:
        """The request of which, with courtesies, the words consist.

        Where they can be read in two ways, the longer request counts, then the one with more courtesies.
        """
        words = tuple(word for word in words if word not in self._hesitations)
        readings: list[list[Request | None]] = [[None], *([] for _ in words)]
        for start, before in enumerate(readings[:-1]):
            for end in range(start + 1, min(len(words), start + max(self._longest, len(name))) + 1):
                phrase = words[start:end]
                if phrase in self._polite or phrase == name:
                    readings[end] += [request for request in before if request not in readings[end]]
                if phrase in self._requests:
                    together = [_together(request, self._requests[phrase]) for request in before]
                    readings[end] += [request for request in together if request and request not in readings[end]]
        return next((request for request in readings[-1] if request is not None), None)


def _together(one: Request | None, other: Request) -> Request | None:
    """What is wanted by whoever says both, None where that cannot be told.

    "Stop, I want to talk to a person" asks for the person.
    """
    if one is None or one == other or one.kind is RequestKind.STOP:
        return other
    return one if other.kind is RequestKind.STOP else None
