"""Disks with bad days, and tables to fill them."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlite_utils
from sqlite_utils import Migrations

from assistant.storage.database import Database
from tests.conftest import ROOT

SECRET = "what the owner wrote"


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


class SmallDisk:
    """A disk of its own of two megabytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def set_read_only(self, read_only: bool = True) -> None:
        _mount("-o", f"remount,{'ro' if read_only else 'rw'}", str(self.folder))

    def fill(self, leave_bytes: int = 0) -> None:
        """Leave no more room than this."""
        with self._filler.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
            file.truncate(max(0, file.tell() - leave_bytes))

    def make_room(self) -> None:
        self._filler.unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        _mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk can be mounted here: {error}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


@contextmanager
def failing_disk() -> Iterator[None]:
    """No file of this process can be written any more."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def steps(count: int, *further: Any) -> Migrations:
    """``count`` steps that each make a table ``t1``, ``t2`` …, and further ones."""
    migrations = Migrations("assistant")
    for number in range(1, count + 1):

        def make(db: sqlite_utils.Database, table: str = f"t{number}") -> None:
            db.execute(f"CREATE TABLE {table} (a INTEGER PRIMARY KEY, b)")

        migrations(name=f"{number:03}_t{number}")(make)
    for function in further:
        migrations(name=f"{count + 1:03}_{function.__name__}")(function)
    return migrations


def insert(a: int, b: Any = SECRET) -> Any:
    """Work for ``Database.write``."""
    return lambda db: db.execute("INSERT INTO t1 VALUES (?, ?)", (a, b)).lastrowid


def rows(db: sqlite_utils.Database) -> list[Any]:
    """Work for ``Database.read``."""
    return [a for (a,) in db.execute("SELECT a FROM t1 ORDER BY a")]


def dump(path: Path) -> list[str]:
    """All that stands in a database, tables included."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def is_root() -> bool:
    return os.geteuid() == 0


async def made(path: Path, *numbers: int, b: Any = "b") -> None:
    """A database with that many rows, closed."""
    async with Database(path, migrations=steps(1)) as database:
        for number in numbers:
            await database.write(insert(number, b))


def abandoned(path: Path) -> None:
    """A database as a power cut leaves it: what was written last stands in the log beside it."""
    done = subprocess.run(
        [sys.executable, "-c", ABANDON, str(path)], cwd=ROOT, check=False, timeout=60, capture_output=True, text=True
    )
    assert done.returncode == 9, done.stderr
    assert path.with_name("assistant.db-wal").stat().st_size > 0


ABANDON = """
import asyncio, os, sys
from pathlib import Path
from assistant.storage.database import Database
from tests.assistant.storage.disks import insert, steps

async def main():
    async with Database(Path(sys.argv[1]), migrations=steps(1)) as database:
        await database.write(insert(2))
        os._exit(9)

asyncio.run(main())
"""


def intact(path: Path) -> bool:
    """Whether SQLite finds nothing wrong with it."""
    with closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))
