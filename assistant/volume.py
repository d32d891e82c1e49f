"""The shop's volume, set while the assistant runs and kept over restarts."""

from __future__ import annotations

import logging
import math
from pathlib import Path

from assistant.sections import LoudnessSection
from assistant.storage.errors import translated
from pipeline.loudness import HIGHEST_DB, LOWEST_DB, Loudness, LoudnessSettings

log = logging.getLogger(__name__)

FILE = "volume"
"""In the data folder: decibels as text, in place of the settings' volume."""


class Volume:
    """What the shop set, and the loudness that comes of it."""

    def __init__(self, settings: LoudnessSection, folder: Path) -> None:
        """``folder`` is the data folder."""
        self._file = folder / FILE
        self.loudness = Loudness(LoudnessSettings(**settings.model_dump()))
        kept_db = self._read()
        if kept_db is not None:
            self.loudness.volume_db = kept_db

    def set(self, volume_db: float) -> None:
        """At once. Where the disk cannot keep it, it lasts until the next start."""
        self.loudness.volume_db = volume_db
        part = self._file.with_suffix(".part")
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.write_text(f"{self.loudness.volume_db:g}\n", "utf-8")
            part.replace(self._file)
        except OSError as error:
            log.warning("The volume cannot be kept: %s", translated(error, self._file).message)

    def _read(self) -> float | None:
        try:
            text = self._file.read_text("utf-8")
            volume_db = float(text)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning(
                "%s cannot be read (%s): the volume of config.yaml serves. Set it again in the panel.",
                self._file, error,
            )  # fmt: skip
            return None
        return volume_db if math.isfinite(volume_db) and LOWEST_DB <= volume_db <= HIGHEST_DB else None
