"""Ways to ask, as they stand in a FAQ file: ``(where|in which aisle) (is|are) [the] {product}``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipeline import phrase_patterns
from providers.agent.faq.language import Language, Tokens

_MOST_FORMS = 400
_SLOT = re.compile(r"(\{[a-z_]+\})")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One form of a way to ask."""

    question: str
    """Name of the question in the FAQ file."""

    tokens: Tokens
    """In comparable form, polite phrases gone; a slot is ``{product}``."""

    slots: frozenset[str]
    """Slots that it has, without braces."""

    written: str
    """As the file has it, for messages."""


def patterns(question: str, asked: Iterable[str], language: Language) -> Iterator[Pattern]:
    """All forms of the ways to ask a question. Raises ``ValueError`` for brackets that do not match."""
    seen: set[Tokens] = set()
    for written in asked:
        for form in expanded(written):
            tokens = _tokens(form, language)
            if tokens and tokens not in seen:
                seen.add(tokens)
                slots = frozenset(token[1:-1] for token in tokens if token.startswith("{"))
                yield Pattern(question, tokens, slots, written)


def expanded(written: str) -> list[str]:
    """``[x]`` with and without x, ``(x|y)`` once with each. Raises ``ValueError``."""
    forms = phrase_patterns.expanded(written, _MOST_FORMS)
    if any(set("{}") & set(_SLOT.sub("", form)) for form in forms):
        raise ValueError(f"{written!r} has a brace that is no slot; a slot looks like {{product}}")
    return forms


def _tokens(form: str, language: Language) -> Tokens:
    found: list[str] = []
    for part in _SLOT.split(form):
        found += [part] if _SLOT.fullmatch(part) else language.tokens(part)
    return language.without_fillers(tuple(found))
