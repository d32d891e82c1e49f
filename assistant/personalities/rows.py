"""Rows of the table ``ai_personalities``, written by this program, an older one, or by hand with mistakes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from assistant.personalities.document import PersonalityDocument, problems
from assistant.personalities.upgrade import upgrade_document

TEXTS = ("id", "tenant", "name", "system_prompt", "greeting", "language", "wake_word", "created_at", "updated_at")
"""Columns that are texts; the two others hold JSON."""

ROUNDS = 20
"""How often what is wrong is left out and the rest tried again; each round finds all that is wrong at its depth."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A personality as it lies in the database."""

    document: PersonalityDocument
    """What could be read; what was wrong has its default."""
    raw: Mapping[str, Any]
    """What stands there, in today's form. A ``voice_config`` that is not JSON is its text."""
    problems: tuple[str, ...]
    """What is wrong with it, empty for nothing."""
    active: bool
    """Whether it is the one who speaks."""


def read(row: Mapping[str, Any], *, active: bool) -> Stored:
    """A personality whatever its row holds."""
    raw: dict[str, Any] = {key: row[key] for key in TEXTS}
    wrong = []
    for key in ("languages", "voice_config"):
        try:
            raw[key] = json.loads(row[key])
        except (ValueError, TypeError, RecursionError) as error:
            raw[key] = row[key]
            wrong.append(f"{key} is not valid JSON ({_reason(error)})")
    raw = upgrade_document(raw)
    name = str(row["id"])[:8]
    document, more = _readable(raw, {"id": str(row["id"])[:64] or "?", "name": f"Personality {name}".strip()}, wrong)
    return Stored(document, raw, (*wrong, *more), active)


def row_of(document: PersonalityDocument) -> dict[str, str]:
    """What to write."""
    plain = document.model_dump(mode="json")
    return {
        **{key: plain[key] for key in TEXTS},
        "languages": json.dumps(plain["languages"]),
        "voice_config": json.dumps(plain["voice_config"], ensure_ascii=False),
    }


def _readable(
    raw: Mapping[str, Any], instead: Mapping[str, Any], known: list[str]
) -> tuple[PersonalityDocument, list[str]]:
    """The document without what is wrong with it, and what that is; ``known`` problems are not told twice."""
    rest = {key: value for key, value in raw.items() if not any(told.startswith(f"{key} is not") for told in known)}
    voice = rest.get("voice_config")
    if isinstance(voice, dict):  # what is left out here must stay in `raw`; deeper than two levels nothing is ours
        rest["voice_config"] = {key: dict(item) if isinstance(item, dict) else item for key, item in voice.items()}
    if isinstance(rest.get("languages"), list):
        rest["languages"] = list(rest["languages"])
    found: list[str] = []
    for _ in range(ROUNDS):
        try:
            return PersonalityDocument.model_validate(rest), found
        except ValidationError as error:
            found += [problem for problem in problems(error) if problem not in found]
            for problem in reversed(error.errors(include_url=False)):  # so that positions in lists stay right
                _leave_out(rest, problem["loc"], instead)
    return PersonalityDocument.model_validate(dict(instead)), found


def _leave_out(document: dict[str, Any], where: tuple[int | str, ...], instead: Mapping[str, Any]) -> None:
    holder: Any = document
    for step in where[:-1]:
        try:
            holder = holder[step]
        except (KeyError, IndexError, TypeError):
            return
    if where:
        try:
            del holder[where[-1]]
        except (KeyError, IndexError, TypeError):
            document.pop(str(where[0]), None)
    for key, value in instead.items():
        document.setdefault(key, value)


def _reason(error: Exception) -> str:
    return "too deep" if isinstance(error, RecursionError) else " ".join(str(error).split())[:80]
