"""How long a provider rests, and what is told about it."""

from __future__ import annotations

import pytest

from pipeline.circuit_breaker import FINAL_REST_S, FIRST_REST_S, LONGEST_REST_S, CircuitBreaker
from pipeline.errors import ModelMissing, ProviderError, ProviderMissing, ProviderTimeout, QuotaExceeded
from pipeline.events import EventFeed
from tests.pipeline.scene import Clock

pytestmark = pytest.mark.unit

SHORT = ProviderError("busy")


class Ward:
    """A breaker, its clock and what it told."""

    def __init__(self) -> None:
        self.clock, self.told = Clock(), list[tuple[str, str, str]]()
        feed = EventFeed()
        feed.subscribe(
            lambda record: self.told.append(tuple(record.as_dict()[k] for k in ("provider", "state", "reason")))
        )
        self.health = CircuitBreaker(feed, self.clock)

    def rest_s(self, provider: str = "piper", part: str = "") -> float:
        """How long it still rests, to a tenth of a second."""
        began_s, tenths = self.clock.s, 0
        while self.health.resting(provider, part):
            tenths += 1
            self.clock.s = began_s + tenths / 10
        self.clock.s = began_s
        return tenths / 10

    def wait(self, duration_s: float) -> None:
        self.clock.s += duration_s


@pytest.fixture
def ward() -> Ward:
    return Ward()


def test_nobody_rests_at_first(ward: Ward) -> None:
    assert not ward.health.resting("piper")
    assert not ward.health.failing("piper")


def test_rests_grow_up_to_a_limit(ward: Ward) -> None:
    rests = []
    for _ in range(9):
        ward.health.failed("piper", SHORT)
        rests.append(ward.rest_s())
        ward.wait(rests[-1])
    assert rests[:3] == [FIRST_REST_S, 2 * FIRST_REST_S, 4 * FIRST_REST_S]
    assert rests[-2:] == [LONGEST_REST_S, LONGEST_REST_S]


@pytest.mark.parametrize(
    ("error", "rest_s"),
    [
        (SHORT, FIRST_REST_S),
        (ProviderTimeout("slow"), FIRST_REST_S),
        (ZeroDivisionError(), FIRST_REST_S),
        (MemoryError(), FIRST_REST_S),
        (ProviderError("401", retryable=False), FINAL_REST_S),
        (ProviderMissing("no package"), FINAL_REST_S),
        (QuotaExceeded("spent"), FINAL_REST_S),
        (ModelMissing("no file"), FINAL_REST_S),
    ],
)
def test_what_will_not_go_away_by_itself_rests_longer(ward: Ward, error: Exception, rest_s: float) -> None:
    ward.health.failed("piper", error)
    assert ward.rest_s() == rest_s


def test_who_is_asked_while_it_rests_need_not_rest_longer_for_it(ward: Ward) -> None:
    """For want of others it is asked again and again; it must come back soon after its fault ends."""
    for _ in range(20):
        ward.health.failed("piper", SHORT)
        ward.wait(1.0)
    assert ward.rest_s() == FIRST_REST_S - 1.0


def test_success_ends_the_rest_and_forgets_how_long_it_was(ward: Ward) -> None:
    ward.health.failed("piper", SHORT)
    ward.wait(FIRST_REST_S)
    ward.health.failed("piper", SHORT)
    ward.health.worked("piper")
    assert not ward.health.resting("piper")
    ward.health.failed("piper", SHORT)
    assert ward.rest_s() == FIRST_REST_S


def test_providers_rest_for_themselves(ward: Ward) -> None:
    ward.health.failed("piper", SHORT, "ryan")
    assert ward.health.resting("piper", "amy"), "another voice of it would fail in the same way"
    assert not ward.health.resting("google_tts", "ryan")


def test_what_concerns_one_voice_leaves_the_others_at_work(ward: Ward) -> None:
    ward.health.failed("piper", ModelMissing("no file"), "ryan")
    assert ward.health.resting("piper", "ryan")
    assert not ward.health.resting("piper", "amy")
    assert not ward.health.resting("piper")
    assert ward.health.failing("piper")
    assert ward.health.failing("piper", "ryan")
    assert not ward.health.failing("piper", "amy")


def test_a_voice_that_works_does_not_mend_another_one(ward: Ward) -> None:
    ward.health.failed("piper", ModelMissing("no file"), "ryan")
    ward.health.worked("piper", "amy")
    assert ward.health.resting("piper", "ryan")
    assert [state for _, state, _ in ward.told] == ["failing"]
    ward.health.worked("piper", "ryan")
    assert [state for _, state, _ in ward.told] == ["failing", "ok"]


def test_a_voice_that_nobody_asks_for_any_more_is_forgotten(ward: Ward) -> None:
    """Else a provider would count as failing for ever after a personality changed its voice."""
    ward.health.failed("piper", ModelMissing("no file"), "ryan")
    ward.wait(FINAL_REST_S + LONGEST_REST_S + 1)
    assert ward.health.failing("piper")
    ward.health.worked("piper", "amy")
    assert not ward.health.failing("piper")
    assert [state for _, state, _ in ward.told] == ["failing", "ok"]


def test_each_change_is_told_once(ward: Ward) -> None:
    ward.health.worked("piper")
    assert ward.told == []
    for error in (SHORT, SHORT, ModelMissing("no file"), ProviderMissing("no package")):
        ward.health.failed("piper", error, "ryan")
    assert ward.told == [("piper", "failing", "busy")]
    ward.health.worked("piper", "ryan")
    ward.health.worked("piper", "ryan")
    assert ward.told == [("piper", "failing", "busy"), ("piper", "ok", "works again")]


def test_foreign_errors_are_told_without_their_words(ward: Ward, caplog: pytest.LogCaptureFixture) -> None:
    ward.health.failed("piper", ValueError("where is the cheese"))
    assert "cheese" not in ward.told[0][2] + caplog.text
