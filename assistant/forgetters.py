"""Those in the daemon that remember something of conversations are told when somebody wants that to be forgotten."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

import sqlite_utils

from assistant.storage.database import Database
from assistant.storage.errors import StorageError

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
"""Seconds between two looks."""


async def told_to_forget(
    database: Database | None,
    listeners: Iterable[Callable[[str], None]],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """For ever: call ``listeners`` with the day before which they are to forget ("" for all) when somebody wants it."""
    if database is None:
        return
    version, seen = -1, -1
    while True:
        try:
            if (now := await database.version()) != version:
                rows = await database.read(partial(_wishes, after=seen))
                for before in [day for _, day in rows if seen >= 0]:  # those from before the start concern nobody
                    log.info("What is remembered of conversations is forgotten, as somebody asked.")
                    for listener in listeners:
                        listener(before)
                version, seen = now, max([seen, 0, *(number for number, _ in rows)])
        except StorageError as error:
            log.debug("Whether something is to be forgotten cannot be seen: %s", error)
        await sleep(LOOK_EVERY_S)


def _wishes(db: sqlite_utils.Database, after: int) -> list[tuple[int, str]]:
    if "forgotten" not in db.table_names():
        return []
    return [tuple(row) for row in db.execute("SELECT id, before FROM forgotten WHERE id > ? ORDER BY id", [after])]
