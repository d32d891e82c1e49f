"""Real engines whose threads hang are replaced while the program goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from assistant.caretaker import Caretaker, Gauges
from assistant.parts import Parts
from assistant.upkeep import wards
from assistant.upkeep_section import UpkeepSection
from benchmarks.plain_models import resources
from pipeline.audio import LISTENING_RATE_HZ, silence
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.events import EventFeed
from pipeline.fallback import FallbackVoice
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.on_demand import OnDemandSynthesizer, OnDemandTranscriber
from pipeline.protocols import Synthesizer
from pipeline.routing import SpeechRouter
from pipeline.speech import Voice
from providers import model_worker, registry
from tests.contracts.synthesizer import said
from tests.pipeline.scene import Clock

pytestmark = pytest.mark.model

VOICE = Voice("en_US-kiosk-low", "en")


def made(stage: str, name: str, **values: Any) -> Any:
    return registry.create(stage, name, registry.settings_type(stage, name).model_validate(values), resources())


@pytest.fixture
def free() -> Iterator[threading.Event]:
    """What hangs goes on when it is set, so that no thread outlives the test."""
    event = threading.Event()
    yield event
    event.set()


async def wedged(name: str, free: threading.Event) -> asyncio.Future[Any]:
    """The thread of that name is in a call that does not end."""
    began = threading.Event()

    def hang() -> None:
        began.set()
        free.wait()

    (worker,) = [one for one in model_worker._workers if one.name == name and not one._closed]
    waiting = worker._post(hang, model_worker.Cancelled())
    await asyncio.sleep(0)
    assert began.wait(10)
    return waiting


async def test_voice_and_end_of_turn_that_hang_speak_and_judge_again(
    free: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_worker, "HOPELESS_S", 0.0)
    feed, clock = EventFeed(), Clock()
    async with (
        OnDemandSynthesizer(made("tts", "piper")) as voice,
        made("end_of_turn", "smart_turn") as detector,
    ):
        speaker = FallbackVoice(SpeechRouter([cast(Synthesizer, voice)]), CircuitBreaker(feed, clock), clock)
        recogniser = FallbackTranscriber([], CircuitBreaker(feed, clock), clock)
        nothing = cast(Any, None)
        parts = Parts(nothing, nothing, recogniser, speaker, *[nothing] * 5, detector)
        idle = asyncio.Event()
        idle.set()
        caretaker = Caretaker(
            UpkeepSection(), wards(parts), idle,
            stuck_workers=lambda _limit_s, _abandoned_s: model_worker.stuck_workers(0.0, 0.0),
            gauges=Gauges(lambda: None, lambda: None, lambda: None), stop_turn=idle.set, restart=pytest.fail,
            clock=clock,
        )  # fmt: skip
        for thread in ("tts-piper", "end-of-turn-smart_turn"):
            waiting = await wedged(thread, free)
            await caretaker.look()
            with pytest.raises(Exception, match="hung and was left behind"):
                await waiting
        async with asyncio.timeout(20):
            assert await said(voice, "Hello.", VOICE)
            assert 0 <= await detector.completion_probability(silence(1.0, LISTENING_RATE_HZ)) <= 1


def test_threads_are_called_as_wards_are() -> None:
    """One that is called otherwise would never be replaced."""
    assert made("stt", "faster_whisper")._worker.name == "stt-faster_whisper"
    recogniser = OnDemandTranscriber(made("stt", "faster_whisper"))
    assert recogniser.capabilities.name == "faster_whisper"
