"""Copies of the database that are made before its tables change."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from assistant.storage.errors import damaged, translated

log = logging.getLogger(__name__)

PATTERN = "*-before-*.db"
"""Names of backups; they begin with the time of the wall clock, in UTC."""


def folder_of(path: Path) -> Path:
    """Where the backups of a database lie."""
    return path.parent / "backups"


def back_up(path: Path, step: str) -> Path:
    """A whole copy of the database, named by the time and the step that follows. Raises ``StorageError``.

    The caller holds the database's write lock, so the copy is what the step will find. It gets its name when it is
    complete, intact and on the disk.
    """
    folder = folder_of(path)
    stem = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-before-{step}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        remove_unfinished(folder)
        part = folder / f"{stem}.part"
        try:
            _copy(path, part)
            file = _free(folder, stem)
            part.rename(file)
            _flush(folder)
        except BaseException:
            remove_unfinished(folder)
            raise
    except (sqlite3.Error, OSError) as error:
        reason = translated(error, folder)
        raise type(reason)(
            f"{path} is not brought up to date, because no copy could be made before. {reason.message}",
            remedy=f"{reason.remedy} Or set storage.backups to 0 in config.yaml to do without copies.",
        ) from error
    log.info("The database was copied to %s.", file)
    return file


def remove_surplus(newest: Path, keep: int) -> None:
    """Keep ``newest`` and the ``keep - 1`` before it. (By its name it may be older: a clock may have been set back.)"""
    others = sorted(file for file in newest.parent.glob(PATTERN) if file != newest)
    for old in others[: max(0, len(others) - (keep - 1))]:
        with suppress(OSError):  # the next one tries again
            old.unlink()


def _copy(path: Path, part: Path) -> None:
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    source_name = f"{path.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(source_name, uri=True)) as source, closing(sqlite3.connect(part)) as copy:
        source.backup(copy)
        # One file that can be put in the database's place, without a log that would lie beside it while it is checked.
        copy.execute("PRAGMA journal_mode = DELETE")
        found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise damaged(path, found)


def _free(folder: Path, stem: str) -> Path:
    """A name that no backup has: two may be made within a second."""
    names = (folder / f"{stem}{'-' * bool(number)}{number or ''}.db" for number in range(1_000))
    return next(file for file in names if not file.exists())


def remove_unfinished(folder: Path) -> None:
    """What a crash or a full disk left; only one process at a time makes a copy."""
    for file in folder.glob("*-before-*.part*"):
        with suppress(OSError):
            file.unlink()


def _flush(folder: Path) -> None:
    """Have a name in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
