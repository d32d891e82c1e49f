"""How much memory this process uses, in megabytes of 10^6 bytes, and the limit of it."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from pathlib import Path
from typing import Any

WATCH_S = 0.2
"""Seconds of the clock between two looks."""

LEEWAY = 1.25
"""A request beyond so many times the limit is refused; less ends the program, and its memory is free again."""


def used_mb() -> int:
    """Of the machine; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 1_000_000


def held_mb() -> int:
    """Of the machine, swapped out or not, without what it could read again from files (a model's, while it loads)."""
    found = _status()
    return sum(found.get(name, 0) for name in ("RssAnon", "RssShmem", "VmSwap")) // 1_000_000


def used_on_card_mb() -> int:
    """Of the card, as far as torch has asked for it; torch is not loaded for the question."""
    torch: Any = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not getattr(cuda, "is_initialized", lambda: False)():
        return 0
    return int(cuda.memory_reserved()) // 1_000_000


def refuse_beyond(most_mb: int) -> None:
    """From now on, requests far beyond the limit fail like those of a full machine, and who asked can be told.

    Not for a process that uses a card: CUDA asks for far more than it ever uses.
    """
    found = _status()
    unused = max(0, found.get("VmData", 0) - found.get("RssAnon", 0))
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    most = round(LEEWAY * most_mb * 1_000_000) + unused
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


async def exceeded(most_mb: int) -> int:
    """Wait until more than that is held; how much it is."""
    while (held := held_mb()) <= most_mb:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(WATCH_S)
    return held


def _status() -> dict[str, int]:
    """Sizes in bytes by name, as in proc_pid_status(5); empty where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    words = [line.split() for line in lines]
    return {one[0].rstrip(":"): int(one[1]) * 1024 for one in words if len(one) == 3 and one[2] == "kB"}
