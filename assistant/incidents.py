"""What went wrong and what was done: the warnings and errors of the log, on their way to the incident log."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Self

MOST = 200
"""Incidents that are remembered in memory, and as many that wait to be written."""

LONGEST = 1000
"""Characters of one."""

OURS = ("assistant", "pipeline", "providers")
"""Whose messages are told: ours hold no words of customers, and say what to do."""


@dataclass(slots=True)
class Incident:
    """A line of the log."""

    at: str
    """ISO 8601, when it was logged last."""
    first_at: str
    """When it was logged for the first time in this row."""
    level: str
    """``info``, ``warning`` or ``error``."""
    part: str
    """The module that logged it."""
    message: str
    times: int
    """How often in a row."""

    def is_like(self, other: Incident) -> bool:
        """Whether both say the same."""
        return (self.level, self.part, self.message) == (other.level, other.part, other.message)


class Incidents(logging.Handler):
    """A context manager: it listens to the log in between. One for the process, whichever assistant runs in it."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now().astimezone()) -> None:
        super().__init__(logging.WARNING)
        self._now = now
        self._incidents: deque[Incident] = deque(maxlen=MOST)
        self._unwritten: deque[Incident] = deque(maxlen=MOST)
        self.run: int | None = None
        """Number of this process in the incident log, once it stands there."""

    def __enter__(self) -> Self:
        for name in OURS:
            logging.getLogger(name).addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        for name in OURS:
            logging.getLogger(name).removeHandler(self)
        self.close()

    def emit(self, record: logging.LogRecord) -> None:
        """Note it. Of an error's trace nothing is kept."""
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - a message that cannot be formatted must not end what logged it
            return
        self.note(record.levelname.lower(), record.name.rpartition(".")[2], message)

    def note(self, level: str, part: str, message: str) -> None:
        """Note what no line of the log tells."""
        assert self.lock is not None  # every handler has one
        at = self._now().isoformat(timespec="seconds")
        with self.lock:  # threads of models log, too
            for row in (self._incidents, self._unwritten):
                fold(row, Incident(at, at, level, part, message[:LONGEST], 1))

    def newest(self) -> list[dict[str, Any]]:
        """All of this process, newest first."""
        assert self.lock is not None
        with self.lock:
            return [asdict(one) for one in reversed(self._incidents)]

    def take(self) -> list[Incident]:
        """Those that nobody took yet, oldest first."""
        assert self.lock is not None
        with self.lock:
            taken = list(self._unwritten)
            self._unwritten.clear()
        return taken

    def give_back(self, taken: Sequence[Incident]) -> None:
        """They could not be written; of too many the oldest are lost."""
        assert self.lock is not None
        with self.lock:
            later = list(self._unwritten)
            self._unwritten.clear()
            for one in (*taken, *later):
                fold(self._unwritten, one)


def fold(row: deque[Incident], incident: Incident) -> None:
    """Add one; it is counted only where the last one says the same."""
    last = row[-1] if row else None
    if last is not None and last.is_like(incident):
        last.at, last.times = incident.at, last.times + incident.times
    else:
        row.append(replace(incident))
