"""Finds a personality by what people call it: its id, the beginning of its id, or its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from assistant.personalities.errors import PersonalityMissing
from assistant.personalities.kinds import folded
from assistant.problems import clipped, nearest

SHORT_ID = 8
"""Characters of an id that are shown where there is little room."""

LEAST_PREFIX = 4
"""Characters of an id that must be given at least."""


class Identified(Protocol):
    """What has an id and a name."""

    @property
    def id(self) -> str:
        """UUID."""

    @property
    def name(self) -> str:
        """As customers know it."""


T = TypeVar("T", bound=Identified)


def find(everyone: Sequence[T], wanted: str) -> T:
    """The one of that id or name, else the only one whose id begins so. Raises ``PersonalityMissing``."""
    text = wanted.strip()
    for one in everyone:
        if one.id and one.id == text:
            return one
    named = [one for one in everyone if folded(one.name) == folded(text[:200])]
    begun = [one for one in everyone if len(text) >= LEAST_PREFIX and one.id.startswith(text.lower())]
    if len(found := named or begun) == 1:
        return found[0]
    known = ", ".join(f"{one.name} ({one.id[:SHORT_ID]})" if one.id else one.name for one in everyone[:20])
    if found:
        raise PersonalityMissing(
            f"{clipped(wanted)!r} stands for several personalities.", remedy=f"Known are: {known}."
        )
    close = nearest(text, [one.name for one in everyone])
    hint = f"Did you mean {close!r}? " if close else ""
    raise PersonalityMissing(f"There is no personality {clipped(wanted)!r}.", remedy=f"{hint}Known are: {known}.")
