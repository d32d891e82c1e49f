"""From one version's tables to the next one's: a copy first, then each step whole or not at all."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlite_utils
from sqlite_utils import Migrations

from assistant.storage.backups import folder_of
from assistant.storage.database import RETRY_AFTER_S, Database
from assistant.storage.errors import (
    StorageError,
    StorageForeign,
    StorageFull,
    StorageNewer,
    StorageNotUpgraded,
    StorageReadOnly,
)
from assistant.storage.migrations import MIGRATIONS
from tests.assistant.storage.disks import SECRET, Clock, SmallDisk, dump, insert, intact, mode_of, rows, steps
from tests.conftest import ROOT

pytestmark = pytest.mark.unit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "assistant.db"


async def made(path: Path, migrations: Migrations, *numbers: int) -> list[str]:
    """A database with that many rows, closed, and all that stands in it."""
    async with Database(path, migrations=migrations) as database:
        for number in numbers:
            await database.write(insert(number))
    return dump(path)


def backups(path: Path) -> list[Path]:
    return sorted(folder_of(path).iterdir()) if folder_of(path).exists() else []


def wrong_python(db: sqlite_utils.Database) -> None:
    db.execute("ALTER TABLE t1 ADD COLUMN c")
    db.execute("DELETE FROM t1")
    raise KeyError(SECRET)


def wrong_sql(db: sqlite_utils.Database) -> None:
    db.execute("ALTER TABLE t1 ADD COLUMN c")
    db.execute("UPDATE t1 SET no_such_column = 1")


def wrong_reference(db: sqlite_utils.Database) -> None:
    db.execute("CREATE TABLE child (a REFERENCES t1 (a))")
    db.execute("INSERT INTO child VALUES (99)")


async def test_a_new_database_has_all_tables(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with Database(path) as database:
        tables = await database.read(lambda db: set(db.table_names()))
        references = await database.write(lambda db: db.execute("PRAGMA foreign_keys").fetchone()[0])
    assert {"ai_personalities", "active_personality", "usage_by_day", "cloud_usage", "speech_cache"} <= tables
    assert references == 1
    assert backups(path) == [], "there was nothing to copy"
    assert "made the step" not in caplog.text, "nobody needs to know"


async def test_the_next_version_adds_its_steps_after_a_copy(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    before = await made(path, steps(1), 1, 2)
    async with Database(path, migrations=steps(3)) as database:
        assert await database.read(rows) == [1, 2]
        assert await database.read(lambda db: {"t2", "t3"} <= set(db.table_names()))
    (copy,) = backups(path)
    assert copy.name.endswith("-before-002_t2.db")
    assert "The database made the step 003_t3." in caplog.text
    assert dump(copy) == before
    assert mode_of(copy) == 0o600
    assert mode_of(copy.parent) == 0o700


async def test_the_copy_holds_what_is_not_yet_in_the_main_file(path: Path) -> None:
    async with Database(path, migrations=steps(1)) as old:
        await old.write(insert(1))
        assert b"CREATE TABLE t1" not in path.read_bytes(), "it stands in the log"
        async with Database(path, migrations=steps(2)):
            pass
    with closing(sqlite3.connect(backups(path)[0])) as copy:
        assert copy.execute("SELECT a FROM t1").fetchall() == [(1,)]
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_copy_can_be_put_in_the_database_s_place(path: Path) -> None:
    await made(path, steps(1), 1)
    await made(path, steps(2), 2)
    backups(path)[0].replace(path)
    async with Database(path, migrations=steps(2)) as database:
        assert database.problem is None
        assert await database.read(rows) == [1]


async def test_nothing_to_do_makes_no_copy(path: Path) -> None:
    await made(path, steps(2), 1)
    await made(path, steps(2), 2)
    assert backups(path) == []


async def test_copies_can_be_done_without(path: Path) -> None:
    await made(path, steps(1), 1)
    async with Database(path, migrations=steps(2), backups=0) as database:
        assert database.problem is None
    assert backups(path) == []


async def test_only_so_many_copies_are_kept_and_the_newest_is_one_of_them(path: Path) -> None:
    await made(path, steps(1), 1)
    folder = folder_of(path)
    folder.mkdir()
    for year in (2098, 2099, 2024, 2025):  # the clock was wrong, or is now
        (folder / f"{year}0101T000000-before-000_x.db").touch()
    mine = folder / "mine.db"
    mine.touch()
    async with Database(path, migrations=steps(2), backups=3):
        pass
    left = {file.name for file in backups(path)}
    new = next(name for name in left if name.endswith("-before-002_t2.db"))
    assert left == {new, "20980101T000000-before-000_x.db", "20990101T000000-before-000_x.db", "mine.db"}
    async with Database(path, migrations=steps(3), backups=1):
        pass
    assert [file.name.partition("-")[2] for file in backups(path) if file != mine] == ["before-003_t3.db"]


async def test_two_copies_within_a_second_have_their_names(path: Path) -> None:
    await made(path, steps(1), 1)
    for _ in range(2):
        path_before = path.read_bytes()
        await made(path, steps(2))
        path.write_bytes(path_before)
    assert len(backups(path)) == 2


async def test_what_a_crash_left_of_a_copy_is_removed(path: Path) -> None:
    await made(path, steps(1), 1)
    folder = folder_of(path)
    folder.mkdir()
    for suffix in (".part", ".part-journal"):
        (folder / f"20260101T000000-before-002_t2{suffix}").write_bytes(b"torn")
    await made(path, steps(2))
    assert [file.suffix for file in backups(path)] == [".db"]


@pytest.mark.parametrize("step", [wrong_python, wrong_sql, wrong_reference])
async def test_a_failing_step_leaves_everything_as_it_was(
    path: Path, step: Callable[[sqlite_utils.Database], Any]
) -> None:
    before = await made(path, steps(1), 1, 2)
    for _ in range(3):  # systemd starts it again
        async with Database(path, migrations=steps(1, step)) as database:
            assert isinstance(database.problem, StorageNotUpgraded)
            assert step.__name__ in str(database.problem)
            assert SECRET not in str(database.problem)
            assert await database.read(rows) == [1, 2]
            with pytest.raises(StorageNotUpgraded):
                await database.write(insert(3))
    assert dump(path) == before
    assert backups(path) == [], "others did not make room for copies of what is still there"
    async with Database(path, migrations=steps(1)) as database:
        assert database.problem is None, "the old version goes on working"


async def test_the_steps_before_a_failing_one_stay(path: Path) -> None:
    await made(path, steps(1), 1)
    async with Database(path, migrations=steps(2, wrong_sql)) as database:
        assert isinstance(database.problem, StorageNotUpgraded)
    assert len(backups(path)) == 1, "it is needed to go back"
    async with Database(path, migrations=steps(2)) as database:
        assert database.problem is None
        assert await database.read(rows) == [1]


async def test_the_very_first_step_can_fail(path: Path) -> None:
    async with Database(path, migrations=steps(0, wrong_sql)) as database:
        assert isinstance(database.problem, StorageNotUpgraded)
        with pytest.raises(StorageError):
            await database.read(rows)
    await made(path, steps(1), 1)


async def test_without_room_for_a_copy_nothing_is_changed(small_disk: SmallDisk) -> None:
    path, clock = small_disk.folder / "assistant.db", Clock()
    async with Database(path, migrations=steps(1)) as database:
        await database.write(insert(1, "x" * 300_000))
    before = dump(path)
    small_disk.fill(leave_bytes=200_000)
    async with Database(path, migrations=steps(2), clock=clock) as database:
        assert isinstance(database.problem, StorageFull)
        assert "no copy could be made" in str(database.problem)
        assert await database.read(rows) == [1]
        with pytest.raises(StorageFull):
            await database.write(insert(2))
        assert backups(path) == []
        small_disk.make_room()
        clock.s += RETRY_AFTER_S
        await database.write(insert(2))
        assert database.problem is None
        assert await database.read(rows) == [1, 2]
    (copy,) = backups(path)
    assert dump(copy) == before


async def test_a_folder_of_copies_that_cannot_be_made_is_told(path: Path) -> None:
    before = await made(path, steps(1), 1)
    folder_of(path).write_text("a file in its place")
    async with Database(path, migrations=steps(2)) as database:
        assert "no copy could be made" in str(database.problem)
        assert "storage.backups" in str(database.problem)
        assert await database.read(rows) == [1]
    assert dump(path) == before


async def test_a_newer_database_is_read_and_not_changed(path: Path) -> None:
    def beyond(db: sqlite_utils.Database) -> None:
        db.execute("ALTER TABLE t1 ADD COLUMN c DEFAULT 5")

    await made(path, steps(1, beyond))
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("INSERT INTO t1 (a) VALUES (1)")
    before, content = dump(path), path.read_bytes()
    async with Database(path, migrations=steps(1)) as database:
        assert isinstance(database.problem, StorageNewer)
        assert "002_beyond" in str(database.problem)
        assert not database.may_write
        assert await database.read(rows) == [1]
        for _ in range(2):
            with pytest.raises(StorageReadOnly):
                await database.write(insert(2))
    assert path.read_bytes() == content
    assert dump(path) == before
    assert backups(path) == []


async def test_a_newer_database_of_this_program_keeps_its_personalities(path: Path) -> None:
    async with Database(path) as database:
        await database.write(lambda db: db.execute("INSERT INTO cloud_usage VALUES ('g', '2026-11', 'neural2', 5)"))
    newer = Migrations("assistant")
    for step in MIGRATIONS.pending(sqlite_utils.Database(memory=True)):
        newer(name=step.name)(step.fn)
    newer(name="999_later")(lambda db: db.execute("ALTER TABLE cloud_usage ADD COLUMN price"))
    async with Database(path, migrations=newer) as database:
        assert database.problem is None
    async with Database(path) as database:
        spent = await database.read(lambda db: db.execute("SELECT characters FROM cloud_usage").fetchone()[0])
    assert spent == 5


async def test_another_program_s_database_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE customers (name)")
    content = path.read_bytes()
    async with Database(path, migrations=steps(1)) as database:
        assert isinstance(database.problem, StorageForeign)
        with pytest.raises(StorageForeign, match="customers"):
            await database.write(insert(1))
    assert path.read_bytes() == content


PROCESSES = """
import asyncio, os, sys, time
from pathlib import Path
from assistant.storage.database import Database
from tests.assistant.storage.disks import insert, steps

