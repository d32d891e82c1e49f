"""``assistant voice list | upload | remove | render``."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from assistant.command import add_command, app_of
from assistant.output import print_json, print_line, print_table
from assistant.personalities.lookup import SHORT_ID
from assistant.personalities.rows import Stored
from assistant.personalities.store import PersonalityStore
from assistant.phrases import lines
from assistant.rendering import render
from assistant.samples.opening import sample_store, voices
from assistant.samples.traces import Traces
from assistant.samples.voices import Removed, Uploaded, Voices
from assistant.storage.database import Database
from assistant.voice_outlook import Outlook, outlook
from pipeline.errors import ProviderError

T = TypeVar("T")

WHO = "the personality's id, the first characters of it, or its name"


def add_voice_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``voice`` with its verbs; each sets ``command`` to a function that returns the exit code."""
    whole = commands.add_parser(
        "voice",
        help="personalities that speak with the voice of a recording",
        description="Personalities that speak with the voice of a recording. It works while the daemon runs.",
    )
    verbs = whole.add_subparsers(metavar="list|upload|remove|render", required=True)

    everyone = add_command(verbs, "list", _list, "who speaks with the voice of a recording")

    upload = add_command(verbs, "upload", _upload, "have a personality speak with the voice of a recording")
    upload.add_argument("who", metavar="ID", help=WHO)
    upload.add_argument("file", type=Path, metavar="FILE", help="6 to 30 s of one person: WAV, MP3, M4A, FLAC, OGG …")
    upload.add_argument(
        "--consent", required=True, metavar="TEXT", help='who agreed, and when: "Ana Ruiz, in writing, 3 May 2026"'
    )

    remove = add_command(verbs, "remove", _remove, "delete the recording and all that was made of it")
    remove.add_argument("who", metavar="ID", help=WHO)

    make = add_command(verbs, "render", _render, "speak a list of phrases into the cache, with its own voice")
    make.add_argument("who", metavar="ID", help=WHO)
    make.add_argument("--phrases", type=Path, required=True, metavar="FILE", help="a text, one phrase on each line")

    for verb in (everyone, upload, remove, make):
        verb.add_argument("--json", action="store_true")


def with_voices(options: argparse.Namespace, work: Callable[[Voices, PersonalityStore], Awaitable[T]]) -> T:
    """What ``work`` returns, done with the shop's voices and personalities."""
    app = app_of(options)
    loaded, folder = app.settings, app.folder

    async def opened() -> T:
        async with AsyncExitStack() as stack:
            file = folder / loaded.storage.folder / "assistant.db"
            database = await stack.enter_async_context(Database(file, backups=loaded.storage.backups))
            store = PersonalityStore(database, loaded.deployment.tenant)
            if database.problem is None:
                await store.first()
            samples = await stack.enter_async_context(sample_store(loaded, folder))
            return await work(await stack.enter_async_context(voices(loaded, folder, database, store, samples)), store)

    return asyncio.run(opened())


def _upload(options: argparse.Namespace) -> int:
    async def upload(voices: Voices, _: PersonalityStore) -> Uploaded:
        return await voices.upload(options.who, options.file, options.consent)

    done = with_voices(options, upload)
    prospect = asyncio.run(outlook(app_of(options), done.personality.document.personality()))
    if options.json:
        print_json(
            {
                **_named(done.personality),
                "voice_sample_url": done.address,
                "voice_sample_duration": round(done.duration_s, 2),
                "quality": [asdict(one) for one in done.quality.findings],
                "replaced": asdict(done.replaced),
                "provider": prospect.provider,
                "ready": prospect.ready,
                "reason": prospect.reason,
            }
        )
        return 0
    name = done.personality.document.name
    print_line(f"{name} has the voice of this recording ({done.duration_s:.1f} s), with consent: {options.consent}")
    if done.quality.findings:
        print_line()
        rows = [
            (one.name, one.verdict.value, f"{one.value:.3g} {one.unit}", one.advice) for one in done.quality.findings
        ]
        print_table(("QUALITY", "", "MEASURED", "ADVICE"), rows)
    if done.replaced:
        print_line(f"\nThe recording before it was deleted: {_deleted(done.replaced)}.")
    _tell(prospect)
    return 0


def _tell(prospect: Outlook) -> None:
    print_line()
    print_line(prospect.reason)
    if prospect.remedy:
        print_line(prospect.remedy)


def _remove(options: argparse.Namespace) -> int:
    async def remove(voices: Voices, _: PersonalityStore) -> Removed:
        return await voices.remove(options.who)

    done = with_voices(options, remove)
    if options.json:
        print_json({**_named(done.personality), "deleted": asdict(done.traces)})
    else:
        print_line(
            f"{done.personality.document.name} has no voice of its own any more. Deleted: {_deleted(done.traces)}."
        )
        print_line("The note of who had agreed is kept, with the day on which that ended.")
    return 0


def _list(options: argparse.Namespace) -> int:
    async def everyone(_: Voices, store: PersonalityStore) -> list[Stored]:
        return [one for one in await store.everyone() if one.document.voice_config.mode == "custom"]

    cloned = with_voices(options, everyone)
    if options.json:
        print_json([_facts(one) for one in cloned])
        return 0
    if not cloned:
        print_line("No personality speaks with the voice of a recording. See: assistant voice upload --help")
        return 0
    rows = []
    for one in cloned:
        voice = one.document.voice_config
        long = "-" if voice.voice_sample_duration is None else f"{voice.voice_sample_duration:.1f} s"
        came = "-" if voice.uploaded_at is None else str(voice.uploaded_at)[:10]
        rows.append((one.document.id[:SHORT_ID], one.document.name, voice.provider, long, came))
    print_table(("ID", "NAME", "ENGINE", "RECORDING", "SINCE"), rows)
    return 0


def _render(options: argparse.Namespace) -> int:
    rendered = asyncio.run(render(app_of(options), options.who, lines(options.phrases), tell=not options.json))
    if options.json:
        print_json(rendered.as_dict())
    else:
        hours = rendered.keep_hours
        print_line(
            f"{rendered.made} sentences made by {rendered.provider}, {rendered.there} were there already; "
            f"they are kept for {hours:g} hours (cache.keep_hours)."
        )
    if rendered.failed:
        raise ProviderError(
            f"{rendered.failed} sentences could not be spoken.",
            remedy="Run it again: what is made already is not made anew. See also: assistant check",
        )
    return 0


def _named(one: Stored) -> dict[str, Any]:
    return {"id": one.document.id, "name": one.document.name}


def _facts(one: Stored) -> dict[str, Any]:
    voice = one.document.voice_config.model_dump(mode="json")
    keys = ("provider", "voice_sample_url", "voice_sample_duration", "uploaded_at")
    return {**_named(one), **{key: voice[key] for key in keys}}


def _deleted(gone: Traces) -> str:
    """What was deleted, in words."""
    files = f"{gone.samples} recording{'' if gone.samples == 1 else 's'}"
    return f"{files}, what engines had made of it ({gone.latents} files), {gone.sentences} spoken sentences"
