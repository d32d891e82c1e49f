"""The database and what lies in it. A copy is opened as the daemon would; the database itself is only looked at."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import sqlite_utils

from assistant.app import App
from assistant.checking.finding import Finding, State, failing
from assistant.storage.audio_files import AudioFiles
from assistant.storage.database import Database
from assistant.storage.errors import StorageBusy, StorageDamaged, StorageError, translated
from assistant.storage.migrations import MIGRATIONS

BUSY_TIMEOUT_S = 2.0
"""Seconds to wait for a daemon that is writing."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The database as it is, or as the first start will make it."""

    finding: Finding
    database: Database | None
    """A copy, which may be changed; None where it cannot even be read."""
    exists: bool
    """Whether there is one already."""


@asynccontextmanager
async def stored(app: App) -> AsyncIterator[Stored]:
    """Look at the database of the settings."""
    file = app.folder / app.settings.storage.folder / "assistant.db"
    exists = file.exists()
    async with AsyncExitStack() as stack:
        copy = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="assistant-check-"))) / file.name
        database: Database | None = None
        try:
            if exists:
                _copy(file, copy)
                finding = _existing(file, sqlite_utils.Database(copy))
            else:
                finding = _future(file)
            database = await stack.enter_async_context(Database(copy, backups=0))
        except StorageError as error:
            finding = failing("storage", error)
        yield Stored(finding, database, exists)


async def cache(app: App, stored: Stored) -> Finding:
    """What lies in the speech cache."""
    section = app.settings.cache
    if not section.enabled:
        return Finding("speech cache", State.WORKS, "switched off (cache.enabled)")
    if stored.database is None:
        return Finding("speech cache", State.WARNS, "nothing is kept: the database cannot be read", "See: storage.")
    files = AudioFiles(
        stored.database,
        app.folder / app.settings.storage.folder / "speech",
        keep_s=section.keep_hours * 3600,
        max_bytes=section.max_mb * 1_000_000,
    )
    stock = await files.stock()
    used = f"{stock.size_bytes / 1e6:.1f} of {section.max_mb} MB"
    return Finding("speech cache", State.WORKS, f"{stock.entries} sentences, {used}, kept {section.keep_hours:g} hours")


def _copy(file: Path, copy: Path) -> None:
    """A whole copy of a database that somebody may be writing. Raises ``StorageError``."""
    # A disk that cannot be written has no place for WAL's index: only `immutable` reads there.
    for query in ("mode=ro", "mode=ro&immutable=1"):
        try:
            with closing(_open(file, query)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
                wrong = target.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            failure = translated(error, file)
            if isinstance(failure, StorageDamaged):
                break
            continue
        if wrong == "ok":
            return
        failure = StorageDamaged(f"{file} is damaged: {wrong}.", remedy=_restore(file))
        break
    raise failure


def _existing(file: Path, copy: sqlite_utils.Database) -> Finding:
    """Whether it can be written, and by which version it was made."""
    with closing(copy):
        pending = [step.name for step in MIGRATIONS.pending(copy)]
        known = [step.name for step in MIGRATIONS.pending(sqlite_utils.Database(memory=True))]
        unknown = [step.name for step in MIGRATIONS.applied(copy) if step.name not in known]
    what = f"{file}, {file.stat().st_size / 1000:.0f} kB, {_backups(file)}"
    if unknown:
        reason = (
            f"a newer version of this program made {what} (its step {unknown[-1]} is unknown here); it is only read"
        )
        return Finding("storage", State.WARNS, reason, f"Install the newer version again, or: {_restore(file)}")
    try:
        # Only trying tells: neither the file's mode nor its owner knows of a disk mounted read-only. A transaction
        # alone is no trial, for SQLite begins one on a database that it can only read.
        with closing(_open(file, "mode=rw")) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        failure = translated(error, file)
        if not isinstance(failure, StorageBusy):  # somebody writes, so it can be written
            return Finding("storage", State.WARNS, f"{failure.message} It is only read.", failure.remedy)
    if pending:
        what += f"; an older version made it, the next start makes {len(pending)} steps, after a copy"
    return Finding("storage", State.WORKS, what)


def _future(file: Path) -> Finding:
    """Whether the first start will be able to make it."""
    there = next(folder for folder in file.absolute().parents if folder.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return Finding("storage", State.WORKS, f"there is no database yet; the first start makes {file}")
    reason = f"there is no database yet, and {file} cannot be made: this user may not write to {there}"
    return Finding(
        "storage", State.WARNS, reason, "Name another folder in config.yaml (storage.folder), or give it to this user."
    )


def _open(file: Path, query: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{file.resolve().as_uri()}?{query}", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None
    )
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _backups(file: Path) -> str:
    copies = sorted((file.parent / "backups").glob("*.db"))
    return f"{len(copies)} backups, the last {copies[-1].name}" if copies else "no backups yet"


def _restore(file: Path) -> str:
    return f"Restore a copy from {file.parent / 'backups'}, or move the file away."
