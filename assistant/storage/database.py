"""The SQLite database: personalities, statistics, quota, index of the speech cache. One thread writes, one reads.

What ``write`` returned is on the disk. WAL lets readers go on meanwhile and lets other processes (the command line)
use the database at the same time.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import sqlite_utils

from assistant.storage.errors import StorageError, StorageReadOnly, translated
from assistant.storage.upgrade import bring_up_to_date
from providers.model_worker import ModelWorker

log = logging.getLogger(__name__)

T = TypeVar("T")

BUSY_TIMEOUT_S = 5.0
"""Seconds to wait for another process that is writing."""


class Database:
    """Opened at the start, closed at the end. All work is handed to its threads as functions of the database.

    Where it cannot be written it is opened for reading, and ``problem`` says why; where it cannot be read either,
    entering raises ``StorageError``.
    """

    def __init__(self, path: Path, *, backups: int = 5) -> None:
        self.path = path
        self.problem: StorageError | None = None
        """Why nothing can be written, None where it can."""
        self._backups = backups
        self._writer: ModelWorker | None = None
        self._reader: ModelWorker | None = None
        self._write_to: sqlite_utils.Database | None = None
        self._read_from: sqlite_utils.Database | None = None

    async def __aenter__(self) -> Self:
        """Open it, make it where there is none, and bring it up to date. Raises ``StorageError``."""
        self._writer, self._reader = ModelWorker("storage-writer"), ModelWorker("storage-reader")
        try:
            try:
                self._write_to = await self._writer.run(lambda _: self._open_for_writing())
            except StorageReadOnly as error:
                self.problem = error
                log.error("%s", error)
            self._read_from = await self._reader.run(lambda _: self._open_for_reading())
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what is being written and close it."""
        await self._close()

    async def write(self, work: Callable[[sqlite_utils.Database], T]) -> T:
        """What ``work`` returns, done in one transaction; when this returns it is on the disk.

        Where it raises, nothing of it is. Raises ``StorageError``, and what ``work`` raises.
        """
        if self.problem is not None:
            raise self.problem
        return await self._call(self._writer, lambda: self._in_transaction(work))

    async def read(self, work: Callable[[sqlite_utils.Database], T]) -> T:
        """What ``work`` returns; it sees one state of the database and must not write. Raises ``StorageError``."""
        return await self._call(self._reader, lambda: self._at_one_state(work))

    async def version(self) -> int:
        """A number that changes whenever another process or ``write`` changed anything; costs microseconds."""
        return await self.read(lambda db: int(db.execute("PRAGMA data_version").fetchone()[0]))

    async def _call(self, worker: ModelWorker | None, work: Callable[[], T]) -> T:
        if worker is None:
            raise StorageError(f"{self.path} is not open.")
        try:
            return await worker.run(lambda _: work())
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def _in_transaction(self, work: Callable[[sqlite_utils.Database], T]) -> T:
        assert self._write_to is not None
        connection = self._write_to.conn
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(self._write_to)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result

    def _at_one_state(self, work: Callable[[sqlite_utils.Database], T]) -> T:
        assert self._read_from is not None
        connection = self._read_from.conn
        connection.execute("BEGIN")
        try:
            return work(self._read_from)
        finally:
            connection.execute("ROLLBACK")

    async def _close(self) -> None:
        for worker, database in ((self._reader, self._read_from), (self._writer, self._write_to)):
            if worker is None:
                continue
            if database is not None:
                await worker.run(partial(_closed, database))
            worker.close()
        self._reader = self._writer = self._read_from = self._write_to = None

    def _open_for_writing(self) -> sqlite_utils.Database:
        """On the writer's thread. Raises ``StorageError``; ``StorageReadOnly`` where reading may be possible."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageReadOnly(
                f"The folder {self.path.parent} cannot be made: {error.strerror}.",
                remedy="Name another one in config.yaml: storage.folder.",
            ) from error
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S)
            connection.execute("PRAGMA journal_mode = WAL")
            # FULL: what was acknowledged survives a power cut. There are few writes.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            database = sqlite_utils.Database(connection)
            bring_up_to_date(database, self.path, self._backups)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, sqlite3.Error):
                raise translated(error, self.path) from error
            raise
        return database

    def _open_for_reading(self) -> sqlite_utils.Database:
        """On the reader's thread."""
        # A disk that cannot be written has no place for WAL's index: only `immutable` reads there.
        for query in ("mode=ro", "mode=ro&immutable=1") if self.problem else ("mode=ro",):
            connection = sqlite3.connect(f"{self.path.resolve().as_uri()}?{query}", uri=True, timeout=BUSY_TIMEOUT_S)
            try:
                connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            except sqlite3.Error as error:
                connection.close()
                failure = translated(error, self.path)
            else:
                return sqlite_utils.Database(connection)
        raise failure


def _closed(database: sqlite_utils.Database, _: object) -> None:
    database.close()
