"""Reading, writing, being cancelled and closing, with the real SQLite."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlite_utils

from assistant.storage import database as database_module
from assistant.storage.database import Database
from assistant.storage.errors import StorageBusy, StorageError, StorageNewer, StorageStuck
from tests.assistant.storage.disks import insert, mode_of, rows, steps

pytestmark = pytest.mark.unit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "assistant.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    async with Database(path, migrations=steps(1)) as opened:
        yield opened


class Gate:
    """Work that waits on its thread until the test lets it go on: a disk that takes its time."""

    def __init__(self) -> None:
        self._begun, self._open = threading.Event(), threading.Event()

    def __call__(self, db: sqlite_utils.Database) -> None:
        self._begun.set()
        assert self._open.wait(20)

    def open(self) -> None:
        self._open.set()

    async def begun(self) -> None:
        while not self._begun.is_set():
            await asyncio.sleep(0.001)


@contextmanager
def gate() -> Iterator[Gate]:
    one = Gate()
    try:
        yield one
    finally:
        one.open()


async def test_what_is_written_is_read_also_by_others(database: Database, path: Path) -> None:
    assert await database.write(insert(7)) == 7
    assert await database.read(rows) == [7]
    async with Database(path, migrations=steps(1)) as other:
        assert await other.read(rows) == [7]


async def test_it_is_written_when_the_call_returns(database: Database, path: Path) -> None:
    """A copy of the files as they are at that moment holds it: that is what a power cut leaves."""
    await database.write(insert(7))
    copy = path.parent / "copy.db"
    for suffix in ("", "-wal"):
        copy.with_name(f"copy.db{suffix}").write_bytes(path.with_name(f"assistant.db{suffix}").read_bytes())
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT a FROM t1").fetchall() == [(7,)]


async def test_what_raises_leaves_nothing(database: Database) -> None:
    def work(db: sqlite_utils.Database) -> None:
        insert(1)(db)
        raise KeyError("a mistake")

    with pytest.raises(KeyError, match="a mistake"):
        await database.write(work)
    assert await database.read(rows) == []
    await database.write(insert(2))
    assert await database.read(rows) == [2]


async def test_a_wrong_statement_is_a_storage_error_and_no_problem_of_the_disk(database: Database) -> None:
    await database.write(insert(1))
    with pytest.raises(StorageError, match=r"UNIQUE constraint failed: t1\.a"):
        await database.write(lambda db: (insert(2)(db), insert(1)(db)))
    assert database.problem is None
    assert await database.read(rows) == [1]


async def test_the_reader_cannot_write(database: Database) -> None:
    with pytest.raises(StorageError):
        await database.read(insert(1))
    assert await database.read(rows) == []


async def test_reading_goes_on_while_something_is_written(database: Database) -> None:
    await database.write(insert(1))
    with gate() as slow:

        def work(db: sqlite_utils.Database) -> None:
            insert(2)(db)
            slow(db)

        async with asyncio.TaskGroup() as group:
            group.create_task(database.write(work), name="slow")
            await slow.begun()
            assert await database.read(rows) == [1], "what is not done is not seen"
            slow.open()
    assert await database.read(rows) == [1, 2]


async def test_a_reader_sees_one_state(database: Database) -> None:
    await database.write(insert(1))
    with gate() as slow:

        def work(db: sqlite_utils.Database) -> list[list[int]]:
            first = rows(db)
            slow(db)
            return [first, rows(db)]

        reading = asyncio.ensure_future(database.read(work))  # noqa: TID251 - the test goes on beside it
        await slow.begun()
        await database.write(insert(2))
        slow.open()
        assert await reading == [[1], [1]]
    assert await database.read(rows) == [1, 2]


async def test_cancelled_before_its_turn_nothing_is_done(database: Database) -> None:
    with gate() as slow:
        first = asyncio.ensure_future(database.write(slow))  # noqa: TID251 - to be cancelled one by one
        second = asyncio.ensure_future(database.write(insert(2)))  # noqa: TID251
        await slow.begun()
        second.cancel()
        await asyncio.wait([second])
        slow.open()
        await first
    assert await database.read(rows) == []
    await database.write(insert(3))


async def test_cancelled_in_the_middle_it_is_done_as_a_whole(database: Database) -> None:
    with gate() as slow:

        def work(db: sqlite_utils.Database) -> None:
            insert(1)(db)
            slow(db)
            insert(2)(db)

        task = asyncio.ensure_future(database.write(work))  # noqa: TID251 - to be cancelled
        await slow.begun()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        slow.open()
        await database.write(insert(3))
    assert await database.read(rows) == [1, 2, 3]


async def test_cancelling_readers_does_no_harm(database: Database) -> None:
    await database.write(insert(1))
    with gate() as slow:
        tasks = [asyncio.ensure_future(database.read(slow)) for _ in range(3)]  # noqa: TID251 - to be cancelled
        await slow.begun()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        slow.open()
        assert await database.read(rows) == [1]
    await database.write(insert(2))
    assert await database.read(rows) == [1, 2], "no state of before is held"


async def test_a_stuck_disk_is_an_error_and_what_was_given_up_is_not_written(path: Path) -> None:
    async with Database(path, migrations=steps(1), patience_s=0.05) as database:
        with gate() as slow:

            def work(db: sqlite_utils.Database) -> None:
                insert(1)(db)
                slow(db)

            with pytest.raises(StorageStuck, match="has not answered"):
                await database.write(work)
            assert isinstance(database.problem, StorageStuck)
            with pytest.raises(StorageStuck):
                await database.read(slow)
        database._patience_s = 20
        await database.write(insert(2))
        assert database.problem is None
        assert await database.read(rows) == [2]


async def test_a_time_out_of_the_work_itself_is_no_stuck_disk(database: Database) -> None:
    def work(db: sqlite_utils.Database) -> None:
        raise TimeoutError("somebody else's")

    with pytest.raises(TimeoutError, match="somebody else's"):
        await database.write(work)


async def test_closing_finishes_what_is_being_written(path: Path) -> None:
    async with Database(path, migrations=steps(1)) as database:
        tasks = [asyncio.ensure_future(database.write(insert(number))) for number in range(50)]  # noqa: TID251
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    async with Database(path, migrations=steps(1)) as database:
        assert await database.read(rows) == list(range(50))


async def test_closing_leaves_one_file(path: Path) -> None:
    async with Database(path, migrations=steps(1)) as database:
        await database.write(insert(1))
    assert [file.name for file in path.parent.iterdir()] == ["assistant.db"]


async def test_closed_it_says_so(path: Path) -> None:
    database = Database(path, migrations=steps(1))
    async with database:
        await database.write(insert(1))
    for call in (database.write(insert(2)), database.read(rows), database.version()):
        with pytest.raises(StorageError, match="is not open"):
            await call
    async with database:  # it can be opened again
        assert await database.read(rows) == [1]


async def test_closing_gives_up_a_disk_that_does_not_answer(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(database_module, "CLOSING_PATIENCE_S", 0.05)
    with gate() as slow:
        async with Database(path, migrations=steps(1)) as database:
            task = asyncio.ensure_future(database.write(slow))  # noqa: TID251 - it outlives the database
            await slow.begun()
        assert "does not answer" in caplog.text
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.parametrize("patience_s", [5.0, 0.05], ids=["disk answers", "disk is stuck"])
async def test_opening_can_be_cancelled(path: Path, patience_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "CLOSING_PATIENCE_S", patience_s)
    with gate() as slow:

        async def use() -> None:
            async with Database(path, migrations=steps(0, slow_step)):
                raise AssertionError

        def slow_step(db: sqlite_utils.Database) -> None:
            db.execute("CREATE TABLE t1 (a, b)")
            slow(db)

        task = asyncio.ensure_future(use())  # noqa: TID251 - to be cancelled
        await slow.begun()
        task.cancel()
        if patience_s > 1:
            slow.open()
        await asyncio.wait([task])
        assert task.cancelled()
    async with Database(path, migrations=steps(0, slow_step)) as database:
        assert await database.read(rows) == []
        await database.write(insert(1))
    assert [file.name for file in path.parent.iterdir()] == ["assistant.db"], "nobody else has it open"


async def test_a_disk_that_is_stuck_at_the_start_ends_the_opening(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "CLOSING_PATIENCE_S", 0.05)
    monkeypatch.setattr(database_module, "OPENING_PATIENCE_S", 0.05)
    with gate() as slow:

        def slow_step(db: sqlite_utils.Database) -> None:
            slow(db)

        with pytest.raises(StorageStuck):
            async with Database(path, migrations=steps(0, slow_step)):
                raise AssertionError


async def test_version_tells_of_changes_by_anybody(database: Database, path: Path) -> None:
    seen = await database.version()
    assert await database.version() == seen
    await database.read(rows)
    assert await database.version() == seen
    await database.write(insert(1))
    second = await database.version()
    assert second != seen
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("INSERT INTO t1 VALUES (2, 2)")
    third = await database.version()
    assert third != second
    assert await database.version() == third


async def test_only_the_owner_may_read(path: Path) -> None:
    async with Database(path, migrations=steps(1)) as database:
        await database.write(insert(1))
        assert mode_of(path.parent) == 0o700
        modes = {file.name: mode_of(file) for file in path.parent.iterdir()}
    assert modes == {"assistant.db": 0o600, "assistant.db-wal": 0o600, "assistant.db-shm": 0o600}


async def test_the_log_of_what_was_written_is_cut_back(database: Database, path: Path) -> None:
    log_file = path.with_name("assistant.db-wal")
    await database.write(lambda db: [insert(number, "x" * 4000)(db) for number in range(4000)])
    assert log_file.stat().st_size > 12_000_000
    await database.write(insert(4000))
    assert log_file.stat().st_size <= 4_000_000


async def test_the_log_does_not_grow_while_somebody_is_always_reading(database: Database, path: Path) -> None:
    sizes: list[int] = []

    async def read() -> None:
        while True:
            await database.read(rows)

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(read(), name="reading")
        await database.write(lambda db: [insert(number, "x" * 4000)(db) for number in range(10)])
        for _ in range(1000):  # forty megabytes
            await database.write(lambda db: db.execute("UPDATE t1 SET b = b || 'y'"))
            sizes.append(path.with_name("assistant.db-wal").stat().st_size)
        reading.cancel()
    assert max(sizes) < 12_000_000


async def test_another_process_is_waited_for(database: Database, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO t1 VALUES (1, 1)")
        ended = threading.Event()

        def end() -> None:
            other.execute("COMMIT")
            ended.set()

        timer = threading.Timer(0.05, end)
        timer.start()
        await database.write(insert(2))
        assert ended.is_set()
        timer.join()
    assert await database.read(rows) == [1, 2]


async def test_another_process_that_never_ends_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.storage.opening.BUSY_TIMEOUT_S", 0.05)
    async with Database(path, migrations=steps(1)) as database:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageBusy, match="Another process"):
                await database.write(insert(1))
            assert isinstance(database.problem, StorageBusy)
            assert await database.read(rows) == []
            async with Database(path, migrations=steps(1)) as up_to_date:
                assert up_to_date.problem is None, "to open it, nothing has to be written"
        await database.write(insert(1))
        assert database.problem is None


async def test_a_newer_version_beside_it_ends_the_writing(database: Database, path: Path) -> None:
    """Somebody has updated the program and called it, while the daemon was not started again."""
    await database.write(insert(1))
    async with Database(path, migrations=steps(2)) as newer:
        await newer.write(insert(2))
        for _ in range(2):
            with pytest.raises(StorageNewer, match="002_t2"):
                await database.write(insert(3))
        assert await database.read(rows) == [1, 2]
        await newer.write(insert(4))
    assert await database.read(rows) == [1, 2, 4]


async def test_a_table_of_the_owner_s_own_does_no_harm(database: Database, path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE INDEX mine ON t1 (b)")
    await database.write(insert(1))
    assert await database.read(rows) == [1]


async def test_errors_raised_again_and_again_hold_no_memory(path: Path) -> None:
    async with Database(path, migrations=steps(1)) as database:
        database.problem = StorageNewer("It is newer.", remedy="Update.")
        caught: list[Any] = []
        for _ in range(2):
            with pytest.raises(StorageNewer, match=r"It is newer\. Update\.") as error:
                await database.write(insert(1))
            caught.append(error.value)
        assert caught[0] is not caught[1]
        assert database.problem.__traceback__ is None
        logging.getLogger().debug("%s", caught)
