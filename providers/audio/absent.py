"""What stands in for a microphone or a loudspeaker that is not there: time goes on without it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Self

import numpy as np

from pipeline.audio import FRAME_S, FRAME_SAMPLES, LISTENING_RATE_HZ, AudioChunk
from pipeline.errors import DeviceLost
from pipeline.protocols import Capabilities

log = logging.getLogger(__name__)

BEHIND_S = 2.0
"""Seconds of silence that are made up for where nobody asked in time; more is left out."""

PATIENCE_S = 5.0
"""Seconds for which an answer waits for its loudspeaker. A customer does not stand there longer, and what is said then
belongs to nobody."""


class AbsentMicrophone:
    """Digital silence as fast as time passes: an utterance ends, and whoever watches sees that all stages work."""

    def __init__(self) -> None:
        self.capabilities = Capabilities("sounddevice")
        self.dropped_s = 0.0
        self._began_s = 0.0
        self._given = 0
        self._left = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Its time begins."""
        self._began_s = asyncio.get_running_loop().time()
        self._left.clear()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Whoever waits for a chunk is let go."""
        self._left.set()

    async def chunks(self) -> AsyncGenerator[AudioChunk]:
        """Never ends. Raises ``DeviceLost`` when it is left."""
        now = asyncio.get_running_loop().time
        while not self._left.is_set():
            behind_s = now() - self._began_s - (self._given + 1) * FRAME_S
            if behind_s > BEHIND_S:
                self._given += int(behind_s / FRAME_S)
            elif behind_s < 0:
                try:
                    async with asyncio.timeout(-behind_s):
                        await self._left.wait()
                except TimeoutError:
                    pass
                continue
            start_s, self._given = self._given * FRAME_S, self._given + 1
            yield AudioChunk(np.zeros(FRAME_SAMPLES, np.int16), LISTENING_RATE_HZ, start_s)
        raise DeviceLost("The stand-in for a microphone was left.")


class AbsentSpeaker:
    """Nothing is heard from it. An answer waits a while for the loudspeaker to come back, and then passes unheard."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        """``patience_s``: seconds from entering it; 0 for a loudspeaker that has never been there."""
        self.capabilities = Capabilities("sounddevice")
        self.played_s = 0.0
        self._patience_s = patience_s
        self._until_s = 0.0
        self._news = asyncio.Event()
        self._answer = 0
        self._paused = False

    async def __aenter__(self) -> Self:
        """Its patience begins."""
        self._until_s = asyncio.get_running_loop().time() + self._patience_s
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Whoever waits is let go."""
        self.stop()

    async def start(self) -> None:
        """A new answer."""
        self._end()

    async def play(self, chunk: AudioChunk) -> None:
        """Return when the loudspeaker may no longer be waited for, or the answer was stopped."""
        await self._wait()

    async def finish(self) -> None:
        """As ``play``."""
        await self._wait()

    def stop(self) -> None:
        """Whoever waits is let go."""
        self._end()

    def pause(self) -> None:
        """From now on it waits as long as it takes."""
        self._paused = True

    def resume(self, back_s: float = 0.0) -> None:
        """Only patience counts again."""
        self._paused = False
        self._tell()

    async def _wait(self) -> None:
        answer, now = self._answer, asyncio.get_running_loop().time
        while answer == self._answer and (self._paused or now() < self._until_s):
            news = self._news
            try:
                async with asyncio.timeout(None if self._paused else self._until_s - now()):
                    await news.wait()
            except TimeoutError:
                log.warning("An answer is not heard: there is no loudspeaker.")

    def _end(self) -> None:
        self._answer += 1
        self._paused = False
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
