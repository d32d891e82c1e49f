"""``assistant forget``."""

from __future__ import annotations

import argparse
import asyncio
from datetime import date

from assistant.command import add_command, app_of
from assistant.forgetting import Forgetting, Found
from assistant.output import print_json, print_line
from pipeline.errors import SettingsError


def add_forget_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``forget``; it sets ``command`` to a function that returns the exit code."""
    forget = add_command(commands, "forget", _forget, "erase conversations, recordings and statistics by date")
    which = forget.add_mutually_exclusive_group(required=True)
    which.add_argument("--before", metavar="YYYY-MM-DD", help="all that is older than this day")
    which.add_argument("--all", action="store_true", help="everything")
    forget.add_argument("--show", action="store_true", help="only say what would be erased")
    forget.add_argument("--json", action="store_true")


def _forget(options: argparse.Namespace) -> int:
    forgetting = Forgetting(app_of(options), None if options.all else _day(options.before))
    found = asyncio.run(forgetting.look() if options.show else forgetting.erase())
    if options.json:
        print_json({**found.as_dict(), "erased": not options.show})
    else:
        print_line(f"{'Would be erased' if options.show else 'Erased'}: {_text(found)}.")
    return 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"{text!r} is no day.", remedy="Example: --before 2026-11-01") from error


def _text(found: Found) -> str:
    return (
        f"statistics of {found.days} days ({found.counts} rows), {found.answers} spoken answers, "
        f"{found.recordings} recordings ({found.recordings_mb} MB); the same in {found.backups} copies of the database"
    )
