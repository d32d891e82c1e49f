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

    async def test_it_names_itself_before_it_is_opened(self) -> None:
        assert self.opened().capabilities.name
