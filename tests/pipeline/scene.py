"""A customer, a shop and everything between, with scripted models: a tone is speech, silence is not."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.conversation import Conversation
from pipeline.conversation_settings import ConversationSettings
from pipeline.ears import Ears
from pipeline.end_of_turn import EndOfTurn
from pipeline.errors import ProviderError, first_cause
from pipeline.events import EventFeed
from pipeline.fallback import FallbackVoice
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.hearing import Hearing
from pipeline.preparation import Preparation, Question
from pipeline.protocols import Agent, Synthesizer
from pipeline.request_handler import RequestHandler
from pipeline.routing import SpeechRouter
from pipeline.segmenter import SegmenterSettings
from pipeline.speech import NoSpeechReason, Personality, Utterance, VoiceConfig
from pipeline.turn import Turn, TurnParts
from providers.audio.wav import FastPace, WavMicrophone, WavSpeaker
from tests.fakes.agent import FakeAgent
from tests.fakes.stt import ScriptedTranscriber
from tests.fakes.synthesizer import ScriptedSynthesizer
from tests.fakes.vad import ScriptedVoiceDetector
from tests.fakes.wake_word import ScriptedWakeWordDetector

WAKE_S = 0.6
"""Length of the scripted wake word."""


ROBIN = Personality("Robin", voice=VoiceConfig(provider="fake"))
"""Speaks with the scripted voice."""


class Clock:
    """Stands still unless a test moves it."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def voice_of(
    engines: Sequence[Synthesizer], feed: EventFeed, clock: Callable[[], float], **options: Any
) -> FallbackVoice:
    """Engines as one voice."""
    return FallbackVoice(SpeechRouter(engines), CircuitBreaker(feed, clock), clock, **options)


async def answered(turn: Turn, utterance: Utterance) -> None:
    """The whole of a turn. Raises what the turn raises."""
    try:
        async with asyncio.TaskGroup() as group:
            prepared = Preparation(utterance, turn.parts.transcriber, group)
            await turn.answer(Question(utterance, prepared, turn.heard_by_s))
    except BaseExceptionGroup as failed:
        raise first_cause(failed) from failed


Cue = tuple[float, Callable[[Conversation], object]]
"""Audio seconds, and what somebody at the panel does then."""


class CuedMicrophone(WavMicrophone):
    """Does what there is to do at its time, just before the chunk that reaches it is delivered."""

    def __init__(self, path: Path, pace: FastPace) -> None:
        super().__init__(path, pace)
        self.cues: list[tuple[float, Callable[[], object]]] = []

    async def chunks(self) -> AsyncGenerator[AudioChunk]:
        async with aclosing(super().chunks()) as chunks:
            async for chunk in chunks:
                while self.cues and self.cues[0][0] <= chunk.end_s:
                    self.cues.pop(0)[1]()
                yield chunk


@dataclass
class Scene:
    """What the customer does is a list of (seconds, what): ``wake``, ``speak`` or ``silence``."""

    customer: Sequence[tuple[float, str]]
    folder: Path
    lines: Sequence[str | NoSpeechReason] = ("What time do you close?",)
    recogniser_fails: Sequence[ProviderError] = ()
    recogniser_hangs: bool = False
    agent: Agent = field(default_factory=FakeAgent)
    voices: Sequence[Synthesizer] = field(default_factory=lambda: [ScriptedSynthesizer()])
    personality: Personality = ROBIN
    settings: ConversationSettings = field(default_factory=ConversationSettings)
    error_tone: AudioChunk | None = None
    recorded_apologies: Mapping[str, AudioChunk] = field(default_factory=dict)
    clock: Callable[[], float] = field(default_factory=Clock)
    cues: Sequence[Cue] = ()
    end_of_turn: EndOfTurn | None = None
    requests: RequestHandler = field(default_factory=RequestHandler)
    repeat_requests: Mapping[str, str] = field(default_factory=lambda: {"en": "Again please."})
    wake_late_s: float = 0.1
    language: str = "en"

    async def play(self) -> list[dict[str, Any]]:
        """Let it happen; all events as outside programs see them."""
        self.transcriber = ScriptedTranscriber(self.lines, language=self.language)
        self.transcriber.fails = list(self.recogniser_fails)
        self.transcriber.hangs = self.recogniser_hangs
        events: list[dict[str, Any]] = []
        feed = EventFeed()
        feed.subscribe(lambda record: events.append(record.as_dict()))
        pace = FastPace()
        self.replies = self.folder / "replies.wav"
        async with CuedMicrophone(self._record(), pace) as microphone, WavSpeaker(self.replies, pace) as speaker:
            wake_words = ScriptedWakeWordDetector(*self._wake_ends())
            wake_words.late_s = self.wake_late_s
            hearing = Hearing(ScriptedVoiceDetector(), wake_words)
            parts = TurnParts(
                FallbackTranscriber([self.transcriber], CircuitBreaker(feed, self.clock), self.clock),
                self.agent,
                voice_of(self.voices, feed, self.clock),
                speaker,
                lambda text, _: text,
                {"en": "Sorry.", "es": "Perdón."},
                self.repeat_requests,
                self.recorded_apologies,
                self.error_tone,
                self.requests,
            )
            conversation = Conversation(
                ears=Ears(microphone, hearing, SegmenterSettings(), feed),
                parts=parts,
                feed=feed,
                clock=self.clock,
                personality_for=lambda _: self.personality,
                settings=self.settings,
                end_of_turn=self.end_of_turn,
            )
            microphone.cues = [(at_s, functools.partial(act, conversation)) for at_s, act in self.cues]
            await conversation.run()
        return events

    def replies_s(self) -> float:
        """Seconds of sound that left the loudspeaker."""
        return float(soundfile.info(self.replies).duration)

    def _wake_ends(self) -> list[float]:
        ends, now_s = [], 0.0
        for duration_s, what in self.customer:
            now_s += duration_s
            if what == "wake":
                ends.append(now_s)
        return ends

    def _record(self) -> Path:
        parts = []
        for duration_s, what in self.customer:
            t = np.arange(round(duration_s * LISTENING_RATE_HZ)) / LISTENING_RATE_HZ
            parts.append(0.0 * t if what == "silence" else 0.3 * np.sin(2 * np.pi * 200 * t))
        path = self.folder / "customer.wav"
        soundfile.write(path, np.concatenate(parts), LISTENING_RATE_HZ, subtype="PCM_16")
        return path
