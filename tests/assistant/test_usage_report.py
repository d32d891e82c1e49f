"""Usage as the panel and the command line tell it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from assistant import settings
from assistant.app import App
from assistant.cli_stats import collect
from assistant.personalities.store import PersonalityStore
from assistant.quota import CloudQuota
from assistant.statistics import Statistics
from assistant.storage.database import Database
from assistant.usage_report import NOTHING, cache_facts, figures, usage_report
from pipeline.speech import Personality
from pipeline.usage import Outcome, Use

pytestmark = pytest.mark.unit

CLOUD = {
    "use": ["piper", "google_tts"],
    "google_tts": {"free_characters": 1000, "free_characters_by_class": {"neural2": 400}},
}


def app_in(folder: Path, **document: Any) -> App:
    return App(settings.parse(document, "here"), folder)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(tmp_path / "data" / "assistant.db") as opened:
        for shop in ("default", "bakery"):
            await PersonalityStore(opened, shop).first()
        yield opened


async def someone(database: Database, shop: str) -> Personality:
    return (await PersonalityStore(database, shop).everyone())[0].document.personality()


def spoken(who: Personality | None, outcome: Outcome = Outcome.DONE, latency_ms: float | None = 40.0) -> Use:
    return Use("tts", "piper", outcome, who, "voice", latency_ms, 2.0, 30)


HEARD = Use("stt", "whisper", Outcome.DONE, latency_ms=90.0, audio_s=3.0)


async def count(database: Database, *uses: Use, days_ago: int = 0) -> None:
    day = date.today() - timedelta(days=days_ago)
    async with Statistics(database, write_every_s=60, keep_days=400, today=lambda: day) as counting:
        for use in uses:
            counting.record(use)


async def test_sums_by_provider_personality_and_day(database: Database) -> None:
    who = await someone(database, "default")
    await count(database, spoken(who), spoken(who, Outcome.CACHED, 1.0), spoken(who, Outcome.FAILED, None), HEARD)
    await count(database, spoken(who, Outcome.LEFT, 80.0), days_ago=6)
    await count(database, spoken(who), days_ago=7)
    found = await figures(database, "default", 7)
    voice = next(row for row in found["providers"] if row["stage"] == "tts")
    assert voice == {
        "day": None, "personality": None, "stage": "tts", "provider": "piper", "requests": 4, "failures": 1,
        "interruptions": 1, "cache_hit_rate": pytest.approx(1 / 3, abs=1e-4), "latency_ms": 60.0, "audio_s": 8.0,
        "characters": 90,
    }  # fmt: skip
    assert [(row["personality"], row["requests"]) for row in found["personalities"]] == [(who.name, 4)]
    days = [(row["day"], row["provider"], row["requests"]) for row in found["days"]]
    today, before = date.today().isoformat(), (date.today() - timedelta(days=6)).isoformat()
    assert days == [(before, "piper", 1), (today, "whisper", 1), (today, "piper", 3)]
    assert {one["provider"]: one["ms"] for one in found["latency_now_ms"]}["whisper"] == 90.0


async def test_what_was_not_written_yet_is_there_once_it_is(database: Database) -> None:
    async with Statistics(database, write_every_s=60, keep_days=400) as counting:
        counting.record(HEARD)
        assert (await figures(database, "default", 30))["providers"] == []
        await counting.write()
        assert len((await figures(database, "default", 30))["providers"]) == 1


async def test_no_shop_is_told_of_another_one(database: Database, tmp_path: Path) -> None:
    mine, theirs = await someone(database, "default"), await someone(database, "bakery")
    await CloudQuota(database).reserve("google_tts", "neural2", 50, 400)
    await count(database, spoken(mine), spoken(mine, Outcome.CACHED, 1.0), HEARD, spoken(None))
    app = app_in(tmp_path, tts=CLOUD)
    other = await usage_report(app, database, "bakery", 30)
    assert [other[key] for key in ("providers", "personalities", "days", "cloud")] == [[], [], [], []]
    assert other["cache"]["hit_rate"] is None
    await count(database, *[spoken(theirs)] * 4)
    other = await usage_report(app, database, "bakery", 30)
    assert [(row["provider"], row["requests"]) for row in other["providers"]] == [("piper", 4)]
    assert other["cache"]["hit_rate"] == 0
    own = await usage_report(app, database, "default", 30)
    assert {row["provider"]: row["requests"] for row in own["providers"]} == {"piper": 3, "whisper": 1}
    assert own["cache"]["hit_rate"] == 0.5
    assert (await cache_facts(app, database))["hit_rate"] == pytest.approx(1 / 7, abs=1e-3), "of the whole machine"
    assert [one["characters"] for one in own["cloud"]] == [50]


async def test_what_is_left_in_the_cloud(database: Database, tmp_path: Path) -> None:
    assert (await usage_report(app_in(tmp_path), database, "default", 30))["quota"] == [], "nothing here is counted"
    app = app_in(tmp_path, tts=CLOUD)
    before = (await usage_report(app, database, "default", 30))["quota"]
    assert [(row["voice_class"], row["characters"], row["limit"]) for row in before] == [("", 0, 1000)]
    month = await CloudQuota(database).reserve("google_tts", "neural2", 100, 400)
    assert (await usage_report(app, database, "default", 30))["quota"] == [
        {
            "provider": "google_tts",
            "month": month,
            "voice_class": "neural2",
            "characters": 100,
            "limit": 400,
            "share": 0.25,
        }
    ]


async def test_the_cache(database: Database, tmp_path: Path) -> None:
    app = app_in(tmp_path, cache={"max_mb": 7, "keep_hours": 3, "enabled": False})
    facts = (await usage_report(app, database, "default", 30))["cache"]
    assert facts == {
        "enabled": False, "entries": 0, "audio_s": 0, "size_mb": 0, "max_mb": 7, "oldest_s": None, "keep_hours": 3,
        "hit_rate": None,
    }  # fmt: skip


async def test_the_command_line_tells_the_same(database: Database, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.touch()
    await count(database, spoken(await someone(database, "default")), HEARD)
    assert await collect(config, 30) == await figures(database, "default", 30)
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "config.yaml").touch()
    assert await collect(empty / "config.yaml", 30) == NOTHING
    assert not (empty / "data").exists(), "to look makes nothing"
