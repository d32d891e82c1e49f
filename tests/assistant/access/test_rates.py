"""Token buckets: a burst, then so many a second, each caller for itself, with bounded memory."""

from __future__ import annotations

import pytest

from assistant.access import rates
from assistant.access.rates import Rate, Rates
from tests.pipeline.scene import Clock

pytestmark = pytest.mark.unit


def test_a_burst_is_allowed_and_then_so_many_a_second() -> None:
    clock = Clock()
    buckets = Rates(Rate(per_s=2, burst=3), clock)
    assert [buckets.allow("a") for _ in range(4)] == [None, None, None, 0.5]
    clock.s += 0.5
    assert [buckets.allow("a") for _ in range(2)] == [None, 0.5]
    assert buckets.allow("b") is None
    clock.s += 100
    assert [buckets.allow("a") for _ in range(4)] == [None, None, None, 0.5]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST_CALLERS", 3)
    buckets = Rates(Rate(per_s=1, burst=1), Clock())
    for caller in "abcda":
        assert buckets.allow(caller) is None, "a was forgotten, as the one seen longest ago"
    assert buckets.allow("d") is not None
