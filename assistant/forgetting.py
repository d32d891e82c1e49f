"""Erases what the assistant keeps of conversations, by date, so that nothing of it can be read from its files again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import sqlite_utils

from assistant.app import App
from assistant.storage.backups import PATTERN, folder_of, remove_unfinished
from assistant.storage.database import Database
from assistant.storage.errors import may_be_seen, translated

KEPT_WISHES = 20
"""Rows that tell running assistants what to forget."""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of conversations, or was before it was erased."""

    days: int = 0
    """Days of statistics."""
    counts: int = 0
    """Rows of statistics."""
    answers: int = 0
    """Spoken answers in the speech cache."""
    recordings: int = 0
    """Debug recordings of customers."""
    recordings_mb: float = 0.0
    backups: int = 0
    """Copies of the database, which are cleaned too."""

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


class Forgetting:
    """Of one installation; the daemon may run meanwhile."""

    def __init__(self, app: App, before: date | None, today: Callable[[], date] = date.today) -> None:
        """``before``: what is of that day or later stays; None erases all."""
        self._app = app
        self._before = before.isoformat() if before is not None else ""
        self._before_s = datetime.combine(before, time()).timestamp() if before is not None else None
        self._today = today
        self._file = app.folder / app.settings.storage.folder / "assistant.db"

    async def look(self) -> Found:
        """What would be erased. Raises ``StorageError``."""
        recordings = self._on_disk(lambda: self._app.recording_files().kept(self._before_s))
        days = counts = answers = 0
        if self._exists():
            async with self._database() as database:
                days, counts = await database.read(lambda db: _statistics(db, self._before, self._tenant))
                answers = await self._app.audio_files(database).count(self._before_s)
        copies = len(self._backups())
        return Found(days, counts, answers, recordings.files, round(recordings.size_bytes / 1e6, 1), copies)

    async def erase(self) -> Found:
        """Do it. Raises ``StorageError``; then not everything is erased, and it can be done again."""
        found = await self.look()
        self._on_disk(lambda: self._app.recording_files().forget(self._before_s))
        if not self._exists():
            return found
        async with self._database() as database:
            if database.problem is not None:
                raise database.problem.again()
            await self._app.audio_files(database).forget_before(self._before_s)
            await database.write(self._erase)
            await database.write(self._wish)
            await database.compact()
        for copy in self._backups():
            self._clean(copy)
        return found

    @property
    def _tenant(self) -> str:
        return self._app.settings.deployment.tenant

    def _exists(self) -> bool:
        return not may_be_seen(self._file) or self._file.exists()

    def _database(self) -> Database:
        return Database(self._file, backups=self._app.settings.storage.backups)

    def _backups(self) -> list[Path]:
        return sorted(folder_of(self._file).glob(PATTERN))

    def _on_disk(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except OSError as error:
            raise translated(error, self._app.recording_files().folder) from error

    def _erase(self, db: sqlite_utils.Database) -> None:
        """Tables that an older version did not have yet are passed over."""
        before, tenant, tables = self._before, self._tenant, set(db.table_names())
        if "usage_by_day" in tables:
            db.execute(f"DELETE FROM usage_by_day WHERE {_OF_SHOP}", {"before": before, "tenant": tenant})  # noqa: S608
        if "cloud_usage" in tables:
            db.execute("DELETE FROM cloud_usage WHERE month < ?", [self._oldest_month()])
        if before:
            return
        if "provider_latency" in tables:
            db.execute("DELETE FROM provider_latency")
        if "ai_personalities" in tables:
            db.execute(
                "UPDATE ai_personalities SET voice_config = json_remove(voice_config, '$.stats')"
                " WHERE tenant = ? AND json_valid(voice_config) AND json_extract(voice_config, '$.stats') IS NOT NULL",
                [tenant],
            )

    def _oldest_month(self) -> str:
        """What was spent in the cloud this month has to be known, or more would be spent than is free. (A provider
        elsewhere may still be in yesterday.)"""
        this_month = (self._today() - timedelta(days=1)).isoformat()[:7]
        return min(self._before[:7] or this_month, this_month)

    def _wish(self, db: sqlite_utils.Database) -> None:
        """Tell running assistants. Whoever makes a copy holds the write lock, so what is unfinished now stays so."""
        remove_unfinished(folder_of(self._file))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        db.execute("INSERT INTO forgotten (before, asked_at) VALUES (?, ?)", [self._before, now])
        db.execute("DELETE FROM forgotten WHERE id <= (SELECT max(id) FROM forgotten) - ?", [KEPT_WISHES])

    def _clean(self, copy: Path) -> None:
        """Erase the same in a copy of the database. Raises ``StorageError``."""
        try:
            with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute("PRAGMA temp_store = MEMORY")
                connection.execute("BEGIN IMMEDIATE")
                self._erase(sqlite_utils.Database(connection))
                connection.execute("COMMIT")
                connection.execute("VACUUM")
        except sqlite3.Error as error:
            reason = translated(error, copy)
            remedy = f"{copy} may still hold what was to be forgotten; delete it if it is not needed."
            raise type(reason)(reason.message, remedy=remedy) from error


_OF_SHOP = "(:before = '' OR day < :before) AND tenant IN (:tenant, '')"
"""Statistics of a shop; what nobody in particular asked for is of no tenant."""


def _statistics(db: sqlite_utils.Database, before: str, tenant: str) -> tuple[int, int]:
    row = db.execute(
        f"SELECT count(DISTINCT day), count(*) FROM usage_by_day WHERE {_OF_SHOP}",  # noqa: S608 - no values
        {"before": before, "tenant": tenant},
    ).fetchone()
    return int(row[0]), int(row[1])
