"""Real time keeps its schedule; virtual time keeps microphone and loudspeaker in step and never waits for nobody."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from pipeline.audio import FRAME_S, AudioChunk, silence
from providers.audio.wav import FastPace, RealTimePace, WavMicrophone, WavSpeaker
from tests.providers.audio.sounds import VirtualTime, ramp, written

pytestmark = pytest.mark.unit


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "customer.wav", ramp(10 * FRAME_S))


async def test_real_time_delivers_a_chunk_when_it_would_have_been_recorded(file: Path) -> None:
    time = VirtualTime(late_s=0.003)
    began_s = time.now_s
    async with WavMicrophone(file, RealTimePace(time.clock, time.sleep)) as microphone:
        async for chunk in microphone.chunks():
            assert time.now_s - began_s == pytest.approx(chunk.end_s + 0.003)  # late once, not once for each chunk


async def test_real_time_hands_a_late_reader_what_has_gathered(file: Path) -> None:
    time = VirtualTime()
    pace = RealTimePace(time.clock, time.sleep)
    async with WavMicrophone(file, pace) as microphone, aclosing(microphone.chunks()) as chunks:
        await anext(chunks)
        time.now_s += 5 * FRAME_S
        at_s = time.now_s
        for _ in range(5):
            await anext(chunks)
        assert time.now_s == at_s
        await anext(chunks)
        assert time.now_s == pytest.approx(at_s + FRAME_S)


async def test_real_time_plays_as_long_as_it_sounds() -> None:
    time = VirtualTime(late_s=0.003)
    async with WavSpeaker(None, RealTimePace(time.clock, time.sleep)) as speaker:
        for pause_s in (0.0, 7.0):
            time.now_s += pause_s
            began_s = time.now_s
            await speaker.start()
            for _ in range(10):
                await speaker.play(silence(0.1, 22_050))
            assert time.now_s - began_s == pytest.approx(1.0, abs=0.01)


class Shop:
    """A reader that notes how far the answer was when it had each chunk."""

    def __init__(self, microphone: WavMicrophone, speaker: WavSpeaker) -> None:
        self.microphone = microphone
        self.speaker = speaker
        self.notes: list[tuple[float, float]] = []
        """End of each chunk and what was played of the answer at that time."""
        self.steps_per_chunk = 0
        """How long the reader thinks about each chunk, in rounds of the loop."""

    async def read(self) -> None:
        async with aclosing(self.microphone.chunks()) as chunks:
            async for chunk in chunks:
                for _ in range(self.steps_per_chunk):
                    await asyncio.sleep(0)
                self.notes.append((chunk.end_s, self.speaker.played_s))


@pytest.mark.parametrize("steps_per_chunk", [0, 1, 50])
async def test_the_microphone_advances_just_as_much_as_is_played(file: Path, steps_per_chunk: int) -> None:
    pace = FastPace()
    async with WavMicrophone(file, pace) as microphone, WavSpeaker(None, pace) as speaker:
        shop = Shop(microphone, speaker)
        shop.steps_per_chunk = steps_per_chunk
        await speaker.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(shop.read(), name="reader")
            for _ in range(100):
                await asyncio.sleep(0)
            assert shop.notes == []  # thinking takes no audio time
            await speaker.play(silence(0.1, 22_050))
            assert [end_s for end_s, _ in shop.notes] == pytest.approx([0.032, 0.064, 0.096])
            await speaker.play(silence(0.03, 16_000))
            assert len(shop.notes) == 4
            await speaker.finish()
        for end_s, played_s in shop.notes[:4]:
            assert end_s <= played_s + 1e-6 < end_s + FRAME_S + 1e-6
        assert shop.notes[-1][0] == pytest.approx(10 * FRAME_S + 2.0, abs=FRAME_S)


@pytest.mark.parametrize("steps_per_chunk", [0, 7, 50])
async def test_a_wake_word_in_the_file_interrupts_after_the_same_sample(file: Path, steps_per_chunk: int) -> None:
    pace = FastPace()
    async with WavMicrophone(file, pace) as microphone, WavSpeaker(None, pace) as speaker:

        async def wake_word() -> None:
            async with aclosing(microphone.chunks()) as chunks:
                async for chunk in chunks:
                    for _ in range(steps_per_chunk):
                        await asyncio.sleep(0)
                    if chunk.end_s > 0.2:
                        return

        await speaker.start()
        async with asyncio.TaskGroup() as group:
            answering = group.create_task(speaker.play(silence(60.0, 16_000)), name="answer")
            group.create_task(wake_word(), name="interruption").add_done_callback(lambda _: answering.cancel())
        speaker.stop()
        assert speaker.played_s == pytest.approx(0.224)
        assert (await anext(microphone.chunks())).end_s == pytest.approx(0.256)


async def test_a_reader_that_is_cancelled_when_the_answer_ends_loses_no_chunk(file: Path) -> None:
    pace = FastPace()
    async with WavMicrophone(file, pace) as microphone, WavSpeaker(None, pace) as speaker:
        shop = Shop(microphone, speaker)

        async def answer() -> None:
            await speaker.start()
            await speaker.play(silence(0.064, 16_000))
            await speaker.finish()

        async with asyncio.TaskGroup() as group:
            answering = group.create_task(answer(), name="answer")
            reading = group.create_task(shop.read(), name="interruption")
            answering.add_done_callback(lambda _: reading.cancel())
        assert (await anext(microphone.chunks())).start_s == pytest.approx(0.064)


@pytest.mark.timeout(10)
async def test_playing_never_waits_for_a_microphone_without_a_reader(file: Path) -> None:
    pace = FastPace(patience_s=3600)
    async with WavMicrophone(file, pace) as microphone, WavSpeaker(None, pace) as speaker:
        await speaker.start()
        await speaker.play(silence(1.0, 16_000))
        await speaker.finish()
        async for _ in microphone.chunks():
            pass
        await speaker.start()
        await speaker.play(silence(1.0, 16_000))  # the microphone has ended
        assert speaker.played_s == pytest.approx(1.0)


@pytest.mark.timeout(10)
async def test_the_microphone_may_end_in_the_middle_of_an_answer(file: Path) -> None:
    pace = FastPace(patience_s=3600)
    async with WavMicrophone(file, pace, tail_silence_s=0.0) as microphone, WavSpeaker(None, pace) as speaker:
        shop = Shop(microphone, speaker)
        await speaker.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(shop.read(), name="reader")
            await speaker.play(silence(5.0, 16_000))
        assert len(shop.notes) == 10
        assert speaker.played_s == pytest.approx(5.0)


@pytest.mark.timeout(10)
async def test_a_reader_that_stops_reading_is_waited_for_once(file: Path) -> None:
    pace = FastPace(patience_s=0.0)
    async with (
        WavMicrophone(file, pace) as microphone,
        WavSpeaker(None, pace) as speaker,
        aclosing(microphone.chunks()) as chunks,
    ):
        await anext(chunks)
        await speaker.start()
        await speaker.play(silence(0.128, 16_000))
        assert speaker.played_s == pytest.approx(0.128)
        caught_up: list[AudioChunk] = [await anext(chunks) for _ in range(4)]
        assert caught_up[-1].end_s == pytest.approx(5 * FRAME_S)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await anext(chunks)


async def test_without_an_answer_the_file_passes_at_once(file: Path) -> None:
    async with WavMicrophone(file, FastPace()) as microphone:
        found = [chunk async for chunk in microphone.chunks()]
    assert len(found) == 73  # 10 chunks, 62.5 of silence
    assert found[-1].end_s == pytest.approx(73 * FRAME_S)


async def test_the_microphone_goes_on_while_the_answer_is_paused(file: Path) -> None:
    pace = FastPace(patience_s=3600)
    async with WavMicrophone(file, pace) as microphone, WavSpeaker(None, pace) as speaker:
        heard_s: list[float] = []

        async def customer() -> None:
            async with aclosing(microphone.chunks()) as chunks:
                async for chunk in chunks:
                    heard_s.append(speaker.played_s)
                    if chunk.end_s == pytest.approx(0.128):
                        speaker.pause()
                    elif chunk.end_s == pytest.approx(0.64):
                        speaker.resume()
                    elif chunk.end_s > 0.9:
                        return

        await speaker.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(customer(), name="customer")
            await speaker.play(silence(1.0, 16_000))
    still = [0.128] * 16
    assert heard_s == pytest.approx([0.032, 0.064, 0.096, 0.128, *still, *(0.128 + FRAME_S * n for n in range(1, 10))])


async def test_a_customer_in_real_time_goes_on_while_the_answer_is_paused(file: Path) -> None:
    time = VirtualTime()
    pace = RealTimePace(time.clock, time.sleep)
    async with WavMicrophone(file, pace) as microphone, WavSpeaker(None, pace) as speaker:
        await speaker.start()
        speaker.pause()
        async with asyncio.TaskGroup() as group:
            group.create_task(speaker.play(silence(0.32, 16_000)), name="answer")
            async with aclosing(microphone.chunks()) as chunks:
                for _ in range(10):
                    await anext(chunks)
            assert speaker.played_s == 0.0
            resumed_s = time.now_s
            speaker.resume()
        assert time.now_s - resumed_s == pytest.approx(0.32, abs=FRAME_S)
