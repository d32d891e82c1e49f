"""Notices when somebody sets the wall clock: dates in figures and opening hours depend on it, waiting times do not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

log = logging.getLogger(__name__)

JUMP_S = 60.0
"""Seconds from which it is told; a time server moves a clock by less, again and again."""

EARLIEST_S = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""Unix seconds before which no clock can be right: this program did not exist."""


class ClockWatch:
    """Compares the wall clock with one that never jumps."""

    def __init__(self, steady: Callable[[], float], wall: Callable[[], float]) -> None:
        """``steady`` gives seconds, ``wall`` Unix seconds."""
        self._steady = steady
        self._wall = wall
        self._ahead_s = wall() - steady()
        self._tell_if_impossible()

    def look(self) -> None:
        """Log a jump since the last look."""
        ahead_s = self._wall() - self._steady()
        jump_s = ahead_s - self._ahead_s
        self._ahead_s = ahead_s
        if abs(jump_s) < JUMP_S:
            return
        way = "forward" if jump_s > 0 else "back"
        log.warning("The clock was set %s by %s, or the machine slept.", way, _length(abs(jump_s)))
        self._tell_if_impossible()

    def _tell_if_impossible(self) -> None:
        if self._wall() < EARLIEST_S:
            log.warning(
                "The clock of this machine says %s: opening hours and dates are wrong until it is set. "
                "Is it connected to a time server (timedatectl)?",
                datetime.fromtimestamp(self._wall(), UTC).date().isoformat(),
            )


def _length(seconds: float) -> str:
    for unit, length_s in (("days", 86400.0), ("hours", 3600.0)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return f"{seconds / 60:.0f} minutes"
