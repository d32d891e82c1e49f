"""Opens the database's file: for writing, else for reading, however little the disk allows."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import sqlite_utils
from sqlite_utils import Migrations

from assistant.storage.backups import folder_of
from assistant.storage.errors import StorageBusy, StorageDamaged, StorageError, damaged, translated
from assistant.storage.upgrade import bring_up_to_date, check_origin

log = logging.getLogger(__name__)

BUSY_TIMEOUT_S = 5.0
"""Seconds to wait for another process that is writing."""

LOG_LIMIT_BYTES = 4_000_000
"""Size to which SQLite's log (``-wal``) is cut back. It is worked off whenever it holds a thousand pages of 4 KiB."""


def open_for_writing(path: Path, migrations: Migrations, backups: int) -> sqlite_utils.Database:
    """Open it, make it where there is none, check it and bring it up to date. Raises ``StorageError``.

    What is damaged, foreign or newer is left as it is.
    """
    _make(path)
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        database = sqlite_utils.Database(connection)
        _check(connection, path)
        check_origin(database, path, migrations)
        _use_log(connection)
        # FULL: what was acknowledged survives a power cut. There are few writes.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten, not only given free
        connection.execute(f"PRAGMA journal_size_limit = {LOG_LIMIT_BYTES}")
        bring_up_to_date(database, path, migrations, backups)
        # Only now: a step may make a table anew.
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.Error | OSError):
            raise translated(error, path) from error
        raise
    return database


def open_for_reading(path: Path, problem: StorageError | None) -> tuple[sqlite_utils.Database, bool]:
    """Open it, and whether what is seen is only a snapshot. Raises ``StorageError``.

    ``problem`` is why it could not be opened for writing.
    """
    try:
        return sqlite_utils.Database(_open(path, "mode=ro")), False
    except sqlite3.Error as error:
        failure = translated(error, path)
        if problem is None or isinstance(failure, StorageBusy):
            raise (problem or failure) from error
    try:
        return _snapshot(path), True
    except (sqlite3.Error, OSError) as error:
        raise problem from error


def _make(path: Path) -> None:
    """An empty file in a folder, both for this user alone: it holds what the owner told the assistant."""
    folder = path.parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise translated(error, folder) from error
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))  # SQLite gives its other files the same mode
    except FileExistsError:
        if path.is_file() and not path.stat().st_size and any(folder_of(path).glob("*.db")):
            log.warning("%s is empty and is made anew; there are copies in %s.", path, folder_of(path))
    except OSError as error:
        raise translated(error, path) from error


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raises ``StorageDamaged``; a few milliseconds for each megabyte."""
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise damaged(path, found)


def _use_log(connection: sqlite3.Connection) -> None:
    """WAL mode. Where two processes make the database at the same time, one is refused without being made to wait."""
    give_up_at = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)
        else:
            return


def _open(path: Path, query: str) -> sqlite3.Connection:
    name = f"{path.resolve().as_uri()}?{query}"
    connection = sqlite3.connect(name, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _snapshot(path: Path) -> sqlite_utils.Database:
    """The database as it is now, in memory.

    WAL keeps an index beside the file, and a disk that cannot be written has no place for it: only ``immutable`` reads
    there. It does not notice changes, so it is not kept open. What stands in a log that nobody could work off
    is missing.
    """
    memory = sqlite3.connect(":memory:", isolation_level=None)
    try:
        with closing(_open(path, "mode=ro&immutable=1")) as source:
            source.backup(memory)
    except BaseException:
        memory.close()
        raise
    try:
        _check(memory, path)
    except (StorageDamaged, sqlite3.Error) as error:
        log.warning("Not everything may be readable: %s", error)
    log_file = path.with_name(f"{path.name}-wal")
    if log_file.exists() and log_file.stat().st_size:
        log.warning("What was written last cannot be read: it stands in %s, for which the disk has no room.", log_file)
    return sqlite_utils.Database(memory)
