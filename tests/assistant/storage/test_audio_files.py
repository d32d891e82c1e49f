"""Finished sentences on a real disk, with a real index."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import sqlite_utils

from assistant.storage.audio_files import AudioFiles
from assistant.storage.database import Database
from pipeline.audio import AudioChunk

pytestmark = pytest.mark.unit

DAY_S = 24 * 3600.0
KEY, OTHER = "ab" + "0" * 62, "cd" + "1" * 62


def sound(seconds: float = 1.0, level: int = 7) -> AudioChunk:
    return AudioChunk(np.full(round(seconds * 16_000), level, np.int16), 16_000)


class Box:
    """A folder with a database and a cache, and a wall clock that the test sets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_s = 1_800_000_000.0
        self.database: Database

    @property
    def speech(self) -> Path:
        return self.folder / "speech"

    def path(self, key: str) -> Path:
        return self.speech / key[:2] / f"{key}.wav"

    @asynccontextmanager
    async def opened(self, max_bytes: int = 10_000_000, keep_s: float = DAY_S) -> AsyncIterator[AudioFiles]:
        async with Database(self.folder / "assistant.db") as self.database:
            files = AudioFiles(self.database, self.speech, keep_s=keep_s, max_bytes=max_bytes, now=lambda: self.now_s)
            async with files:
                yield files

    async def rows(self) -> dict[str, tuple[float, int]]:
        """(created_at, used) by key."""

        def read(db: sqlite_utils.Database) -> dict[str, tuple[float, int]]:
            return {
                key: (made, used) for key, made, used in db.execute("SELECT key, created_at, used FROM speech_cache")
            }

        return await self.database.read(read)

    def files(self) -> list[str]:
        return sorted(path.stem for path in self.speech.rglob("*") if path.is_file())


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


async def test_what_was_put_is_got(box: Box) -> None:
    pcm = np.random.default_rng(1).integers(-32768, 32767, 12_345).astype(np.int16)
    async with box.opened() as files:
        assert await files.get(KEY) is None
        assert not await files.has(KEY)
        await files.put(KEY, AudioChunk(pcm, 22_050), "piper")
        assert await files.has(KEY)
    async with box.opened() as files:
        got = await files.get(KEY)
        stock = await files.stock()
    assert got is not None
    assert got.rate_hz == 22_050
    assert np.array_equal(got.pcm, pcm)
    assert (stock.entries, stock.size_bytes) == (1, 44 + 2 * len(pcm))
    assert stock.audio_s == pytest.approx(len(pcm) / 22_050)


async def test_only_its_owner_may_read_it(box: Box) -> None:
    async with box.opened() as files:
        await files.put(KEY, sound(), "piper")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (box.speech, box.path(KEY).parent, box.path(KEY))]
    assert modes == [0o700, 0o700, 0o600]


async def test_the_index_holds_no_words(box: Box) -> None:
    async with box.opened() as files:
        await files.put(KEY, sound(), "piper")
        columns = await box.database.read(lambda db: [column.name for column in db["speech_cache"].columns])
    assert columns == ["key", "provider", "audio_s", "size_bytes", "digest", "created_at", "used", "sample"]


SAMPLE = "5a" * 32


async def test_what_was_spoken_with_a_sample_is_forgotten_and_nothing_else(box: Box) -> None:
    async with box.opened() as files:
        await files.put(KEY, sound(), "xtts_v2", SAMPLE)
        await files.put("ab" + "2" * 62, sound(), "piper")
        await files.put(OTHER, sound(2.0), "pocket_tts", SAMPLE)
        await files.put("ef" + "3" * 62, sound(), "xtts_v2", "6b" * 32)
        gone = await files.forget(SAMPLE)
        assert (gone.entries, gone.audio_s) == (2, pytest.approx(3.0))
        assert await files.get(KEY) is None
        assert sorted(await box.rows()) == box.files() == ["ab" + "2" * 62, "ef" + "3" * 62]
        assert not box.path(OTHER).parent.exists()
        assert (await files.forget(SAMPLE)).entries == 0


