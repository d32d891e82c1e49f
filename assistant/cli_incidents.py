"""``assistant incidents``."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from assistant import settings
from assistant.command import add_command
from assistant.incident_log import IncidentLog
from assistant.output import print_json, print_line, print_table
from assistant.storage.database import Database
from assistant.storage.errors import may_be_seen
from pipeline.errors import SettingsError


def add_incidents_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``incidents``; it sets ``command`` to a function that returns the exit code."""
    incidents = add_command(commands, "incidents", _incidents, "what went wrong lately, and what was done")
    incidents.add_argument("--last", type=int, default=20, metavar="N", help="the last N (default: 20)")
    incidents.add_argument("--json", action="store_true")


def _incidents(options: argparse.Namespace) -> int:
    if options.last < 1:
        raise SettingsError("--last must be at least 1.")
    found = asyncio.run(collect(options.config, options.last))
    if options.json:
        print_json(found)
    elif found:
        rows = [(one["at"], one["level"], one["part"], f"{one['times']}x", one["message"]) for one in reversed(found)]
        print_table(("AT", "LEVEL", "PART", "TIMES", "WHAT"), rows)
    else:
        print_line("Nothing went wrong.")
    return 0


async def collect(config: Path | None, last: int) -> list[dict[str, Any]]:
    """The last ones, newest first. Raises ``SettingsError`` and ``StorageError``."""
    loaded, folder = settings.load(config)
    file = folder / loaded.storage.folder / "assistant.db"
    if may_be_seen(file) and not file.exists():
        return []
    async with Database(file, backups=loaded.storage.backups) as database:
        return (await IncidentLog(database).page(limit=last))[0]
