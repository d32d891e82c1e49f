"""How often somebody may do something: a token bucket for each caller."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST_CALLERS = 10_000
"""Callers that are remembered; the one seen longest ago is forgotten first."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How much is allowed."""

    per_s: float
    """Times a second, on average."""
    burst: float
    """Times at once, after a rest."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float


class Rates:
    """Counts by caller, with bounded memory."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` gives seconds and never jumps."""
        self._rate = rate
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def allow(self, caller: str) -> float | None:
        """Count once; None where that is allowed, else the seconds to wait."""
        bucket = self._bucket(caller)
        if bucket.left < 1:
            return (1 - bucket.left) / self._rate.per_s
        bucket.left -= 1
        return None

    def _bucket(self, caller: str) -> _Bucket:
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = _Bucket(self._rate.burst, self._clock())
            if len(self._buckets) > MOST_CALLERS:
                self._buckets.popitem(last=False)
        else:
            bucket.left, bucket.at_s = self._refilled(bucket), self._clock()
            self._buckets.move_to_end(caller)
        return bucket

    def _refilled(self, bucket: _Bucket) -> float:
        return min(self._rate.burst, bucket.left + (self._clock() - bucket.at_s) * self._rate.per_s)
