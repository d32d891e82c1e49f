"""Writes ``config.yaml``: every setting with its meaning and its default, all commented out."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from assistant.problems import section_type

HEAD = """\
# Settings of the assistant. Every line shows the default: remove the `#` before a key to change it.
# `assistant config` prints what is in effect; a wrong key is refused with a suggestion.
# Secrets are written as ${NAME} and taken from the environment, or from the service's credentials.
# This file is what `assistant config --defaults` prints.
"""

WIDTH = 116


def render(model: type[BaseModel]) -> str:
    """The whole file for a settings model."""
    return HEAD + "\n".join(_fields(model, 0)) + "\n"


def _fields(model: type[BaseModel], depth: int) -> Iterator[str]:
    indent = "  " * depth
    for name, field in model.model_fields.items():
        section = section_type(field.annotation)
        if section is not None:
            if depth == 0:
                yield ""
            yield from _comment(field.description or _first_line(section), indent)
            inner = list(_fields(section, depth + 1))
            needy = field.default is None
            if needy:
                yield f"{indent}# Needed when it is in use:"
            yield f"{indent}{'#' if needy else ''}{name}:" if inner else f"{indent}#{name}: {{}}"
            # Of a section that is commented out, the keys are too, with the section's own `#`.
            yield from (f"{indent}#{line[len(indent) :]}" if needy else line for line in inner)
        else:
            yield from _comment(field.description or "", indent)
            yield f"{indent}#{name}: {_as_yaml(_default(field))}"


def _comment(text: str, indent: str) -> Iterator[str]:
    plain = " ".join(text.replace("``", "`").split())
    for line in textwrap.wrap(plain, WIDTH - len(indent)):
        yield f"{indent}# {line}"


def _first_line(section: type[BaseModel]) -> str:
    return (section.__doc__ or "").strip().split("\n\n")[0]


def _default(field: FieldInfo) -> Any:
    return "…" if field.is_required() else field.get_default(call_default_factory=True)


def _as_yaml(value: Any) -> str:
    """JSON is YAML on one line; plain words need no quotes."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if isinstance(value, tuple | list):
        value = [item.model_dump(mode="json") if isinstance(item, BaseModel) else item for item in value]
    text = json.dumps(value, ensure_ascii=False, default=str)
    word = text.strip('"')
    plain = word.replace("_", "").replace("-", "").replace("/", "").replace(".", "").isalnum()
    return word if isinstance(value, str) and plain and not word[0].isdigit() else text
