"""Writes all that the program keeps, as fast as it can, and says on stdout what is done; somebody will kill it.

Run as a program it makes such a writer for each line on stdin, says its process id, and says when it is dead.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import sqlite_utils

from assistant.personalities.store import PersonalityStore
from assistant.quota import CloudQuota
from assistant.statistics import Statistics
from assistant.storage.audio_files import AudioFiles
from assistant.storage.database import Database
from pipeline.audio import AudioChunk
from pipeline.speech import Personality
from pipeline.usage import Outcome, Use

RATE_HZ = 16_000
OVERWRITTEN = 5
"""Keys of the cache that are written again and again, with another sound each time."""

MANY = 300
"""Rows that change at the same time."""


def audio_files(database: Database, folder: Path) -> AudioFiles:
    """The cache, so large that nothing is pushed out."""
    return AudioFiles(database, folder / "speech", keep_s=1e6, max_bytes=10**9)


def sound(number: int) -> AudioChunk:
    """A sound that tells its number and its length, so that half of it is not taken for a whole one."""
    pcm = np.full(2 + number % 6000, number % 30_000, np.int16)
    pcm[1] = len(pcm)
    return AudioChunk(pcm, RATE_HZ)


def is_whole(audio: AudioChunk) -> bool:
    """Whether it is what ``sound`` made for some number."""
    level = audio.pcm[0]
    return bool(audio.pcm[1] == len(audio.pcm) and (audio.pcm[2:] == level).all())


def change_all(db: sqlite_utils.Database, number: int) -> None:
    """One transaction over many pages of the file."""
    db.conn.executemany(
        "INSERT INTO provider_latency VALUES (?, 'many rows', ?) ON CONFLICT DO UPDATE SET ema_ms = excluded.ema_ms",
        ((f"{row:0500}", number) for row in range(MANY)),
    )


def key_of(number: int) -> str:
    return f"{number:064x}"[::-1]


def tell(*words: object) -> None:
    """One line at once: it is in the pipe even if the next moment is the last one."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def write(folder: Path, round_: int) -> None:
    """Until somebody ends it."""
    dice = random.Random(round_)
    async with Database(folder / "assistant.db") as database, audio_files(database, folder) as files:
        assert database.problem is None, database.problem
        store, quota = PersonalityStore(database, "default"), CloudQuota(database)
        statistics = Statistics(database, write_every_s=60, keep_days=400)
        await store.first()
        tell("begun")
        for guest in [one.document for one in await store.everyone() if one.document.name.startswith("Guest")]:
            await store.remove(guest.id)
            tell("removed", guest.id)
        everyone = [one.document for one in await store.everyone()]

        async def personalities(number: int) -> None:
            who = everyone[number % len(everyone)]
            await store.change(who.id, lambda document: {**document, "greeting": f"{round_} {number}"})
            tell("greeting", who.id, round_, number)
            _, switches = await store.use(who.id)
            tell("switches", switches)
            new = await store.add({"name": f"Guest {round_} {number}"})
            tell("added", new.document.id)
            await store.remove(new.document.id)
            tell("removed", new.document.id)

        async def characters(number: int) -> None:
            await quota.reserve("google", "neural2", 1 + number % 7, 10**12)
            tell("characters", 1 + number % 7)

        async def uses(number: int) -> None:
            who = everyone[number % len(everyone)]
            speaker = Personality(who.name, id=who.id, tenant="default")
            statistics.record(Use("tts", "piper", Outcome.DONE, speaker, latency_ms=50.0, audio_s=1.0, characters=10))
            await statistics.write()
            tell("uses", 1)

        async def sounds(number: int) -> None:
            name = round_ * 1_000_000 + number
            await files.put(key_of(name), sound(name * 7), "piper")
            tell("sound", name)

        async def same_sounds(number: int) -> None:
            key = key_of(number % OVERWRITTEN)
            (folder / "speech" / key[:2] / f"{key}.wav").unlink(missing_ok=True)  # else what is there stays
            await files.put(key, sound(dice.randrange(10**6)), "piper")

        async def many_rows(number: int) -> None:
            await database.write(lambda db: change_all(db, round_ * 1_000_000 + number))
            tell("rows", round_ * 1_000_000 + number)

        async with asyncio.TaskGroup() as group:
            for what in (personalities, characters, uses, sounds, same_sounds, many_rows):
                group.create_task(_for_ever(what), name=what.__name__)


async def _for_ever(what: Callable[[int], Awaitable[None]]) -> None:
    number = 0
    while True:
        number += 1
        await what(number)


def main() -> None:
    """Importing takes long, so it is done once for all writers."""
    folder = Path(sys.argv[1])
    for line in sys.stdin:
        if not (pid := os.fork()):
            try:
                asyncio.run(write(folder, int(line)))
            finally:
                os._exit(1)
        tell("writer", pid)
        _, status = os.waitpid(pid, 0)
        tell("dead", -os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
