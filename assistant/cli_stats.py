"""``assistant stats``."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from assistant import settings
from assistant.command import add_command
from assistant.output import print_json, print_line, print_table
from assistant.storage.database import Database
from assistant.storage.errors import may_be_seen
from assistant.usage_report import NOTHING, figures
from pipeline.errors import SettingsError


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
    if may_be_seen(file) and not file.exists():
        return dict(NOTHING)
    async with Database(file, backups=loaded.storage.backups) as database:
        return await figures(database, loaded.deployment.tenant, days)
