"""From a start of the daemon to its end, so that an end without notice is seen at the next start."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlite_utils

MOST_RUNS = 200
"""Runs that are remembered."""

CRASHED = (
    "The run that began at {started_at} ended without notice between {seen_at} and now: it crashed or was killed. "
    "Whether the memory had run out tells the system's log: journalctl -k."
)

SWITCHED_OFF = (
    "The run that began at {started_at} ended without notice after {seen_at}: the machine lost its power, or was "
    "started again without stopping the assistant."
)


@dataclass(frozen=True, slots=True)
class Process:
    """A process as no other one of any machine is called."""

    boot: str
    """Linux's own name for the time since the machine was switched on; "" where there is none."""
    pid: int
    born: int
    """Clock ticks from the boot to its start, 0 where that is not known."""

    @classmethod
    def own(cls) -> Process:
        """This one."""
        return cls(boot_id(), os.getpid(), _born(os.getpid()))

    def lives(self) -> bool:
        """Whether it still runs on this machine."""
        return self.boot == boot_id() and _born(self.pid) == self.born != 0


def begin(db: sqlite_utils.Database, at: str, version: str) -> tuple[int, list[str]]:
    """Note that this process began. Its number, and what is to be told of those that ended without notice."""
    own, news = Process.own(), []
    open_runs = db.execute(
        "SELECT id, boot, pid, born, started_at, seen_at FROM runs WHERE ended_at IS NULL ORDER BY id"
    ).fetchall()
    for number, boot, pid, born, started_at, seen_at in open_runs:
        before = Process(boot, pid, born)
        if before != own and before.lives():  # another assistant works in the same folder
            continue
        same_boot = bool(boot) and boot == own.boot
        news.append((CRASHED if same_boot else SWITCHED_OFF).format(started_at=started_at, seen_at=seen_at))
        db.execute("UPDATE runs SET ended_at = seen_at, ended = 'without notice' WHERE id = ?", [number])
    row = db.execute(
        "INSERT INTO runs (boot, pid, born, version, started_at, seen_at, ended) VALUES (?, ?, ?, ?, ?, ?, '')"
        " RETURNING id",
        [own.boot, own.pid, own.born, version, at, at],
    ).fetchone()
    db.execute("DELETE FROM runs WHERE ended_at IS NOT NULL AND id <= ?", [row[0] - MOST_RUNS])
    return int(row[0]), news


def goes_on(db: sqlite_utils.Database, number: int, at: str) -> None:
    """It is still there."""
    db.execute("UPDATE runs SET seen_at = ?, ended_at = NULL, ended = '' WHERE id = ?", [at, number])


def end(db: sqlite_utils.Database, number: int, at: str, how: str) -> None:
    """It ended in order."""
    db.execute("UPDATE runs SET seen_at = ?, ended_at = ?, ended = ? WHERE id = ?", [at, at, how, number])


def last(db: sqlite_utils.Database, limit: int) -> list[dict[str, Any]]:
    """The last ones, newest first."""
    keys = ("version", "started_at", "seen_at", "ended_at", "ended", "boot", "pid", "born")
    found = db.execute(f"SELECT {', '.join(keys)} FROM runs ORDER BY id DESC LIMIT ?", [limit])  # noqa: S608 - our own names
    return [dict(zip(keys, row, strict=True)) for row in found.fetchall()]


def boot_id() -> str:
    """See ``Process.boot``."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _born(pid: int) -> int:
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return int(line.rpartition(")")[2].split()[19])  # proc(5): the name, in brackets, may hold anything
    except (OSError, ValueError, IndexError):
        return 0
