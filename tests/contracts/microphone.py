"""What every ``Microphone`` must do. A test class derives from the suite and says what its microphone is."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import aclosing

import pytest

from pipeline.audio import FRAME_SAMPLES, LISTENING_RATE_HZ, AudioChunk
from pipeline.protocols import Microphone


async def fetched(microphone: Microphone, count: int) -> list[AudioChunk]:
    """The next chunks; fewer where the stream ends before."""
    found: list[AudioChunk] = []
    async with aclosing(microphone.chunks()) as chunks:
        async for chunk in chunks:
            found.append(chunk)
            if len(found) == count:
                break
    return found


class MicrophoneContract:
    """Derive from it and override ``opened``."""

    def opened(self) -> Microphone:
        """A microphone that delivers ten chunks at least."""
        raise NotImplementedError

    async def test_chunks_are_frames_that_follow_each_other(self) -> None:
        async with self.opened() as microphone:
            found = await fetched(microphone, 10)
        assert len(found) == 10
        for before, after in itertools.pairwise(found):
            assert after.start_s == pytest.approx(before.end_s)
        assert {(len(chunk.pcm), chunk.pcm.dtype.name, chunk.rate_hz) for chunk in found} == {
            (FRAME_SAMPLES, "int16", LISTENING_RATE_HZ)
        }

    async def test_asking_again_goes_on_where_the_last_one_stopped(self) -> None:
        async with self.opened() as microphone:
            first = await fetched(microphone, 4)
            second = await fetched(microphone, 4)
        assert second[0].start_s == pytest.approx(first[-1].end_s)

    async def test_a_reader_that_is_cancelled_while_it_waits_loses_nothing(self) -> None:
        async with self.opened() as microphone:
            before = await fetched(microphone, 1)
            async with aclosing(microphone.chunks()) as chunks, asyncio.TaskGroup() as group:
                waiting = group.create_task(anext(chunks), name="reader")
                await asyncio.sleep(0)
                waiting.cancel()
            if not waiting.cancelled():  # a device's chunk was there at once
                before = [waiting.result()]
            after = await fetched(microphone, 1)
        assert after[0].start_s == pytest.approx(before[0].end_s)

    async def test_nothing_is_dropped_while_it_is_read(self) -> None:
        async with self.opened() as microphone:
            await fetched(microphone, 10)
            assert microphone.dropped_s == 0.0

    async def test_it_names_itself_before_it_is_opened(self) -> None:
        assert self.opened().capabilities.name
