"""What every ``Speaker`` must do. A test class derives from the suite and says what its speaker is."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from pipeline.audio import AudioChunk, from_float
from pipeline.protocols import Speaker


def tone(hz: float, duration_s: float, rate_hz: int = 22_050, amplitude: float = 0.3) -> AudioChunk:
    """A sine."""
    at_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    return from_float(amplitude * np.sin(2 * np.pi * hz * at_s), rate_hz)


async def answer(speaker: Speaker, *durations_s: float) -> None:
    """Tones from the beginning to the end."""
    for duration_s in durations_s:
        await speaker.play(tone(440, duration_s))
    await speaker.finish()


async def heard(speaker: Speaker, until_s: float) -> None:
    """Return when so much of the answer has been heard."""
    while speaker.played_s < until_s:
        await asyncio.sleep(0)


async def a_moment() -> None:
    """Time in which a loudspeaker that was not silent would go on."""
    for _ in range(6):
        await asyncio.sleep(0.01)


class SpeakerContract:
    """Derive from it and override ``opened``."""

    def opened(self) -> Speaker:
        raise NotImplementedError

    async def test_what_was_played_is_counted_from_each_start(self) -> None:
        async with self.opened() as speaker:
            for duration_s in (0.2, 0.1):
                await speaker.start()
                assert speaker.played_s == 0.0
                await speaker.play(tone(440, duration_s / 2))
                await speaker.play(tone(440, duration_s / 2))
                await speaker.finish()
                assert speaker.played_s == pytest.approx(duration_s, abs=1e-3)

    async def test_chunks_of_any_rate_and_length(self) -> None:
        async with self.opened() as speaker:
            await speaker.start()
            for rate_hz, duration_s in ((16_000, 0.05), (24_000, 0.05), (48_000, 0.1), (22_050, 0.0)):
                await speaker.play(tone(440, duration_s, rate_hz))
            await speaker.finish()
            assert speaker.played_s == pytest.approx(0.2, abs=5e-3)

    async def test_a_stop_ends_a_play_under_way_and_keeps_what_was_heard(self) -> None:
        async with self.opened() as speaker:
            await speaker.start()
            async with asyncio.TaskGroup() as group:
                playing = group.create_task(speaker.play(tone(440, 20.0)), name="answer")
                while speaker.played_s < 0.05:
                    await asyncio.sleep(0)
                speaker.stop()
                stopped_s = speaker.played_s
                await playing
            await speaker.finish()
            assert 0.0 < stopped_s <= speaker.played_s < stopped_s + 0.1

    async def test_a_play_can_be_cancelled(self) -> None:
        async with self.opened() as speaker:
            await speaker.start()
            async with asyncio.TaskGroup() as group:
                playing = group.create_task(speaker.play(tone(440, 20.0)), name="answer")
                while speaker.played_s < 0.05:
                    await asyncio.sleep(0)
                playing.cancel()
            speaker.stop()
            await speaker.start()
            await speaker.play(tone(440, 0.1))
            await speaker.finish()
            assert speaker.played_s == pytest.approx(0.1, abs=1e-3)

    async def test_stop_is_allowed_at_any_time(self) -> None:
        async with self.opened() as speaker:
            speaker.stop()
            await speaker.start()
            speaker.stop()
            speaker.stop()
            await speaker.finish()
            await speaker.start()
            await speaker.finish()
            speaker.stop()
            assert speaker.played_s == 0.0

    async def test_a_paused_answer_stands_still_and_then_goes_on(self) -> None:
        async with self.opened() as speaker:
            await speaker.start()
            async with asyncio.TaskGroup() as group:
                answering = group.create_task(answer(speaker, 0.6, 0.6), name="answer")
                await heard(speaker, 0.1)
                speaker.pause()
                speaker.pause()
                paused_s = speaker.played_s
                await a_moment()
                assert speaker.played_s == paused_s
                assert not answering.done()
                speaker.resume()
                speaker.resume(back_s=9.0)  # it goes on already
            assert speaker.played_s == pytest.approx(1.2, abs=1e-3)

    async def test_a_resumed_answer_goes_back_as_far_as_it_is_told(self) -> None:
        async with self.opened() as speaker:
            await speaker.start()
            async with asyncio.TaskGroup() as group:
                group.create_task(answer(speaker, 0.5), name="answer")
                for _ in range(2):
                    await heard(speaker, 0.2)
                    speaker.pause()
                    paused_s = speaker.played_s
                    speaker.resume(back_s=0.12)
                    assert speaker.played_s == pytest.approx(paused_s - 0.12, abs=1e-3)
                speaker.pause()
                speaker.resume(back_s=9.0)
                assert speaker.played_s == pytest.approx(0.0, abs=1e-3)
            assert speaker.played_s == pytest.approx(0.5, abs=1e-3)

    async def test_an_answer_paused_at_its_end_is_finished_when_it_goes_on(self) -> None:
        async with self.opened() as speaker:
            await speaker.start()
            await speaker.play(tone(440, 0.2))
            speaker.pause()
            async with asyncio.TaskGroup() as group:
                finishing = group.create_task(speaker.finish(), name="finish")
                await a_moment()
                assert not finishing.done()
                speaker.resume(back_s=0.1)
            assert speaker.played_s == pytest.approx(0.2, abs=1e-3)
            speaker.resume(back_s=0.1)
            assert speaker.played_s == pytest.approx(0.2, abs=1e-3)

    async def test_a_stop_ends_a_paused_answer_for_good(self) -> None:
        async with self.opened() as speaker:
            await speaker.start()
            async with asyncio.TaskGroup() as group:
                group.create_task(answer(speaker, 20.0), name="answer")
                await heard(speaker, 0.05)
                speaker.pause()
                await a_moment()
                speaker.stop()
                stopped_s = speaker.played_s
                speaker.resume(back_s=1.0)
            assert speaker.played_s == stopped_s

    async def test_a_pause_does_not_outlive_its_answer(self) -> None:
        async with self.opened() as speaker:
            speaker.pause()
            speaker.resume(back_s=1.0)
            for _ in range(2):
                await speaker.start()
                await answer(speaker, 0.1)
                assert speaker.played_s == pytest.approx(0.1, abs=1e-3)
                speaker.pause()
                await speaker.start()
                speaker.pause()

    async def test_it_names_itself_before_it_is_opened(self) -> None:
        assert self.opened().capabilities.name
