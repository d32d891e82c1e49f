"""Tokens while the database is slow, silent, damaged or changed by another process."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assistant.access import tokens as tokens_module
from assistant.access.errors import AccessError
from assistant.access.sessions import Sessions
from assistant.access.tokens import INSTALLATION, KNOWN_FOR_S, TokenStore
from assistant.storage.database import Database
from assistant.storage.errors import StorageError
from tests.assistant.storage.disks import Clock, SmallDisk
from tests.conftest import ROOT

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def no_token_in_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever happens, at whatever level."""
    caplog.set_level(logging.DEBUG)
    yield
    assert "sa_" not in caplog.text


class Calendar:
    """The date, as the test says it."""

    def __init__(self) -> None:
        self.today = datetime(2026, 5, 3, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.today


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(tmp_path / "assistant.db") as opened:
        yield opened


@asynccontextmanager
async def stands_still(database: Database, *, writer: bool = False) -> AsyncIterator[None]:
    """The disk does not answer: nothing that is asked of the database returns."""
    begun, ends = threading.Event(), threading.Event()

    def wait(_: object) -> None:
        begun.set()
        ends.wait(30)

    async with asyncio.TaskGroup() as group:
        group.create_task(database.write(wait) if writer else database.read(wait), name="a disk that does not answer")
        while not begun.is_set():
            await asyncio.sleep(0)
        try:
            yield
        finally:
            ends.set()


async def test_all_who_come_at_once_are_let_in(database: Database, tmp_path: Path) -> None:
    """A page asks for many things at the same time, and nothing was read yet."""
    _, token = await TokenStore(database, tmp_path, "ours").add("kiosk", "screen")
    fresh = TokenStore(database, tmp_path, "ours")
    async with asyncio.TaskGroup() as group:
        found = [group.create_task(fresh.check(token), name=f"request {number}") for number in range(20)]
    assert all(one.result() is not None for one in found)


async def test_the_installations_token_needs_no_answer_from_the_disk(database: Database, tmp_path: Path) -> None:
    clock = Clock()
    tokens = TokenStore(database, tmp_path, "ours", clock=clock)
    token = tokens.file.token()
    async with stands_still(database), stands_still(database, writer=True):
        began_s = time.monotonic()
        for _ in range(20):
            clock.s += KNOWN_FOR_S
            caller = await tokens.check(token)
            assert caller is not None
            sessions = Sessions(tokens)
            _, header = await sessions.begin(caller, secure=False)
            assert await sessions.opened(header.partition("=")[2].partition(";")[0]) is not None
            assert await tokens.by_id(INSTALLATION) is not None
        assert time.monotonic() - began_s < 5.0


async def test_others_that_were_known_are_let_in_after_a_moment(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_module, "PATIENCE_S", 0.1)
    clock = Clock()
    tokens = TokenStore(database, tmp_path, "ours", clock=clock)
    _, token = await tokens.add("kiosk", "screen")
    assert await tokens.check(token) is not None
    clock.s += KNOWN_FOR_S
    async with stands_still(database), asyncio.timeout(5):
        assert await tokens.check(token) is not None
        began_s = time.monotonic()
        for _ in range(100):  # not for each request
            assert await tokens.check(token) is not None
        assert time.monotonic() - began_s < 2.0
        assert await tokens.check(f"{token}x") is None
    assert caplog.text.count("those known already serve") == 1
    clock.s += KNOWN_FOR_S
    assert await tokens.check(token) is not None


async def test_a_slow_disk_is_left_in_peace_between_two_tries(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_module, "PATIENCE_S", 1.0)
    monkeypatch.setattr(tokens_module, "KNOWN_FOR_S", 0.9)
    tokens = TokenStore(database, tmp_path, "ours")
    async with stands_still(database):
        await tokens.check("sa_x")
        began_s = time.monotonic()
        await tokens.check("sa_x")
        assert time.monotonic() - began_s < 0.8


async def test_nobody_waits_long_for_the_note_of_his_visit(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_module, "PATIENCE_S", 0.1)
    clock = Clock()
    tokens = TokenStore(database, tmp_path, "ours", clock=clock)
    _, token = await tokens.add("kiosk", "screen")
    async with stands_still(database, writer=True), asyncio.timeout(5):
        assert await tokens.check(token) is not None
        began_s = time.monotonic()
        for _ in range(100):
            assert await tokens.check(token) is not None
        assert time.monotonic() - began_s < 2.0
    assert [one.last_used_on for one in await tokens.everyone()] == [""]
    clock.s += tokens_module.REST_S
    assert await tokens.check(token) is not None
    assert [one.last_used_on for one in await tokens.everyone()] != [""]


async def test_a_visit_by_cookie_is_one_too(database: Database, tmp_path: Path) -> None:
    """A kiosk signs in once and comes back with its cookie for a year."""
    calendar = Calendar()
    tokens = TokenStore(database, tmp_path, "ours", now=calendar)
    sessions = Sessions(tokens, lambda: calendar().timestamp())
    _, token = await tokens.add("kiosk", "screen")
    caller = await tokens.check(token)
    assert caller is not None
    _, header = await sessions.begin(caller, secure=False)
    cookie = header.partition("=")[2].partition(";")[0]
    calendar.today = calendar.today.replace(month=8)
    assert await sessions.opened(f"{cookie[:-1]}{'1' if cookie[-1] == '0' else '0'}") is None
    assert [one.last_used_on for one in await tokens.everyone()] == ["2026-05-03"]
    assert await sessions.opened(cookie) is not None
    assert [one.last_used_on for one in await tokens.everyone()] == ["2026-08-03"]
    version = await database.version()
    for _ in range(20):
        assert await sessions.opened(cookie) is not None
    assert await database.version() == version  # for an SD card's sake


async def test_a_visit_of_many_requests_is_noted_once(database: Database, tmp_path: Path) -> None:
    tokens = TokenStore(database, tmp_path, "ours")
    _, token = await tokens.add("kiosk", "screen")
    with closing(sqlite3.connect(tmp_path / "assistant.db")) as other:
        other.execute("CREATE TABLE notes (id)")
        other.execute("CREATE TRIGGER noted AFTER UPDATE ON access_tokens BEGIN INSERT INTO notes VALUES (new.id); END")
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(tokens.check(token), name=f"request {number}")
        assert other.execute("SELECT count(*) FROM notes").fetchone() == (1,)


REMOVES = """
import asyncio, sys
from pathlib import Path
from assistant.access.tokens import TokenStore
from assistant.storage.database import Database

async def main():
    folder = Path(sys.argv[1])
    async with Database(folder / "assistant.db") as database:
        tokens = TokenStore(database, folder, "ours")
        for one in await tokens.everyone():
            await tokens.remove(one.id)
        _, token = await tokens.add("admin", "boss")
        print(token, flush=True)

asyncio.run(main())
"""


async def test_what_another_process_does_counts_within_five_seconds(database: Database, tmp_path: Path) -> None:
    clock = Clock()
    tokens = TokenStore(database, tmp_path, "ours", clock=clock)
    _, token = await tokens.add("kiosk", "screen")
    caller = await tokens.check(token)
    assert caller is not None
    sessions = Sessions(tokens)
    _, header = await sessions.begin(caller, secure=False)
    cookie = header.partition("=")[2].partition(";")[0]
    assert await sessions.opened(cookie) is not None
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", REMOVES, str(tmp_path), stdout=subprocess.PIPE, cwd=ROOT
    )
    out, _ = await process.communicate()
    clock.s += 4.0
    assert await tokens.check(token) is None
    assert await sessions.opened(cookie) is None
    boss = await tokens.check(out.decode().strip())
    assert boss is not None
    assert boss.role == "admin"


