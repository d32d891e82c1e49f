"""What was found out about one part."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from pipeline.errors import AssistantError


class State(StrEnum):
    """How a part is."""

    WORKS = "works"
    """It was tried."""
    WARNS = "warns"
    """It works, but something about it should be known."""
    FAILS = "fails"
    """It cannot do its work, and nothing stands in for it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one part."""

    part: str
    state: State
    reason: str
    """What was seen."""
    remedy: str = ""
    """What to do."""
    rows: tuple[dict[str, Any], ...] = ()
    """The details as a table, each row with the same keys."""

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def failing(part: str, error: AssistantError) -> Finding:
    """A part that cannot be used."""
    return Finding(part, State.FAILS, error.message, error.remedy)
