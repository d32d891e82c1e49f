"""Devices are exchanged while somebody reads or plays, and nobody notices but by a gap."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from types import TracebackType

import numpy as np
import pytest

from pipeline.audio import FRAME_S, AudioChunk
from pipeline.errors import DeviceError, DeviceLost
from pipeline.protocols import Microphone, Speaker
from pipeline.switchable import GAP_S, SwitchableMicrophone, SwitchableSpeaker
from tests.contracts.microphone import MicrophoneContract, fetched
from tests.contracts.speaker import SpeakerContract, tone
from tests.fakes.audio import FakeMicrophone, FakeSpeaker
from tests.providers.audio.sounds import frames

pytestmark = pytest.mark.unit


class TestSwitchableMicrophone(MicrophoneContract):
    def opened(self) -> Microphone:
        return SwitchableMicrophone(FakeMicrophone(frames(1.0)))


class TestSwitchedMicrophone(MicrophoneContract):
    def opened(self) -> Microphone:
        return Switched(FakeMicrophone(frames(1.0)))


class TestSwitchableSpeaker(SpeakerContract):
    def opened(self) -> Speaker:
        return SwitchableSpeaker(FakeSpeaker())


class Switched(SwitchableMicrophone):
    """One that has been read, and exchanged, before the test begins."""

    async def __aenter__(self) -> Switched:
        second, self._current = self._current, FakeMicrophone(frames(1.0), drop=[])
        await super().__aenter__()
        await fetched(self, 3)
        await self.switch(await second.__aenter__())
        return self


def unlike(chunks: list[AudioChunk]) -> list[AudioChunk]:
    """Sound that cannot be mistaken for that of ``frames``."""
    return [
        AudioChunk(np.full_like(chunk.pcm, number), chunk.rate_hz, chunk.start_s) for number, chunk in enumerate(chunks)
    ]


async def test_the_time_line_goes_on_after_a_gap_and_all_of_the_new_device_is_heard() -> None:
    microphone = SwitchableMicrophone(FakeMicrophone(frames(1.0)))
    new = unlike(frames(0.32))
    async with microphone:
        before = await fetched(microphone, 4)
        await microphone.switch(await FakeMicrophone(new).__aenter__())
        after = await fetched(microphone, 99)
    assert after[0].start_s == pytest.approx(before[-1].end_s + GAP_S)
    assert [int(chunk.pcm[0]) for chunk in after] == list(range(10))
    assert after[-1].start_s == pytest.approx(after[0].start_s + 9 * FRAME_S)


async def test_it_goes_on_from_one_exchange_to_the_next() -> None:
    async with SwitchableMicrophone(FakeMicrophone(frames(1.0))) as microphone:
        starts: list[float] = []
        for _ in range(4):
            starts += [chunk.start_s for chunk in await fetched(microphone, 3)]
            await microphone.switch(await FakeMicrophone(frames(1.0)).__aenter__())
        steps = np.diff(starts)
    assert np.allclose(steps, [FRAME_S, FRAME_S, FRAME_S + GAP_S] * 3 + [FRAME_S] * 2)


async def test_a_reader_in_the_middle_of_it_goes_on_with_the_new_device() -> None:
    old, new = FakeMicrophone(frames(1.0)), FakeMicrophone(frames(0.32))
    async with SwitchableMicrophone(old) as microphone:
        found: list[AudioChunk] = []
        async with aclosing(microphone.chunks()) as chunks:
            async for chunk in chunks:
                found.append(chunk)
                if len(found) == 3:
                    await microphone.switch(await new.__aenter__())
    assert len(found) == 13
    assert new.delivered == 10


async def test_a_reader_that_waits_for_a_dead_device_is_set_free() -> None:
    old = FakeMicrophone(frames(0.1), silent_at_end=True)
    async with SwitchableMicrophone(old) as microphone, asyncio.timeout(5), asyncio.TaskGroup() as group:
        reading = group.create_task(fetched(microphone, 8), name="reader")
        while old.delivered < 3:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        await microphone.switch(await FakeMicrophone(frames(1.0)).__aenter__())
    assert len(reading.result()) == 8


async def test_the_loss_of_the_device_in_use_is_told() -> None:
    async with SwitchableMicrophone(FakeMicrophone(frames(1.0))) as microphone:
        await microphone.switch(await FakeMicrophone(frames(1.0), lost_after=2).__aenter__())
        with pytest.raises(DeviceLost):
            await fetched(microphone, 5)


async def test_what_was_dropped_is_counted_over_all_devices() -> None:
    async with SwitchableMicrophone(FakeMicrophone(frames(1.0), drop=[1, 2])) as microphone:
        await fetched(microphone, 3)
        await microphone.switch(await FakeMicrophone(frames(1.0), drop=[0]).__aenter__())
        await fetched(microphone, 1)
        assert microphone.dropped_s == pytest.approx(3 * FRAME_S)


class Refusing(FakeMicrophone):
    """Cannot be opened."""

    async def __aenter__(self) -> Refusing:
        raise DeviceError("The fake microphone refuses.")


async def test_where_the_first_device_refuses_another_one_is_opened() -> None:
    told: list[str] = []

    def otherwise(error: DeviceError) -> Microphone:
        told.append(error.message)
        return FakeMicrophone(frames(1.0))

    async with SwitchableMicrophone(Refusing([]), otherwise) as microphone:
        assert len(await fetched(microphone, 2)) == 2
    assert told == ["The fake microphone refuses."]
    with pytest.raises(DeviceError):
        await SwitchableMicrophone(Refusing([])).__aenter__()


class Stuck(FakeMicrophone):
    """Cannot be closed."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        raise DeviceError("The fake microphone is stuck.")


