"""``KEY=VALUE`` as typed on the command line, such as ``voice_config.settings.speed=1.1`` or ``greeting="Good day"``.

Values are read by the type of their key, in the manner of YAML: ``[es, fr]`` is a list, ``{provider: piper}`` a
section, ``null`` the default. What belongs to a key of text is taken as it stands, quotes around the whole aside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel

from assistant.personalities.document import PersonalityDocument
from assistant.personalities.errors import PersonalityInvalid
from assistant.problems import clipped, fields_at, section_type, suggestion

NOT_SET = ("id", "tenant", "created_at", "updated_at", "voice_config.stats")
"""Keys, and what lies below them, that the program writes itself."""

Change = tuple[list[str], Any]
"""Where, and the value; ``_DEFAULT`` for the default."""

_DEFAULT = object()


def changes(assignments: Sequence[str]) -> list[Change]:
    """What the assignments ask for. Raises ``PersonalityInvalid`` that names all that cannot be understood."""
    found, wrong = [], []
    for assignment in assignments:
        try:
            found.append(_change(assignment))
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        raise PersonalityInvalid(f"{'; '.join(wrong)}.")
    return found


def apply(wanted: Sequence[Change], document: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a document with the changes. Raises ``PersonalityInvalid``; values are judged by whoever keeps it."""
    new = dict(document)
    for path, value in wanted:
        section = new
        for position, key in enumerate(path[:-1], 1):
            inner = section.get(key, {})
            if not isinstance(inner, Mapping):
                where = ".".join(path[:position])
                raise PersonalityInvalid(
                    f"{where}: what stands there cannot be read.", remedy=f"Begin anew with: {where}=null"
                )
            inner = section[key] = dict(inner)
            section = inner
        section.pop(path[-1], None)
        if value is not _DEFAULT:
            section[path[-1]] = value
        elif not _known(path) and path[-1] not in _holder(document, path):
            raise PersonalityInvalid(f"{_unknown(path)}.")
    return new


def _change(assignment: str) -> Change:
    """Raises ``ValueError`` in half a sentence."""
    where, equals, text = assignment.partition("=")
    path = where.strip().split(".")
    if not equals or not all(path):
        raise ValueError(f"{clipped(assignment)!r} is not KEY=VALUE")
    for key in NOT_SET:
        if path[: len(parts := key.split("."))] == parts:
            raise ValueError(f"{key}: is written by the program and cannot be set")
    if text.strip() in {"null", "~"}:
        return path, _DEFAULT  # also of a key that is unknown, where it stands there by mistake
    if not _known(path):
        raise ValueError(_unknown(path))
    annotation = _field(path)
    try:
        return path, _value(text, annotation)
    except ValueError as error:
        raise ValueError(f"{clipped(where.strip())}: {error}") from error


def _known(path: list[str]) -> bool:
    return path[-1] in fields_at(PersonalityDocument, path[:-1])


def _unknown(path: list[str]) -> str:
    """What is wrong with a path: its first key that is unknown."""
    for position, key in enumerate(path):
        known = fields_at(PersonalityDocument, path[:position])
        where = clipped(".".join(path[: position + 1]))
        if not known:
            return f"{clipped('.'.join(path[:position]))} has no keys below it"
        if key not in known:
            settable = [name for name in known if ".".join([*path[:position], name]) not in NOT_SET]
            return f"unknown key {where!r}{suggestion(key, settable)}"
    return f"unknown key {clipped('.'.join(path))!r}"


def _holder(document: Mapping[str, Any], path: list[str]) -> Mapping[str, Any]:
    """What holds the last key of a path; empty where nothing does."""
    holder: Any = document
    for key in path[:-1]:
        holder = holder.get(key) if isinstance(holder, Mapping) else None
    return holder if isinstance(holder, Mapping) else {}


def _field(path: list[str]) -> Any:
    """The type of a key that is known."""
    model: type[BaseModel] = PersonalityDocument
    for key in path[:-1]:
        inner = section_type(model.model_fields[key].annotation)
        assert inner is not None
        model = inner
    return model.model_fields[path[-1]].annotation


def _value(text: str, annotation: Any) -> Any:
    """Raises ``ValueError``."""
    kinds = set(_kinds(annotation))
    if section_type(annotation) is not None or list in kinds:
        return _typed(_yaml(text, annotation), annotation)
    if kinds & {int, float}:
        return _typed(text.strip(), annotation)
    plain = text.strip()
    quoted = len(plain) > 1 and plain[0] == plain[-1] and plain[0] in "\"'"
    return _yaml(plain, annotation) if quoted else text


def _typed(node: Any, annotation: Any) -> Any:
    """What YAML gives without guessing types (texts, lists, mappings), with numbers where numbers belong."""
    kinds = set(_kinds(annotation))
    model = section_type(annotation)
    if node == "null" and (model is not None or type(None) in kinds):
        return None
    if model is not None and isinstance(node, Mapping):
        fields = model.model_fields
        return {key: _typed(item, fields[key].annotation) if key in fields else item for key, item in node.items()}
    if isinstance(node, str) and kinds & {int, float}:
        return _number(node, whole=float not in kinds)
    return node


def _number(text: str, *, whole: bool) -> float:
    try:
        return int(text) if whole else float(text)
    except ValueError:
        pointed = text.replace(",", ".", 1)
        try:
            float(pointed)
        except ValueError:
            hint = ""
        else:
            hint = f"; did you mean {pointed}" if "," in text and not whole else ""
        raise ValueError(f"must be a {'whole ' if whole else ''}number, not {clipped(repr(text))}{hint}") from None


def _yaml(text: str, annotation: Any) -> Any:
    """YAML without guesses, so that ``no`` is Norwegian and not `false`. Raises ``ValueError``."""
    if list in set(_kinds(annotation)) and not text.strip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts, lists and mappings only
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ValueError(f"{clipped(repr(text))} is not valid YAML") from error


def _kinds(annotation: Any) -> Iterator[Any]:
    """The plain types an annotation stands for."""
    origin = get_origin(annotation)
    if origin is list:
        yield list
    elif get_args(annotation):
        for part in get_args(annotation):
            yield from _kinds(part)
    else:
        yield annotation
