"""Secrets that systemd hands to the service as files (``LoadCredential=``, systemd.exec(5)).

They look like variables of the environment to whoever asks here, and stay out of the real one: programs that the
assistant starts inherit that.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

FOLDER = "CREDENTIALS_DIRECTORY"
"""The variable in which systemd names the folder."""

PREFIX = "secret_"
"""What the unit puts before the name of each file that it takes from a folder."""

FILES = ("GOOGLE_APPLICATION_CREDENTIALS",)
"""Variables that name a file: the credential is the file."""

LARGEST_BYTES = 65_536
"""A larger file is no secret and is not read."""


def with_credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment and the credentials by name; what stands in the environment counts."""
    found = {name: text for name, path in _files(environment).items() if (text := _read(path)) is not None}
    return {**found, **environment}


def name_files(environment: MutableMapping[str, str]) -> None:
    """Point variables that name a file to the credential, where there is one: libraries look there."""
    files = _files(environment)
    for name in FILES:
        if name in files:
            environment.setdefault(name, str(files[name]))


def _files(environment: Mapping[str, str]) -> dict[str, Path]:
    folder = environment.get(FOLDER)
    if not folder:
        return {}
    try:
        return {path.name.removeprefix(PREFIX): path for path in sorted(Path(folder).iterdir())}
    except OSError:
        return {}


def _read(path: Path) -> str | None:
    """None where it cannot be read: the settings that need it say what is missing."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            return None
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        return None


def here() -> dict[str, str]:
    """Of this process."""
    return with_credentials(os.environ)
