"""Killed a hundred times while everything is written: nothing acknowledged is lost, nothing torn is served."""

from __future__ import annotations

import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
import sqlite_utils

from assistant.personalities.store import PersonalityStore
from assistant.storage.database import Database
from tests.assistant.storage.busy_writer import OVERWRITTEN, audio_files, is_whole, key_of, sound
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

ROUNDS = 100
OPENING_S = 0.06
"""Of the clock: killed within that time from its birth, many a writer is still opening the database."""

MOST_LINES = 30
"""What the others say before they are killed, a moment later. Counted, so that it is no less on a slow machine."""

MOMENT_S = 0.01
PATIENCE_S = 30.0


class Writers:
    """Makes one writer after the other and kills it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._orders, self._told = process.stdin, process.stdout.fileno()
        self._rest = b""

    def life(self, round_: int, least_lines: int, length_s: float) -> list[list[str]]:
        """What a writer said that was killed after so many lines (of words) and that time."""
        self._orders.write(b"%d\n" % round_)
        self._orders.flush()
        lines: list[list[str]] = []
        give_up_at = time.monotonic() + PATIENCE_S
        while len(lines) < 1 + least_lines:
            lines += self._read(PATIENCE_S)
            assert time.monotonic() < give_up_at, f"it said no more than {lines}"
        kind, pid = lines.pop(0)
        assert kind == "writer"
        end = time.monotonic() + length_s
        while (left_s := end - time.monotonic()) > 0:
            lines += self._read(left_s)
        os.kill(int(pid), signal.SIGKILL)
        while not lines or lines[-1][0] != "dead":
            lines += self._read(PATIENCE_S)
        assert lines.pop() == ["dead", str(int(signal.SIGKILL))], "it did not die by itself"
        return lines

    def _read(self, longest_s: float) -> list[list[str]]:
        if not select.select([self._told], [], [], longest_s)[0]:
            return []
        more = os.read(self._told, 1 << 16)
        assert more, "the program that makes writers has ended"
        *lines, self._rest = (self._rest + more).split(b"\n")
        return [line.decode().split() for line in lines]


@contextmanager
def writers(folder: Path) -> Iterator[Writers]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.assistant.storage.busy_writer", str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
    ) as process:  # fmt: skip
        try:
            yield Writers(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


class Account:
    """What must be in the database."""

    def __init__(self) -> None:
        self.greetings: dict[str, tuple[int, int]] = {}
        """The last one acknowledged by personality, as (round, number)."""
        self.switches = self.characters = self.uses = self.rows = 0
        self.added: set[str] = set()
        self.removed: set[str] = set()
        self.sounds: list[int] = []

    def take(self, lines: list[list[str]]) -> None:
        for kind, *words in lines:
            match kind:
                case "greeting":
                    self.greetings[words[0]] = (int(words[1]), int(words[2]))
                case "switches":
                    self.switches = int(words[0])
                case "added":
                    self.added.add(words[0])
                case "removed":
                    self.removed.add(words[0])
                case "characters":
                    self.characters += int(words[0])
                case "uses":
                    self.uses += int(words[0])
                case "rows":
                    self.rows = int(words[0])
                case "sound":
                    self.sounds.append(int(words[0]))

    def settle(self, characters: int, uses: int, switches: int, present: set[str]) -> None:
        """What the last writer did without having time to say so, at most one of each kind, was done too."""
        assert self.characters <= characters <= self.characters + 7
        assert self.uses <= uses <= self.uses + 1
        assert self.switches <= switches <= self.switches + 1
        gone = self.added - self.removed - present
        assert len(gone) <= 1
        assert not self.removed & present
        self.characters, self.uses, self.switches = characters, uses, switches
        self.removed |= gone


async def check(folder: Path, account: Account, sounds: list[int]) -> None:
    """The database right after a writer's death, before anybody has opened it again."""
    with closing(sqlite3.connect(folder / "assistant.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    async with Database(folder / "assistant.db") as database:
        assert database.problem is None
        stored, switches, _ = await PersonalityStore(database, "default").state()
        characters, uses = await database.read(sums)
        changed = await database.read(many_rows)
        assert len(changed) <= 1, "all of one transaction or nothing of it"
        assert account.rows <= max(changed, default=0)
        by_id = {one.document.id: one.document for one in stored}
        account.settle(characters, uses, switches, set(by_id))
        for who, acknowledged in account.greetings.items():
            round_, number = map(int, by_id[who].greeting.split())
            assert (round_, number) >= acknowledged
        assert not [problem for one in stored for problem in one.problems]
        files = audio_files(database, folder)
        for name in sounds:
            audio = await files.get(key_of(name))
            assert audio is not None, f"the sound {name} was acknowledged"
            assert np.array_equal(audio.pcm, sound(name * 7).pcm)
        served = [await files.get(key_of(number)) for number in range(OVERWRITTEN)]
        assert all(is_whole(audio) for audio in served if audio is not None)


def many_rows(db: sqlite_utils.Database) -> set[int]:
    """What stands in the rows that are changed together."""
    return {int(ema) for (ema,) in db.execute("SELECT ema_ms FROM provider_latency WHERE provider = 'many rows'")}


def sums(db: sqlite_utils.Database) -> tuple[int, int]:
    """Characters and uses, as they stand in the database."""
    return tuple(
        db.execute(f"SELECT coalesce(sum({column}), 0) FROM {table}").fetchone()[0]
        for column, table in (("characters", "cloud_usage"), ("requests", "usage_by_day"))
    )


async def test_killed_a_hundred_times(tmp_path: Path) -> None:
    dice, account = random.Random(3), Account()
    acknowledged: Counter[str] = Counter()
    with writers(tmp_path) as maker:
        for round_ in range(1, ROUNDS + 1):
            early = round_ % 4 == 0
            least_lines, longest_s = (0, OPENING_S) if early else (dice.randint(1, MOST_LINES), MOMENT_S)
            lines = maker.life(round_, least_lines, dice.uniform(0, longest_s))
            before = len(account.sounds)
            account.take(lines)
            acknowledged.update(kind for kind, *_ in lines)
            await check(tmp_path, account, account.sounds[before:])
    await check(tmp_path, account, account.sounds)
    assert set(acknowledged) == {
        "begun", "greeting", "switches", "added", "removed", "characters", "uses", "sound", "rows",
    }  # fmt: skip
    assert min(acknowledged.values()) > ROUNDS // 3, acknowledged
