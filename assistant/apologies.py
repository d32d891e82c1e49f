"""Recordings that say sorry when no voice can speak."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.audio import AudioChunk


def recorded_apologies(own: Mapping[str, Path], folder: Path) -> dict[str, AudioChunk]:
    """One for each language (ISO 639-1): the shop's own files, else the program's.

    Raises ``AudioFileError`` where one of the shop's cannot be used.
    """
    return {}
