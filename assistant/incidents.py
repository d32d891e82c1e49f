"""What went wrong lately and what was done: the warnings and errors of the log, for the panel."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

MOST = 200
"""Incidents that are remembered, in memory only."""

LONGEST = 1000
"""Characters of one."""

OURS = ("assistant", "pipeline", "providers")
"""Whose messages are told: ours hold no words of customers, and say what to do."""


@dataclass(slots=True)
class Incident:
    """A line of the log."""

    at: str
    """ISO 8601, when it was logged last."""
    level: str
    """``warning`` or ``error``."""
    part: str
    """The module that logged it."""
    message: str
    times: int
    """How often in a row."""


class Incidents(logging.Handler):
    """A context manager: it listens to the log in between."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now().astimezone()) -> None:
        super().__init__(logging.WARNING)
        self._now = now
        self._incidents: deque[Incident] = deque(maxlen=MOST)

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
            message = record.getMessage()[:LONGEST]
        except Exception:  # noqa: BLE001 - a message that cannot be formatted must not end what logged it
            return
        at = self._now().isoformat(timespec="seconds")
        level, part = record.levelname.lower(), record.name.rpartition(".")[2]
        last = self._incidents[-1] if self._incidents else None
        if last is not None and (last.level, last.part, last.message) == (level, part, message):
            last.at, last.times = at, last.times + 1
        else:
            self._incidents.append(Incident(at, level, part, message, 1))

    def newest(self) -> list[dict[str, Any]]:
        """All, newest first."""
        assert self.lock is not None  # every handler has one
        with self.lock:  # threads of models log, too
            return [asdict(one) for one in reversed(self._incidents)]