async def test_an_old_device_that_cannot_be_closed_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    microphone = await SwitchableMicrophone(Stuck(frames(1.0))).__aenter__()
    await microphone.switch(await FakeMicrophone(frames(1.0)).__aenter__())
    assert len(await fetched(microphone, 2)) == 2
    assert "is stuck" in caplog.text


async def test_an_answer_goes_on_with_the_new_loudspeaker_and_what_was_heard_is_counted_on() -> None:
    old, new = FakeSpeaker(), FakeSpeaker()
    async with SwitchableSpeaker(old) as speaker:
        await speaker.start()
        await speaker.play(tone(440, 0.3))
        await speaker.switch(await new.__aenter__())
        assert speaker.played_s == pytest.approx(0.3)
        await speaker.play(tone(440, 0.2))
        await speaker.finish()
        assert speaker.played_s == pytest.approx(0.5)
        await speaker.start()
        assert speaker.played_s == 0.0
    assert old.calls[-1] == "stop"
    assert new.calls == ["start", "play", "finish", "start"]


async def test_whoever_hands_over_a_long_chunk_just_then_has_its_rest_played_by_the_new_device() -> None:
    old, new = FakeSpeaker(slow=True), FakeSpeaker()
    async with SwitchableSpeaker(old) as speaker, asyncio.timeout(3), asyncio.TaskGroup() as group:
        await speaker.start()
        playing = group.create_task(speaker.play(tone(440, 20.0)), name="answer")
        while speaker.played_s < 0.05:
            await asyncio.sleep(0)
        await speaker.switch(await new.__aenter__())
        await playing
        await speaker.play(tone(440, 0.2))
        assert speaker.played_s == pytest.approx(20.2, abs=0.01)
        assert new.played_s > 19, "only what the old one had played is not repeated"


