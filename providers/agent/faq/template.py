"""Answers with fields: ``{product.name} is in aisle {product.aisle}.``"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_FIELD = re.compile(r"\{([a-z_]+(?:\.[a-zA-Z_]+)?|all\.[a-z_]+\.[a-zA-Z_]+)\}")
_BEGIN = re.compile(r"(^|[.!?…]\s+)[¡¿\"]?$")

Facts = Mapping[str, str]
"""Values by field, such as ``product.aisle``; an empty text means no."""


@dataclass(frozen=True, slots=True)
class Template:
    """An answer with its fields. ``parse`` makes one."""

    text: str
    """As written."""

    fields: frozenset[str]
    """Fields that it names."""

    @classmethod
    def parse(cls, text: str) -> Template:
        """Raises ``ValueError`` where a brace is not part of a field."""
        rest = _FIELD.sub("", text)
        if "{" in rest or "}" in rest:
            raise ValueError(f"{text!r} has a brace that is no field; a field looks like {{product.price}}")
        return cls(text, frozenset(_FIELD.findall(text)))

    def filled(self, facts: Facts) -> str:
        """The text with its fields' values; one that begins a sentence gets a capital letter."""

        def value(match: re.Match[str]) -> str:
            text = facts[match[1]]
            return text[:1].upper() + text[1:] if _BEGIN.search(self.text[: match.start()]) else text

        return " ".join(_FIELD.sub(value, self.text).split())


@dataclass(frozen=True, slots=True)
class Condition:
    """``product.sale``: has a value; ``not product.sale``: has none. ``parse`` makes one."""

    field: str
    wanted: bool

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Raises ``ValueError`` where the text is no condition."""
        words = text.split()
        if words[:-1] in ([], ["not"]) and words[-1:] not in ([], ["not"]) and _FIELD.fullmatch("{" + words[-1] + "}"):
            return cls(words[-1], len(words) == 1)
        raise ValueError(f"{text!r} is no condition; write a field such as product.sale, or: not product.sale")

    def holds(self, facts: Facts) -> bool:
        """Whether the answer that it guards may be given."""
        return bool(facts[self.field]) == self.wanted
