"""The personalities that come with the program: the first three of a new database, and the stand-ins without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from assistant.personalities.document import parse
from pipeline.speech import Personality

FILE = Path(__file__).with_name("built_in.yaml")


@cache
def built_in_documents() -> tuple[Mapping[str, Any], ...]:
    """As they stand in the file, without id and tenant; the first one is to be active."""
    return tuple(yaml.safe_load(FILE.read_text(encoding="utf-8"))["personalities"])


@cache
def built_in_personalities(tenant: str) -> tuple[Personality, ...]:
    """For the pipeline, when nothing can be read; their id is empty, for they are stored nowhere."""
    documents = [parse({**document, "id": "-", "tenant": tenant}) for document in built_in_documents()]
    return tuple(replace(document.personality(), id="") for document in documents)
