"""What every ``EchoCanceller`` must do. A test class derives from the suite and says what its canceller is."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import numpy as np
import pytest

from pipeline.audio import ECHO_FRAME_SAMPLES, LISTENING_RATE_HZ, Pcm, level_db
from pipeline.errors import ProviderError
from pipeline.protocols import EchoCanceller

DELAY_S = 0.06


def noise(seconds: float, seed: int, level: float = 3000) -> Pcm:
    """Something like a voice: noise in bursts of a quarter of a second."""
    count = round(seconds * LISTENING_RATE_HZ)
    bursts = 1 + np.sign(np.sin(np.arange(count) * 2 * np.pi * 2 / LISTENING_RATE_HZ))
    return (np.random.default_rng(seed).normal(0, level, count) * bursts / 2).astype(np.int16)


def cancelled(canceller: EchoCanceller, heard: Pcm, played: Pcm, delay_s: float) -> Pcm:
    """All of it, step by step."""
    steps = [slice(at, at + ECHO_FRAME_SAMPLES) for at in range(0, len(heard), ECHO_FRAME_SAMPLES)]
    return np.concatenate([canceller.cancel(heard[step], played[step], delay_s) for step in steps])


def later(pcm: Pcm, seconds: float, gain: float = 1.0) -> Pcm:
    """The same sound, later and softer, of the same length."""
    samples = round(seconds * LISTENING_RATE_HZ)
    return np.concatenate([np.zeros(samples, np.int16), (pcm * gain).astype(np.int16)])[: len(pcm)]


class EchoCancellerContract:
    """Derive from it and override ``opened``."""

    def opened(self) -> AbstractAsyncContextManager[EchoCanceller]:
        raise NotImplementedError

    async def test_an_echo_is_taken_out(self) -> None:
        played = noise(6, 1)
        echo = later(played, DELAY_S, 0.5)
        async with self.opened() as canceller:
            left = cancelled(canceller, echo, played, DELAY_S)
        assert level_db(left[3 * LISTENING_RATE_HZ :]) < level_db(echo[3 * LISTENING_RATE_HZ :]) - 20

    async def test_whoever_speaks_is_heard_late_by_the_latency_and_as_loud(self) -> None:
        voice = noise(4, 2)
        async with self.opened() as canceller:
            out = cancelled(canceller, voice, np.zeros(len(voice), np.int16), DELAY_S)
            late = round(canceller.latency_s * LISTENING_RATE_HZ)
        size = 2 * len(voice)
        alike = np.fft.irfft(np.fft.rfft(out, size) * np.conj(np.fft.rfft(voice, size)))
        assert abs(int(np.argmax(alike)) - late) <= 4  # filters turn phases a little
        assert level_db(out[LISTENING_RATE_HZ:]) == pytest.approx(level_db(voice[LISTENING_RATE_HZ:]), abs=1.5)

    @pytest.mark.parametrize("samples", [0, ECHO_FRAME_SAMPLES - 1, 512])
    async def test_other_lengths_are_refused_and_it_stays_usable(self, samples: int) -> None:
        right, wrong = np.zeros(ECHO_FRAME_SAMPLES, np.int16), np.zeros(samples, np.int16)
        async with self.opened() as canceller:
            for heard, played in ((wrong, right), (right, wrong)):
                with pytest.raises(ProviderError) as caught:
                    canceller.cancel(heard, played, DELAY_S)
                assert not caught.value.retryable
            assert len(canceller.cancel(right, right, DELAY_S)) == ECHO_FRAME_SAMPLES

    async def test_it_can_be_opened_again(self) -> None:
        provider = self.opened()
        voice = noise(0.5, 3)
        silence = np.zeros(len(voice), np.int16)
        async with provider as canceller:
            first = cancelled(canceller, voice, silence, DELAY_S)
        async with provider as canceller:
            assert np.array_equal(cancelled(canceller, voice, silence, DELAY_S), first)
