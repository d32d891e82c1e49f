"""Every provider × every fault × first, in the middle and last: a customer always hears something, and soon enough."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest

from pipeline.circuit_breaker import FINAL_REST_S, LONGEST_REST_S
from pipeline.errors import ProviderError
from pipeline.on_demand import OnDemandSynthesizer
from pipeline.protocols import Synthesizer
from tests.contracts.synthesizer import SynthesizerContract
from tests.fakes.synthesizer import CHARACTER_S, ScriptedSynthesizer
from tests.faults.bad_days import FAULTS
from tests.faults.kiosk import ANSWER, LIMIT_S, RECORDED, Answer, Kiosk
from tests.faults.line_ups import ENGINE_S, FLAGS, LINE_UPS, LineUp, stand_in
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit

ANSWER_S = CHARACTER_S * sum(map(str.isalpha, ANSWER))
PLACES = {"first": 0, "in the middle": 1, "last": 2}
IN_TIME_S = LIMIT_S + ENGINE_S + 0.01
"""The time limit and one engine's own time."""


class OnDemandContract(SynthesizerContract):
    name: str

    def opened(self) -> AbstractAsyncContextManager[Synthesizer]:
        engine = stand_in(self.name)
        engine.first_chunk_s = 0.0
        return OnDemandSynthesizer(engine)


class TestPiperStandIn(OnDemandContract):
    name = "piper"


class TestXttsStandIn(OnDemandContract):
    name = "xtts_v2"


class TestPocketStandIn(OnDemandContract):
    name = "pocket_tts"


class TestGoogleStandIn(OnDemandContract):
    name = "google_tts"


class TestEspeakStandIn(OnDemandContract):
    name = "espeak_ng"


class TestThirdPartyStandIn(OnDemandContract):
    name = "acme"


def kiosk_of(line_up: LineUp, engines: list[ScriptedSynthesizer]) -> Kiosk:
    return Kiosk(engines, line_up.personality, cloud=line_up.cloud)


@pytest.mark.parametrize(("provider", "place"), LINE_UPS)
def test_the_router_puts_each_where_the_matrix_says(provider: str, place: int) -> None:
    line_up = LINE_UPS[provider, place]
    order = [route.provider for route in kiosk_of(line_up, line_up.engines()).routes]
    assert tuple(dict.fromkeys(order)) == line_up.names
    assert line_up.names[place] == provider


def check(answer: Answer, provider: str, *, longest_wait_s: float = IN_TIME_S) -> None:
    """The customer heard a whole answer of somebody, or the recording, in time."""
    assert answer.provider == provider
    expected_s = RECORDED["en"].duration_s if provider == "recording" else ANSWER_S
    assert answer.heard_s >= expected_s - 0.01
    assert answer.longest_wait_s <= longest_wait_s
    assert answer.events[-1]["event"] == "turn_end"
    assert answer.events[-1]["response_ms"] is not None
    assert answer.trail()[-1] == (provider, None)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("provider", FLAGS)
@in_virtual_time
async def test_a_customer_always_hears_something(provider: str, fault: str, place: str) -> None:
    """Those before the provider in question are down all the time, or else it would not be asked."""
    line_up, bad_day = LINE_UPS[provider, PLACES[place]], FAULTS[fault]
    engines = line_up.engines()
    for engine in engines[: PLACES[place]]:
        engine.fails_after, engine.error = 0, ProviderError("down")
    faulty = engines[PLACES[place]]
    bad_day.begin(faulty)
    stands_in = "recording" if place == "last" else line_up.names[PLACES[place] + 1]

    async with kiosk_of(line_up, engines) as kiosk:
        first = await kiosk.ask()
        check(first, stands_in)
        assert (provider, bad_day.code) in first.trail()
        assert first.states(provider) == ["failing"]
        assert (first.speaking()[0]["provider"] == provider) is bad_day.begins_to_speak

        asked = len(faulty.said) + faulty.entered
        soon = await kiosk.ask()
        check(soon, stands_in)
        if place != "last":
            assert len(faulty.said) + faulty.entered == asked, "it rests"
            assert (provider, "resting") in soon.trail()
            assert soon.longest_wait_s <= ENGINE_S + 0.01, "nobody waits for it"

        bad_day.end(faulty)
        await asyncio.sleep(FINAL_REST_S + LONGEST_REST_S + 1.0)  # and its other voices are forgotten
        later = await kiosk.ask()
        check(later, provider)
        assert later.states(provider) == ["ok"]
        assert later.longest_wait_s <= ENGINE_S + 0.01


@pytest.mark.parametrize("fault", FAULTS)
@in_virtual_time
async def test_it_comes_back_as_soon_as_its_rest_is_over(fault: str) -> None:
    """No later than 40 s after a fault that was mended at once, and no customer pays for a try before."""
    line_up = LINE_UPS["piper", 0]
    engines = line_up.engines()
    FAULTS[fault].begin(engines[0])
    async with kiosk_of(line_up, engines) as kiosk:
        await kiosk.ask()
        FAULTS[fault].end(engines[0])
        await asyncio.sleep(41.0 if fault != "opens slowly" else 200.0)
        assert (await kiosk.ask()).provider == "piper"


@pytest.mark.parametrize("hanging", [1, 2, 3, 4])
@in_virtual_time
async def test_each_further_engine_that_hangs_costs_a_quarter_of_the_limit(hanging: int) -> None:
    line_up = LINE_UPS["xtts_v2", 0]
    names = ["xtts_v2", "piper", "acme", "google_tts", "espeak_ng"]
    engines = [stand_in(name) for name in names]
    for engine in engines[:hanging]:
        engine.hangs_after = 0
    async with kiosk_of(line_up, engines) as kiosk:
        answer = await kiosk.ask()
    limit_s = LIMIT_S * (1 + 0.25 * (hanging - 1)) + ENGINE_S + 0.01
    check(answer, names[hanging], longest_wait_s=limit_s)
    assert answer.longest_wait_s <= 2 * LIMIT_S


@pytest.mark.parametrize("after", range(1, 9))
@in_virtual_time
async def test_wherever_a_sentence_breaks_off_it_is_said_again_whole(after: int) -> None:
    line_up = LINE_UPS["piper", 0]
    engines = line_up.engines()
    engines[0].fails_after = after
    async with kiosk_of(line_up, engines) as kiosk:
        answer = await kiosk.ask()
    broke_off = after < 8
    assert [event["provider"] for event in answer.speaking()] == (["piper", "google_tts"] if broke_off else ["piper"])
    assert answer.heard_s == pytest.approx(ANSWER_S + (0.1 * after if broke_off else 0.0), abs=0.01)