async def test_nothing_is_kept_of_a_sample_that_was_taken_back(box: Box) -> None:
    consent = (
        "INSERT INTO voice_consents (tenant, personality_id, consent, sample_sha256, given_at, ended_at) "
        "VALUES ('default', 'a', 'Ann, today', ?, 'then', ?)"
    )
    async with box.opened() as files:
        await box.database.write(lambda db: db.execute(consent, (SAMPLE, "now")))
        await files.put(KEY, sound(), "xtts_v2", SAMPLE)
        assert not await box.rows()
        assert not box.files()
        await box.database.write(lambda db: db.execute(consent, (SAMPLE, None)))
        await files.put(KEY, sound(), "xtts_v2", SAMPLE)
        assert list(await box.rows()) == box.files() == [KEY]


@pytest.mark.parametrize("damage", ["torn", "empty", "longer", "one bit", "other sound", "a folder", "gone"])
async def test_what_is_damaged_is_never_served_and_is_made_anew(box: Box, damage: str) -> None:
    async with box.opened() as files:
        await files.put(KEY, sound(), "piper")
        await files.put(OTHER, sound(level=9), "piper")
        path, content = box.path(KEY), box.path(KEY).read_bytes()
        damaged = {
            "torn": content[:-500],
            "empty": b"",
            "longer": content + b"x",
            "one bit": content[:-1] + bytes([content[-1] ^ 1]),
            "other sound": box.path(OTHER).read_bytes(),
        }
        if damage in damaged:
            path.write_bytes(damaged[damage])
        else:
            path.unlink()
            if damage == "a folder":
                path.mkdir()
        assert await files.get(KEY) is None
        assert not await files.has(KEY)
        await files.put("ef" + "2" * 62, sound(), "piper")  # any write removes it
        assert KEY not in await box.rows()
        assert not path.is_file()
        if damage != "a folder":
            await files.put(KEY, sound(level=5), "piper")
            assert (await files.get(KEY)).pcm[0] == 5  # type: ignore[union-attr]


async def test_what_is_there_and_whole_stays_and_is_young_again(box: Box) -> None:
    async with box.opened() as files:
        await files.put(KEY, sound(level=1), "piper")
        await files.put(OTHER, sound(), "piper")
        box.now_s += DAY_S / 2
        before = box.path(KEY).stat().st_ino
        await files.put(KEY, sound(level=2), "piper")
        assert box.path(KEY).stat().st_ino == before
        rows = await box.rows()
        assert rows[KEY] == (box.now_s, rows[OTHER][1] + 1)


async def test_an_empty_sound_is_not_kept(box: Box) -> None:
    async with box.opened() as files:
        await files.put(KEY, sound(0), "piper")
        assert not await box.rows()
    assert not box.files()


async def test_it_lives_for_a_day(box: Box) -> None:
    async with box.opened() as files:
        await files.put(KEY, sound(), "piper")
        box.now_s += DAY_S - 1
        assert await files.get(KEY)
        box.now_s += 2
        assert await files.get(KEY) is None
        assert not await files.has(KEY)
        await files.put(OTHER, sound(), "piper")
        assert list(await box.rows()) == box.files() == [OTHER]


async def test_a_clock_set_back_serves_and_ends(box: Box) -> None:
    async with box.opened() as files:
        await files.put(KEY, sound(), "piper")
        box.now_s -= 365 * DAY_S
        assert await files.get(KEY)
        box.now_s += DAY_S - 1
        assert await files.get(KEY)
        box.now_s += 2
        assert await files.get(KEY) is None


async def test_a_clock_set_back_does_so_across_writes_and_starts(box: Box) -> None:
    async with box.opened() as files:
        await files.put(KEY, sound(), "piper")
        box.now_s -= 365 * DAY_S
        assert await files.get(KEY)
        box.now_s += DAY_S / 2
        await files.put(OTHER, sound(), "piper")
        assert (await box.rows())[KEY][0] == box.now_s - DAY_S / 2
    async with box.opened() as files:
        assert await files.get(KEY)
        box.now_s += DAY_S / 2 + 1
        assert await files.get(KEY) is None
        assert await files.get(OTHER)
    box.now_s -= 5 * DAY_S
    async with box.opened():
        assert (await box.rows())[OTHER][0] == box.now_s


