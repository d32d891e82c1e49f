"""What is wrong with a document that people wrote, told so that they find and mend it: settings, personalities."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

LONGEST = 60
"""Characters of what was given that are told again."""


def explain(problem: Any, model: type[BaseModel], what: str = "setting") -> str:
    """One of pydantic's problems with a document of ``model``, in half a sentence; ``what`` is what its keys are."""
    where = clipped(".".join(str(part) for part in problem["loc"]))
    if problem["type"] == "extra_forbidden":
        *parents, unknown = problem["loc"]
        return f"unknown {what} {where!r}{suggestion(str(unknown), fields_at(model, parents))}"
    text = f"{problem['msg'][0].lower()}{problem['msg'][1:]}".removeprefix("value error, ")
    told = f"{where}: {text}" if where else text
    return f"{told}{_given(problem, where)}{_meant(problem)}"


def suggestion(unknown: str, known: Iterable[str]) -> str:
    """What was probably meant, else all there is."""
    known = list(known)
    close = nearest(unknown, known)
    if close:
        return f", did you mean {close!r}"
    return f"; known here: {', '.join(known)}" if known else ""


def nearest(unknown: str, known: Iterable[str]) -> str:
    """The known name that looks most like an unknown one, "" where none does."""
    # Somebody may hand over a megabyte: comparing it would take a while.
    close = difflib.get_close_matches(unknown[:LONGEST], list(known), n=1, cutoff=0.5)
    return close[0] if close else ""


def clipped(text: str) -> str:
    """Text that may be of any length, cut to what fits into a message."""
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "…"


def section_type(annotation: Any) -> type[BaseModel] | None:
    """The model of a field that is a section, optional or not; None for a plain value."""
    members = get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
    for candidate in members:
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def fields_at(model: type[BaseModel], parents: Sequence[Any]) -> list[str]:
    """The keys that a section of ``model`` knows; none where there is no such section."""
    for parent in parents:
        field = model.model_fields.get(str(parent))
        section = section_type(field.annotation) if field is not None else None
        if section is None:
            return []
        model = section
    return sorted(model.model_fields)


def _given(problem: Any, where: str) -> str:
    """What was given instead, where it cannot hold a secret."""
    value = problem["input"]
    telling = problem["type"] != "missing" and isinstance(value, str | int | float | bool)
    if not telling or re.search("key|token|secret|password|headers|url|proxy|options", where):
        return ""
    return f", not {clipped(repr(value[: LONGEST + 1] if isinstance(value, str) else value))}"


def _meant(problem: Any) -> str:
    """For a value that must be one of a few names."""
    if problem["type"] not in {"literal_error", "enum"} or not isinstance(problem["input"], str):
        return ""
    close = nearest(problem["input"], re.findall(r"'([^']+)'", problem["ctx"]["expected"]))
    return f"; did you mean {close!r}" if close else ""
