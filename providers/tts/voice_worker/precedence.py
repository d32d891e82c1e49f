"""How the worker stands behind the daemon: it gets less of the processor, and is the first to go."""

from __future__ import annotations

import ctypes
import os
import signal
import stat
from contextlib import suppress
from pathlib import Path

OOM_SCORE = 500
"""Of 1000; where memory runs out, the kernel ends who has the highest first."""

_PR_SET_PDEATHSIG = 1


def step_back(nice: int) -> None:
    """Take ``nice`` steps back from the processor (as in nice(1)); be what the kernel ends before the daemon.

    Before any thread is started: on Linux each thread has its own place, which it hands on to those it starts.
    """
    with suppress(OSError):
        os.nice(nice)
    score = Path("/proc/self/oom_score_adj")
    with suppress(OSError, ValueError):
        if int(score.read_text(encoding="ascii")) < OOM_SCORE:
            score.write_text(str(OOM_SCORE), encoding="ascii")


def die_with_parent() -> None:
    """Also while native code holds the interpreter, so that no program stays on the card. Linux only."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def is_pipe(number: int) -> bool:
    """Whether a file descriptor is one that a parent holds the other end of."""
    try:
        mode = os.fstat(number).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
