"""What every ``VoiceDetector`` must do. A test class derives from the suite and says what its detector is."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import numpy as np
import pytest

from pipeline.audio import FRAME_S, FRAME_SAMPLES, LISTENING_RATE_HZ, AudioChunk
from pipeline.errors import ProviderError
from pipeline.protocols import VoiceDetector


def frames(samples: np.ndarray) -> list[AudioChunk]:
    """int16 samples as whole frames; what is left over is dropped."""
    count = len(samples) // FRAME_SAMPLES
    return [
        AudioChunk(samples[n * FRAME_SAMPLES : (n + 1) * FRAME_SAMPLES], LISTENING_RATE_HZ, n * FRAME_S)
        for n in range(count)
    ]


class VoiceDetectorContract:
    """Derive from it and override ``opened``."""

    def opened(self) -> AbstractAsyncContextManager[VoiceDetector]:
        raise NotImplementedError

    sound = np.random.default_rng(7).normal(0, 3000, 40 * FRAME_SAMPLES).astype(np.int16)
    """What the suite lets it hear; replace it by speech where the detector knows speech."""

    async def test_probabilities_are_between_0_and_1_and_a_frame_each(self) -> None:
        async with self.opened() as detector:
            found = await detector.speech_probabilities(frames(self.sound))
        assert len(found) == 40
        assert all(0.0 <= probability <= 1.0 for probability in found)

    async def test_one_by_one_is_the_same_as_together(self) -> None:
        chunks = frames(self.sound)
        async with self.opened() as detector:
            one_by_one = [await detector.speech_probability(chunk) for chunk in chunks]
            detector.reset()
            together = await detector.speech_probabilities(chunks)
            detector.reset()
            mixed = await detector.speech_probabilities(chunks[:3])
            mixed += [await detector.speech_probability(chunk) for chunk in chunks[3:10]]
            mixed += await detector.speech_probabilities(chunks[10:])
        assert together == pytest.approx(one_by_one, abs=1e-4)
        assert mixed == pytest.approx(one_by_one, abs=1e-4)

    async def test_reset_forgets(self) -> None:
        chunks = frames(self.sound)
        async with self.opened() as detector:
            first = await detector.speech_probabilities(chunks)
            detector.reset()
            assert await detector.speech_probabilities(chunks) == pytest.approx(first, abs=1e-4)

    async def test_nothing_gives_nothing(self) -> None:
        async with self.opened() as detector:
            assert await detector.speech_probabilities([]) == []

    @pytest.mark.parametrize("samples", [0, 1, FRAME_SAMPLES - 1, FRAME_SAMPLES + 1])
    async def test_other_lengths_are_refused_and_it_stays_usable(self, samples: int) -> None:
        async with self.opened() as detector:
            with pytest.raises(ProviderError) as caught:
                await detector.speech_probability(AudioChunk(np.zeros(samples, np.int16), LISTENING_RATE_HZ))
            assert not caught.value.retryable
            await detector.speech_probability(frames(self.sound)[0])

    async def test_other_rates_are_refused(self) -> None:
        async with self.opened() as detector:
            with pytest.raises(ProviderError):
                await detector.speech_probability(AudioChunk(np.zeros(FRAME_SAMPLES, np.int16), 8000))

    async def test_concurrent_calls_are_heard_in_order(self) -> None:
        chunks = frames(self.sound)
        async with self.opened() as detector:
            alone = [await detector.speech_probability(chunk) for chunk in chunks[:8]]
            detector.reset()
            at_once = await asyncio.gather(*(detector.speech_probability(chunk) for chunk in chunks[:8]))
        assert list(at_once) == pytest.approx(alone, abs=1e-4)

    async def test_a_cancelled_call_leaves_it_usable(self) -> None:
        chunks = frames(self.sound)
        async with self.opened() as detector:
            expected = await detector.speech_probabilities(chunks)
            detector.reset()
            async with asyncio.TaskGroup() as tasks:
                abandoned = tasks.create_task(detector.speech_probabilities(chunks), name="abandoned")
                await asyncio.sleep(0)
                abandoned.cancel()
            assert abandoned.cancelled()
            detector.reset()
            assert await detector.speech_probabilities(chunks) == pytest.approx(expected, abs=1e-4)

    async def test_it_can_be_opened_again(self) -> None:
        provider = self.opened()
        async with provider as detector:
            first = await detector.speech_probabilities(frames(self.sound))
        async with provider as detector:
            assert await detector.speech_probabilities(frames(self.sound)) == pytest.approx(first, abs=1e-4)
