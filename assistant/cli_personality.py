"""``assistant personality list | show | add | set | use | remove | import | export``."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from assistant.cli_voice import with_voices
from assistant.command import add_command, app_of
from assistant.output import print_json, print_line, print_table, print_text
from assistant.personalities.editing import apply, changes
from assistant.personalities.errors import PersonalityError
from assistant.personalities.exchange import as_yaml, exported, imported
from assistant.personalities.lookup import SHORT_ID
from assistant.personalities.rows import Stored
from assistant.personalities.store import PersonalityStore
from assistant.personalities.wake_words import RESTART, WakeWords
from assistant.samples.voices import Voices
from assistant.storage.database import Database

T = TypeVar("T")

WHO = "its id, the first characters of it, or its name"

NOT_COPIED = ("id", "tenant", "created_at", "updated_at", "wake_word")
"""Keys that ``add --like`` leaves out: two cannot have them, or they are given anew."""

OF_THE_SAMPLE = ("voice_sample_url", "voice_sample_duration", "uploaded_at", "stats")
"""Keys of the voice that ``add --like`` leaves out: who agreed to be cloned agreed to it for one personality."""


def add_personality_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``personality`` with its verbs; each sets ``command`` to a function that returns the exit code."""
    whole = commands.add_parser(
        "personality", help="who speaks, and how", description="Who speaks, and how. It works while the daemon runs."
    )
    verbs = whole.add_subparsers(metavar="list|show|add|set|use|remove|import|export", required=True)

    everyone = add_command(verbs, "list", _list, "all personalities")
    show = add_command(verbs, "show", _show, "all about one of them")
    show.add_argument("who", nargs="?", metavar="ID", help=f"{WHO} (default: the active one)")

    new = add_command(verbs, "add", _add, "make a new one")
    new.add_argument("name", metavar="NAME")
    new.add_argument("--like", metavar="ID", help="take over what is not named here, but for wake word and sample")
    new.add_argument("--language", metavar="CODE", help="ISO 639-1 code (default: en)")
    new.add_argument("--prompt", metavar="TEXT", help="instructions for agents that take them")
    new.add_argument("--greeting", metavar="TEXT", help="what it says when it is switched to at once")
    new.add_argument("--wake-word", metavar="WORD", help="the wake word that calls it and nobody else")

    change = add_command(verbs, "set", _set, "change one: all assignments or none")
    change.add_argument("who", metavar="ID", help=WHO)
    change.add_argument(
        "assignments",
        nargs="+",
        metavar="KEY=VALUE",
        help="such as voice_config.settings.speed=1.1; null is the default",
    )

    use = add_command(verbs, "use", _use, "have it speak, from the next turn")
    use.add_argument("who", metavar="ID", help=WHO)
    use.add_argument("--now", action="store_true", help="at once, even in the middle of an answer")

    remove = add_command(verbs, "remove", _remove, "take one away")
    remove.add_argument("who", metavar="ID", help=WHO)

    take = add_command(verbs, "import", _import, "take over personalities from a YAML file: all or none")
    take.add_argument("file", type=Path, metavar="F")
    take.add_argument("--replace", action="store_true", help="in place of those of the same id or name")

    give = add_command(verbs, "export", _export, "write personalities as YAML")
    give.add_argument("who", nargs="*", metavar="ID", help=f"{WHO} (default: all)")
    give.add_argument("--output", type=Path, metavar="F", help="(default: print it)")
    give.add_argument("--full", action="store_true", help="with ids, times, samples and what was counted")

    for verb in (everyone, show, new, change, use, remove, take):
        verb.add_argument("--json", action="store_true")


def _with_store(options: argparse.Namespace, work: Callable[[PersonalityStore], Awaitable[T]]) -> T:
    """What ``work`` returns, done with the shop's personalities."""
    app = app_of(options)
    loaded, folder = app.settings, app.folder
    words = WakeWords(loaded, app.models, app.resources.models)

    async def in_database() -> T:
        async with Database(
            folder / loaded.storage.folder / "assistant.db", backups=loaded.storage.backups
        ) as database:
            store = PersonalityStore(database, loaded.deployment.tenant, words)
            if database.problem is None:
                await store.first()
            return await work(store)

    return asyncio.run(in_database())


def _list(options: argparse.Namespace) -> int:
    everyone = _with_store(options, PersonalityStore.everyone)
    if options.json:
        print_json([_data(one) for one in everyone])
        return 0
    head = ("", "ID", "NAME", "LANGUAGE", "WAKE WORD", "VOICE", "SPEED")
    print_table(head, [_row(one) for one in everyone])
    for one in everyone:
        if one.problems:
            print_line(f"{one.document.name} has mistakes, see: assistant personality show {_short(one)}")
    return 0


