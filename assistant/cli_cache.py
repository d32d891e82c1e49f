"""``assistant cache stats | warm | clear``."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from assistant.app import App
from assistant.command import add_command, app_of
from assistant.output import print_json, print_line, print_table
from assistant.parts import Memory
from assistant.phrases import lines
from assistant.storage.database import Database
from assistant.storage.errors import StorageError
from assistant.usage_report import cache_facts
from assistant.warming import Sentence, cut, usual_sentences
from pipeline.errors import ProviderError, SettingsError
from pipeline.fallback import Prepared


def add_cache_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``cache`` with its three verbs; each sets ``command`` to a function that returns the exit code."""
    cache = commands.add_parser(
        "cache", help="sentences that were spoken before", description="Sentences that were spoken before."
    )
    verbs = cache.add_subparsers(metavar="stats|warm|clear", required=True)

    stats = add_command(verbs, "stats", _stats, "what is kept, and how often it helped")
    stats.add_argument("--json", action="store_true")

    warm = add_command(verbs, "warm", _warm, "speak into the cache what will probably be said")
    warm.add_argument("--phrases", type=Path, metavar="FILE", help="these instead of the usual ones, one on each line")
    warm.add_argument("--personality", metavar="ID", help="who says it (default: the active one)")
    warm.add_argument("--json", action="store_true")

    clear = add_command(verbs, "clear", _clear, "forget all; what is said from now on is made anew")
    clear.add_argument("--json", action="store_true")


def _database(app: App) -> Database:
    return Database(app.folder / app.settings.storage.folder / "assistant.db", backups=app.settings.storage.backups)


def _stats(options: argparse.Namespace) -> int:
    found = asyncio.run(_facts(app_of(options)))
    if options.json:
        print_json(found)
        return 0
    oldest, rate = found["oldest_s"], found["hit_rate"]
    rows = [
        ("sentences", str(found["entries"])),
        ("length", f"{found['audio_s']:.0f} s"),
        ("on the disk", f"{found['size_mb']:.1f} of {found['max_mb']} MB"),
        ("oldest", "-" if oldest is None else f"{oldest / 3600:.1f} of {found['keep_hours']:g} hours"),
        ("hit rate", "-" if rate is None else f"{100 * rate:.0f} %"),
    ]
    print_table(("CACHE", "on" if found["enabled"] else "off"), rows)
    return 0


async def _facts(app: App) -> dict[str, Any]:
    async with _database(app) as database:
        return await cache_facts(app, database)


def _clear(options: argparse.Namespace) -> int:
    removed = asyncio.run(_cleared(app_of(options)))
    if options.json:
        print_json(removed)
    else:
        print_line(f"{removed['entries']} sentences forgotten, {removed['size_mb']:.1f} MB freed.")
    return 0


async def _cleared(app: App) -> dict[str, Any]:
    async with _database(app) as database:
        removed = await app.audio_files(database).clear()
    return {"entries": removed.entries, "size_mb": round(removed.size_bytes / 1e6, 3)}


def _warm(options: argparse.Namespace) -> int:
    app = app_of(options)
    if not app.settings.cache.enabled:
        raise SettingsError("The speech cache is switched off.", remedy="Set cache.enabled: true in config.yaml.")
    listed = None if options.phrases is None else lines(options.phrases)
    counts, kept = asyncio.run(_warmed(app, listed, options.personality, tell=not options.json))
    if options.json:
        print_json({one.value: counts[one] for one in Prepared})
    else:
        skipped = f", {counts[Prepared.SKIPPED]} skipped" if counts[Prepared.SKIPPED] else ""
        print_line(f"{counts[Prepared.MADE]} sentences made, {counts[Prepared.THERE]} were there already{skipped}.")
    if counts[Prepared.FAILED]:
        raise ProviderError(
            f"{counts[Prepared.FAILED]} of {counts.total()} sentences could not be spoken.",
            remedy="Run `assistant check` to see what the voice needs.",
        )
    if counts[Prepared.MADE] > kept:
        raise SettingsError(
            f"Of {counts[Prepared.MADE]} sentences made only {kept} are kept: there is no room for more.",
            remedy=f"Raise cache.max_mb in config.yaml (now {app.settings.cache.max_mb}); is the disk full?",
        )
    return 0


async def _warmed(
    app: App, listed: list[str] | None, personality: str | None, *, tell: bool
) -> tuple[Counter[Prepared], int]:
    """How many sentences came to which end, and how many lie in the cache then."""
    speakable = app.speakable()
    counts: Counter[Prepared] = Counter()
    async with AsyncExitStack() as stack:
        memory = await stack.enter_async_context(app.memory())
        if memory.database is None or memory.database.problem is not None:
            problem = memory.database.problem if memory.database is not None else None
            raise problem or StorageError("There is no database to keep sentences in.", remedy="See the log above.")
        sentences = await _sentences(app, memory, listed, personality)
        async with app.voice(memory) as voice:
            for number, (text, language, who) in enumerate(sentences, 1):
                if tell and sys.stderr.isatty():
                    sys.stderr.write(f"\r{number} of {len(sentences)} ")
                    sys.stderr.flush()
                counts[await voice.prepare(speakable(text, language), language, who)] += 1
        kept = (await app.audio_files(memory.database).stock()).entries
    if tell and sys.stderr.isatty():
        sys.stderr.write("\r")
    return counts, kept


async def _sentences(app: App, memory: Memory, listed: list[str] | None, personality: str | None) -> list[Sentence]:
    cast = memory.cast
    who = cast.named(personality) if personality is not None else cast.active
    if listed is not None:
        return cut(listed, who.language, who)
    async with app.agent() as agent:
        return usual_sentences(who, cast.everyone if personality is None else (), agent, app.settings)
