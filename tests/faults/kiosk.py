"""A kiosk with everything but real devices and models, in virtual time; it knows how long a customer heard nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np

from pipeline.audio import AudioChunk, from_float, leading_silence_s
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.events import EventFeed
from pipeline.fallback import FallbackVoice
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.on_demand import OnDemandSynthesizer
from pipeline.protocols import Synthesizer
from pipeline.routing import Cloud, SpeechRouter
from pipeline.speech import Personality, Utterance
from pipeline.turn import Turn, TurnParts
from tests.fakes.agent import FakeAgent
from tests.fakes.audio import FakeSpeaker
from tests.fakes.stt import ScriptedTranscriber
from tests.pipeline.scene import answered
from tests.virtual_time import now_s

LIMIT_S = 4.0
"""A voice's time limit."""

ANSWER = "We close at nine."
RATE_HZ = 16_000


def tone(duration_s: float) -> AudioChunk:
    return from_float(0.3 * np.sin(2 * np.pi * 300 * np.arange(round(duration_s * RATE_HZ)) / RATE_HZ), RATE_HZ)


RECORDED = {"en": tone(0.7), "es": tone(1.3)}
"""Told from each other by their length."""


class TimedSpeaker(FakeSpeaker):
    """Knows when something could be heard. In virtual time it takes the time that things sound."""

    def __init__(self, *, slow: bool) -> None:
        super().__init__(slow=slow)
        self.audible: list[tuple[float, float]] = []
        """Begin and end of each chunk that can be heard, in seconds of the clock."""

    async def play(self, chunk: AudioChunk) -> None:
        if leading_silence_s(chunk) < chunk.duration_s:
            self.audible.append((now_s(), now_s() + chunk.duration_s))
        await super().play(chunk)


@dataclass
class Answer:
    """What a customer got."""

    events: list[dict[str, Any]]
    heard_s: float
    """Seconds in which something could be heard."""
    longest_wait_s: float
    """The longest time in which nothing was, from the end of the question to the end of the answer."""

    def speaking(self) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == "speaking"]

    @property
    def provider(self) -> str:
        """Who spoke, at last."""
        return str(self.speaking()[-1]["provider"])

    def trail(self) -> list[tuple[str, str | None]]:
        return [(attempt["provider"], attempt["error"]) for attempt in self.speaking()[-1]["attempts"]]

    def states(self, provider: str) -> list[str]:
        return [
            event["state"]
            for event in self.events
            if event["event"] == "provider_state" and event["provider"] == provider
        ]


class Kiosk:
    """Several engines, opened as the program opens them; a personality; one question after another."""

    def __init__(
        self,
        engines: Sequence[Synthesizer],
        personality: Personality,
        *,
        cloud: Cloud = Cloud.EMERGENCY,
        language: str = "en",
        clock: Callable[[], float] = now_s,
    ) -> None:
        """``clock``: another than the loop's for real engines, which virtual time would not wait for."""
        self._engines = [OnDemandSynthesizer(engine) for engine in engines]
        self._personality = personality
        self._events: list[dict[str, Any]] = []
        self._feed = EventFeed()
        self._feed.subscribe(lambda record: self._events.append(record.as_dict()))
        self._clock = clock
        router = SpeechRouter(self._engines, cloud)
        self.routes = router.routes(personality.voice, language).routes
        self.speaker = TimedSpeaker(slow=clock is now_s)
        self.agent = FakeAgent([ANSWER])
        recogniser = ScriptedTranscriber(["When do you close?"], language=language)
        self._parts = TurnParts(
            FallbackTranscriber([recogniser], CircuitBreaker(self._feed, clock), clock),
            self.agent,
            FallbackVoice(router, CircuitBreaker(self._feed, clock), clock, time_limit_s=LIMIT_S),
            self.speaker,
            lambda text, _: text,
            {"en": "Sorry.", "es": "Perdón."},
            {"en": "Again please."},
            RECORDED,
        )
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for engine in self._engines:
            await self._open.enter_async_context(engine)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    def turn_to(self, personality: Personality) -> None:
        """From now on somebody else speaks."""
        self._personality = personality

    async def ask(self) -> Answer:
        """A question and its answer: one whole turn."""
        self._events.clear()
        self.speaker.audible.clear()
        asked_s = now_s()
        turn = Turn(self._parts, self._feed, self._clock, self._personality, (), self._clock())
        await answered(turn, Utterance(tone(1.0), 0.0, 1.0, 1.0, 1.7))
        audible = self.speaker.audible
        begins, ends = [begin for begin, _ in audible], [asked_s, *(end for _, end in audible)]
        waits = [begin - end for begin, end in zip([*begins, now_s()], ends, strict=True)]
        return Answer(list(self._events), sum(end - begin for begin, end in audible), max(waits))