def _row(one: Stored) -> tuple[str, ...]:
    document, voice = one.document, one.document.voice_config
    said = ", ".join([document.language, *document.languages])
    named = f"{voice.provider} {voice.voice_id}".strip() + (", its sample" if voice.mode == "custom" else "")
    speed = f"{voice.settings.speed:g}"
    return ("*" if one.active else "", _short(one), document.name, said, document.wake_word or "-", named, speed)


def _show(options: argparse.Namespace) -> int:
    async def look(store: PersonalityStore) -> Stored | None:
        return await (store.get(options.who) if options.who is not None else store.active())

    one = _with_store(options, look)
    if one is None:
        raise PersonalityError("There is no personality.")
    if options.json:
        print_json(_data(one))
        return 0
    print_line(f"# {one.document.name} {'is' if one.active else 'is not'} the one who speaks.")
    for problem in one.problems:
        print_line(f"# wrong, its default serves: {problem}")
    print_text(as_yaml(one.document.model_dump(mode="json")))
    return 0


def _add(options: argparse.Namespace) -> int:
    given = {
        "name": options.name,
        "language": options.language,
        "system_prompt": options.prompt,
        "greeting": options.greeting,
        "wake_word": options.wake_word,
    }

    async def add(store: PersonalityStore) -> Stored:
        like: dict[str, Any] = {}
        if options.like is not None:
            like = (await store.get(options.like)).document.model_dump(mode="json", exclude=set(NOT_COPIED))
            for key in OF_THE_SAMPLE:
                del like["voice_config"][key]
        return await store.add({**like, **{key: value for key, value in given.items() if value is not None}})

    new = _with_store(options, add)
    _tell(options, new, f"{new.document.name} was added: {new.document.id}")
    _tell_of_wake_word(options, new)
    return 0


def _set(options: argparse.Namespace) -> int:
    wanted = changes(options.assignments)
    changed = _with_store(options, lambda store: store.change(options.who, lambda raw: apply(wanted, raw)))
    _tell(options, changed, f"{changed.document.name} was changed.")
    if any(path == ["wake_word"] for path, _ in wanted):
        _tell_of_wake_word(options, changed)
    return 0


def _use(options: argparse.Namespace) -> int:
    used, _ = _with_store(options, lambda store: store.use(options.who, at_once=options.now))
    _tell(options, used, f"{used.document.name} speaks {'now' if options.now else 'from the next turn'}.")
    return 0


def _remove(options: argparse.Namespace) -> int:
    async def remove(voices: Voices, store: PersonalityStore) -> Stored:
        gone = await store.remove(options.who)
        await voices.forget(gone)  # who agreed to be cloned agreed to it for this one
        return gone

    gone = with_voices(options, remove)
    _tell(options, gone, f"{gone.document.name} was removed.")
    return 0


def _import(options: argparse.Namespace) -> int:
    try:
        with options.file.open("rb") as file:
            content = file.read(3_000_000)
    except OSError as error:
        raise PersonalityError(f"{options.file} cannot be read: {error.strerror}.") from error
    documents = imported(content, str(options.file))
    put = _with_store(options, lambda store: store.put_all(documents, replace=options.replace))
    if options.json:
        print_json([_data(one) for one, _ in put])
        return 0
    for one, is_new in put:
        print_line(f"{one.document.name} was {'added' if is_new else 'replaced'}: {one.document.id}")
        _tell_of_wake_word(options, one)
    return 0


def _export(options: argparse.Namespace) -> int:
    async def chosen(store: PersonalityStore) -> list[Stored]:
        return [await store.get(who) for who in dict.fromkeys(options.who)] or await store.everyone()

    everyone = _with_store(options, chosen)
    text = exported(everyone, full=options.full)
    if options.output is None:
        print_text(text)
        return 0
    try:
        options.output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PersonalityError(f"{options.output} cannot be written: {error.strerror}.") from error
    print_line(f"{len(everyone)} of them written to {options.output}.")
    return 0


def _tell(options: argparse.Namespace, one: Stored, text: str) -> None:
    if options.json:
        print_json(_data(one))
    else:
        print_line(text)


def _tell_of_wake_word(options: argparse.Namespace, one: Stored) -> None:
    if one.document.wake_word and not options.json:
        print_line(RESTART)


def _data(one: Stored) -> dict[str, Any]:
    data = {**one.document.model_dump(mode="json"), "active": one.active}
    return {**data, "problems": list(one.problems)} if one.problems else data


def _short(one: Stored) -> str:
    return one.document.id[:SHORT_ID]
