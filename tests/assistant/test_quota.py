"""The month's free amount is never passed: not by many at once, not by a crash, not by a wrong clock."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assistant.quota import CloudQuota
from assistant.storage.database import Database
from pipeline.errors import QuotaExceeded
from tests.conftest import ROOT

pytestmark = pytest.mark.unit


class Calendar:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 15, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(tmp_path / "assistant.db") as opened:
        yield opened


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def quota(database: Database, calendar: Calendar) -> CloudQuota:
    return CloudQuota(database, calendar)


async def spent(database: Database) -> dict[str, int]:
    rows = await database.read(lambda db: list(db["cloud_usage"].rows))
    return {row["month"]: row["characters"] for row in rows}


async def test_up_to_the_limit_and_not_one_more(quota: CloudQuota, database: Database) -> None:
    await quota.reserve("google_tts", "standard", 90, 100)
    with pytest.raises(QuotaExceeded, match="90 are spent, 11 more") as caught:
        await quota.reserve("google_tts", "standard", 11, 100)
    assert not caught.value.retryable
    await quota.reserve("google_tts", "standard", 10, 100)
    assert await spent(database) == {"2026-11": 100}
    await quota.reserve("google_tts", "neural2", 100, 100)


async def test_fifty_at_once_never_over_spend(quota: CloudQuota, database: Database) -> None:
    async def ask() -> bool:
        try:
            await quota.reserve("google_tts", "standard", 7, 100)
        except QuotaExceeded:
            return False
        return True

    assert sum(await asyncio.gather(*(ask() for _ in range(50)))) == 14
    assert await spent(database) == {"2026-11": 98}


async def test_two_processes_share_it(database: Database) -> None:
    program = (
        "import asyncio, sys, pathlib\n"
        "from assistant.quota import CloudQuota\n"
        "from assistant.storage.database import Database\n"
        "from pipeline.errors import QuotaExceeded\n"
        "async def main():\n"
        "    async with Database(pathlib.Path(sys.argv[1])) as database:\n"
        "        done = 0\n"
        "        for _ in range(40):\n"
        "            try:\n"
        "                await CloudQuota(database).reserve('google_tts', 'standard', 3, 100)\n"
        "                done += 1\n"
        "            except QuotaExceeded:\n"
        "                break\n"
        "        print(done)\n"
        "asyncio.run(main())\n"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", program, database.path], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for _ in range(2)
    ]
    assert sum(int(one.communicate(timeout=60)[0]) for one in both) == 33


async def test_what_was_reserved_stays_spent_unless_given_back(quota: CloudQuota, database: Database) -> None:
    await quota.reserve("google_tts", "standard", 60, 100)
    month = await quota.reserve("google_tts", "standard", 30, 100)
    await quota.give_back("google_tts", "standard", 30, month)
    assert await spent(database) == {"2026-11": 60}
    await quota.give_back("google_tts", "standard", 600, month)
    assert await spent(database) == {"2026-11": 0}


async def test_the_month_is_that_of_the_bill(quota: CloudQuota, database: Database, calendar: Calendar) -> None:
    for now, month in (
        (datetime(2026, 12, 1, 7, 59, tzinfo=UTC), "2026-11"),
        (datetime(2026, 12, 1, 8, 0, tzinfo=UTC), "2026-12"),
        (datetime(2027, 7, 1, 7, 0, tzinfo=UTC), "2027-07"),
    ):
        calendar.now = now
        await quota.reserve("google_tts", "standard", 1, 100)
        assert max(await spent(database)) == month


async def test_a_clock_set_back_opens_no_month_anew(quota: CloudQuota, database: Database, calendar: Calendar) -> None:
    await quota.reserve("google_tts", "standard", 100, 100)
    calendar.now = datetime(2026, 9, 3, tzinfo=UTC)
    with pytest.raises(QuotaExceeded):
        await quota.reserve("google_tts", "standard", 1, 100)


async def test_a_clock_far_ahead_and_mended_locks_nothing(
    quota: CloudQuota, database: Database, calendar: Calendar
) -> None:
    calendar.now = datetime(2036, 1, 3, tzinfo=UTC)
    await quota.reserve("google_tts", "standard", 100, 100)
    calendar.now = datetime(2026, 11, 15, tzinfo=UTC)
    await quota.reserve("google_tts", "standard", 100, 100)
    with pytest.raises(QuotaExceeded):
        await quota.reserve("google_tts", "standard", 1, 100)


async def test_it_warns_once_from_four_fifths(quota: CloudQuota, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    for characters in (79, 1, 1):
        await quota.reserve("google_tts", "standard", characters, 100)
        assert len(caplog.records) == (0 if characters == 79 else 1)
    assert "80 of 100" in caplog.text


async def test_what_cannot_be_counted_is_not_spent(tmp_path: Path) -> None:
    closed = Database(tmp_path / "assistant.db")
    with pytest.raises(QuotaExceeded):
        await CloudQuota(closed).reserve("google_tts", "standard", 1, 100)
    await CloudQuota(closed).give_back("google_tts", "standard", 1, "2026-11")