async def use(path, count, number, at_s):
    while time.monotonic() < at_s:
        pass
    async with Database(path, migrations=steps(count)) as database:
        if database.problem:
            raise database.problem
        await database.write(insert(number))

def all_at_once(path, count, numbers):
    at_s, children = time.monotonic() + 0.05, []
    for number in numbers:
        if not (child := os.fork()):
            try:
                asyncio.run(use(path, count, number, at_s + 0.001 * number))
            except BaseException as error:
                sys.exit(repr(error))
            sys.exit()
        children.append(child)
    return [os.waitpid(child, 0)[1] for child in children]

for round in range(int(sys.argv[2])):
    path = Path(sys.argv[1]) / str(round) / "assistant.db"
    assert not any(all_at_once(path, 3, range(4))), "making it"
    assert not any(all_at_once(path, 6, range(10, 14))), "bringing it up to date"
"""


async def test_processes_that_start_at_the_same_time_take_turns(tmp_path: Path) -> None:
    """The command line and the daemon: first a new database, then one that all bring up to date."""
    done = subprocess.run(
        [sys.executable, "-c", PROCESSES, str(tmp_path), "8"],
        cwd=ROOT, check=False, timeout=100, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for folder in tmp_path.iterdir():
        path = folder / "assistant.db"
        async with Database(path, migrations=steps(6)) as database:
            assert await database.read(rows) == [*range(4), *range(10, 14)]
            done_steps = await database.read(lambda db: [row["name"] for row in db["_sqlite_migrations"].rows])
        assert done_steps == [f"{number:03}_t{number}" for number in range(1, 7)]
        assert intact(path)
        found = backups(path)
        assert any("-before-004" in copy.name for copy in found)
        for copy in found:
            assert intact(copy)
            with closing(sqlite3.connect(copy)) as connection:
                kept = connection.execute("SELECT count(*) FROM t1").fetchone()[0]
            assert kept >= 4 or copy.name[16:] < "before-004", "what was acknowledged before is in it"


KILLED = """
import asyncio, os, sys
from pathlib import Path
from assistant.storage.database import Database
from tests.assistant.storage.disks import steps

def last_breath(db):
    db.execute("ALTER TABLE t1 ADD COLUMN c")
    db.execute("DELETE FROM t1")
    os._exit(9)

async def main():
    async with Database(Path(sys.argv[1]), migrations=steps(1, last_breath)):
        pass

asyncio.run(main())
"""


async def test_a_process_that_dies_in_a_step_leaves_everything_as_it_was(path: Path) -> None:
    before = await made(path, steps(1), 1, 2)
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=ROOT, check=False, timeout=60)
    assert done.returncode == 9
    async with Database(path, migrations=steps(1)) as database:
        assert database.problem is None
        assert await database.read(rows) == [1, 2]
    assert dump(path) == before
    assert dump(backups(path)[0]) == before
