"""Files that are damaged, empty, torn or taken away: never changed, and the error says what to do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assistant.storage.database import Database
from assistant.storage.errors import (
    StorageDamaged,
    StorageError,
    StorageMoved,
)
from tests.assistant.storage.disks import (
    abandoned,
    insert,
    intact,
    made,
    rows,
    steps,
)

pytestmark = pytest.mark.unit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "assistant.db"


class TestDamaged:
    """Files that are no intact database. They are never changed."""

    @pytest.fixture(params=["not a database", "truncated", "a page of nonsense", "schema of nonsense"])
    async def damaged(self, request: pytest.FixtureRequest, path: Path) -> bytes:
        await made(path, *range(300), b="x" * 500)
        content = bytearray(path.read_bytes())
        assert len(content) > 20 * 4096
        match request.param:
            case "not a database":
                content = bytearray(os.urandom(10_000))
            case "truncated":
                del content[len(content) // 2 :]
            case "a page of nonsense":
                content[10 * 4096 : 11 * 4096] = b"\x05" * 4096
            case "schema of nonsense":
                content[100:4096] = b"\xff" * 3996
        path.write_bytes(content)
        return bytes(content)

    async def test_it_is_left_as_it_is_and_the_error_says_what_to_do(self, path: Path, damaged: bytes) -> None:
        try:
            async with Database(path, migrations=steps(1)) as database:
                error: StorageError | None = database.problem
                for _ in range(2):
                    with pytest.raises(StorageDamaged):
                        await database.write(insert(1000))
        except StorageDamaged as damage:
            error = damage
        assert isinstance(error, StorageDamaged)
        assert str(path.parent / "backups") in error.remedy
        assert "assistant.db-wal" in error.remedy
        assert path.read_bytes() == damaged

    async def test_its_remedy_is_one(self, path: Path, damaged: bytes) -> None:
        for file in path.parent.glob("assistant.db*"):
            file.rename(file.with_name(f"old-{file.name}"))
        await made(path, 1)
        assert (path.parent / "old-assistant.db").read_bytes() == damaged


async def test_what_is_left_of_a_damaged_database_is_read(path: Path) -> None:
    def two_tables(db: Any) -> None:
        db.execute("CREATE TABLE large (b)")
        for _ in range(300):
            db.execute("INSERT INTO large VALUES (?)", ("x" * 500,))

    async with Database(path, migrations=steps(1, two_tables)) as database:
        await database.write(insert(1))
    content = bytearray(path.read_bytes())
    content[-5 * 4096 : -4 * 4096] = b"\x05" * 4096
    path.write_bytes(content)
    async with Database(path, migrations=steps(1, two_tables)) as database:
        assert isinstance(database.problem, StorageDamaged)
        assert await database.read(rows) == [1]


async def test_damage_that_comes_while_it_runs_ends_the_writing(path: Path) -> None:
    await made(path, *range(3000), b="x" * 1000)
    async with Database(path, migrations=steps(1)) as database:
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\x05" * (path.stat().st_size - 4096))
        for work in (lambda db: db.execute("DELETE FROM t1"), insert(4000)):
            with pytest.raises(StorageDamaged):
                await database.write(work)
        assert isinstance(database.problem, StorageDamaged)
        with pytest.raises(StorageDamaged):
            await database.read(rows)


async def test_an_empty_file_becomes_a_database(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.touch()
    await made(path, 1)
    assert "is empty" not in caplog.text
    path.write_bytes(b"")
    (path.parent / "backups").mkdir()
    (path.parent / "backups" / "20260101T000000-before-002_x.db").touch()
    await made(path, 1)
    assert "is empty and is made anew; there are copies in" in caplog.text


async def test_a_torn_log_costs_only_what_was_not_acknowledged(path: Path) -> None:
    await made(path, 1)
    abandoned(path)
    log_file = path.with_name("assistant.db-wal")
    whole = log_file.read_bytes()
    log_file.write_bytes(whole + whole[-3000:])
    async with Database(path, migrations=steps(1)) as database:
        assert await database.read(rows) == [1, 2]
        await database.write(insert(3))
    assert intact(path)


def _move(path: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))


def _delete(path: Path) -> None:
    path.unlink()


def _replace(path: Path) -> None:
    shutil.copy(path, path.with_name("copy.db"))
    path.with_name("copy.db").replace(path)


@pytest.mark.parametrize("take_away", [_move, _delete, _replace])
async def test_a_file_that_is_taken_away_is_not_written_to(path: Path, take_away: Callable[[Path], None]) -> None:
    """What is written to a file without a name is lost with the process."""
    async with Database(path, migrations=steps(1)) as database:
        await database.write(insert(1))
        take_away(path)
        before = path.read_bytes() if path.exists() else b""
        for _ in range(2):
            with pytest.raises(StorageMoved, match="Start the assistant again"):
                await database.write(insert(2))
        assert await database.read(rows) == [1]
    assert (path.read_bytes() if path.exists() else b"") == before