async def test_a_clock_set_forward_costs_the_entries_and_nothing_else(box: Box) -> None:
    async with box.opened() as files:
        await files.put(KEY, sound(), "piper")
        box.now_s += 10 * 365 * DAY_S
        assert await files.get(KEY) is None
        await files.put(KEY, sound(level=3), "piper")
        box.now_s -= 10 * 365 * DAY_S
        assert (await files.get(KEY)).pcm[0] == 3  # type: ignore[union-attr]
        box.now_s += DAY_S + 1
        assert await files.get(KEY) is None


def key(number: int) -> str:
    return f"{number:02x}" * 32


async def test_what_was_not_used_for_longest_goes_first(box: Box) -> None:
    async with box.opened(max_bytes=4 * 32_044) as files:
        for number in range(4):
            await files.put(key(number), sound(), "piper")
        assert await files.get(key(0))  # noted in memory, written with the next sentence
        for number in (4, 5):
            await files.put(key(number), sound(), "piper")
        assert sorted(await box.rows()) == box.files() == sorted(map(key, (0, 3, 4, 5)))
        assert await files.get(key(3))
    async with box.opened(max_bytes=2 * 32_044):  # the owner gives it less room
        assert sorted(await box.rows()) == box.files() == sorted(map(key, (3, 5)))


async def test_the_cap_holds_whatever_comes(box: Box) -> None:
    rng = np.random.default_rng(2)
    async with box.opened(max_bytes=200_000) as files:
        for number in range(60):
            await files.put(key(number), sound(float(rng.uniform(0.1, 8.0))), "piper")
            if number % 3 == 0:
                await files.get(key(int(rng.integers(0, number + 1))))
            assert sum(path.stat().st_size for path in box.speech.rglob("*.wav")) <= 200_000
        assert sorted(await box.rows()) == box.files()


async def test_reading_writes_nothing(box: Box) -> None:
    async with box.opened() as files:
        await files.put(KEY, sound(), "piper")
        before = await box.database.version(), (await box.rows())[KEY]
        for _ in range(20):
            await files.get(KEY)
        assert (await box.database.version(), (await box.rows())[KEY]) == before


async def test_uses_are_written_at_the_end(box: Box) -> None:
    async with box.opened() as files:
        await files.put(KEY, sound(), "piper")
        await files.put(OTHER, sound(), "piper")
        await files.get(KEY)
    async with box.opened():
        rows = await box.rows()
        assert rows[KEY][1] > rows[OTHER][1]


async def test_leftovers_are_swept_at_the_start(box: Box) -> None:
    async with box.opened() as files:
        for number in range(3):
            await files.put(key(number), sound(), "piper")
    box.path(key(1)).unlink()
    box.path(key(2)).write_bytes(b"torn")
    orphan = box.path(OTHER)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"nobody knows me")
    orphan.with_suffix(".part").write_bytes(b"half")
    shutil.copy(box.path(key(0)), orphan.parent)  # a known name in the wrong place
    (box.speech / "notes.txt").write_text("not ours")
    async with box.opened() as files:
        assert list(await box.rows()) == [key(0)]
        assert await files.get(key(0))
    assert box.files() == sorted([key(0), "notes"])


async def test_a_start_takes_nothing_from_a_process_that_is_writing(box: Box) -> None:
    """Several processes put and start at the same time; whatever one has put is there in the end."""
    async with box.opened() as first, Database(box.folder / "assistant.db") as database:

        async def start() -> None:
            async with AudioFiles(database, box.speech, keep_s=DAY_S, max_bytes=10**7, now=lambda: box.now_s):
                pass

        async def put(number: int) -> None:
            await first.put(key(number), sound(0.2), "piper")

        await asyncio.gather(*(work for number in range(30) for work in (put(number), start())))
        assert sorted(await box.rows()) == box.files() == sorted(map(key, range(30)))
        assert all([await first.get(key(number)) for number in range(30)])


