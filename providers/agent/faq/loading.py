"""Reads a FAQ file and says in one line, with file and line number, what is wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from pipeline.errors import SettingsError
from providers.agent.faq import document
from providers.agent.faq.document import Document
from providers.agent.faq.words import LOADER, Words, built_in

Path_ = tuple[int | str, ...]
"""Keys and indexes from the top of a file to a value."""

_SHAREABLE = ("clock", "shop", "tables", "lists", "hours", "special_days")


@dataclass(frozen=True, slots=True)
class Source:
    """A YAML file and where in it everything stands."""

    path: Path
    data: dict[str, Any]
    _tree: yaml.Node

    def error(self, where: Path_, problem: str, remedy: str = "") -> SettingsError:
        """``shop/faq.yaml, line 7 (questions.closing.ask): …``"""
        place = f" ({'.'.join(map(str, where))})" if where else ""
        return SettingsError(f"{self.path}, line {self._line(where)}{place}: {problem}", remedy=remedy)

    def _line(self, where: Path_) -> int:
        node, line = self._tree, self._tree.start_mark.line
        for step in where:
            if isinstance(node, yaml.MappingNode):
                pair = next(((key, value) for key, value in node.value if key.value == str(step)), None)
                if pair is None:
                    break
                line, node = pair[0].start_mark.line, pair[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line
        return int(line) + 1


def read(path: Path) -> Source:
    """The file's data; every value is a text, also what YAML takes for more (``no``, ``08:30``).

    Raises ``SettingsError``.
    """
    try:
        text = path.read_text("utf-8-sig")
        loader = LOADER(text)
        tree = loader.get_single_node()
        data = loader.construct_document(tree) if tree is not None else None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8 text.") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError(
            f"{path}, line {line}: is no YAML: {error.problem}.",
            remedy='Put text with a colon, or with brackets first or inside a list in [ ], between "quotes".',
        ) from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: is no YAML text.") from error
    if not isinstance(data, dict) or tree is None:
        raise SettingsError(f"{path}: must be a mapping with `language:`, `questions:` and `unknown:`.")
    source = Source(path, data, tree)
    _refuse_doubles(source, tree, ())
    return source


def load(path: Path) -> tuple[Document, Source]:
    """A FAQ file with what it shares, checked. Raises ``SettingsError``."""
    source = read(path)
    data, shared = dict(source.data), None
    if isinstance(data.get("shared"), str) and data["shared"]:
        shared = read(path.parent / data["shared"])
        for key in shared.data:
            if key not in _SHAREABLE:
                raise shared.error((key,), f"{key!r} cannot be shared.", f"Shared can be: {', '.join(_SHAREABLE)}.")
        data = shared.data | data
    words = data.get("words") or {}
    if isinstance(words, dict):
        own = built_in(str(data.get("language", "")))
        say = {**own.get("say", {}), **words["say"]} if isinstance(words.get("say"), dict) else own.get("say", {})
        data["words"] = {**own, **words, "say": say}
    try:
        return Document.model_validate(data), source
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = first["loc"]
        at_fault = shared if shared and where and where[0] in shared.data.keys() - source.data.keys() else source
        raise _explained(at_fault, where, first["type"], first["msg"]) from error


def _explained(source: Source, where: Path_, kind: str, message: str) -> SettingsError:
    if kind == "extra_forbidden":
        known = difflib.get_close_matches(str(where[-1]), _known_keys(), n=1)
        return source.error(where, f"unknown key {where[-1]!r}.", f"Did you mean {known[0]!r}?" if known else "")
    if kind == "missing":
        return source.error(where[:-1], f"{where[-1]!r} is missing.")
    where = tuple(step for step in where if step != "[key]")
    message = message.removeprefix("Value error, ")
    return source.error(where, message.removesuffix(".") + ".")


def _known_keys() -> list[str]:
    parts: list[type[BaseModel]] = [*document.Part.__subclasses__(), Words]
    return sorted({name for part in parts for name in part.model_fields})


def _refuse_doubles(source: Source, node: yaml.Node, where: Path_) -> None:
    """YAML itself keeps the last of two equal keys without a word."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise SettingsError(
                    f"{source.path}, line {line}: {key.value!r} is already in line {seen[key.value]}.",
                    remedy="Give one of them another name.",
                )
            seen[key.value] = line
            _refuse_doubles(source, value, (*where, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _refuse_doubles(source, value, (*where, index))


def siblings(path: Path) -> Mapping[Path, str]:
    """The file itself and its brothers for other languages: ``faq.yaml``, ``faq.es.yaml`` with ``es``."""
    found: Sequence[Path] = sorted(path.parent.glob(f"{path.stem}.*{path.suffix}"))
    named = {one: one.name[len(path.stem) + 1 : -len(path.suffix)] for one in found if one != path}
    return {path: "", **{one: code for one, code in named.items() if code.isalpha()}}
