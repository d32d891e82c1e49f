"""What every ``WakeWordDetector`` must do. A test class derives from the suite and says what its detector is."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import numpy as np
import pytest

from pipeline.audio import FRAME_SAMPLES, LISTENING_RATE_HZ, AudioChunk
from pipeline.errors import ProviderError
from pipeline.protocols import WakeWordDetector
from pipeline.speech import WakeWordHit


def chunks(pcm: np.ndarray, start_s: float = 0.0, samples: int = FRAME_SAMPLES) -> list[AudioChunk]:
    """Sound (int16, 16 kHz) in chunks, the last one shorter."""
    return [
        AudioChunk(pcm[at : at + samples], LISTENING_RATE_HZ, start_s + at / LISTENING_RATE_HZ)
        for at in range(0, len(pcm), samples)
    ]


async def hits(detector: WakeWordDetector, sound: list[AudioChunk]) -> list[WakeWordHit]:
    return [hit for chunk in sound if (hit := await detector.detect(chunk)) is not None]


def quiet(duration_s: float) -> np.ndarray:
    """The noise of a quiet room, int16, 16 kHz."""
    return np.random.default_rng(3).normal(0, 10, round(duration_s * LISTENING_RATE_HZ)).astype(np.int16)


class WakeWordContract:
    """Derive from it, override ``opened`` and ``word``."""

    def opened(self, *, refractory_s: float = 2.0) -> AbstractAsyncContextManager[WakeWordDetector]:
        """A detector for the word ``alexa``, not entered."""
        raise NotImplementedError

    @pytest.fixture
    def alexa(self, recordings: Path) -> np.ndarray:
        """Three seconds of quiet, somebody says "alexa", a second of quiet; the word ends at 3.54 s."""
        import soundfile

        word, _ = soundfile.read(recordings / "wake_alexa.wav", dtype="int16")
        return np.concatenate([quiet(3.0), word, quiet(1.0)])

    async def test_it_hears_the_word_once_soon_and_knows_where_it_ends(self, alexa: np.ndarray) -> None:
        async with self.opened() as detector:
            (hit,) = await hits(detector, chunks(alexa))
        assert hit.name == "alexa"
        assert 0.5 <= hit.score <= 1.0
        assert 3.3 < hit.at_s < 3.54 + 0.25
        assert hit.word_end_s <= hit.at_s
        assert hit.word_end_s == pytest.approx(3.54, abs=0.16)

    async def test_the_length_of_chunks_changes_nothing(self, alexa: np.ndarray) -> None:
        found = []
        for samples in (160, 512, 1280, 5000, len(alexa)):
            async with self.opened() as detector:
                (hit,) = await hits(detector, chunks(alexa, samples=samples))
            found.append((hit.name, round(hit.word_end_s, 3), round(hit.at_s, 2)))
        assert len(set(found)) == 1

    async def test_a_stream_may_begin_anywhere(self, alexa: np.ndarray) -> None:
        async with self.opened() as detector:
            (hit,) = await hits(detector, chunks(alexa, start_s=1000.032))
        assert hit.word_end_s == pytest.approx(1003.57, abs=0.16)

    async def test_a_gap_begins_a_new_stream(self, alexa: np.ndarray) -> None:
        sound = chunks(alexa)
        middle = round(3.3 / 0.032)
        async with self.opened() as detector:
            broken = [*sound[:middle], *chunks(alexa[middle * 512 :], start_s=60.0)]
            assert await hits(detector, broken) == []

    async def test_reset_forgets_half_a_word(self, alexa: np.ndarray) -> None:
        sound = chunks(alexa)
        middle = round(3.3 / 0.032)
        async with self.opened() as detector:
            assert await hits(detector, sound[:middle]) == []
            detector.reset()
            assert await hits(detector, sound[middle:]) == []

    @pytest.mark.parametrize(("refractory_s", "expected"), [(2.0, 2), (10.0, 1)])
    async def test_it_does_not_hear_again_within_the_refractory_time(
        self, alexa: np.ndarray, refractory_s: float, expected: int
    ) -> None:
        async with self.opened(refractory_s=refractory_s) as detector:
            found = await hits(detector, chunks(alexa))
            detector.reset()
            found += await hits(detector, chunks(alexa, start_s=len(alexa) / LISTENING_RATE_HZ))
        assert len(found) == expected

    async def test_context_is_what_a_gate_has_to_feed_it(self, alexa: np.ndarray) -> None:
        async with self.opened() as detector:
            (whole,) = await hits(detector, chunks(alexa))
            start = round((3.3 - detector.context_s) * LISTENING_RATE_HZ)
        pcm = alexa[max(0, start) :]
        async with self.opened() as detector:
            (late,) = await hits(detector, chunks(pcm, start_s=max(0, start) / LISTENING_RATE_HZ))
        assert late.score == pytest.approx(whole.score, abs=0.02)
        assert late.word_end_s == pytest.approx(whole.word_end_s, abs=0.03)

    async def test_silence_and_noise_are_no_word(self) -> None:
        noise = np.random.default_rng(5).normal(0, 3000, 5 * LISTENING_RATE_HZ).astype(np.int16)
        async with self.opened() as detector:
            assert await hits(detector, chunks(np.concatenate([np.zeros(32000, np.int16), noise]))) == []

    async def test_other_rates_are_refused_and_it_stays_usable(self, alexa: np.ndarray) -> None:
        async with self.opened() as detector:
            with pytest.raises(ProviderError) as caught:
                await detector.detect(AudioChunk(np.zeros(512, np.int16), 8000))
            assert not caught.value.retryable
            assert len(await hits(detector, chunks(alexa))) == 1

    async def test_an_empty_chunk_is_nothing(self) -> None:
        async with self.opened() as detector:
            assert await detector.detect(AudioChunk(np.empty(0, np.int16), LISTENING_RATE_HZ)) is None

    async def test_a_closed_one_says_so(self) -> None:
        provider = self.opened()
        async with provider as detector:
            pass
        with pytest.raises(ProviderError):
            await detector.detect(AudioChunk(np.zeros(512, np.int16), LISTENING_RATE_HZ))

    async def test_a_cancelled_call_loses_no_sound(self, alexa: np.ndarray) -> None:
        sound = chunks(alexa, samples=1280)
        found = []
        async with self.opened() as detector:
            for number, chunk in enumerate(sound):
                if number % 3 == 1:
                    async with asyncio.TaskGroup() as tasks:
                        abandoned = tasks.create_task(detector.detect(chunk), name="abandoned")
                        await asyncio.sleep(0)
                        abandoned.cancel()
                    continue
                found += [await detector.detect(chunk)]
        assert len([hit for hit in found if hit]) == 1

    async def test_it_can_be_opened_again(self, alexa: np.ndarray) -> None:
        provider = self.opened()
        for _ in range(2):
            async with provider as detector:
                assert len(await hits(detector, chunks(alexa))) == 1
