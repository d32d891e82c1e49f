"""``assistant stats``."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlite_utils

from assistant import settings
from assistant.command import add_command
from assistant.output import print_json, print_line, print_table
from assistant.storage.database import Database
from assistant.storage.errors import may_be_seen
from pipeline.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Row:
    """What one provider did, for one personality or for all, on one day or on all."""

    day: str | None
    """None for all days asked for."""
    personality: str | None
    """Its name; None for all."""
    stage: str
    provider: str
    requests: int
    failures: int
    interruptions: int
    cache_hit_rate: float
    """0 to 1, of the requests that did not fail."""
    latency_ms: float | None
    """Mean of what the provider made itself."""
    audio_s: float
    characters: int


def add_stats_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``stats``; it sets ``command`` to a function that returns the exit code."""
    stats = add_command(commands, "stats", _stats, "how much was said and understood, by whom, how quickly")
    stats.add_argument("--days", type=int, default=30, metavar="N", help="of the last N days (default: 30)")
    stats.add_argument("--json", action="store_true")


def _stats(options: argparse.Namespace) -> int:
    if options.days < 1:
        raise SettingsError("--days must be at least 1.")
    found = asyncio.run(collect(options.config, options.days))
    if options.json:
        print_json(found)
        return 0
    if not found["providers"]:
        print_line(f"Nothing was counted in the last {options.days} days.")
        return 0
    print_line(f"The last {options.days} days\n")
    _print("PROVIDER", found["providers"], lambda row: f"{row['provider']} ({row['stage']})")
    for title, rows, name in (
        ("PERSONALITY", found["personalities"], lambda row: f"{row['personality']}: {row['provider']}"),
        ("DAY", found["days"], lambda row: f"{row['day']} {row['provider']} ({row['stage']})"),
    ):
        if rows:
            print_line()
            _print(title, rows, name)
    if found["latency_now_ms"]:
        print_line()
        now = ", ".join(f"{one['provider']} {one['ms']:.0f} ms" for one in found["latency_now_ms"])
        print_line(f"Latency of late (moving average): {now}")
    for one in found["cloud"]:
        print_line(f"{one['provider']} in {one['month']}: {one['characters']} characters of class {one['voice_class']}")
    return 0


def _print(title: str, rows: list[dict[str, Any]], name: Any) -> None:
    head = (title, "REQUESTS", "FAILED", "INTERRUPTED", "FROM CACHE", "LATENCY", "SECONDS", "CHARACTERS")
    print_table(
        head,
        [
            (
                name(row),
                str(row["requests"]),
                str(row["failures"]),
                str(row["interruptions"]),
                f"{row['cache_hit_rate']:.0%}" if row["stage"] == "tts" else "-",
                "-" if row["latency_ms"] is None else f"{row['latency_ms']:.0f} ms",
                f"{row['audio_s']:.0f}",
                str(row["characters"]),
            )
            for row in rows
        ],
    )


async def collect(config: Path | None, days: int) -> dict[str, Any]:
    """All figures of the last days, for programs. Raises ``SettingsError`` and ``StorageError``."""
    loaded, folder = settings.load(config)
    file = folder / loaded.storage.folder / "assistant.db"
    empty: dict[str, Any] = {"providers": [], "personalities": [], "days": [], "latency_now_ms": [], "cloud": []}
    if may_be_seen(file) and not file.exists():
        return empty
    since = (date.today() - timedelta(days=days - 1)).isoformat()
    async with Database(file, backups=loaded.storage.backups) as database:
        return await database.read(lambda db: _figures(db, loaded.deployment.tenant, since))


def _figures(db: sqlite_utils.Database, tenant: str, since: str) -> dict[str, Any]:
    latency = db.execute("SELECT stage, provider, ema_ms FROM provider_latency ORDER BY stage, provider").fetchall()
    cloud = db.execute(
        "SELECT provider, month, voice_class, characters FROM cloud_usage ORDER BY month DESC"
    ).fetchall()
    return {
        "providers": _rows(db, tenant, since, "stage, provider"),
        "personalities": [
            row for row in _rows(db, tenant, since, "personality_id, stage, provider") if row["personality"]
        ],
        "days": _rows(db, tenant, since, "day, stage, provider"),
        "latency_now_ms": [{"stage": one[0], "provider": one[1], "ms": round(one[2], 1)} for one in latency],
        "cloud": [{"provider": one[0], "month": one[1], "voice_class": one[2], "characters": one[3]} for one in cloud],
    }


def _rows(db: sqlite_utils.Database, tenant: str, since: str, group: str) -> list[dict[str, Any]]:
    """Sums by ``group``, a list of our own column names."""
    day = "day" if "day" in group else "NULL"
    personality = "personality_id" if "personality_id" in group else "NULL"
    found = db.execute(
        f"SELECT {day}, (SELECT name FROM ai_personalities WHERE id = {personality}), stage, provider,"  # noqa: S608
        " sum(requests), sum(failures), sum(interruptions), sum(cache_hits), sum(latency_ms_sum), sum(latency_count),"
        " sum(audio_s), sum(characters) FROM usage_by_day"
        f" WHERE day >= ? AND tenant IN (?, '') GROUP BY {group} ORDER BY {group}",
        [since, tenant],
    ).fetchall()
    return [asdict(_row(*one)) for one in found]


def _row(
    day: str | None, personality: str | None, stage: str, provider: str,
    requests: int, failures: int, interruptions: int, hits: int,
    latency_ms_sum: float, latency_count: int, audio_s: float, characters: int,
) -> Row:  # fmt: skip
    done = requests - failures
    return Row(
        day, personality, stage, provider, requests, failures, interruptions,
        round(hits / done, 4) if done else 0.0,
        round(latency_ms_sum / latency_count, 1) if latency_count else None,
        round(audio_s, 2), characters,
    )  # fmt: skip
