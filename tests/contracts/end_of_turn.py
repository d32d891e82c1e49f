"""What every ``EndOfTurnDetector`` must do. A test class derives from the suite and says what its detector is."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import numpy as np
import pytest

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk
from pipeline.errors import ProviderError
from pipeline.protocols import EndOfTurnDetector


def heard(seconds: float, rate_hz: int = LISTENING_RATE_HZ) -> AudioChunk:
    """Noise as loud as speech."""
    noise = np.random.default_rng(7).normal(0, 3000, round(seconds * rate_hz))
    return AudioChunk(noise.astype(np.int16), rate_hz)


class EndOfTurnDetectorContract:
    """Derive from it and override ``opened``."""

    def opened(self) -> AbstractAsyncContextManager[EndOfTurnDetector]:
        raise NotImplementedError

    @pytest.mark.parametrize("seconds", [0.0, 0.01, 1.0, 8.0, 30.0])
    async def test_any_length_has_a_probability(self, seconds: float) -> None:
        async with self.opened() as detector:
            assert 0.0 <= await detector.completion_probability(heard(seconds)) <= 1.0

    async def test_silence_has_a_probability(self) -> None:
        async with self.opened() as detector:
            silent = AudioChunk(np.zeros(LISTENING_RATE_HZ, np.int16), LISTENING_RATE_HZ)
            assert 0.0 <= await detector.completion_probability(silent) <= 1.0

    async def test_where_in_the_stream_it_stands_makes_no_difference(self) -> None:
        async with self.opened() as detector:
            early, late = heard(1.0), AudioChunk(heard(1.0).pcm, LISTENING_RATE_HZ, start_s=4000.0)
            assert await detector.completion_probability(early) == await detector.completion_probability(late)

    async def test_other_rates_are_refused_and_it_stays_usable(self) -> None:
        async with self.opened() as detector:
            with pytest.raises(ProviderError) as caught:
                await detector.completion_probability(heard(1.0, 8000))
            assert not caught.value.retryable
            await detector.completion_probability(heard(1.0))

    async def test_concurrent_calls(self) -> None:
        async with self.opened() as detector:
            alone = await detector.completion_probability(heard(1.0))
            at_once = await asyncio.gather(*(detector.completion_probability(heard(1.0)) for _ in range(3)))
        assert at_once == [alone] * 3

    async def test_cancelled_calls_leave_it_usable(self) -> None:
        async with self.opened() as detector:
            expected = await detector.completion_probability(heard(1.0))
            async with asyncio.TaskGroup() as tasks:
                waiting = [
                    tasks.create_task(detector.completion_probability(heard(2.0)), name=f"abandoned {n}")
                    for n in range(3)
                ]
                await asyncio.sleep(0)
                for task in waiting:
                    task.cancel()
            assert all(task.cancelled() for task in waiting)
            assert await detector.completion_probability(heard(1.0)) == expected

    async def test_it_can_be_opened_again(self) -> None:
        provider = self.opened()
        async with provider as detector:
            first = await detector.completion_probability(heard(1.0))
        async with provider as detector:
            assert await detector.completion_probability(heard(1.0)) == first
