"""What routes are sent: bases and fields of their bodies."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from assistant.personalities.kinds import several_lines


class Body(BaseModel):
    """Base of all bodies: unknown keys are refused, for a misspelt one would be ignored in silence."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Answer(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(use_attribute_docstrings=True)


MOST_CHARACTERS = 5000
"""Of a text to speak: five minutes of sound."""

Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_CHARACTERS),
    AfterValidator(several_lines),
]
"""1 to 5,000 characters without control characters."""

MOST_KEYS = 1000
"""Of a document with all its sections: every unknown one is compared with those that are known."""


def few_keys(document: dict[str, Any]) -> dict[str, Any]:
    """Raises ``ValueError`` where there are more than anybody can mean."""
    sections: list[Any] = [document]
    keys = 0
    while sections:
        section = sections.pop()
        if isinstance(section, dict):
            keys += len(section)
            sections.extend(section.values())
        elif isinstance(section, list):
            sections.extend(section)
    if keys > MOST_KEYS:
        raise ValueError(f"must not have more than {MOST_KEYS} keys")
    return document


Document = Annotated[dict[str, Any], AfterValidator(few_keys)]
"""What is judged key by key elsewhere."""

Who = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
"""A personality's id, the beginning of one, or its name."""
