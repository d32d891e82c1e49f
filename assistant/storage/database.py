"""The SQLite database: personalities, statistics, quota, index of the speech cache. One thread writes, one reads.

What ``write`` returned is on the disk. WAL lets readers go on meanwhile and lets other processes (the command line)
use the database at the same time.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import sqlite_utils
from sqlite_utils import Migrations

from assistant.storage.compacting import compact
from assistant.storage.errors import StorageError, StorageMoved, StorageStuck, translated
from assistant.storage.migrations import MIGRATIONS
from assistant.storage.opening import open_for_reading, open_for_writing
from assistant.storage.upgrade import check_origin
from providers.model_worker import ModelWorker

log = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE_S = 20.0
"""Seconds after which a read or a write is given up: far more than a slow card takes, with others waiting before it."""

OPENING_PATIENCE_S = 60.0
"""The same for opening, which may copy the whole database and change its tables."""

CLOSING_PATIENCE_S = 5.0
"""The same for each of the two threads at the end."""

RETRY_AFTER_S = 30.0
"""Seconds between two attempts to open for writing what could not be opened so: each costs the disk something."""


class Database:
    """Opened at the start, closed at the end. All work is handed to its threads as functions of the database.

    Where it cannot be written it is opened for reading, and ``problem`` says why; where it cannot be read either,
    entering raises ``StorageError``. A fault that ends (a full disk, another process's lock) needs no restart: a later
    ``write`` finds out.
    """

    def __init__(
        self,
        path: Path,
        *,
        backups: int = 5,
        migrations: Migrations = MIGRATIONS,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``backups`` copies of earlier states are kept; ``clock`` gives seconds and never jumps."""
        self.path = path
        self.problem: StorageError | None = None
        """Why nothing could be written the last time, None where it could."""
        self._backups = backups
        self._migrations = migrations
        self._patience_s = patience_s
        self._clock = clock
        self._writer: ModelWorker | None = None
        self._reader: ModelWorker | None = None
        self._closing = False
        # What follows belongs to the threads.
        self._write_to: sqlite_utils.Database | None = None
        self._tables = -1
        """SQLite's number of the last change of tables that was looked at."""
        self._file = (0, 0)
        """Device and inode of what is written."""
        self._retry_at_s = 0.0
        self._read_from: sqlite_utils.Database | None = None
        self._snapshot = False
        """Whether what is read is a copy of what was there at the start."""
        self._opened = 0
        """How often it was opened for reading."""

    @property
    def may_write(self) -> bool:
        """Whether it can be written, or may be again without a restart."""
        return self.problem is None or not self.problem.final

    async def __aenter__(self) -> Self:
        """Open it, make it where there is none, and bring it up to date. Raises ``StorageError``."""
        self._closing = False
        self._writer, self._reader = ModelWorker("storage-writer"), ModelWorker("storage-reader")
        try:
            try:
                await self._call(self._writer, lambda _: self._open_writer(), OPENING_PATIENCE_S)
            except StorageStuck:
                raise
            except StorageError as error:
                self.problem = error.again()
            await self._call(self._reader, lambda _: self._open_reader(), OPENING_PATIENCE_S)
        except BaseException:
            await self._close()
            raise
        if self.problem is not None:
            log.error("%s", self.problem)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what is being written and close it; a disk that does not answer is left alone after a while."""
        await self._close()

    async def write(self, work: Callable[[sqlite_utils.Database], T]) -> T:
        """What ``work`` returns, done in one transaction; when this returns it is on the disk.

        Where it raises, nothing of it is (after ``StorageStuck`` that is not certain). A caller who is cancelled
        meanwhile leaves it done as a whole or not at all. Raises ``StorageError``, and what ``work`` raises.
        """
        try:
            return await self._call(
                self._writer, lambda given_up: self._in_transaction(work, given_up), self._patience_s
            )
        except StorageStuck as error:
            self.problem = error.again()
            raise

    async def read(self, work: Callable[[sqlite_utils.Database], T]) -> T:
        """What ``work`` returns; it sees one state of the database and must not write, nor return a cursor.

        Raises ``StorageError``, and what ``work`` raises.
        """
        try:
            return await self._call(self._reader, lambda _: self._at_one_state(work), self._patience_s)
        except StorageError as error:
            # Where its tables could not even be made, what is to be mended is what prevented that.
            if self.problem is not None and type(error) is StorageError:
                raise self.problem.again() from error
            raise

    async def compact(self) -> None:
        """Write the file anew and empty SQLite's log, so that neither holds anything that was deleted.

        Others may use it meanwhile. Raises ``StorageError``; ``StorageBusy`` where somebody reads for too long.
        """
        await self._call(self._writer, lambda _: compact(self._writable().conn, self.path), OPENING_PATIENCE_S)

    async def version(self) -> int:
        """A number that changes whenever another process or ``write`` changed anything.

        Raises ``StorageError``.
        """

        def number(db: sqlite_utils.Database) -> int:
            # SQLite counts anew for each connection.
            return (self._opened << 32) + int(db.execute("PRAGMA data_version").fetchone()[0])

        return await self.read(number)

    async def _call(self, worker: ModelWorker | None, work: Callable[[threading.Event], T], patience_s: float) -> T:
        """Have ``work`` done on a thread; the event tells it that nobody waits for the result any more."""
        if worker is None:
            raise StorageError(f"{self.path} is not open.")
        given_up = threading.Event()
        limit = asyncio.timeout(patience_s)
        try:
            async with limit:
                return await worker.run(lambda _: work(given_up))
        except sqlite3.Error as error:
            raise translated(error, self.path) from error
        except TimeoutError as error:
            if not limit.expired():  # then it is one of ``work``
                raise
            given_up.set()
            raise StorageStuck(
                f"The disk that holds {self.path} has not answered for {patience_s:g} seconds.",
                remedy="Look into the system's log (dmesg); the disk or card may be failing.",
            ) from error

    async def _close(self) -> None:
        self._closing = True
        writer, reader = self._writer, self._reader
        self._writer = self._reader = None
        # The writer is the last one out: only it may work off SQLite's log and take it away.
        try:
            await self._end(reader, self._close_reader)
        finally:
            await self._end(writer, self._close_writer)

    async def _end(self, worker: ModelWorker | None, close: Callable[[], None]) -> None:
        if worker is None:
            return
        wait_s = 0.0
        try:
            async with asyncio.timeout(CLOSING_PATIENCE_S):
                await worker.run(lambda _: close())
            wait_s = 0.5
        except TimeoutError:
            log.warning("%s does not answer; it is left as it is, SQLite repairs it at the next start.", self.path)
        except sqlite3.Error as error:
            log.warning("When it was closed: %s", translated(error, self.path))
            wait_s = 0.5
        finally:
            worker.close(wait_s)

    # What follows runs on the writer's thread.

    def _open_writer(self) -> None:
        """Raises ``StorageError``."""
        self._retry_at_s = self._clock() + RETRY_AFTER_S
        database = open_for_writing(self.path, self._migrations, self._backups)
        if self._closing:  # nobody waited for it
            database.close()
            return
        self._file = _identity(self.path)
        self._tables = -1
        self._write_to = database

    def _in_transaction(self, work: Callable[[sqlite_utils.Database], T], given_up: threading.Event) -> T:
        """Raises ``sqlite3.Error``, ``StorageError`` and what ``work`` raises."""
        try:
            result = self._written(self._writable(), work, given_up)
        except (sqlite3.Error, StorageError) as error:
            failure = translated(error, self.path) if isinstance(error, sqlite3.Error) else error
            if type(failure) is not StorageError:  # it says something about the disk or the file
                self.problem = failure.again()  # without its trace, which holds what was to be written
            raise
        if self.problem is not None:
            log.warning("%s can be written again.", self.path)
            self.problem = None
        return result

    def _writable(self) -> sqlite_utils.Database:
        """Raises ``StorageError`` where nothing can be written."""
        if self.problem is not None and self.problem.final:
            raise self.problem.again()
        if self._write_to is None:
            if self.problem is not None and self._clock() < self._retry_at_s:
                raise self.problem.again()
            self._open_writer()
        if self._write_to is None:
            raise StorageError(f"{self.path} is not open.")
        if _identity(self.path) != self._file:
            raise StorageMoved(
                f"{self.path} was moved, replaced or deleted while it was in use; nothing is written any more.",
                remedy="Start the assistant again.",
            )
        return self._write_to

    def _written(
        self, database: sqlite_utils.Database, work: Callable[[sqlite_utils.Database], T], given_up: threading.Event
    ) -> T:
        connection = database.conn
        connection.execute("BEGIN IMMEDIATE")
        try:
            if (tables := _tables_of(database)) != self._tables:
                check_origin(
                    database, self.path, self._migrations
                )  # a newer version may have been started beside this one
                self._tables = tables
            result = work(database)
            connection.execute("ROLLBACK" if given_up.is_set() else "COMMIT")
        except BaseException:
            if connection.in_transaction:
                with suppress(sqlite3.Error):  # what went wrong before is what counts
                    connection.execute("ROLLBACK")
            raise
        return result

    def _close_writer(self) -> None:
        database, self._write_to = self._write_to, None
        if database is not None:
            database.close()

    # What follows runs on the reader's thread.

    def _open_reader(self) -> None:
        """Raises ``StorageError``."""
        database, snapshot = open_for_reading(self.path, self.problem)
        self._close_reader()
        if self._closing:  # nobody waited for it
            database.close()
            return
        self._read_from, self._snapshot = database, snapshot
        self._opened += 1

    def _at_one_state(self, work: Callable[[sqlite_utils.Database], T]) -> T:
        if self._read_from is None or (self._snapshot and self._write_to is not None):
            self._open_reader()
        if self._read_from is None:
            raise StorageError(f"{self.path} is not open.")
        connection = self._read_from.conn
        connection.execute("BEGIN")
        try:
            return work(self._read_from)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _close_reader(self) -> None:
        database, self._read_from = self._read_from, None
        if database is not None:
            database.close()


def _identity(path: Path) -> tuple[int, int]:
    """What is a file's own, whatever its name; zeros where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - twice as fast as Path.stat, for each write
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino


def _tables_of(database: sqlite_utils.Database) -> int:
    return int(database.conn.execute("PRAGMA schema_version").fetchone()[0])
