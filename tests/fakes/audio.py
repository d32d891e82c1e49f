"""A microphone that delivers what it is given and a loudspeaker that remembers what was heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from types import TracebackType
from typing import Self

from pipeline.audio import FRAME_S, AudioChunk
from pipeline.errors import DeviceLost
from pipeline.protocols import Capabilities
from providers.audio.recall import Recall


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
        """``start``, ``play``, ``finish``, ``stop``, ``pause`` and ``resume`` in the order they came."""
        self.answers: list[list[AudioChunk]] = []
        """For each answer the pieces that were heard; ``start_s`` says when, in audio seconds since ``start``."""
        self.entered = 0
        """How often it was opened."""
        self._taken = 0
        self._answer = 0
        self._under_way = False
        self._played_s = 0.0
        self._recall = Recall()
        self._again: list[AudioChunk] = []
        self._going_on = asyncio.Event()
        self._going_on.set()

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
        self._begin_anew()

    async def start(self) -> None:
        self.calls.append("start")
        self._begin_anew()
        self._under_way = True
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
            await self._catch_up(answer)
            if answer != self._answer:
                return
            self._hear(piece)

    async def finish(self) -> None:
        self.calls.append("finish")
        answer = self._answer
        await self._catch_up(answer)
        if answer == self._answer:
            self._begin_anew()

    def stop(self) -> None:
        self.calls.append("stop")
        self._begin_anew()

    def pause(self) -> None:
        self.calls.append("pause")
        if self._under_way:
            self._going_on.clear()

    def resume(self, back_s: float = 0.0) -> None:
        self.calls.append("resume")
        if self._going_on.is_set():
            return
        again = self._recall.take_back(back_s)
        self._played_s -= sum(piece.duration_s for piece in again)
        self._again = again + self._again
        self._going_on.set()

    def _begin_anew(self) -> None:
        self._answer += 1
        self._under_way = False
        self._recall.forget()
        self._again.clear()
        self._going_on.set()

    async def _catch_up(self, answer: int) -> None:
        """Wait for the end of a pause, then hear again what is to be heard again."""
        while answer == self._answer and (self._again or not self._going_on.is_set()):
            if self._going_on.is_set():
                self._hear(self._again.pop(0))
                await asyncio.sleep(0)
            else:
                await self._going_on.wait()

    def _hear(self, piece: AudioChunk) -> None:
        self._recall.heard(piece)
        self.heard.append(AudioChunk(piece.pcm, piece.rate_hz, self._played_s))
        self._played_s += piece.duration_s


def _steps(chunk: AudioChunk) -> Iterator[AudioChunk]:
    step = max(1, round(FRAME_S * chunk.rate_hz))
    for first in range(0, len(chunk.pcm), step):
        yield AudioChunk(chunk.pcm[first : first + step], chunk.rate_hz)
