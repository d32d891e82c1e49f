"""Brings a database up to date: a copy first, then step after step, each whole or not at all."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlite_utils import Database, Migrations

from assistant.storage.backups import back_up, folder_of, remove_surplus
from assistant.storage.errors import StorageError, StorageForeign, StorageNewer, StorageNotUpgraded, translated
from pipeline.errors import without_words

log = logging.getLogger(__name__)


def check_origin(database: Database, path: Path, migrations: Migrations) -> None:
    """Only look. Raises ``StorageNewer`` where it has steps unknown here, ``StorageForeign`` where it is not ours."""
    with closing(Database(memory=True)) as nothing:
        steps = {step.name for step in migrations.pending(nothing)}
    with _one_state(database.conn):  # another process may be making the first tables
        applied = [step.name for step in migrations.applied(database)]
        tables = database.table_names()
    if unknown := [name for name in applied if name not in steps]:
        raise StorageNewer(
            f"{path} was made by a newer version of this program (its step {unknown[-1]} is unknown here); "
            "it is read but not changed.",
            remedy=f"Install the newer version again, or restore a copy from {folder_of(path)}.",
        )
    if tables and not applied:
        raise StorageForeign(
            f"{path} belongs to another program: it has a table {tables[0]!r}. It is not changed.",
            remedy="Name another folder in config.yaml: storage.folder.",
        )


@contextmanager
def _one_state(connection: sqlite3.Connection) -> Iterator[None]:
    """Whatever is read within this was so at one moment."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        with suppress(sqlite3.Error):  # some errors end the transaction themselves
            connection.execute("ROLLBACK")


def bring_up_to_date(database: Database, path: Path, migrations: Migrations, backups: int) -> None:
    """Do the steps that are missing, keeping ``backups`` copies of earlier states.

    Raises ``StorageError``; then the database is as it was before the step that failed.
    """
    copied = new = not migrations.applied(database)
    while migrations.pending(database):
        # A copy of what each process finds at its first step; the next ones are a moment later.
        copied = _step(database, path, migrations, 0 if copied else backups, new=new)


def _step(database: Database, path: Path, migrations: Migrations, backups: int, *, new: bool) -> bool:
    """The next step in one transaction, if no other process has done it meanwhile; whether a copy is done with."""
    connection = database.conn
    copy: Path | None = None
    name = ""
    connection.execute("BEGIN IMMEDIATE")
    try:
        check_origin(database, path, migrations)
        pending = [step.name for step in migrations.pending(database)]
        if pending:
            name = pending[0]
            if backups > 0:
                copy = back_up(path, name)
            migrations.apply(database, stop_before=pending[1:])
            _check_references(connection, path, name)
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        if copy is not None:  # of what is still there; others must not make room for it
            with suppress(OSError):
                copy.unlink()
        if isinstance(error, Exception):
            raise _failed(error, path, name) from error
        raise
    if pending:
        # Of a new one nobody needs to know; what changes a shop's own data is told.
        log.log(logging.DEBUG if new else logging.INFO, "The database made the step %s.", name)
    if copy is not None:
        remove_surplus(copy, backups)
    return True


def _failed(error: Exception, path: Path, step: str) -> StorageError:
    """What happens to the disk is told as such; anything else is a mistake in the step."""
    if isinstance(error, StorageError):
        return error
    if isinstance(error, sqlite3.Error | OSError):
        reason = translated(error, path)
        if type(reason) is not StorageError:
            return reason
        return _not_upgraded(path, step, str(error))  # SQLite names tables and columns, not what stands in them
    return _not_upgraded(path, step, without_words(error).partition(";")[0])


def _check_references(connection: sqlite3.Connection, path: Path, step: str) -> None:
    if broken := connection.execute("PRAGMA foreign_key_check").fetchone():
        raise _not_upgraded(path, step, f"{broken[0]} would refer to what does not exist")


def _not_upgraded(path: Path, step: str, why: str) -> StorageNotUpgraded:
    return StorageNotUpgraded(
        f"{path} could not be brought up to date: the step {step} failed ({why}). It is as it was and is only read.",
        remedy="Install the version that was used before, and report this.",
    )