async def test_another_process_clears_it_while_it_serves(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    async with box.opened() as files, Database(box.folder / "assistant.db") as database:
        for number in range(5):
            await files.put(key(number), sound(), "piper")
        assert await files.get(KEY) is None
        assert await files.get(key(1))
        removed = await AudioFiles(database, box.speech, keep_s=DAY_S, max_bytes=10**7).clear()
        assert (removed.entries, removed.size_bytes) == (5, 5 * 32_044)
        assert not box.files()
        assert await files.get(key(1)) is None
        await files.put(key(1), sound(level=2), "piper")
        assert (await files.get(key(1))).pcm[0] == 2  # type: ignore[union-attr]
        assert list(await box.rows()) == [key(1)]
    assert not caplog.records


async def test_the_folder_goes_while_it_serves(box: Box) -> None:
    async with box.opened() as files:
        await files.put(KEY, sound(), "piper")
        shutil.rmtree(box.speech)
        assert await files.get(KEY) is None
        await files.put(KEY, sound(), "piper")
        assert await files.get(KEY)


@pytest.fixture
def no_room(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk takes no more files."""
    real = os.open

    def full(path: str, flags: int, mode: int = 0o777) -> int:
        if str(path).startswith(str(box.speech)) and flags & os.O_CREAT:
            raise OSError(28, "No space left on device", str(path))
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", full)


@pytest.mark.usefixtures("no_room")
async def test_a_full_disk_is_told_once(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    async with box.opened() as files:
        for number in range(5):
            await files.put(key(number), sound(), "piper")
        assert await files.get(key(0)) is None
        assert not await box.rows()
    assert not box.files()
    assert caplog.text.count("cannot be used as it should") == 1
    assert "No space left" in caplog.text


async def test_a_full_database_leaves_no_file_behind(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    async with box.opened() as files:
        await files.put(KEY, sound(), "piper")

        def fill(db: sqlite_utils.Database) -> None:
            pages = db.execute("PRAGMA page_count").fetchone()[0]
            db.execute(f"PRAGMA max_page_count = {pages}")

        await box.database.write(fill)
        for number in range(200):
            await files.put(key(number), sound(0.01), "piper")
        kept = await box.rows()
        assert 1 <= len(kept) < 200
        assert sorted(kept) == box.files()
        assert await files.get(KEY)
    assert caplog.text.count("cannot be used as it should") == 1


async def test_an_entry_that_cannot_be_committed_leaves_no_file_behind(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with box.opened() as files:
        real = box.database.write

        async def no_commit(work: Callable[[sqlite_utils.Database], object]) -> object:
            def whole(db: sqlite_utils.Database) -> None:
                work(db)
                raise sqlite3.OperationalError("database or disk is full")

            return await real(whole)

        monkeypatch.setattr(box.database, "write", no_commit)
        await files.put(KEY, sound(), "piper")
        assert not box.files()
        assert await files.get(KEY) is None


async def test_a_database_that_is_locked_or_closed_is_no_reason_to_be_silent(
    box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    async with box.opened() as files:
        await files.put(KEY, sound(), "piper")
    assert await files.get(KEY) is None
    await files.put(KEY, sound(), "piper")
    assert not await files.has(KEY)
    assert caplog.text.count("cannot be used as it should") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
async def test_a_folder_that_may_not_be_written(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    box.speech.mkdir()
    box.speech.chmod(0o500)
    async with box.opened() as files:
        await files.put(KEY, sound(), "piper")
        assert await files.get(KEY) is None
    assert caplog.text.count("cannot be used as it should") == 1


async def test_a_file_stands_where_the_folder_should_be(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    box.speech.write_text("in the way")
    async with box.opened() as files:
        await files.put(KEY, sound(), "piper")
        assert await files.get(KEY) is None
        assert (await files.stock()).entries == 0
    assert caplog.text.count("cannot be used as it should") == 1
