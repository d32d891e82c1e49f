"""The incident log in a real database."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assistant import incident_log, restart, runs
from assistant.incident_log import KEEP_DAYS, LOOK_EVERY_S, REST_S, SEEN_EVERY_S, IncidentLog
from assistant.incidents import MOST, Incidents
from assistant.storage.database import Database
from assistant.storage.errors import StorageFull
from pipeline.errors import DeviceMissing
from tests.conftest import ROOT

pytestmark = pytest.mark.unit

VOICE = logging.getLogger("pipeline.circuit_breaker")
DISK = logging.getLogger("assistant.storage.database")


class Day:
    """The time of the day, which tests set forward."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "assistant.db"


@pytest.fixture
def day() -> Day:
    return Day()


@pytest.fixture
def collected(day: Day) -> Iterator[Incidents]:
    with Incidents(day) as listening:
        yield listening


def told(rows: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    return [(one["level"], one["message"], one["times"]) for one in rows]


STARTS = ("info", "The assistant starts, version 0.1.0.", 1)
STOPPED = ("info", "The assistant was stopped.", 1)


async def run(path: Path, day: Day, *messages: str, error: BaseException | None = None, new: bool = True) -> None:
    """One run of the assistant that logs these."""
    with Incidents(day) as collected:
        async with Database(path) as database:
            log = IncidentLog(database, collected, now=day)
            await log.__aenter__()
            for message in messages:
                VOICE.warning(message)
            await log.__aexit__(type(error) if error else None, error, None)


async def rows(path: Path, **page: Any) -> list[dict[str, Any]]:
    async with Database(path) as database:
        return (await IncidentLog(database).page(**{"limit": 100, **page}))[0]


async def test_incidents_starts_and_ends_outlast_the_process(path: Path, day: Day) -> None:
    await run(path, day, "piper rests", "piper rests", "it speaks again", error=asyncio.CancelledError())
    day.passes(hours=1)
    await run(path, day, "piper rests")
    found = await rows(path)
    assert told(found) == [
        ("info", "The assistant came to the end of its input.", 1),
        ("warning", "piper rests", 1),
        STARTS,
        STOPPED,
        ("warning", "it speaks again", 1),
        ("warning", "piper rests", 2),
        STARTS,
    ]
    assert datetime.fromisoformat(found[0]["at"]) == day.now
    assert found[0]["id"] > found[-1]["id"]


async def test_equal_ones_fold_from_one_writing_to_the_next(path: Path, day: Day, collected: Incidents) -> None:
    async with Database(path) as database, IncidentLog(database, collected, now=day) as log:
        for _ in range(3):
            VOICE.warning("piper rests")
            await log.write()
            day.passes(minutes=1)
        (row, _) = (await log.page(limit=10))[0]
    assert (row["message"], row["times"]) == ("piper rests", 3)
    first, last = (datetime.fromisoformat(row[key]) for key in ("first_at", "at"))
    assert last - first == timedelta(minutes=2)


async def test_why_it_failed_is_told_without_words(path: Path, day: Day) -> None:
    await run(path, day, error=DeviceMissing("There is no microphone.", remedy="Plug one in."))
    await run(path, day, error=ValueError("what a customer said"))
    found = told(await rows(path))
    assert found[2] == ("error", "The assistant ends. There is no microphone. Plug one in.", 1)
    assert found[0][1].startswith("The assistant ends. ValueError")
    assert "customer" not in str(found)


async def test_a_restart_that_was_asked_for_is_told(path: Path, day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart, "asked", lambda: True)
    await run(path, day, error=asyncio.CancelledError())
    assert told(await rows(path))[0] == ("info", "The assistant is started again.", 1)


async def test_new_settings_are_no_end(path: Path, day: Day, collected: Incidents) -> None:
    for _ in range(2):
        async with Database(path) as database, IncidentLog(database, collected, renewing=lambda: True, now=day):
            pass
    async with Database(path) as database:
        log = IncidentLog(database)
        assert told((await log.page(limit=9))[0]) == [STARTS]
        assert [one["ended_at"] for one in await log.runs(9)] == [None]


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from assistant.incident_log import IncidentLog
from assistant.incidents import Incidents
from assistant.storage.database import Database

async def main():
    with Incidents() as collected:
        async with Database(Path(sys.argv[1])) as database, IncidentLog(database, collected):
            print("up", flush=True)
            sys.stdin.readline()
            os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_an_end_without_notice_is_seen_at_the_next_start(path: Path, day: Day) -> None:
    program = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        await run(path, day)
        assert "without notice" not in str(await rows(path)), "it still runs beside this one"
        process.communicate("\n")
    await run(path, day)
    await run(path, day)
    (found,) = [one for one in await rows(path) if "without notice" in one["message"]]
    assert found["level"] == "warning"
    assert "it crashed or was killed" in found["message"]
    assert "journalctl -k" in found["message"]


async def test_a_power_cut_is_told_from_a_crash(path: Path, day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    with Incidents(day) as collected:
        async with Database(path) as database:
            await IncidentLog(database, collected, now=day).write(still=True)
    monkeypatch.setattr(runs, "boot_id", lambda: "another boot")
    await run(path, day)
    assert "the machine lost its power" in str(await rows(path))


async def test_pages_follow_each_other(path: Path, day: Day) -> None:
    await run(path, day, *(f"number {number}" for number in range(5)), error=asyncio.CancelledError())
    async with Database(path) as database:
        log = IncidentLog(database)
        seen, before = [], None
        while True:
            page, before = await log.page(limit=3, before=before)
            seen += [one["message"] for one in page]
            if before is None:
                break
        warnings = await log.page(limit=9, level="warning")
    assert [one[7:] for one in seen if one.startswith("number")] == list("43210")
    assert len(seen) == 7
    assert len(warnings[0]) == 5


async def test_neither_age_nor_number_grows(path: Path, day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incident_log, "MOST_ROWS", 10)
    monkeypatch.setattr(runs, "MOST_RUNS", 3)
    await run(path, day, "an old one")
    day.passes(days=KEEP_DAYS, seconds=1)
    await run(path, day, *(f"number {number}" for number in range(5)))
    assert "an old one" not in str(await rows(path))
    for number in range(5):
        await run(path, day, f"run {number}")
    assert len(await rows(path)) == 10
    async with Database(path) as database:
        assert len(await IncidentLog(database).runs(99)) == 3


class Ticks:
    """Sleeps that end at once, until too many were slept."""

    def __init__(self, day: Day, seconds: float) -> None:
        self.day, self.left_s, self.slept = day, seconds, list[float]()

    async def __call__(self, seconds: float) -> None:
        if self.left_s <= 0:
            raise asyncio.CancelledError
        self.left_s -= seconds
        self.slept.append(seconds)
        self.day.passes(seconds=seconds)


async def test_what_happens_is_written_soon_and_a_flood_seldom(path: Path, day: Day, collected: Incidents) -> None:
    ticks = Ticks(day, 60)
    async with Database(path) as database:
        log = IncidentLog(database, collected, now=day, sleep=ticks)
        await log.write(still=True)
        VOICE.warning("piper rests")
        with pytest.raises(asyncio.CancelledError):
            await log.run()
        assert ticks.slept[:2] == [LOOK_EVERY_S, REST_S]
        assert set(ticks.slept[2:]) == {LOOK_EVERY_S}
        assert told((await log.page(limit=1))[0]) == [("warning", "piper rests", 1)]


async def test_where_nothing_happens_it_is_noted_seldom_that_it_runs(
    path: Path, day: Day, collected: Incidents
) -> None:
    began = day.now
    async with Database(path) as database:
        log = IncidentLog(database, collected, now=day, sleep=Ticks(day, 2 * SEEN_EVERY_S))
        await log.write(still=True)
        before = await database.version()
        with pytest.raises(asyncio.CancelledError):
            await log.run()
        assert await database.version() <= before + 2
        seen = datetime.fromisoformat((await log.runs(1))[0]["seen_at"])
    assert seen - began >= timedelta(seconds=SEEN_EVERY_S)


async def test_a_full_disk_costs_nothing_but_the_disk_s_copy(
    path: Path, day: Day, collected: Incidents, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Database(path) as database, IncidentLog(database, collected, now=day) as log:

        async def full(_: Any) -> None:
            raise StorageFull("The disk is full.")

        with monkeypatch.context() as patch:
            patch.setattr(database, "write", full)
            VOICE.warning("piper rests")
            assert not await log.write()
            assert not await log.write(still=True)
        assert await log.write()
        found = told((await log.page(limit=9))[0])
    assert [one[1].partition(";")[0] for one in found] == ["Incidents cannot be written now", "piper rests", STARTS[1]]


async def test_without_a_database_those_of_this_process_are_told(day: Day, collected: Incidents) -> None:
    async with IncidentLog(None, collected, now=day) as log:
        for number in range(MOST + 1):
            DISK.error("number %d", number)
        assert len(await log.newest()) == MOST
        assert told(await log.newest(1)) == [("error", f"number {MOST}", 1)]
