"""``assistant check`` on the database: it says how it is, and leaves it as it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assistant.checking import storage
from assistant.checking.finding import Finding, State
from assistant.personalities.store import PersonalityStore
from assistant.storage.migrations import MIGRATIONS
from tests.assistant.checking.conftest import Shop

pytestmark = pytest.mark.unit


async def finding(shop: Shop, **document: Any) -> Finding:
    async with storage.stored(shop.app(**document)) as stored:
        return stored.finding


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


async def test_before_the_first_start_nothing_is_made(shop: Shop) -> None:
    found = await finding(shop)
    assert found.state is State.WORKS
    assert f"the first start makes {shop.file}" in found.reason
    assert not list(shop.folder.iterdir())


async def test_a_database_is_left_as_it_is(shop: Shop) -> None:
    await shop.change("Robin", greeting="Hello there!")
    before = contents(shop.folder)
    found = await finding(shop)
    assert found.state is State.WORKS
    assert str(shop.file) in found.reason
    assert "no backups yet" in found.reason
    assert contents(shop.folder) == before


async def test_backups_are_counted(shop: Shop) -> None:
    await shop.change("Robin", greeting="Hello there!")
    (shop.file.parent / "backups").mkdir(exist_ok=True)
    (shop.file.parent / "backups" / "20261101T000000-before-005_x.db").write_bytes(b"")
    assert "1 backups, the last 20261101T000000-before-005_x.db" in (await finding(shop)).reason


async def test_what_a_running_daemon_wrote_last_is_seen(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "BUSY_TIMEOUT_S", 0.0)
    async with shop.database() as running:
        store = PersonalityStore(running, "default")
        await store.first()
        await store.use("Lucía")
        with closing(sqlite3.connect(shop.file, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")  # somebody writes at this very moment
            async with storage.stored(shop.app()) as stored:
                assert stored.finding.state is State.WORKS
                assert stored.database is not None
                active = await PersonalityStore(stored.database, "default").active()
                assert active is not None
                assert active.document.name == "Lucía"
            writer.execute("ROLLBACK")


async def test_an_older_version_s_database_is_not_brought_up_to_date(shop: Shop) -> None:
    await shop.by_hand("DROP TABLE speech_cache")
    await shop.by_hand("DELETE FROM _sqlite_migrations WHERE name = '004_speech_cache'")
    # Opening it for the second change made the step again, so it is taken away once more, by SQLite alone.
    with closing(sqlite3.connect(shop.file)) as database, database:
        database.execute("DROP TABLE IF EXISTS speech_cache")
        database.execute("DELETE FROM _sqlite_migrations WHERE name = '004_speech_cache'")
    before = contents(shop.folder)
    found = await finding(shop)
    assert found.state is State.WORKS
    assert "an older version made it: the next start takes it 1 steps further, after a copy" in found.reason
    assert contents(shop.folder) == before


async def test_a_newer_version_s_database_is_read(shop: Shop) -> None:
    await shop.change("Robin", name="Roberta")
    with closing(sqlite3.connect(shop.file)) as database, database:
        database.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, '999_future', '')",
            [MIGRATIONS.name],
        )
    async with storage.stored(shop.app()) as stored:
        found, database_copy = stored.finding, stored.database
        assert found.state is State.WARNS
        assert "newer version" in found.reason
        assert "999_future" in found.reason
        assert str(shop.file) in found.reason
        assert "Install the newer version" in found.remedy
        assert database_copy is not None
        assert "Roberta" in [one.document.name for one in await PersonalityStore(database_copy, "default").everyone()]


async def test_a_step_that_would_fail_is_found_before_the_next_start(shop: Shop) -> None:
    await shop.change("Robin", greeting="Hello there!")
    with closing(sqlite3.connect(shop.file)) as database, database:
        database.execute("DELETE FROM _sqlite_migrations WHERE name = '004_speech_cache'")
    before = contents(shop.folder)
    found = await finding(shop)
    assert found.state is State.FAILS
    assert f"will not be able to bring {shop.file} up to date" in found.reason
    assert contents(shop.folder) == before


async def test_another_program_s_database_is_left_alone(shop: Shop) -> None:
    shop.file.parent.mkdir()
    with closing(sqlite3.connect(shop.file)) as database, database:
        database.execute("CREATE TABLE invoices (id)")
    found = await finding(shop)
    assert found.state is State.FAILS
    assert "belongs to another program" in found.reason
    assert "storage.folder" in found.remedy


async def test_an_empty_file_is_as_none(shop: Shop) -> None:
    shop.file.parent.mkdir()
    shop.file.touch()
    assert "the first start makes" in (await finding(shop)).reason


@pytest.mark.parametrize("damage", ["torn", "not a database"])
async def test_a_damaged_database_fails_and_says_where_copies_are(shop: Shop, damage: str) -> None:
    await shop.change("Robin", greeting="Hello there!")
    content = shop.file.read_bytes()
    shop.file.write_bytes(content[:5000] + bytes(len(content) - 5000) if damage == "torn" else b"no database" * 1000)
    async with storage.stored(shop.app()) as stored:
        assert stored.finding.state is State.FAILS
        assert "damaged" in stored.finding.reason
        assert str(shop.file.parent / "backups") in stored.finding.remedy
        assert stored.database is None


async def test_a_database_that_cannot_be_written_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a disk that is mounted read-only; SQLite itself says so."""
    await shop.change("Robin", greeting="Hello there!")
    really = storage._open
    monkeypatch.setattr(storage, "_open", lambda file, _: really(file, "mode=ro"))
    found = await finding(shop)
    assert found.state is State.WARNS
    assert "cannot be written" in found.reason
    assert "mounted read-only" in found.remedy


async def test_a_folder_that_cannot_be_made_is_told(shop: Shop) -> None:
    (shop.folder / "data").write_text("a file stands in the way")
    found = await finding(shop)
    assert found.state is State.WARNS
    assert "cannot be made" in found.reason
    assert "storage.folder" in found.remedy


async def test_what_the_cache_holds(shop: Shop) -> None:
    await shop.by_hand(
        "INSERT INTO speech_cache (key, provider, audio_s, size_bytes, digest, created_at, used) "
        "VALUES ('k', 'piper', 1.5, 1500000, '', 0, 1)"
    )
    app = shop.app(cache={"max_mb": 50, "keep_hours": 12})
    async with storage.stored(app) as stored:
        assert (await storage.cache(app, stored)).reason == "1 sentences, 1.5 of 50 MB, kept 12 hours"
    off = shop.app(cache={"enabled": False})
    async with storage.stored(off) as stored:
        assert "switched off" in (await storage.cache(off, stored)).reason


@pytest.mark.parametrize(("free_there", "state"), [(0.2e9, State.WARNS), (5e9, State.WORKS)])
async def test_the_disk_is_the_fullest_of_those_in_use(
    free_there: float, state: State, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = shop.folder / "elsewhere"
    elsewhere.mkdir()

    def usage(folder: Path) -> SimpleNamespace:
        return SimpleNamespace(free=free_there if folder == elsewhere else 70e9)

    monkeypatch.setattr("shutil.disk_usage", usage)
    found = storage.disk(shop.app(storage={"folder": "elsewhere/not/yet/made"}))
    assert found.state is state
    assert ("0.2 GB" in found.reason and str(elsewhere) in found.reason) is (state is State.WARNS)
