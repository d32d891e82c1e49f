"""Brings a database up to date: a copy first, then step after step, each whole or not at all."""

from __future__ import annotations

import logging
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from sqlite_utils import Database

from assistant.storage.errors import StorageNewer
from assistant.storage.migrations import MIGRATIONS

log = logging.getLogger(__name__)


def bring_up_to_date(database: Database, path: Path, backups: int) -> None:
    """Do the steps that are missing. Raises ``StorageNewer`` where the database has steps unknown here."""
    steps = [step.name for step in MIGRATIONS.pending(Database(memory=True))]
    applied = [step.name for step in MIGRATIONS.applied(database)]
    if unknown := [name for name in applied if name not in steps]:
        raise StorageNewer(
            f"{path} was made by a newer version of this program (its step {unknown[-1]} is unknown here); "
            "it is read but not changed.",
            remedy=f"Install the newer version again, or restore a copy from {path.parent / 'backups'}.",
        )
    missing = [name for name in steps if name not in applied]
    if applied and missing and backups > 0:
        _back_up(database, path.parent / "backups", missing[0], backups)
    for name in missing:
        _step(database, name, steps)


def _step(database: Database, name: str, steps: list[str]) -> None:
    """One step in one transaction; another process may have done it meanwhile."""
    database.conn.execute("BEGIN IMMEDIATE")
    try:
        if name in (step.name for step in MIGRATIONS.pending(database)):
            MIGRATIONS.apply(database, stop_before=steps[steps.index(name) + 1 :])
            log.info("The database made the step %s.", name)
        database.conn.execute("COMMIT")
    except BaseException:
        if database.conn.in_transaction:
            database.conn.execute("ROLLBACK")
        raise


def _back_up(database: Database, folder: Path, step: str, keep: int) -> None:
    """A whole copy, named by time and the step that follows; the oldest ones beyond ``keep`` are removed."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-before-{step}.db"
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    copy = sqlite3.connect(part)
    try:
        database.conn.backup(copy)
    finally:
        copy.close()
    part.rename(file)
    log.info("The database was copied to %s.", file)
    for old in sorted(folder.glob("*-before-*.db"))[:-keep]:
        old.unlink()
