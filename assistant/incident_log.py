"""What went wrong and what was done, start and end of the assistant among it, as the database keeps it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self

import sqlite_utils

from assistant import restart, runs
from assistant.incidents import MOST, Incident, Incidents
from assistant.storage.database import Database
from assistant.storage.errors import StorageError
from pipeline.errors import without_words

log = logging.getLogger(__name__)

MOST_ROWS = 2000
"""Rows that are kept."""

KEEP_DAYS = 90
"""Days for which they are kept."""

LOOK_EVERY_S = 2.0
"""Seconds between two looks at whether there is something to write."""

REST_S = 10.0
"""Seconds without writing after it was written: a flood of messages must not wear the disk."""

SEEN_EVERY_S = 600.0
"""Seconds after which it is noted that the assistant still runs, where nothing else is."""

PART = "run"
"""Named as the part of starts and ends."""

COLUMNS = ("id", "at", "first_at", "level", "part", "message", "times")


class IncidentLog:
    """A context manager for a run of the assistant. Whatever is wrong with the disk, nobody waits for it or fails."""

    def __init__(
        self,
        database: Database | None,
        collected: Incidents | None = None,
        *,
        renewing: Callable[[], bool] = lambda: False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``collected`` hears the log of this process; None for one that only reads. ``renewing``: another assistant
        follows in this process."""
        self._database = database
        self._collected = collected
        self._renewing = renewing
        self._now = now
        self._sleep = sleep
        self._failing = False

    async def __aenter__(self) -> Self:
        """Note the start, and what is known of the end before it."""
        await self.write(still=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Note the end and how it came."""
        if self._collected is None:
            return
        how = "" if self._renewing() else _end_of(error)
        if isinstance(error, Exception) and how:
            self._collected.note("error", PART, f"The assistant ends. {without_words(error)}")
        elif how:
            self._collected.note("info", PART, f"The assistant {how}.")
        await self.write(ended=how)

    async def run(self) -> None:
        """Write for ever, as soon as there is something to write."""
        quiet_s = 0.0
        while True:
            await self._sleep(LOOK_EVERY_S)
            quiet_s += LOOK_EVERY_S
            if await self.write(still=quiet_s >= SEEN_EVERY_S):
                quiet_s = 0.0
                await self._sleep(REST_S)

    async def write(self, *, still: bool = False, ended: str = "") -> bool:
        """Write what was noted; whether anything was. ``still``: also that it runs; ``ended``: how it ended."""
        collected, database = self._collected, self._database
        if collected is None or database is None or not database.may_write:
            return False
        taken = collected.take()
        if not (taken or still or ended):
            return False
        at, run = self._now(), collected.run
        try:
            number = await database.write(lambda db: _write(db, taken, at, run, ended))
        except BaseException as error:
            collected.give_back(taken)
            if not isinstance(error, StorageError):
                raise
            if not self._failing:
                log.warning("Incidents cannot be written now; they are kept in memory. %s", error)
            self._failing = True
            return False
        collected.run, self._failing = number, False
        return True

    async def newest(self, limit: int = MOST) -> list[dict[str, Any]]:
        """The last ones, newest first; those of this process alone where the database cannot tell."""
        if self._database is not None:
            await self.write()
            try:
                return (await self.page(limit=limit))[0]
            except StorageError:
                pass
        return [] if self._collected is None else self._collected.newest()[:limit]

    async def page(
        self, *, limit: int, before: int | None = None, level: str | None = None
    ) -> tuple[list[dict[str, Any]], int | None]:
        """Rows older than the one of the number ``before``, newest first, and the number to go on with, None at the
        end. Raises ``StorageError``."""
        if self._database is None:
            raise StorageError("The database cannot be opened.", remedy="Run: assistant check")
        rows = await self._database.read(lambda db: _page(db, limit + 1, before, level))
        return rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None

    async def runs(self, limit: int) -> list[dict[str, Any]]:
        """The last runs, newest first. Raises ``StorageError``."""
        return [] if self._database is None else await self._database.read(lambda db: runs.last(db, limit))


def _end_of(error: BaseException | None) -> str:
    if isinstance(error, Exception):
        return "failed"
    if restart.asked():
        return "is started again"
    return "was stopped" if error is not None else "came to the end of its input"


def _write(db: sqlite_utils.Database, taken: Sequence[Incident], at: datetime, run: int | None, ended: str) -> int:
    """One transaction for all; the number of the run."""
    moment = at.isoformat(timespec="seconds")
    if run is None or not db.execute("SELECT 1 FROM runs WHERE id = ?", [run]).fetchone():
        known = version("shop-assistant")
        run, news = runs.begin(db, moment, known)
        for message in news:
            _add(db, Incident(moment, moment, "warning", PART, message, 1))
        _add(db, Incident(moment, moment, "info", PART, f"The assistant starts, version {known}.", 1))
    else:
        runs.goes_on(db, run, moment)
    for one in taken:
        _add(db, one)
    if ended:
        runs.end(db, run, moment, ended)
    oldest = (at - timedelta(days=KEEP_DAYS)).isoformat(timespec="seconds")
    db.execute("DELETE FROM incidents WHERE at < ?", [oldest])
    db.execute("DELETE FROM incidents WHERE id <= (SELECT max(id) FROM incidents) - ?", [MOST_ROWS])
    return run


def _add(db: sqlite_utils.Database, one: Incident) -> None:
    at, first_at = _utc(one.at), _utc(one.first_at)
    last = db.execute("SELECT id, level, part, message FROM incidents ORDER BY id DESC LIMIT 1").fetchone()
    if last is not None and last[1:] == (one.level, one.part, one.message):
        db.execute("UPDATE incidents SET at = ?, times = times + ? WHERE id = ?", [at, one.times, last[0]])
        return
    db.execute(
        "INSERT INTO incidents (at, first_at, level, part, message, times) VALUES (?, ?, ?, ?, ?, ?)",
        [at, first_at, one.level, one.part, one.message, one.times],
    )


def _page(db: sqlite_utils.Database, limit: int, before: int | None, level: str | None) -> list[dict[str, Any]]:
    found = db.execute(
        f"SELECT {', '.join(COLUMNS)} FROM incidents"  # noqa: S608 - our own names
        " WHERE (:before IS NULL OR id < :before) AND (:level IS NULL OR level = :level) ORDER BY id DESC LIMIT :limit",
        {"before": before, "level": level, "limit": limit},
    ).fetchall()
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in found]
    return [row | {key: _local(row[key]) for key in ("at", "first_at")} for row in rows]


def _utc(moment: str) -> str:
    """Moments are kept in one zone, so that they can be compared as texts."""
    return datetime.fromisoformat(moment).astimezone(UTC).isoformat(timespec="seconds")


def _local(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().isoformat(timespec="seconds")
