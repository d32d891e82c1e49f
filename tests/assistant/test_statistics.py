"""Usage and latency: what is counted, when it is written, and what a bad day costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assistant.cli_stats import collect
from assistant.personalities.store import PersonalityStore
from assistant.statistics import ALPHA, Ema, Statistics
from assistant.storage.database import Database
from assistant.storage.errors import StorageFull
from pipeline.speech import Personality
from pipeline.usage import Outcome, Use
from tests.program import assistant

pytestmark = pytest.mark.unit


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(tmp_path / "data" / "assistant.db") as opened:
        await PersonalityStore(opened, "default").first()
        yield opened


class Day:
    """A calendar that a test turns."""

    def __init__(self) -> None:
        self.today = date(2026, 11, 24)

    def __call__(self) -> date:
        return self.today


def counting(database: Database, **options: Any) -> Statistics:
    return Statistics(database, **{"write_every_s": 60.0, "keep_days": 10, "today": Day()} | options)


def spoken(outcome: Outcome = Outcome.DONE, latency_ms: float | None = 20.0, who: Personality | None = None) -> Use:
    return Use("tts", "piper", outcome, who, "voice", latency_ms, 2.0, 30)


async def rows(database: Database, table: str = "usage_by_day") -> list[dict[str, Any]]:
    return await database.read(lambda db: list(db[table].rows))


async def robin(database: Database) -> Personality:
    row = (await rows(database, "ai_personalities"))[0]
    return Personality(row["name"], id=row["id"], tenant=row["tenant"])


async def stats_of(database: Database, who: Personality) -> dict[str, Any]:
    row = next(row for row in await rows(database, "ai_personalities") if row["id"] == who.id)
    found: dict[str, Any] = json.loads(row["voice_config"])["stats"]
    return found


async def test_outcomes_are_told_apart(database: Database) -> None:
    async with counting(database) as statistics:
        for outcome, latency_ms in (
            (Outcome.DONE, 20.0), (Outcome.DONE, 40.0), (Outcome.CACHED, 1.0), (Outcome.FAILED, None),
            (Outcome.LEFT, 30.0),
        ):  # fmt: skip
            statistics.record(spoken(outcome, latency_ms))
        assert await rows(database) == []
    (row,) = await rows(database)
    assert (row["requests"], row["failures"], row["cache_hits"], row["interruptions"]) == (5, 1, 1, 1)
    assert row["characters"] == 120
    assert (row["latency_ms_sum"], row["latency_count"]) == (90.0, 3)


async def test_the_moving_average_goes_on_from_the_last_run(database: Database) -> None:
    for values in ((100.0,), (200.0, 300.0), (50.0,)):
        async with counting(database) as statistics:
            for value in values:
                statistics.record(spoken(latency_ms=value))
    expected = 100.0
    for value in (200.0, 300.0, 50.0):
        expected += ALPHA * (value - expected)
    (row,) = await rows(database, "provider_latency")
    assert row["ema_ms"] == pytest.approx(expected)


def test_averages_of_two_batches_are_one() -> None:
    whole, first, second = Ema(), Ema(), Ema()
    for value, part in ((10.0, first), (20.0, first), (70.0, second), (5.0, second)):
        whole.add(value)
        part.add(value)
    first.merge(second)
    for before in (None, 33.0):
        assert first.after(before) == pytest.approx(whole.after(before))


async def test_a_personality_is_told(database: Database) -> None:
    who = await robin(database)
    for _ in range(2):
        async with counting(database) as statistics:
            statistics.record(spoken(latency_ms=20.0, who=who))
            statistics.record(spoken(Outcome.CACHED, 1.0, who))
            statistics.record(spoken(Outcome.FAILED, None, who))
    assert await stats_of(database, who) == {
        "total_generations": 4, "total_seconds": 12.0, "average_latency_ms": 20.0, "cache_hit_rate": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize("document", ["no json", "[1]", '{"stats": null}', '{"stats": {"total_generations": "many"}}'])
async def test_a_document_written_by_hand_stops_nothing(database: Database, document: str) -> None:
    who = await robin(database)
    await database.write(lambda db: db["ai_personalities"].update(who.id, {"voice_config": document}))
    async with counting(database) as statistics:
        statistics.record(spoken(who=who))
    assert len(await rows(database)) == 1
    if document.startswith("{"):
        assert (await stats_of(database, who))["total_generations"] == 1


async def test_what_cannot_be_written_is_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    statistics, write = counting(database), database.write

    async def full(_: Callable[..., Any]) -> None:
        raise StorageFull("full")

    for attempt in (full, full, write):
        monkeypatch.setattr(database, "write", attempt)
        statistics.record(spoken(latency_ms=10.0))
        await statistics.write()
    (row,) = await rows(database)
    assert (row["requests"], row["latency_ms_sum"]) == (3, 30.0)


async def test_days_are_told_apart_and_old_ones_erased(database: Database) -> None:
    day = Day()
    statistics = counting(database, today=day)
    for today in (date(2026, 11, 24), date(2026, 12, 5), date(2026, 12, 6), date(2026, 12, 7)):
        day.today = today
        statistics.record(spoken())
        await statistics.write()
    assert [row["day"] for row in await rows(database)] == ["2026-12-05", "2026-12-06", "2026-12-07"]


async def test_a_clock_that_stands_in_a_wrong_year_for_a_day_erases_nothing(database: Database) -> None:
    day = Day()
    statistics = counting(database, today=day)
    days = [date(2026, 11, 22), date(2026, 11, 23), date(2106, 2, 7), date(2106, 2, 8), date(2026, 11, 24)]
    for today in days:
        day.today = today
        statistics.record(spoken())
        await statistics.write()
    assert {row["day"] for row in await rows(database)} == {today.isoformat() for today in days}


async def test_it_writes_from_time_to_time(database: Database) -> None:
    wakes: asyncio.Queue[None] = asyncio.Queue()
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await wakes.get()

    statistics = counting(database, sleep=sleep)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(statistics.run(), name="statistics")
        statistics.record(spoken())
        wakes.put_nowait(None)
        while len(slept) < 2:
            await asyncio.sleep(0.001)
        assert len(await rows(database)) == 1
        running.cancel()
    assert slept == [60.0, 60.0]


async def test_the_command_tells_all(tmp_path: Path) -> None:
    nothing = assistant("stats", config="{}", folder=tmp_path)
    assert nothing.code == 0
    assert "Nothing was counted" in nothing.out
    async with Database(tmp_path / "data" / "assistant.db") as database:
        await PersonalityStore(database, "default").first()
        who = await robin(database)
        async with counting(database, today=date.today) as statistics:
            statistics.record(spoken(who=who))
            statistics.record(spoken(Outcome.CACHED, 1.0, who))
            statistics.record(Use("stt", "faster_whisper", Outcome.DONE, latency_ms=150.0, audio_s=1.5))
    found = await collect(tmp_path / "config.yaml", 7)
    assert [(row["stage"], row["provider"], row["requests"]) for row in found["providers"]] == [
        ("stt", "faster_whisper", 1), ("tts", "piper", 2)
    ]  # fmt: skip
    assert found["personalities"][0]["personality"] == who.name
    assert found["personalities"][0]["cache_hit_rate"] == 0.5
    shown = assistant("stats", config="{}", folder=tmp_path)
    assert "piper (tts)" in shown.out
    assert "50%" in shown.out
    assert json.loads(assistant("stats", "--json", config="{}", folder=tmp_path).out)["providers"]
    assert assistant("stats", "--days", "0", config="{}", folder=tmp_path).code == 1