class EagerSpeaker(FakeSpeaker):
    """Takes everything over at once, and plays it when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[AudioChunk] = []

    async def play(self, chunk: AudioChunk) -> None:
        self.taken.append(chunk)

    def plays(self, until_s: float) -> None:
        self._played_s = until_s


def numbered(*lengths: int) -> list[AudioChunk]:
    """Chunks of 1 kHz whose samples count on from one to the next."""
    ends = np.cumsum(lengths)
    return [
        AudioChunk(np.arange(end - length, end, dtype=np.int16), 1000)
        for end, length in zip(ends, lengths, strict=True)
    ]


@pytest.mark.parametrize("stopped", [False, True])
async def test_what_was_taken_over_and_not_heard_is_played_by_the_new_device(stopped: bool) -> None:
    first, second, third = EagerSpeaker(), EagerSpeaker(), EagerSpeaker()
    chunks = numbered(100, 200, 300, 400)
    async with SwitchableSpeaker(first) as speaker:
        await speaker.start()
        for chunk in chunks[:2]:
            await speaker.play(chunk)
        first.plays(0.15)
        await speaker.play(chunks[2])
        await speaker.switch(await second.__aenter__())
        assert speaker.played_s == pytest.approx(0.15)
        if stopped:
            speaker.stop()
        await speaker.play(chunks[3])
        second.plays(0.2)
        await speaker.switch(await third.__aenter__())
        await speaker.finish()
    heard = np.concatenate([chunk.pcm for chunk in second.taken])
    assert heard.tolist() == list(range(600 if stopped else 150, 1000))
    heard = np.concatenate([chunk.pcm for chunk in third.taken])
    assert heard.tolist() == list(range(800 if stopped else 350, 1000))


class DeadSpeaker(FakeSpeaker):
    """Takes nothing any more; whoever waits for it is told of the loss when it is left."""

    def __init__(self) -> None:
        super().__init__()
        self.left = asyncio.Event()

    async def play(self, chunk: AudioChunk) -> None:
        await self.left.wait()
        raise DeviceLost("The fake loudspeaker was left.")

    async def finish(self) -> None:
        await self.play(tone(440, 0.1))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.left.set()


@pytest.mark.parametrize("step", ["play", "finish"])
async def test_an_answer_that_is_stuck_in_a_dead_loudspeaker_is_set_free(step: str) -> None:
    new = FakeSpeaker()
    async with SwitchableSpeaker(DeadSpeaker()) as speaker, asyncio.timeout(5), asyncio.TaskGroup() as group:
        await speaker.start()
        group.create_task(speaker.play(tone(440, 1.0)) if step == "play" else speaker.finish(), name="answer")
        await asyncio.sleep(0)
        await speaker.switch(await new.__aenter__())
    assert new.calls == ["start", step]


async def test_the_loss_of_the_loudspeaker_in_use_is_told() -> None:
    async with SwitchableSpeaker(FakeSpeaker(lost_after=0)) as speaker:
        await speaker.start()
        with pytest.raises(DeviceLost):
            await speaker.play(tone(440, 0.1))


async def test_a_paused_answer_stays_paused_on_the_new_device() -> None:
    old, new = FakeSpeaker(), FakeSpeaker()
    async with SwitchableSpeaker(old) as speaker, asyncio.timeout(5), asyncio.TaskGroup() as group:
        await speaker.start()
        playing = group.create_task(speaker.play(tone(440, 1.0)), name="answer")
        while speaker.played_s < 0.1:
            await asyncio.sleep(0)
        speaker.pause()
        paused_s = speaker.played_s
        await speaker.switch(await new.__aenter__())
        for _ in range(20):
            await asyncio.sleep(0)
        assert speaker.played_s == pytest.approx(paused_s)
        assert not playing.done()
        speaker.resume()
        await playing
        assert speaker.played_s == pytest.approx(1.0, abs=0.01)


async def test_an_exchange_while_something_is_heard_again_counts_nothing_twice() -> None:
    old, new = FakeSpeaker(), FakeSpeaker()
    async with SwitchableSpeaker(old) as speaker:
        await speaker.start()
        for _ in range(4):
            await speaker.play(tone(440, 0.1))
        speaker.pause()
        speaker.resume(back_s=0.35)
        await speaker.switch(await new.__aenter__())
        await speaker.finish()
        assert speaker.played_s == pytest.approx(0.4, abs=0.01)


async def test_a_reader_of_a_lost_microphone_waits_for_another_one() -> None:
    told: list[DeviceError] = []
    lost = FakeMicrophone(frames(1.0), lost_after=2)
    async with SwitchableMicrophone(lost, lost=told.append) as microphone, asyncio.timeout(5):
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(fetched(microphone, 5), name="reader")
            while not told:
                await asyncio.sleep(0)
            await microphone.switch(await FakeMicrophone(frames(1.0)).__aenter__())
        starts = [chunk.start_s for chunk in reading.result()]
    assert np.allclose(np.diff(starts), [FRAME_S, FRAME_S + GAP_S, FRAME_S, FRAME_S])


@pytest.mark.parametrize("stopped", [False, True])
async def test_an_answer_waits_for_another_loudspeaker_or_its_end(stopped: bool) -> None:
    told: list[DeviceError] = []
    new = FakeSpeaker()
    async with SwitchableSpeaker(FakeSpeaker(lost_after=1), lost=told.append) as speaker, asyncio.timeout(5):
        await speaker.start()
        await speaker.play(tone(440, 0.2))
        async with asyncio.TaskGroup() as group:
            playing = group.create_task(speaker.play(tone(440, 0.3)), name="answer")
            while not told:
                await asyncio.sleep(0)
            assert not playing.done()
            if stopped:
                speaker.stop()
            await speaker.switch(await new.__aenter__())
        assert speaker.played_s == pytest.approx(0.2 if stopped else 0.5)


async def test_whoever_sees_to_the_loss_may_refuse() -> None:
    def lost(error: DeviceError) -> None:
        raise error

    async with SwitchableMicrophone(FakeMicrophone(frames(1.0), lost_after=0), lost=lost) as microphone:
        with pytest.raises(DeviceLost):
            await fetched(microphone, 1)


async def test_stand_ins_are_tried_until_one_opens() -> None:
    following = [Refusing([]), Refusing([]), FakeMicrophone(frames(1.0))]
    async with SwitchableMicrophone(Refusing([]), lambda _: following.pop(0)) as microphone:
        assert len(await fetched(microphone, 2)) == 2
