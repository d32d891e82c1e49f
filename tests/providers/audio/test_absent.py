"""What stands in for devices that are not there."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.audio import FRAME_S
from pipeline.errors import DeviceLost
from pipeline.protocols import Microphone
from providers.audio.absent import BEHIND_S, PATIENCE_S, AbsentMicrophone, AbsentSpeaker
from tests.contracts.microphone import MicrophoneContract, fetched
from tests.contracts.speaker import tone
from tests.virtual_time import in_virtual_time, now_s

pytestmark = pytest.mark.unit


class TestAbsentMicrophone(MicrophoneContract):
    def opened(self) -> Microphone:
        return AbsentMicrophone()


@in_virtual_time
async def test_silence_comes_as_fast_as_time_passes() -> None:
    async with AbsentMicrophone() as microphone:
        found = await fetched(microphone, 100)
        assert now_s() == pytest.approx(100 * FRAME_S)
    assert not any(chunk.pcm.any() for chunk in found)


@in_virtual_time
async def test_what_nobody_asked_for_in_time_is_left_out() -> None:
    async with AbsentMicrophone() as microphone:
        await fetched(microphone, 1)
        await asyncio.sleep(BEHIND_S / 2)
        (late,) = await fetched(microphone, 1)
        assert late.start_s == pytest.approx(FRAME_S), "a little is made up for"
        await asyncio.sleep(60)
        (late,) = await fetched(microphone, 1)
        assert late.start_s == pytest.approx(now_s(), abs=2 * FRAME_S)


@in_virtual_time
async def test_a_reader_is_let_go_when_it_is_left() -> None:
    microphone = await AbsentMicrophone().__aenter__()
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(refused(microphone), name="reader")
        await asyncio.sleep(0.1)
        await microphone.__aexit__(None, None, None)
    assert reading.done()


async def refused(microphone: AbsentMicrophone) -> None:
    with pytest.raises(DeviceLost):
        await fetched(microphone, 1000)


@in_virtual_time
async def test_an_answer_waits_for_its_loudspeaker_and_then_passes_unheard() -> None:
    async with AbsentSpeaker() as speaker:
        await speaker.start()
        await speaker.play(tone(440, 1.0))
        assert now_s() == pytest.approx(PATIENCE_S)
        await speaker.play(tone(440, 1.0))
        await speaker.finish()
        await speaker.start()
        await speaker.play(tone(440, 1.0))
        assert now_s() == pytest.approx(PATIENCE_S), "no further answer waits"
        assert speaker.played_s == 0.0


@in_virtual_time
async def test_nobody_waits_for_a_loudspeaker_that_has_never_been_there() -> None:
    async with AbsentSpeaker(patience_s=0) as speaker:
        await speaker.start()
        await speaker.play(tone(440, 1.0))
        await speaker.finish()
    assert now_s() == 0.0


@pytest.mark.parametrize("how", ["stop", "start", "leave"])
def test_whoever_waits_is_let_go(how: str) -> None:
    @in_virtual_time
    async def run() -> None:
        async with AbsentSpeaker() as speaker, asyncio.TaskGroup() as group:
            await speaker.start()
            group.create_task(speaker.play(tone(440, 1.0)), name="answer")
            await asyncio.sleep(1)
            if how == "stop":
                speaker.stop()
            elif how == "start":
                await speaker.start()
            else:
                await speaker.__aexit__(None, None, None)
        assert now_s() == pytest.approx(1.0)

    run()


@in_virtual_time
async def test_a_paused_answer_waits_until_it_goes_on() -> None:
    async with AbsentSpeaker() as speaker, asyncio.TaskGroup() as group:
        await speaker.start()
        speaker.pause()
        answering = group.create_task(speaker.play(tone(440, 1.0)), name="answer")
        await asyncio.sleep(PATIENCE_S + 60)
        assert not answering.done()
        speaker.resume()
