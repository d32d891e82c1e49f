"""What was said, and how much, is gone for good when somebody wants it to be, from the files too."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant import cli, logs, settings
from assistant.app import App
from assistant.forgetters import told_to_forget
from assistant.forgetting import Forgetting
from assistant.statistics import Statistics
from assistant.storage.backups import back_up
from assistant.storage.database import Database
from assistant.storage.errors import StorageError
from assistant.watch import MOST_TURNS, Watch
from pipeline.audio import AudioChunk
from pipeline.events import EventFeed, TranscriptReady, TurnEnd, WakeWord
from pipeline.speech import Personality
from pipeline.usage import Outcome, Use
from tests.assistant.test_recordings import said
from tests.program import as_it_comes

pytestmark = pytest.mark.unit

MARK = "Zanzibarkaffee"
"""Stands for what must not be found again; in the tables it is a provider's name."""

TODAY = date(2026, 11, 26)

SOUND = AudioChunk(np.random.default_rng(2).normal(0, 4000, 8000).astype(np.int16), 16_000)


@pytest.fixture
def app(tmp_path: Path) -> App:
    as_it_comes(tmp_path)
    return App(settings.parse({}, "here"), tmp_path)


def file_of(app: App) -> Path:
    return app.folder / "data" / "assistant.db"


def open_database(app: App) -> Database:
    return Database(file_of(app))


async def count(database: Database, day: str, tenant: str = "default", stage: str = "tts") -> None:
    columns = "requests, failures, cache_hits, interruptions, audio_s, characters, latency_ms_sum, latency_count"
    await database.write(
        lambda db: db.execute(
            f"INSERT INTO usage_by_day (day, tenant, personality_id, stage, provider, {columns})"
            " VALUES (?, ?, '', ?, ?, 1, 0, 0, 0, 1, 1, 1, 1)",
            [day, tenant, stage, f"{MARK} {day} {tenant}"],
        )
    )


async def kept(app: App, sql: str) -> list[Any]:
    async with open_database(app) as database:
        return await database.read(lambda db: [row[0] for row in db.execute(sql)])


def traces(app: App, mark: str = MARK) -> list[str]:
    """Files of the data folder in which a word stands."""
    forms = [mark.encode(), mark.encode("utf-16-le")]
    found = [path for path in app.folder.joinpath("data").rglob("*") if path.is_file()]
    return [path.name for path in found if any(form in path.read_bytes() for form in forms)]


async def filled(app: App) -> None:
    async with open_database(app) as database:
        for day in ("2026-10-31", "2026-11-25", "2026-11-26"):
            await count(database, day)
        await count(database, "2026-10-31", tenant="bakery")
        await count(database, "2026-10-31", tenant="", stage="stt")
        files = app.audio_files(database)
        async with files:
            await files.put("a" * 64, SOUND, "piper")


def erase(app: App, before: date | None) -> Any:
    return Forgetting(app, before, lambda: TODAY)


async def test_what_is_older_than_a_day_goes(app: App) -> None:
    await filled(app)
    forgetting = erase(app, date(2026, 11, 25))
    looked = await forgetting.look()
    assert (looked.days, looked.counts, looked.answers) == (1, 2, 0)
    assert len(await kept(app, "SELECT day FROM usage_by_day")) == 5, "to look changes nothing"
    assert await forgetting.erase() == looked
    assert await kept(app, "SELECT tenant || day FROM usage_by_day ORDER BY 1") == [
        "bakery2026-10-31",
        "default2026-11-25",
        "default2026-11-26",
    ]
    assert await kept(app, "SELECT key FROM speech_cache") == ["a" * 64]


async def test_spoken_answers_and_recordings_go_by_their_age(app: App) -> None:
    await filled(app)
    app.recording_files().write("one", said())
    tomorrow = date.today() + timedelta(days=1)
    assert (await erase(app, date.today()).erase()).recordings == 0
    found = await erase(app, tomorrow).erase()
    assert (found.answers, found.recordings) == (1, 1)
    assert not list(app.folder.glob("data/speech/*/*"))
    assert not list(app.folder.glob("data/recordings/*"))


