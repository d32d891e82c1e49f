"""Token buckets over a long time and for very many callers."""

from __future__ import annotations

import pytest

from assistant.access import rates
from assistant.access.rates import Rate, Rates
from tests.assistant.storage.disks import Clock

pytestmark = pytest.mark.unit

TEN_A_MINUTE = Rate(per_s=10 / 60, burst=10)


def test_who_never_stops_trying_gets_no_more_than_the_rate() -> None:
    clock = Clock()
    signs_in = Rates(TEN_A_MINUTE, clock)
    let_in = 0
    for _ in range(36_000):
        let_in += signs_in.allow("a") is None
        clock.s += 0.1
    assert 600 <= let_in <= 610


def test_who_waits_as_long_as_he_was_told_is_let_in() -> None:
    clock = Clock()
    requests = Rates(Rate(per_s=0.3, burst=2), clock)
    for time_s in (1000.1, 12_345.678, 3.2e7):
        clock.s = time_s
        while (wait_s := requests.allow("a")) is None:
            pass
        clock.s += wait_s / 2
        assert requests.allow("a") == pytest.approx(wait_s / 2)  # being refused costs nothing
        clock.s += wait_s / 2 + 1e-6
        assert requests.allow("a") is None


def test_the_busy_are_not_forgotten_for_the_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else somebody with many addresses could have his own tries forgotten, and those of others."""
    monkeypatch.setattr(rates, "MOST_CALLERS", 100)
    signs_in = Rates(Rate(per_s=1e-6, burst=1), Clock())
    assert signs_in.allow("busy") is None
    for number in range(1_000):
        assert signs_in.allow(f"address {number}") is None
        if number % 50 == 0:
            assert signs_in.allow("busy") is not None
    assert len(signs_in._buckets) == 100
