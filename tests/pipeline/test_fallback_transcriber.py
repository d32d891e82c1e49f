"""Several recognisers, one pair of ears."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.audio import from_float
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.errors import ModelMissing, ProviderError, ProviderTimeout
from pipeline.events import EventFeed
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.on_demand import OnDemandTranscriber
from pipeline.protocols import Transcriber
from pipeline.speech import NoSpeech, NoSpeechReason, Transcript, Utterance
from pipeline.usage import Outcome, Use
from tests.fakes.stt import ScriptedTranscriber
from tests.pipeline.scene import Clock, Scene

pytestmark = pytest.mark.unit

ASKED = Utterance(from_float(0.3 * np.sin(np.arange(16_000)), 16_000), 0.0, 1.0, 1.0, 1.7)


class Ledger:
    def __init__(self) -> None:
        self.uses: list[Use] = []

    def record(self, use: Use) -> None:
        self.uses.append(use)

    def outcomes(self) -> list[tuple[str, Outcome]]:
        return [(use.provider, use.outcome) for use in self.uses]


class Ears:
    """Recognisers with a clock and events."""

    def __init__(self, *transcribers: Transcriber) -> None:
        self.clock, self.ledger, feed = Clock(), Ledger(), EventFeed()
        self.events: list[dict[str, Any]] = []
        feed.subscribe(lambda record: self.events.append(record.as_dict()))
        health = CircuitBreaker(feed, self.clock, what="recogniser")
        self.transcriber = FallbackTranscriber(transcribers, health, self.clock, self.ledger)

    async def hear(self) -> str | NoSpeechReason:
        result = await self.transcriber.transcribe(ASKED)
        return result.reason if isinstance(result, NoSpeech) else f"{result.provider}: {result.text}"

    def states(self) -> list[tuple[str, str]]:
        return [(event["provider"], event["state"]) for event in self.events]


def recogniser(name: str, *fails: Exception, line: str | NoSpeechReason = "Hello.") -> ScriptedTranscriber:
    made = ScriptedTranscriber([line], name=name)
    made.fails = list(fails)  # type: ignore[arg-type]
    return made


async def test_the_first_one_hears() -> None:
    second = recogniser("second")
    ears = Ears(recogniser("first"), second)
    assert await ears.hear() == "first: Hello."
    assert not second.heard
    assert ears.ledger.outcomes() == [("first", Outcome.DONE)]
    assert ears.events == []


@pytest.mark.parametrize("error", [ProviderError("no"), ProviderTimeout("slow"), ModelMissing("gone"), MemoryError()])
async def test_the_next_one_hears_where_one_fails_and_it_comes_back(error: Exception) -> None:
    first = recogniser("first", error)
    ears = Ears(first, recogniser("second"))
    assert await ears.hear() == "second: Hello."
    assert ears.ledger.outcomes() == [("first", Outcome.FAILED), ("second", Outcome.DONE)]
    assert await ears.hear() == "second: Hello.", "it rests"
    ears.clock.s = 60.0
    assert await ears.hear() == "first: Hello."
    assert ears.states() == [("first", "failing"), ("first", "ok")]


async def test_one_at_rest_is_asked_when_no_other_can() -> None:
    ears = Ears(
        recogniser("first", ProviderError("no")), recogniser("second", ProviderError("no"), ProviderError("no"))
    )
    with pytest.raises(ProviderError, match=r"first \(provider\), second \(provider\)"):
        await ears.hear()
    assert await ears.hear() == "first: Hello."


async def test_that_nobody_spoke_is_an_answer() -> None:
    second = recogniser("second")
    ears = Ears(recogniser("first", line=NoSpeechReason.DOUBTFUL), second)
    assert await ears.hear() == NoSpeechReason.DOUBTFUL
    assert not second.heard
    assert ears.states() == []


async def test_to_be_cancelled_is_no_failure() -> None:
    first = recogniser("first")
    first.hangs = True
    ears = Ears(first, recogniser("second"))
    async with asyncio.TaskGroup() as group:
        hearing = group.create_task(ears.hear(), name="hearing")
        while not first.heard:
            await asyncio.sleep(0)
        hearing.cancel()
    first.hangs = False
    assert ears.ledger.outcomes() == [("first", Outcome.LEFT)]
    assert await ears.hear() == "first: Hello."


async def test_one_that_could_not_be_opened_works_as_soon_as_it_can() -> None:
    class Closed(ScriptedTranscriber):
        broken = True

        async def __aenter__(self) -> Closed:
            if self.broken:
                raise ModelMissing("not there")
            return self

        async def transcribe(self, utterance: Utterance) -> Transcript | NoSpeech:
            assert not self.broken
            return await super().transcribe(utterance)

    closed = Closed(["Hello."], name="first")
    async with OnDemandTranscriber(closed) as first:
        assert first.failure is not None
        ears = Ears(first, recogniser("second"))
        assert await ears.hear() == "second: Hello."
        closed.broken = False
        ears.clock.s = 60.0
        assert await ears.hear() == "first: Hello."


async def test_when_none_can_hear_the_customer_is_told(tmp_path: Path) -> None:
    customer = [(1, "silence"), (0.6, "wake"), (0.3, "silence"), (1.2, "speak"), (8, "silence")]
    scene = Scene(customer, tmp_path, recogniser_fails=[ProviderError("no")])
    events = await scene.play()
    assert [event["text"] for event in events if event["event"] == "speaking"] == ["Sorry."]