async def test_nothing_can_be_read_from_the_files_while_the_daemon_runs(app: App) -> None:
    await filled(app)
    async with open_database(app) as daemon:
        await count(daemon, "2026-11-24", tenant="default")
        assert await daemon.read(lambda db: len(db.execute("SELECT * FROM usage_by_day").fetchall())) == 6
        copy = back_up(file_of(app), "009_next")
        (copy.parent / "20260101T000000-before-008_x.part").write_bytes(MARK.encode())  # a power cut left it
        assert traces(app)
        with closing(sqlite3.connect(copy)) as other:  # a copy that an older version made
            other.execute("DROP TABLE provider_latency")
            other.execute("DELETE FROM usage_by_day WHERE tenant = 'bakery'")
            other.commit()
        await daemon.write(lambda db: db.execute("DELETE FROM usage_by_day WHERE tenant = 'bakery'"))
        found = await erase(app, None).erase()
        assert (found.counts, found.answers, found.backups) == (5, 1, 1)
        assert traces(app) == []
        await count(daemon, "2026-11-26")
        assert await daemon.read(lambda db: len(db.execute("SELECT * FROM usage_by_day").fetchall())) == 1
    with closing(sqlite3.connect(copy)) as other:
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_deleted_row_leaves_no_trace_in_the_file_by_itself(app: App) -> None:
    """Statistics that are too old are deleted by the daemon every day; nobody compacts the file then."""
    async with open_database(app) as database:
        await count(database, "2026-11-24")
        await database.write(lambda db: db.execute("DELETE FROM usage_by_day"))
    assert traces(app) == []


async def test_what_an_older_version_deleted_is_gone_too(app: App) -> None:
    async with open_database(app):
        pass
    with closing(sqlite3.connect(file_of(app))) as older:
        older.execute("PRAGMA secure_delete = OFF")
        older.execute("CREATE TABLE notes (text TEXT)")
        older.executemany("INSERT INTO notes VALUES (?)", [(f"{MARK} {number}" * 20,) for number in range(100)])
        older.execute("DELETE FROM notes")
        older.commit()
    assert traces(app) == ["assistant.db"]
    await erase(app, None).erase()
    assert traces(app) == []


