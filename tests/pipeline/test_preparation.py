"""What is begun before a customer has finished, and what becomes of it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk, silence
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.conversation import Conversation
from pipeline.end_of_turn import EndOfTurn
from pipeline.errors import ProviderError
from pipeline.events import EventFeed
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.preparation import MOST, Account, Preparation, TurnTaking
from pipeline.speech import Transcript, Utterance
from tests.fakes.end_of_turn import ScriptedEndOfTurnDetector
from tests.fakes.stt import ScriptedTranscriber
from tests.pipeline.scene import WAKE_S, Clock, Scene

pytestmark = pytest.mark.unit


def so_far(end_s: float) -> Utterance:
    sound = AudioChunk(silence(end_s, LISTENING_RATE_HZ).pcm + 1000, LISTENING_RATE_HZ)
    return Utterance(sound, 0.0, end_s, end_s, end_s + 0.1)


class Customer:
    """Speaks to somebody whose recogniser is scripted."""

    def __init__(self, group: asyncio.TaskGroup, detector: ScriptedEndOfTurnDetector | None = None) -> None:
        self.clock, self.account = Clock(), Account()
        self.recogniser = ScriptedTranscriber(["What time do you close?"])
        health = CircuitBreaker(EventFeed(), self.clock)
        listens = FallbackTranscriber([self.recogniser], health, self.clock)
        self.taking = TurnTaking(
            EndOfTurn(detector=detector),
            lambda utterance: Preparation(utterance, listens, group),
            self.clock,
            self.account,
        )

    async def pauses(self, end_s: float, silence_s: float = 0.1) -> None:
        await self.taking.paused(so_far(end_s), silence_s, 0.0)
        for _ in range(20):
            await asyncio.sleep(0)


VOID: list[Callable[[TurnTaking], object]] = [
    lambda taking: taking.resumed(),
    lambda taking: taking.drop(),
    lambda taking: taking.question(so_far(2.0)).prepared.drop(),
]


@pytest.mark.parametrize("void", VOID, ids=["goes on", "leaves", "ends elsewhere"])
async def test_what_was_begun_in_vain_is_stopped(void: Callable[[TurnTaking], object]) -> None:
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:  # it ends with its tasks
        customer = Customer(group)
        customer.recogniser.hangs = True
        await customer.pauses(1.0)
        assert len(customer.recogniser.heard) == 1
        void(customer.taking)


async def test_only_what_is_the_whole_is_used() -> None:
    async with asyncio.TaskGroup() as group:
        customer = Customer(group)
        await customer.pauses(1.0)
        whole = customer.taking.question(so_far(2.0)).prepared
        assert whole.utterance.speech_end_s == 2.0
        assert isinstance(await whole.result(), Transcript)
        assert [one.speech_end_s for one in customer.recogniser.heard] == [1.0, 2.0]


async def test_what_was_begun_is_counted_and_what_of_it_was_in_vain() -> None:
    async with asyncio.TaskGroup() as group:
        customer = Customer(group)
        await customer.pauses(1.0)
        customer.taking.resumed()
        await customer.pauses(2.0)
        await customer.taking.question(so_far(2.0)).prepared.result()
        assert (customer.account.begun, customer.account.used) == (2, 1)


async def test_a_stammer_does_not_keep_the_machine_busy() -> None:
    async with asyncio.TaskGroup() as group:
        customer = Customer(group)
        for number in range(3 * MOST):
            await customer.pauses(1.0 + number)
            customer.taking.resumed()
        assert customer.account.begun == len(customer.recogniser.heard) == MOST


async def test_what_failed_in_vain_is_told_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async with asyncio.TaskGroup() as group:
        customer = Customer(group)
        customer.recogniser.fails = [ProviderError("Out of memory.")]
        await customer.pauses(1.0)
        customer.taking.resumed()
    del customer
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_what_failed_is_raised_where_it_is_wanted() -> None:
    async with asyncio.TaskGroup() as group:
        customer = Customer(group)
        customer.recogniser.fails = [ProviderError("Out of memory.")]
        await customer.pauses(1.0)
        with pytest.raises(ProviderError):
            await customer.taking.question(so_far(1.0)).prepared.result()


async def test_a_question_about_a_pause_that_was_not_the_end_delays_nothing() -> None:
    async with asyncio.TaskGroup() as group:
        detector = ScriptedEndOfTurnDetector(lambda _: spent())
        customer = Customer(group, detector)

        def spent() -> float:
            customer.clock.s += 0.05
            return 0.0

        await customer.pauses(1.0, 0.2)
        assert customer.taking.question(so_far(1.0)).heard_by_s == pytest.approx(customer.clock.s - 0.05)
        customer.taking.resumed()
        assert customer.taking.question(so_far(1.0)).heard_by_s == pytest.approx(customer.clock.s)


@pytest.mark.parametrize("when", ["it thinks", "it listens"])
async def test_whoever_presses_stop_is_not_kept_waiting_by_a_recogniser_that_hangs(when: str, tmp_path: Path) -> None:
    end_s = 1.0 + WAKE_S + 0.4 + 1.0

    def stop(conversation: Conversation) -> None:
        """While it thinks no audio time passes, so that the press comes by the clock."""
        if when == "it listens":
            conversation.stop_now()
        else:
            asyncio.get_running_loop().call_later(0.2, conversation.stop_now)

    customer = [(1.0, "silence"), (WAKE_S, "wake"), (0.4, "silence"), (1.0, "speak"), (3.0, "silence")]
    scene = Scene(customer, tmp_path, recogniser_hangs=True, end_of_turn=EndOfTurn(), cues=[(end_s + 0.4, stop)])
    async with asyncio.timeout(10):
        events = await scene.play()
    assert [event["event"] for event in events][-2:] == ["turn_end", "listening"]
    assert len(scene.transcriber.heard) == 1
