"""The tray's words, in English and Spanish."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

LANGUAGES = ("en", "es")

FOLDER = Path(__file__).parent / "texts"


def session_language(environment: Mapping[str, str] = os.environ) -> str:
    """ISO 639-1 code of the user's session where the tray speaks it, else ``en``."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            code = environment[name][:2].lower()
            return code if code in LANGUAGES else "en"
    return "en"


class Wording:
    """Texts of one language."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else "en"
        self._texts = _texts(self.language)

    def __call__(self, key: str, **values: object) -> str:
        """The text of ``key``, its gaps filled."""
        return self._texts[key].format(**values)


@cache
def _texts(language: str) -> dict[str, str]:
    found: dict[str, str] = yaml.safe_load((FOLDER / f"{language}.yaml").read_text("utf-8"))
    return found
