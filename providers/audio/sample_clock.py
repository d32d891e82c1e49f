"""When a device's samples pass the air, as its callbacks tell."""

from __future__ import annotations

import threading
from collections import deque
from statistics import median

WINDOW = 64
"""Reports that are remembered: one or two seconds. Through a sound server single ones are off by ten milliseconds, and
after an interruption all are; the clocks of two devices drift apart by less than a millisecond a minute."""


class SampleClock:
    """From places in a stream to the clock. Reports may come from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._origins: deque[float] = deque(maxlen=WINDOW)

    def report(self, at_s: float, clock_s: float) -> None:
        """The sample at ``at_s`` (seconds of the stream) is in the air at ``clock_s``."""
        with self._lock:
            self._origins.append(clock_s - at_s)

    @property
    def origin_s(self) -> float | None:
        """Where on the clock the stream's first sample was or would have been in the air; None without a report."""
        with self._lock:
            origins = tuple(self._origins)
        return median(origins) if origins else None
