"""``assistant token [new | add | list | remove]``."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from assistant.access.token_file import TokenFile
from assistant.access.tokens import TokenStore
from assistant.app import App
from assistant.command import add_command, app_of
from assistant.output import print_json, print_line, print_table
from assistant.sections import TENANT
from assistant.storage.database import Database
from pipeline.errors import SettingsError

T = TypeVar("T")

LONGEST_NAME = 60


def add_token_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``token`` with its verbs; each sets ``command`` to a function that returns the exit code."""
    token = add_command(
        commands, "token", _show, "print the administrator's access token, for the panel and for programs"
    )
    verbs = token.add_subparsers(metavar="new|add|list|remove")

    add_command(verbs, "new", _new, "replace the administrator's token; the old one is refused from then on")

    add = add_command(verbs, "add", _add, "make another token; it is shown once")
    add.add_argument("--role", choices=("admin", "kiosk"), required=True, help="kiosk may watch and talk only")
    add.add_argument("--name", required=True, help="what it is for, such as the screen's place")
    add.add_argument("--tenant", default="", help="the shop it belongs to (default: deployment.tenant)")
    add.add_argument("--replace", action="store_true", help="take away those that are called the same")
    add.add_argument("--json", action="store_true")

    listed = add_command(verbs, "list", _list, "who has a token")
    listed.add_argument("--json", action="store_true")

    remove = add_command(verbs, "remove", _remove, "take a token away")
    remove.add_argument("id", metavar="ID", help="as `assistant token list` tells it")


def _file(options: argparse.Namespace) -> TokenFile:
    app = app_of(options)
    return TokenFile(app.folder / app.settings.storage.folder)


def _show(options: argparse.Namespace) -> int:
    print_line(_file(options).token())
    return 0


def _new(options: argparse.Namespace) -> int:
    print_line(_file(options).renew())
    return 0


def _with_tokens(app: App, work: Callable[[TokenStore], Awaitable[T]]) -> T:
    folder: Path = app.folder / app.settings.storage.folder

    async def opened() -> T:
        async with Database(folder / "assistant.db", backups=app.settings.storage.backups) as database:
            return await work(TokenStore(database, folder, app.settings.deployment.tenant))

    return asyncio.run(opened())


def _add(options: argparse.Namespace) -> int:
    name = options.name.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise SettingsError(f"--name must be 1 to {LONGEST_NAME} characters of one line.")
    if options.tenant and not re.fullmatch(TENANT, options.tenant):
        raise SettingsError("--tenant must be small letters, figures, - and _, at most 40, such as north-street.")
    app = app_of(options)
    listed, token = _with_tokens(
        app, lambda store: store.add(options.role, name, options.tenant, replace=options.replace)
    )
    if options.json:
        print_json({**listed.as_dict(), "token": token})
        return 0
    print_line(token)
    http = app.settings.http
    page = f"/kiosk#token={token}" if listed.role == "kiosk" else "/"
    sys.stderr.write(
        f"{listed.name} ({listed.role}, id {listed.id}). It is shown this once and kept nowhere.\n"
        f"Its browser signs in at {http.here}{page}\n"
    )
    return 0


def _list(options: argparse.Namespace) -> int:
    everyone = _with_tokens(app_of(options), TokenStore.everyone)
    if options.json:
        print_json([one.as_dict() for one in everyone])
    elif everyone:
        rows = [
            (one.id, one.name, one.role, one.tenant, one.created_at[:10], one.last_used_on or "never")
            for one in everyone
        ]
        print_table(("ID", "NAME", "ROLE", "SHOP", "SINCE", "LAST USED"), rows)
    else:
        print_line("Nobody has a token but the administrator, whose token `assistant token` prints.")
    return 0


def _remove(options: argparse.Namespace) -> int:
    gone = _with_tokens(app_of(options), lambda store: store.remove(options.id))
    print_line(f"The token of {gone.name} ({gone.role}) is refused from now on.")
    return 0
