"""A microphone that delivers what it is given and a loudspeaker that remembers what was heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from types import TracebackType
from typing import Self

from pipeline.audio import FRAME_S, AudioChunk
from pipeline.errors import DeviceLost
from pipeline.protocols import Capabilities


class FakeMicrophone:
    """Delivers its chunks as fast as they are asked for, then ends."""

    def __init__(
        self,
        chunks: Iterable[AudioChunk],
        *,
        lost_after: int | None = None,
        drop: Iterable[int] = (),
        silent_at_end: bool = False,
    ) -> None:
        self.capabilities = Capabilities("fake")
        self.lost_after = lost_after
        """Bad day: the device goes after so many chunks; None never. Set it to None and enter again: it is back."""
        self.drop = frozenset(drop)
        """Bad day: the numbers of chunks (from 0) that nobody fetched in time."""
        self.silent_at_end = silent_at_end
        """Wait after the last chunk until it is left instead of ending, as a device does."""
        self.delivered = 0
        """Chunks fetched so far."""
        self.entered = 0
        """How often it was opened."""
        self._source = enumerate(chunks)
        self._next: AudioChunk | None = None
        self._dropped = 0
        self._left = asyncio.Event()

    @property
    def dropped_s(self) -> float:
        return self._dropped * FRAME_S

    async def __aenter__(self) -> Self:
        self.entered += 1
        self._left.clear()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()

    async def chunks(self) -> AsyncIterator[AudioChunk]:
        while True:
            if self.lost_after is not None and self.delivered >= self.lost_after:
                raise DeviceLost("The fake microphone has gone.")
            await asyncio.sleep(0)  # as a device does, let others go on
            chunk = self._peek()
            if chunk is None and self.silent_at_end:
                await self._left.wait()
                raise DeviceLost("The fake microphone was left.")
            if chunk is None:
                return
            self._next = None
            self.delivered += 1
            yield chunk

    def _peek(self) -> AudioChunk | None:
        while self._next is None:
            number, chunk = next(self._source, (-1, None))
            if chunk is None:
                return None
            if number in self.drop:
                self._dropped += 1
            else:
                self._next = chunk
        return self._next


class FakeSpeaker:
    """Hears everything at once, step by step, and notes what came and when."""

    def __init__(self, *, lost_after: int | None = None, slow: bool = False) -> None:
        self.capabilities = Capabilities("fake")
        self.lost_after = lost_after
        """Bad day: the device goes after so many chunks were handed over; None never."""
        self.slow = slow
        """Bad day: each step takes the time it sounds, in the loop's time."""
        self.hold: asyncio.Event | None = None
        """Set an event here, and ``play`` waits for it in the middle of each chunk."""
        self.calls: list[str] = []
        """``start``, ``play``, ``finish`` and ``stop`` in the order they came."""
        self.answers: list[list[AudioChunk]] = []
        """For each answer the pieces that were heard; ``start_s`` says when, in audio seconds since ``start``."""
        self.entered = 0
        """How often it was opened."""
        self._taken = 0
        self._answer = 0
        self._played_s = 0.0

    @property
    def played_s(self) -> float:
        return self._played_s

    @property
    def heard(self) -> list[AudioChunk]:
        """The pieces of the answer under way, or of the last one."""
        return self.answers[-1] if self.answers else []

    async def __aenter__(self) -> Self:
        self.entered += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answer += 1

    async def start(self) -> None:
        self.calls.append("start")
        self._answer += 1
        self._played_s = 0.0
        self.answers.append([])

    async def play(self, chunk: AudioChunk) -> None:
        self.calls.append("play")
        if self.lost_after is not None and self._taken >= self.lost_after:
            raise DeviceLost("The fake loudspeaker has gone.")
        self._taken += 1
        answer = self._answer
        pieces = list(_steps(chunk))
        for number, piece in enumerate(pieces):
            if self.hold is not None and number == len(pieces) // 2:
                await self.hold.wait()
            await asyncio.sleep(piece.duration_s if self.slow else 0)
            if answer != self._answer:
                return
            self.heard.append(AudioChunk(piece.pcm, piece.rate_hz, self._played_s))
            self._played_s += piece.duration_s

    async def finish(self) -> None:
        self.calls.append("finish")

    def stop(self) -> None:
        self.calls.append("stop")
        self._answer += 1


def _steps(chunk: AudioChunk) -> Iterator[AudioChunk]:
    step = max(1, round(FRAME_S * chunk.rate_hz))
    for first in range(0, len(chunk.pcm), step):
        yield AudioChunk(chunk.pcm[first : first + step], chunk.rate_hz)
