"""Disks that are full, read-only or failing, and files that others hold: told, survived, nothing lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from assistant.storage.database import RETRY_AFTER_S, Database
from assistant.storage.errors import (
    StorageBusy,
    StorageDiskError,
    StorageError,
    StorageFull,
    StorageReadOnly,
)
from tests.assistant.storage.disks import (
    Clock,
    SmallDisk,
    abandoned,
    failing_disk,
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


class TestReadOnly:
    """A disk that is mounted read-only."""

    async def test_it_is_read_and_written_again_when_that_ends(self, small_disk: SmallDisk) -> None:
        path, clock = small_disk.folder / "assistant.db", Clock()
        await made(path, 1)
        small_disk.set_read_only()
        async with Database(path, migrations=steps(1), clock=clock) as database:
            assert isinstance(database.problem, StorageReadOnly)
            assert database.may_write, "it may end by itself"
            assert await database.read(rows) == [1]
            seen = await database.version()
            small_disk.set_read_only(False)
            with pytest.raises(StorageReadOnly):
                await database.write(insert(2))  # not tried again so soon
            clock.s += RETRY_AFTER_S
            for number in range(2, 5):
                await database.write(insert(number))
                assert database.problem is None
                assert await database.read(rows) == list(range(1, number + 1))
                assert await database.version() != seen

    async def test_what_a_power_cut_left_in_the_log_is_read_too(self, small_disk: SmallDisk) -> None:
        path = small_disk.folder / "assistant.db"
        await made(path, 1)
        abandoned(path)
        small_disk.set_read_only()
        async with Database(path, migrations=steps(1)) as database:
            assert await database.read(rows) == [1, 2]
            with pytest.raises(StorageReadOnly, match="cannot be written"):
                await database.write(insert(3))
            assert isinstance(database.problem, StorageReadOnly)
            assert await database.read(rows) == [1, 2]

    async def test_a_log_without_its_index_is_told(
        self, small_disk: SmallDisk, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = small_disk.folder / "assistant.db"
        await made(path, 1)
        abandoned(path)
        path.with_name("assistant.db-shm").unlink()
        small_disk.set_read_only()
        async with Database(path, migrations=steps(1)) as database:
            assert await database.read(rows) == [1]
        assert "written last cannot be read" in caplog.text
        small_disk.set_read_only(False)
        async with Database(path, migrations=steps(1)) as database:
            assert await database.read(rows) == [1, 2], "it was not lost"

    async def test_what_is_left_of_a_damaged_database_is_read(
        self, small_disk: SmallDisk, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = small_disk.folder / "assistant.db"
        await made(path, *range(300), b="x" * 500)
        with path.open("r+b") as file:
            file.seek(-2 * 4096, 2)
            file.write(b"\x05" * 4096)
        small_disk.set_read_only()
        async with Database(path, migrations=steps(1)) as database:
            assert isinstance(database.problem, StorageReadOnly)
            assert "Not everything may be readable" in caplog.text
            assert await database.read(lambda db: db.table_names()) == ["_sqlite_migrations", "t1"]

    async def test_an_older_database_is_read_as_it_is(self, small_disk: SmallDisk) -> None:
        path, clock = small_disk.folder / "assistant.db", Clock()
        await made(path, 1)
        small_disk.set_read_only()
        async with Database(path, migrations=steps(2), clock=clock) as database:
            assert await database.read(rows) == [1]
            small_disk.set_read_only(False)
            clock.s += RETRY_AFTER_S
            await database.write(lambda db: db.execute("INSERT INTO t2 VALUES (5, 5)"))
            assert await database.read(lambda db: db.execute("SELECT a FROM t2").fetchall()) == [(5,)]

    async def test_without_a_database_it_cannot_be_opened(self, small_disk: SmallDisk) -> None:
        small_disk.set_read_only()
        for path in (small_disk.folder / "assistant.db", small_disk.folder / "data" / "assistant.db"):
            with pytest.raises(StorageReadOnly, match="mounted read-only"):
                async with Database(path, migrations=steps(1)):
                    raise AssertionError


class TestFull:
    """A disk without room."""

    async def test_while_it_runs_writing_fails_until_there_is_room(self, small_disk: SmallDisk) -> None:
        path = small_disk.folder / "assistant.db"
        async with Database(path, migrations=steps(1)) as database:
            await database.write(insert(1))
            small_disk.fill()
            with pytest.raises(StorageFull, match="is full; nothing was changed"):
                await database.write(lambda db: [insert(n, "x" * 4000)(db) for n in range(2, 100)])
            assert isinstance(database.problem, StorageFull)
            assert await database.read(rows) == [1]
            small_disk.make_room()
            await database.write(insert(2))
            assert database.problem is None
            assert await database.read(rows) == [1, 2]
        assert intact(path)

    async def test_what_was_acknowledged_before_it_was_full_stays(self, small_disk: SmallDisk) -> None:
        path = small_disk.folder / "assistant.db"
        acknowledged: list[int] = []
        async with Database(path, migrations=steps(1)) as database:
            small_disk.fill(leave_bytes=400_000)
            for number in range(1000):
                try:
                    await database.write(insert(number, "x" * 3000))
                except StorageFull:
                    continue
                acknowledged.append(number)
            assert 20 < len(acknowledged) < 1000
            assert await database.read(rows) == acknowledged
        small_disk.make_room()
        async with Database(path, migrations=steps(1)) as database:
            assert await database.read(rows) == acknowledged
        assert intact(path)

    async def test_at_the_start_it_is_read(self, small_disk: SmallDisk) -> None:
        path, clock = small_disk.folder / "assistant.db", Clock()
        await made(path, 1)
        small_disk.fill()
        async with Database(path, migrations=steps(1), clock=clock) as database:
            assert isinstance(database.problem, StorageFull)
            assert await database.read(rows) == [1]
            with pytest.raises(StorageError):
                await database.write(insert(2))
            small_disk.make_room()
            clock.s += RETRY_AFTER_S
            await database.write(insert(2))
            assert database.problem is None
            assert await database.read(rows) == [1, 2]

    @pytest.mark.parametrize("leave_bytes", [0, 4096, 40_000])
    async def test_at_the_very_first_start(self, small_disk: SmallDisk, leave_bytes: int) -> None:
        """It comes to life when there is room; until then reading is an error, not a wrong answer."""
        path, clock = small_disk.folder / "assistant.db", Clock()
        small_disk.fill(leave_bytes)
        async with Database(path, migrations=steps(1), clock=clock) as database:
            assert isinstance(database.problem, StorageFull)
            with pytest.raises(StorageFull, match="Make room"):
                await database.read(rows)
            small_disk.make_room()
            clock.s += RETRY_AFTER_S
            await database.write(insert(1))
            assert await database.read(rows) == [1]
            assert database.problem is None


async def test_a_failing_disk_is_told_and_reading_goes_on(path: Path) -> None:
    async with Database(path, migrations=steps(1)) as database:
        await database.write(insert(1))
        with failing_disk():
            for _ in range(3):
                with pytest.raises(StorageDiskError, match=r"reports an error \(SQLITE_IOERR"):
                    await database.write(insert(2))
            assert isinstance(database.problem, StorageDiskError)
            assert await database.read(rows) == [1]
        await database.write(insert(2))
        assert await database.read(rows) == [1, 2]
        assert database.problem is None
    assert intact(path)


async def test_a_folder_in_its_place(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StorageError, match="is a folder"):
        async with Database(path, migrations=steps(1)):
            raise AssertionError


async def test_a_file_in_the_folder_s_place(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(StorageError, match=r"storage\.folder"):
        async with Database(tmp_path / "data" / "assistant.db", migrations=steps(1)):
            raise AssertionError


async def test_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "assistant.db"
    await made(path, 1)
    assert path.stat().st_size > 0


async def test_a_path_with_odd_letters(tmp_path: Path) -> None:
    path = tmp_path / "Läden & Co? 100% #1" / "assistant.db"
    await made(path, 1)
    async with Database(path, migrations=steps(1)) as database:
        assert await database.read(rows) == [1]
    async with Database(path, migrations=steps(2)) as database:
        assert database.problem is None


async def test_locked_by_somebody_who_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a program to look at databases, which has it for itself."""
    monkeypatch.setattr("assistant.storage.opening.BUSY_TIMEOUT_S", 0.05)
    await made(path, 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StorageBusy, match="Another process"):
            async with Database(path, migrations=steps(1)):
                raise AssertionError
    async with Database(path, migrations=steps(1)) as database:
        assert await database.read(rows) == [1]


async def test_locked_while_it_must_be_brought_up_to_date(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.storage.opening.BUSY_TIMEOUT_S", 0.05)
    clock = Clock()
    await made(path, 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with Database(path, migrations=steps(2), clock=clock) as database:
            assert isinstance(database.problem, StorageBusy)
            assert await database.read(rows) == [1]
            other.execute("ROLLBACK")
            clock.s += RETRY_AFTER_S
            await database.write(insert(2))
            assert database.problem is None
