"""Usage and latency: counted in memory, written to the database in batches."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from assistant.storage.database import Database
from pipeline.usage import Use


class Statistics:
    """A ``UsageLedger`` that is kept."""

    def __init__(self, database: Database, *, write_every_s: float, keep_days: int) -> None:
        self._database = database
        self._write_every_s = write_every_s
        self._keep_days = keep_days

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what was counted since the last time."""

    def record(self, use: Use) -> None:
        """Count it."""

    async def run(self) -> None:
        """Write for ever, from time to time."""
