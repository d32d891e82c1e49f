"""Meters pass everything on, and tell how loud it was."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from pipeline.audio import FRAME_S, FRAME_SAMPLES, LISTENING_RATE_HZ, SILENCE_DB, AudioChunk, joined
from pipeline.meters import MeteredMicrophone, MeteredSpeaker
from pipeline.protocols import Microphone, Speaker
from tests.contracts.microphone import MicrophoneContract, fetched
from tests.contracts.speaker import SpeakerContract
from tests.fakes.audio import FakeMicrophone, FakeSpeaker
from tests.pipeline.scene import Clock
from tests.providers.audio.sounds import frames

pytestmark = pytest.mark.unit


def at_level(db: float, start_s: float = 0.0) -> AudioChunk:
    """Of one frame, a square wave."""
    pcm = np.full(FRAME_SAMPLES, round(32768 * 10 ** (db / 20)), np.int16)
    pcm[::2] *= -1
    return AudioChunk(pcm, LISTENING_RATE_HZ, start_s)


class TestMeteredMicrophone(MicrophoneContract):
    def opened(self) -> Microphone:
        return MeteredMicrophone(FakeMicrophone(frames(1.0)), Clock())

    async def test_it_tells_the_loudest_since_it_was_asked_and_when_the_last_chunk_came(self) -> None:
        clock = Clock()
        chunks = [at_level(db, number * FRAME_S) for number, db in enumerate([-40, -20, -60, -50])]
        microphone = MeteredMicrophone(FakeMicrophone(chunks), clock)
        assert (microphone.last_chunk_at_s, microphone.age_s) == (None, 0.0)
        assert microphone.level_db == SILENCE_DB
        clock.s = 3.0
        await fetched(microphone, 3)
        assert microphone.last_chunk_at_s == 3.0
        clock.s = 3.02
        assert microphone.age_s == pytest.approx(0.02)
        assert microphone.level_db == pytest.approx(-20, abs=0.1)
        await fetched(microphone, 1)
        assert microphone.level_db == pytest.approx(-50, abs=0.1)
        assert microphone.level_db == SILENCE_DB

    async def test_what_is_older_than_a_second_does_not_count(self) -> None:
        chunks = [at_level(-10, 0.0), *(at_level(-50, number * FRAME_S) for number in range(1, 40))]
        microphone = MeteredMicrophone(FakeMicrophone(chunks), Clock())
        await fetched(microphone, 40)
        assert microphone.level_db == pytest.approx(-50, abs=0.1)

    async def test_a_tap_gets_every_chunk_until_it_is_closed(self) -> None:
        microphone = MeteredMicrophone(FakeMicrophone(frames(1.0)), Clock())
        heard: list[float] = []
        end = microphone.tap(lambda chunk: heard.append(chunk.start_s))
        await fetched(microphone, 2)
        end()
        await fetched(microphone, 1)
        assert heard == [0.0, pytest.approx(FRAME_S)]


class TestMeteredSpeaker(SpeakerContract):
    def opened(self) -> Speaker:
        return MeteredSpeaker(FakeSpeaker())

    async def test_it_tells_how_loud_it_is_just_now(self) -> None:
        inner = FakeSpeaker()
        speaker = MeteredSpeaker(inner)
        assert speaker.level_db == SILENCE_DB
        await speaker.start()
        await speaker.play(at_level(-30))
        inner.hold = asyncio.Event()  # the next chunk has been handed over, and not yet been heard to its end
        async with asyncio.TaskGroup() as group:
            group.create_task(speaker.play(at_level(-10)))
            await asyncio.sleep(0)
            assert speaker.level_db == pytest.approx(-10, abs=0.1)
            inner.hold.set()
        await speaker.finish()
        assert speaker.level_db == SILENCE_DB

    async def test_of_a_long_chunk_it_tells_what_is_heard_just_now(self) -> None:
        inner = FakeSpeaker()
        inner.hold = asyncio.Event()  # in the middle of the chunk
        speaker = MeteredSpeaker(inner)
        await speaker.start()
        sentence = joined([*[at_level(-40)] * 40, *[at_level(-10)] * 40])
        async with asyncio.TaskGroup() as group:
            group.create_task(speaker.play(sentence))
            await asyncio.sleep(0)
            levels: set[int] = set()
            while speaker.played_s < 40 * FRAME_S:
                if speaker.played_s < 36 * FRAME_S:  # later the moment reaches into the loud half
                    levels.add(round(speaker.level_db))
                await asyncio.sleep(0)
            assert levels == {-40}
            assert speaker.level_db == pytest.approx(-10, abs=0.1)
            inner.hold.set()

    async def test_what_was_heard_is_not_kept(self) -> None:
        speaker = MeteredSpeaker(FakeSpeaker())
        await speaker.start()
        for _ in range(100):
            await speaker.play(at_level(-20))
        assert len(speaker._ahead) == 1

    async def test_a_stop_silences_it(self) -> None:
        inner = FakeSpeaker()
        speaker = MeteredSpeaker(inner)
        await speaker.start()
        inner.hold = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(speaker.play(at_level(-10)))
            await asyncio.sleep(0)
            assert speaker.level_db > -20
            speaker.stop()
            assert speaker.level_db == SILENCE_DB
            inner.hold.set()

    async def test_a_pause_is_silent_until_it_goes_on(self) -> None:
        inner = FakeSpeaker()
        speaker = MeteredSpeaker(inner)
        await speaker.start()
        inner.hold = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(speaker.play(at_level(-10)))
            await asyncio.sleep(0)
            speaker.pause()
            assert speaker.level_db == SILENCE_DB
            speaker.resume()
            assert speaker.level_db > -20
            inner.hold.set()
