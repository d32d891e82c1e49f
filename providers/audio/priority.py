"""Real-time priority for the threads that hand sound over, where this user may have it."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

PRIORITY = 5
"""From 1 to 99: before all ordinary threads, and after those of a sound server."""


def become_urgent() -> bool:
    """Give the calling thread real-time priority; whether that was permitted (``LimitRTPRIO=`` of a systemd unit).

    Programs that it starts do not inherit it.
    """
    if not hasattr(os, "sched_setscheduler") or threading.current_thread() is threading.main_thread():
        return False  # the program's own thread has more to do than sound
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
        return True
    return False