async def test_a_reader_that_does_not_end_is_told_of(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.storage.compacting.PATIENCE_S", 0.1)
    monkeypatch.setattr("assistant.storage.opening.BUSY_TIMEOUT_S", 0.1)
    await filled(app)
    with closing(sqlite3.connect(file_of(app), isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM usage_by_day").fetchone()
        with pytest.raises(StorageError, match="could not be emptied"):
            await erase(app, None).erase()


async def test_of_the_cloud_only_this_month_stays(app: App) -> None:
    async with open_database(app) as database:
        for month in ("2026-09", "2026-10", "2026-11"):
            await database.write(
                lambda db, month=month: db.execute("INSERT INTO cloud_usage VALUES ('google_tts', ?, 'x', 5)", [month])
            )
    await erase(app, date(2026, 10, 5)).erase()
    assert await kept(app, "SELECT month FROM cloud_usage") == ["2026-10", "2026-11"]
    await erase(app, None).erase()
    assert await kept(app, "SELECT month FROM cloud_usage") == ["2026-11"]


async def test_personalities_stay_and_their_counts_go(app: App) -> None:
    async with app.memory() as memory:
        assert memory.database is not None
        await memory.database.write(
            lambda db: db.execute(
                "UPDATE ai_personalities SET voice_config = json_set(voice_config, '$.stats.total_generations', 77)"
            )
        )
    before = await kept(app, "SELECT name FROM ai_personalities ORDER BY name")
    await erase(app, None).erase()
    assert await kept(app, "SELECT name FROM ai_personalities ORDER BY name") == before
    configs = [json.loads(one) for one in await kept(app, "SELECT voice_config FROM ai_personalities")]
    assert [one.get("stats") for one in configs] == [None] * len(before)
    async with app.memory() as memory:
        assert len(memory.cast.everyone) == len(before)


async def test_before_the_first_start_there_is_nothing(app: App) -> None:
    found = await erase(app, None).erase()
    assert (found.counts, found.answers, found.recordings) == (0, 0, 0)
    assert not file_of(app).exists()


class Once:
    """A sleep in which something happens, the second time the end."""

    def __init__(self, happens: Callable[[], Any]) -> None:
        self.happens = [happens]

    async def __call__(self, _: float) -> None:
        if not self.happens:
            raise asyncio.CancelledError
        await self.happens.pop()()


async def test_the_daemon_forgets_too(app: App) -> None:
    forgotten: list[str] = []
    async with open_database(app) as daemon:
        await erase(app, date(2026, 11, 1)).erase()

        async def both() -> None:
            await erase(app, date(2026, 11, 25)).erase()
            await erase(app, None).erase()

        with pytest.raises(asyncio.CancelledError):
            await told_to_forget(daemon, [forgotten.append], Once(both))
    assert forgotten == ["2026-11-25", ""], "what was wished before the start was done"
    await told_to_forget(None, [])


async def test_turns_and_event_lines_are_forgotten() -> None:
    feed, now = EventFeed(), [datetime(2026, 11, 25, 12).astimezone()]
    watch = Watch(feed, lambda: Personality("a", "Robin"), lambda: now[0])
    for day in (25, 26):
        now[0] = datetime(2026, 11, day, 12).astimezone()
        feed.turn = day
        feed.publish(WakeWord("hey_jarvis", 0.9))
        feed.publish(TranscriptReady(f"{MARK} {day}", "en", "whisper", 1.0))
    watch.forget("2026-11-26")
    assert [turn["transcript"] for turn in watch.turns] == [f"{MARK} 26"]
    assert not watch._lines
    watch.forget("")
    assert len(watch.turns) == 0
    assert watch.turns.maxlen == MOST_TURNS
    feed.publish(TurnEnd(None, None))
    watch.close()


async def test_counts_that_were_not_written_yet_are_forgotten(app: App) -> None:
    today = [date(2026, 11, 25)]
    async with open_database(app) as database:
        statistics = Statistics(database, write_every_s=60, keep_days=400, today=lambda: today[0])
        statistics.record(Use("tts", "old", Outcome.DONE))
        today[0] = TODAY
        statistics.record(Use("tts", "new", Outcome.DONE))
        statistics.forget("2026-11-26")
        await statistics.write()
        assert await database.read(lambda db: [row[0] for row in db.execute("SELECT provider FROM usage_by_day")]) == [
            "new"
        ]
        statistics.record(Use("tts", "last", Outcome.DONE))
        statistics.forget("")
        await statistics.write()
        assert await database.read(lambda db: db.execute("SELECT count(*) FROM usage_by_day").fetchone()[0]) == 1


async def test_a_database_that_cannot_be_written_is_told(app: App) -> None:
    await filled(app)
    if os.geteuid() == 0:
        async with open_database(app) as database:
            await database.write(
                lambda db: db.execute(
                    "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
                    " VALUES ('assistant', '999_later', '2027')"
                )
            )
    else:
        file_of(app).chmod(0o400)
    with pytest.raises(StorageError):
        await erase(app, None).erase()


async def test_the_file_is_written_anew_only_where_it_can_be_done_whole(app: App) -> None:
    await filled(app)
    async with open_database(app) as database:
        before = file_of(app).stat().st_ino
        await database.compact()
        assert file_of(app).stat().st_ino == before, "whoever has it open goes on with the same file"
        assert not file_of(app).with_name("assistant.db-wal").stat().st_size
        assert await database.read(lambda db: db.execute("PRAGMA integrity_check").fetchone()[0]) == "ok"


@pytest.mark.parametrize("options", [[], ["--all", "--before", "2026-11-01"]])
def test_what_is_erased_has_to_be_said(options: list[str]) -> None:
    with pytest.raises(SystemExit):
        cli.parser().parse_args(["forget", *options])


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ASSISTANT_CONFIG", str(as_it_comes(tmp_path)))
    monkeypatch.setattr(logs, "set_up", lambda _: None)  # the log of this process is pytest's
    assert cli.main(["forget", "--before", "yesterday"]) == 1
    assert "'yesterday' is no day. Example: --before 2026-11-01" in capsys.readouterr().err
    recording = tmp_path / "data" / "recordings" / "x.flac"
    recording.parent.mkdir(parents=True)
    recording.write_bytes(b"fLaC" * 250_000)
    assert cli.main(["forget", "--all", "--show"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Would be erased: ")
    assert "1 recordings (1.0 MB)" in shown
    assert recording.exists()
    assert cli.main(["forget", "--all", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["erased"] is True
    assert not recording.exists()
