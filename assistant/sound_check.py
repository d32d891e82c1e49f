"""Measures what the microphone hears of the loudspeaker, in the middle of a conversation's pauses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from assistant.echo import LATEST_S, ROOM_S, SWEEP_S, Echo, judged, sweep
from pipeline.audio import SILENCE_DB, AudioChunk, Pcm, continuous
from pipeline.errors import AssistantError
from providers.model_worker import ModelWorker

WAIT_S = 15.0
"""Seconds of the clock that the whole may take: somebody may be speaking, and a dead microphone delivers nothing."""

DEAD_S = 2.0
"""Seconds of the clock without sound after which a microphone counts as dead."""


class CheckInterrupted(AssistantError):
    """Somebody spoke meanwhile, or did not stop speaking."""

    code = "busy"

    def __init__(self) -> None:
        super().__init__(
            "Nothing was measured, because somebody spoke to the assistant or it was speaking itself.",
            remedy="Try again when nobody is speaking.",
        )


class Player(Protocol):
    """Plays sounds in between: the conversation."""

    @property
    def idle(self) -> asyncio.Event:
        """Set while nobody speaks."""
        ...

    def play(self, sound: AudioChunk, *, begins: Callable[[], None]) -> Awaitable[bool]:
        """Play it; whether it was heard to its end. ``begins`` is called when it is handed to the loudspeaker."""
        ...


class Tapped(Protocol):
    """Lets others listen: the metered microphone."""

    @property
    def age_s(self) -> float:
        """Seconds of the clock since the last chunk."""
        ...

    def tap(self, observer: Callable[[AudioChunk], None]) -> Callable[[], None]:
        """Hand chunks to ``observer``; the result ends it."""
        ...


class _Recording:
    """What the microphone hears."""

    def __init__(self) -> None:
        self._chunks: list[AudioChunk] = []
        self._news = asyncio.Event()

    def hear(self, chunk: AudioChunk) -> None:
        self._chunks.append(chunk)
        self._news.set()

    @property
    def length_s(self) -> float:
        return self._chunks[-1].end_s - self._chunks[0].start_s if self._chunks else 0.0

    async def reaches(self, length_s: float) -> None:
        while self.length_s < length_s:
            self._news.clear()
            await self._news.wait()

    def pcm(self) -> Pcm:
        return continuous(self._chunks).pcm


async def measure_echo(player: Player, microphone: Tapped) -> Echo:
    """Play the sweep and listen; about three seconds. Raises ``CheckInterrupted`` where somebody speaks meanwhile."""
    recording = _Recording()
    handed_s = 0.0

    def begins() -> None:
        nonlocal handed_s
        # Chunks come whole: the one that is being recorded has been under way for as long as the last one is old.
        handed_s = recording.length_s + microphone.age_s

    try:
        async with asyncio.timeout(WAIT_S):
            await player.idle.wait()
            end = microphone.tap(recording.hear)
            try:
                await recording.reaches(ROOM_S)
                if not await player.play(sweep(), begins=begins):
                    raise CheckInterrupted
                await recording.reaches(handed_s + SWEEP_S + LATEST_S)
            finally:
                end()
    except TimeoutError as error:
        if player.idle.is_set() and (recording.length_s == 0.0 or microphone.age_s > DEAD_S):
            return Echo(None, None, SILENCE_DB, False, "poor", "The microphone delivers no sound: is it plugged in?")
        raise CheckInterrupted from error
    worker = ModelWorker("sound check")
    try:
        return await worker.run(lambda _: judged(recording.pcm(), handed_s))
    finally:
        worker.close()
