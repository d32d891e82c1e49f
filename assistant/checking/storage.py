"""The database and what lies in it. A copy is opened as the daemon would; the database itself is only looked at."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path

import sqlite_utils

from assistant.app import App
from assistant.checking.finding import Finding, State, failing
from assistant.storage.audio_files import AudioFiles
from assistant.storage.backups import PATTERN, folder_of
from assistant.storage.database import Database
from assistant.storage.errors import StorageBusy, StorageError, StorageNewer, damaged, may_be_seen, translated
from assistant.storage.migrations import MIGRATIONS
from assistant.storage.upgrade import check_origin

BUSY_TIMEOUT_S = 2.0
"""Seconds to wait for a daemon that is writing."""

LEAST_FREE_GB = 1.0
"""Less free disk than this is worth a warning."""


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
    # An empty one, as a power cut leaves it, is made anew.
    exists = not may_be_seen(file) or (file.exists() and file.stat().st_size > 0)
    async with AsyncExitStack() as stack:
        copy = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="assistant-check-"))) / file.name
        database: Database | None = None
        try:
            finding = _existing(file, copy) if exists else _future(file)
            database = await stack.enter_async_context(Database(copy, backups=0))
            if database.problem is not None and finding.state is State.WORKS:
                finding = _not_upgraded(file, database.problem)
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


def fullest(app: App) -> Path:
    """A folder on the disk with the least room of those that are written to: ``storage.folder`` may lie on one of its
    own."""
    data = (app.folder / app.settings.storage.folder).absolute()
    return min((app.folder, _nearest(data)), key=lambda folder: shutil.disk_usage(folder).free)


def disk(app: App) -> Finding:
    """Whether there is room."""
    folder = fullest(app)
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb < LEAST_FREE_GB:
        reason = f"only {free_gb:.1f} GB free on the disk that holds {folder}"
        return Finding("disk", State.WARNS, reason, "Remove what is not needed.")
    return Finding("disk", State.WORKS, f"{free_gb:.0f} GB free")


def _copy(file: Path, copy: Path) -> None:
    """A whole copy of a database that somebody may be writing. Raises ``StorageError``."""
    try:
        # A disk that cannot be written has no place for WAL's index: only `immutable` reads there.
        with (
            closing(_first(file, "mode=ro", "mode=ro&immutable=1")) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            wrong = target.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise translated(error, file) from error
    if wrong != "ok":
        raise damaged(file, wrong)


def _existing(file: Path, copy: Path) -> Finding:
    """Whether it can be written, and by which version it was made. Raises ``StorageError``."""
    _copy(file, copy)
    with closing(sqlite_utils.Database(copy)) as database:
        try:
            check_origin(database, file, MIGRATIONS)
        except StorageNewer as error:
            return Finding("storage", State.WARNS, error.message, error.remedy)
        pending = len(MIGRATIONS.pending(database)) if database.table_names() else 0
    if (problem := _write_problem(file)) is not None:
        return Finding("storage", State.WARNS, f"{problem.message} It is only read.", problem.remedy)
    what = f"{file}, {file.stat().st_size / 1000:.0f} kB, {_backups(file)}"
    if pending:
        what += f"; an older version made it: the next start takes it {pending} steps further, after a copy"
    return Finding("storage", State.WORKS, what)


def _write_problem(file: Path) -> StorageError | None:
    """Why it cannot be written. Only trying tells: its mode and owner know nothing of a disk mounted read-only."""
    try:
        with closing(_open(file, "mode=rw")) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute("BEGIN IMMEDIATE")
            # A transaction alone is no trial: SQLite begins one on a database that it can only read.
            connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        problem = translated(error, file)
        return None if isinstance(problem, StorageBusy) else problem  # somebody writes, so it can be written
    return None


def _not_upgraded(file: Path, problem: StorageError) -> Finding:
    """What the copy could not be brought to will fail with the database, too."""
    reason = f"the next start will not be able to bring {file} up to date ({type(problem).__name__})"
    return Finding("storage", State.FAILS, reason, "Keep a copy of it, and install the earlier version again.")


def _future(file: Path) -> Finding:
    """Whether the first start will be able to make it."""
    there = _nearest(file.absolute().parent)
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return Finding("storage", State.WORKS, f"there is no database yet; the first start makes {file}")
    reason = f"there is no database yet, and {file} cannot be made: this user may not write to {there}"
    return Finding(
        "storage", State.WARNS, reason, "Name another folder in config.yaml (storage.folder), or give it to this user."
    )


def _nearest(folder: Path) -> Path:
    """The folder, or the first above it that is there."""
    return next(one for one in (folder, *folder.parents) if may_be_seen(one) and one.exists())


def _first(file: Path, *queries: str) -> sqlite3.Connection:
    """A connection of the first kind that works. Raises the last one's ``sqlite3.Error``."""
    for query in queries[:-1]:
        with suppress(sqlite3.Error):
            return _open(file, query)
    return _open(file, queries[-1])


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
    copies = sorted(folder_of(file).glob(PATTERN))
    return f"{len(copies)} backups, the last {copies[-1].name}" if copies else "no backups yet"
