"""Every engine × every fault × every place in line: the customer hears something in time, the trail says why, and the
engine is back when the fault has ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pytest

from pipeline.audio import AudioChunk, from_float, silence
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.errors import ModelDamaged, ModelMissing, ProviderError, ProviderMissing
from pipeline.events import EventFeed
from pipeline.fallback import FallbackVoice
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.on_demand import OnDemandSynthesizer
from pipeline.routing import SpeechRouter
from pipeline.speech import Personality, Utterance, Voice, VoiceConfig
from pipeline.turn import Turn, TurnParts
from tests.fakes.agent import FakeAgent
from tests.fakes.audio import FakeSpeaker
from tests.fakes.stt import ScriptedTranscriber
from tests.fakes.synthesizer import ScriptedSynthesizer
from tests.virtual_time import in_virtual_time, now_s

pytestmark = pytest.mark.unit

LIMIT_S = 4.0
"""Time limit of a sentence."""

LONGEST_REST_S = 700.0
"""After that every engine is asked again."""

ENGINES = ["piper", "espeak_ng", "google_tts", "xtts_v2", "somebody_elses"]

APOLOGY = from_float(0.2 * np.sin(np.arange(16_000)), 16_000)


@dataclass
class Fault:
    """What is wrong with an engine."""

    code: str
    """What the trail says."""
    entering: Exception | None = None
    """It cannot be opened."""
    speaking: Exception | None = None
    """It fails before its first sound."""
    hangs_after: int | None = None
    """Chunks after which it says nothing more."""
    chunks: tuple[AudioChunk, ...] | None = None
    """What it says in place of speech."""


def status(text: str, *, retryable: bool) -> ProviderError:
    return ProviderError(text, retryable=retryable)


FAULTS = {
    "missing package": Fault("provider_missing", entering=ProviderMissing("not installed")),
    "missing model": Fault("model_missing", entering=ModelMissing("not here")),
    "damaged model": Fault("model_damaged", speaking=ModelDamaged("torn")),
    "load failure": Fault("provider", entering=RuntimeError("cannot be loaded")),
    "exception": Fault("defect", speaking=ValueError("a defect")),
    "time-out before the first chunk": Fault("provider_timeout", hangs_after=0),
    "stall in the middle": Fault("provider_timeout", hangs_after=2),
    "empty audio": Fault("bad_audio", chunks=()),
    "empty chunks": Fault("bad_audio", chunks=(silence(0, 16_000),) * 3),
    "silent audio": Fault("bad_audio", chunks=(silence(0.1, 16_000),) * 5),
    "wrong rate": Fault("bad_audio", chunks=(AudioChunk(np.full(100, 9000, np.int16), 7),)),
    "out of memory": Fault("defect", speaking=MemoryError()),
    "permission denied": Fault("defect", speaking=PermissionError(13, "denied")),
    "permission denied at the start": Fault("provider", entering=PermissionError(13, "denied")),
    "401": Fault("provider", speaking=status("401", retryable=False)),
    "429": Fault("provider", speaking=status("429", retryable=True)),
    "500": Fault("provider", speaking=status("500", retryable=True)),
    "no network": Fault("defect", speaking=ConnectionRefusedError(111, "refused")),
}


class Faulty(ScriptedSynthesizer):
    """An engine with a fault that can be mended."""

    fault: Fault | None = None

    async def __aenter__(self) -> Self:
        if self.fault is not None and self.fault.entering is not None:
            raise self.fault.entering
        return self

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
        self.hangs_after = self.fault.hangs_after if self.fault is not None else None
        if self.fault is not None and self.fault.speaking is not None:
            raise self.fault.speaking
        if self.fault is not None and self.fault.chunks is not None:
            for chunk in self.fault.chunks:
                yield chunk
            return
        async for chunk in super().synthesize(text, voice):
            yield chunk


class Kiosk:
    """Three engines in line, and a customer who asks."""

    def __init__(self, engines: list[Faulty]) -> None:
        self.events: list[dict[str, Any]] = []
        self.feed = EventFeed()
        self.feed.subscribe(lambda record: self.events.append(record.as_dict()))
        self.engines = [OnDemandSynthesizer(engine) for engine in engines]
        self.who = Personality("Robin", voice=VoiceConfig(provider=engines[0].name))
        self.speaker = FakeSpeaker()
        self.voice = FallbackVoice(
            SpeechRouter(self.engines), CircuitBreaker(self.feed, now_s), now_s, time_limit_s=LIMIT_S
        )

    async def answer(self, language: str = "en") -> tuple[list[dict[str, Any]], float]:
        """What happened in a turn, and seconds until it was over."""
        del self.events[:]
        heard = ScriptedTranscriber(["What time do you close?"], language=language)
        parts = TurnParts(
            FallbackTranscriber([heard], CircuitBreaker(self.feed, now_s), now_s), FakeAgent(), self.voice,
            self.speaker, lambda text, _: text, {"en": "Sorry."}, {"en": "Again."}, recorded_apologies={"en": APOLOGY},
        )  # fmt: skip
        began_s = now_s()
        sound = from_float(0.3 * np.sin(np.arange(16_000)), 16_000)
        await Turn(parts, self.feed, now_s, self.who, (), began_s).answer(Utterance(sound, 0.0, 1.0, 1.0, 1.7))
        return [event for event in self.events if event["event"] == "speaking"], now_s() - began_s

    def audible_s(self) -> float:
        """Seconds of sound of the last answer."""
        loud = [chunk.duration_s for chunk in self.speaker.heard if chunk.level_db > -40.0]
        return float(sum(loud))


@pytest.mark.parametrize("place", ["first", "middle", "last"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("engine", ENGINES)
@in_virtual_time
async def test_something_is_heard_and_the_engine_comes_back(engine: str, fault: str, place: str) -> None:
    at = ["first", "middle", "last"].index(place)
    names = ["one", "two"]
    names.insert(at, engine)
    engines = [Faulty(name) for name in names]
    for before in engines[:at]:
        before.fault = Fault("provider", speaking=ProviderError("down"))
    engines[at].fault = FAULTS[fault]
    kiosk = Kiosk(engines)
    async with AsyncExitStack() as stack:
        for one in kiosk.engines:
            await stack.enter_async_context(one)

        spoken, took_s = await kiosk.answer()
        assert kiosk.audible_s() >= min(0.5, APOLOGY.duration_s)
        assert took_s <= 2 * LIMIT_S
        if place != "last":
            assert spoken[-1]["provider"] == names[at + 1]
            trail = {attempt["provider"]: attempt["error"] for attempt in spoken[-1]["attempts"]}
            assert trail[engine] == FAULTS[fault].code
            assert trail[names[at + 1]] is None
        states = {event["provider"]: event["state"] for event in kiosk.events if event["event"] == "provider_state"}
        assert states[engine] == "failing"

        engines[at].fault = None
        await asyncio.sleep(LONGEST_REST_S)
        spoken, took_s = await kiosk.answer()
        assert spoken[-1]["provider"] == engine
        assert took_s < LIMIT_S
        states = {event["provider"]: event["state"] for event in kiosk.events if event["event"] == "provider_state"}
        assert states[engine] == "ok"


@pytest.mark.parametrize("fault", FAULTS)
@in_virtual_time
async def test_when_all_are_down_a_recording_says_sorry_and_the_next_turn_works(fault: str) -> None:
    engines = [Faulty(name) for name in ("one", "two", "three")]
    for engine in engines:
        engine.fault = FAULTS[fault]
    kiosk = Kiosk(engines)
    async with AsyncExitStack() as stack:
        for one in kiosk.engines:
            await stack.enter_async_context(one)
        _, took_s = await kiosk.answer()
        assert kiosk.speaker.heard[-1].level_db > -40.0
        assert took_s <= 3 * LIMIT_S + APOLOGY.duration_s, "one that stalls in the middle has been heard meanwhile"
        for engine in engines:
            engine.fault = None
        spoken, _ = await kiosk.answer()
        assert [event["text"] for event in spoken] == ["We close at nine."]
