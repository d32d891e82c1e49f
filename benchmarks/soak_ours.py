"""The whole assistant with a customer who never tires; ``benchmarks.soak`` starts it.

    python -m benchmarks.soak_ours CONFIG SOUNDS.npz CONVERSATIONS IDLE_S SAMPLE_EVERY

``SOUNDS`` holds what a customer says (``question_0`` …, wake word included) and what a room sounds like (``room_0`` …),
int16 at 16 kHz. All that runs in a shop runs here: panel, figures, statistics, cache, warming. Only the sound devices
are not there: sound comes and goes as fast as the machine can. Prints one JSON object a line: a sample every so many
conversations, at last the outcome.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from assistant.app import App
from assistant.incidents import Incidents
from assistant.logs import set_up
from assistant.parts import Ends
from assistant.running import run
from assistant.serving import Serving
from assistant.settings import Settings, load
from assistant.sound_devices import SoundDevices
from benchmarks.idle_memory import resident_mb
from pipeline.audio import FRAME_S, FRAME_SAMPLES, LISTENING_RATE_HZ, AudioChunk, Pcm
from pipeline.events import EventRecord, Interrupted, ReplyText, TurnEnd, WakeWord
from pipeline.protocols import Capabilities, EchoCanceller
from providers.audio.wav import FastPace, WavSpeaker

BEFORE_S = 1.5
"""Audio seconds of the room before a customer comes."""

PATIENCE_S = 30.0
"""Audio seconds after which a customer who is not answered goes."""

MOST_INCIDENTS = 20
"""Messages that are told at the end."""


@dataclass
class Customer:
    """Says one question after another, each as soon as the one before it is answered."""

    questions: list[Pcm]
    room: Pcm
    apologies: tuple[str, ...]
    asked: int = 0
    answered: int = 0
    interrupted: int = 0
    _heard: bool = False
    _over: bool = False
    _answer: bool = False
    unanswered: list[int] = field(default_factory=list)

    def __call__(self, record: EventRecord) -> None:
        """Observes what becomes of a question."""
        event = record.event
        if isinstance(event, WakeWord):
            self._heard, self._answer = True, False
        elif isinstance(event, Interrupted):
            self.interrupted += 1
        elif isinstance(event, ReplyText) and event.final:
            self._answer = not event.text.endswith(self.apologies)
        elif isinstance(event, TurnEnd):
            self._over = self._over or self._heard
            self._answer = self._answer and event.response_ms is not None

    def conversation(self) -> Iterator[Pcm]:
        """The sound of one, in frames."""
        yield from self.silence(BEFORE_S)
        self._heard = self._over = self._answer = False
        pcm = self.questions[self.asked % len(self.questions)]
        self.asked += 1
        for at in range(0, len(pcm) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            yield pcm[at : at + FRAME_SAMPLES]
        waiting = self.silence(PATIENCE_S)
        while not self._over and (frame := next(waiting, None)) is not None:
            yield frame
        self.answered += self._over and self._answer
        if not (self._over and self._answer):
            self.unanswered.append(self.asked)

    def silence(self, duration_s: float) -> Iterator[Pcm]:
        """A quiet room."""
        return frames(self.room, duration_s)


def frames(room: Pcm, duration_s: float) -> Iterator[Pcm]:
    """What a room sounds like, over and over."""
    whole = len(room) // FRAME_SAMPLES
    for number in range(round(duration_s / FRAME_S)):
        at = number % whole * FRAME_SAMPLES
        yield room[at : at + FRAME_SAMPLES]


class SoakMicrophone:
    """Hands over what a script yields, at a pace."""

    def __init__(self, pace: FastPace, script: Iterator[Pcm]) -> None:
        self.capabilities = Capabilities("soak")
        self.dropped_s = 0.0
        self._pace = pace
        self._script = script
        self._next: AudioChunk | None = None
        self._count = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def chunks(self) -> AsyncGenerator[AudioChunk]:
        with self._pace.reading():
            while (chunk := self._peek()) is not None:
                await self._pace.recorded(chunk.end_s)
                self._next = None
                yield chunk

    def _peek(self) -> AudioChunk | None:
        """Kept until it is delivered: a reader may be cancelled while it waits."""
        if self._next is None and (pcm := next(self._script, None)) is not None:
            self._next = AudioChunk(pcm.copy(), LISTENING_RATE_HZ, self._count * FRAME_S)
            self._count += 1
        return self._next


class SoakApp(App):
    """The program, without devices."""

    def __init__(self, settings: Settings, folder: Path, script: Iterator[Pcm]) -> None:
        super().__init__(settings, folder)
        self._script = script

    def sound_devices(self, ends: Ends, canceller: EchoCanceller | None = None) -> SoundDevices:
        pace = FastPace()
        folder = self.folder / self.settings.storage.folder
        microphone, speaker = SoakMicrophone(pace, self._script), WavSpeaker(None, pace)
        return SoundDevices(self.settings.audio, folder, microphone=microphone, speaker=speaker)


def sample(phase: str, number: float) -> None:
    """Tell what this process holds."""
    gc.collect()
    fds = sum(1 for _ in Path("/proc/self/fd").iterdir())
    tell({
        "phase": phase, "number": number, "rss_mb": resident_mb(), "fds": fds,
        "threads": threading.active_count(), "tasks": len(asyncio.all_tasks()), "at_s": time.monotonic(),
    })  # fmt: skip


def tell(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def script(customer: Customer, rooms: list[Pcm], conversations: int, idle_s: float, every: int) -> Iterator[Pcm]:
    """The whole afternoon: conversations, then rooms in which nobody speaks, then a few more conversations."""
    yield from customer.silence(5.0)
    for number in range(1, conversations + 1):
        yield from customer.conversation()
        if number % every == 0:
            sample("conversations", number)
    parts = 12
    for part in range(1, parts + 1 if idle_s else 1):
        yield from frames(rooms[part % len(rooms)], idle_s / parts)
        sample("idle", idle_s * part / parts)
    for _ in range(every if idle_s else 0):
        yield from customer.conversation()
    sample("end", customer.asked)


async def main(config: Path, sounds: Path, conversations: int, idle_s: float, every: int) -> None:
    settings, folder = load(config)
    set_up("WARNING")
    with np.load(sounds) as held:
        questions = [held[name] for name in held.files if name.startswith("question")]
        rooms = [held[name] for name in held.files if name.startswith("room")]
    customer = Customer(questions, rooms[0], tuple(settings.conversation.apologies.values()))
    app = SoakApp(settings, folder, script(customer, rooms, conversations, idle_s, every))
    app.feed.subscribe(customer)
    with Incidents() as incidents:
        await run(app, Ends(fast=True), Serving)
        told = incidents.newest()[:MOST_INCIDENTS]
    tell({
        "asked": customer.asked, "answered": customer.answered, "interrupted": customer.interrupted,
        "unanswered": customer.unanswered[:MOST_INCIDENTS],
        "incidents": [f"{one['times']} x {one['message']}" for one in told],
    })  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])))