async def test_one_that_is_taken_away_while_they_are_being_read(database: Database, tmp_path: Path) -> None:
    clock = Clock()
    tokens = TokenStore(database, tmp_path, "ours", clock=clock)
    listed, token = await tokens.add("kiosk", "screen")
    assert await tokens.check(token) is not None
    clock.s += KNOWN_FOR_S
    async with asyncio.TaskGroup() as group, stands_still(database):
        reading = group.create_task(tokens.check("sb_x"), name="reading")
        await asyncio.sleep(0)
        removal = group.create_task(tokens.remove(listed.id), name="removal")
        await asyncio.sleep(0)
    assert reading.done()
    assert removal.done()
    assert await tokens.check(token) is None


async def test_a_role_that_nobody_knows_administers_nothing(database: Database, tmp_path: Path) -> None:
    """A later version may know more roles."""
    tokens = TokenStore(database, tmp_path, "ours")
    _, token = await tokens.add("admin", "boss")
    await database.write(lambda db: db.execute("UPDATE access_tokens SET role = 'owner'"))
    caller = await TokenStore(database, tmp_path, "ours").check(token)
    assert caller is not None
    assert caller.role == "kiosk"


async def test_a_damaged_database(tmp_path: Path) -> None:
    (tmp_path / "assistant.db").write_bytes(b"not a database at all" * 1000)
    with pytest.raises(StorageError):
        async with Database(tmp_path / "assistant.db"):
            pass
    tokens = TokenStore(None, tmp_path, "ours")
    assert await tokens.check(tokens.file.token()) is not None
    for refused in (tokens.everyone(), tokens.add("kiosk", "screen"), tokens.remove("x")):
        with pytest.raises(AccessError, match="assistant check"):
            await refused


