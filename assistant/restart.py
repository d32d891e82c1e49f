"""Ends the assistant in order, so that it begins anew: with fresh memory, models, threads and devices."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading

log = logging.getLogger(__name__)

BEGIN_ANEW = 75
"""Exit code after which a service manager starts it again (sysexits.h: EX_TEMPFAIL)."""

WRONG_SETTINGS = 78
"""Exit code after which a service manager had better wait for somebody (sysexits.h: EX_CONFIG)."""

_asked = threading.Event()
"""Of this process; the settings, and all that is made of them, may have been exchanged since it started."""


def ask(reason: str = "Somebody asked for a restart.") -> None:
    """As if whoever started it had stopped it, and then started it again."""
    if not _asked.is_set():
        log.warning("%s", reason)
    _asked.set()
    signal.raise_signal(signal.SIGTERM)


def asked() -> bool:
    """Whether somebody asked for it."""
    return _asked.is_set()


def code_after(*, supervised: bool) -> int:
    """The exit code, once all is closed.

    Where a restart was asked for and nobody would start it again (``supervised``), this process becomes the new one.
    """
    if _asked.is_set() and not supervised:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ourselves
    return BEGIN_ANEW if _asked.is_set() else 0
