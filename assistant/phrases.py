"""Lists of phrases as people write them."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import SettingsError


def lines(file: Path) -> list[str]:
    """Phrases of a text file, one on each line; empty lines and those that begin with # are none.

    Raises ``SettingsError``.
    """
    try:
        found = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    except OSError as error:
        raise SettingsError(f"The phrases in {file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is not a text in UTF-8.", remedy="Save it as plain text, UTF-8.") from error
    phrases = [line for line in found if line and not line.startswith("#")]
    if not phrases:
        raise SettingsError(f"There is no phrase in {file}.", remedy="Write one on each line.")
    return phrases