async def test_a_database_without_the_table(small_disk: SmallDisk) -> None:
    """One of an older version, on a disk that cannot be written."""
    path = small_disk.folder / "assistant.db"
    async with Database(path) as database:
        await database.write(lambda db: db.execute("DROP TABLE access_tokens"))
        await database.write(lambda db: db.execute("DELETE FROM _sqlite_migrations WHERE name = '007_access_tokens'"))
    token = TokenStore(None, small_disk.folder, "ours").file.token()
    small_disk.set_read_only()
    async with Database(path) as database:
        tokens = TokenStore(database, small_disk.folder, "ours")
        assert await tokens.check(token) is not None
        assert await tokens.check("sa_" + "A" * 43) is None
        with pytest.raises(StorageError):
            await tokens.everyone()


async def test_a_disk_that_is_read_only_lets_everybody_in(small_disk: SmallDisk) -> None:
    path = small_disk.folder / "assistant.db"
    async with Database(path) as database:
        tokens = TokenStore(database, small_disk.folder, "ours")
        own = tokens.file.token()
        listed, token = await tokens.add("kiosk", "screen")
    small_disk.set_read_only()
    async with Database(path) as database:
        tokens = TokenStore(database, small_disk.folder, "ours")
        assert await tokens.check(own) is not None
        assert await tokens.check(token) is not None
        assert [one.id for one in await tokens.everyone()] == [listed.id]
        with pytest.raises(StorageError):
            await tokens.add("kiosk", "another")
        with pytest.raises(StorageError):
            await tokens.remove(listed.id)
        assert await tokens.check(token) is not None


async def test_an_older_database_gets_the_table(tmp_path: Path) -> None:
    path = tmp_path / "assistant.db"
    async with Database(path) as database:
        await database.write(lambda db: db.execute("DROP TABLE access_tokens"))
        await database.write(lambda db: db.execute("DELETE FROM _sqlite_migrations WHERE name = '007_access_tokens'"))
    async with Database(path) as database:
        assert database.problem is None
        tokens = TokenStore(database, tmp_path, "ours")
        _, token = await tokens.add("kiosk", "screen")
        assert await tokens.check(token) is not None
