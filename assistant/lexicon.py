"""The shop's pronunciations: a YAML file of language, word and how it is said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from pipeline.errors import SettingsError


def load_lexicon(path: Path) -> Mapping[str, Mapping[str, str]]:
    """Spoken form by language (ISO 639-1) and word. Raises ``SettingsError`` for a file that is not one."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"The pronunciations {path} cannot be read: {reason}.") from error
    shape = f"{path} must look like `en: {{Siobhan: shuh-vawn}}`"
    if not isinstance(document, dict):
        raise SettingsError(f"{shape}.")
    for language, words in document.items():
        if not isinstance(words, dict) or not all(isinstance(text, str) for pair in words.items() for text in pair):
            raise SettingsError(f"{shape}; the part {language!r} does not.", remedy="Put numbers and yes/no in quotes.")
    return document
