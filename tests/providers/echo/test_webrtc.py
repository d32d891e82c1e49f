"""WebRTC's echo canceller, and the fake that stands in for it."""

from __future__ import annotations

import sys
from contextlib import AbstractAsyncContextManager

import numpy as np
import pytest

from pipeline.audio import LISTENING_RATE_HZ, level_db
from pipeline.errors import ProviderError, ProviderMissing
from pipeline.protocols import EchoCanceller
from providers.echo.webrtc import Settings, WebRtcEchoCanceller
from tests.contracts.echo import EchoCancellerContract, cancelled, later, noise
from tests.fakes.echo import FakeEchoCanceller


@pytest.mark.unit
class TestFake(EchoCancellerContract):
    def opened(self) -> AbstractAsyncContextManager[EchoCanceller]:
        return FakeEchoCanceller()


@pytest.mark.model
class TestWebRtc(EchoCancellerContract):
    def opened(self) -> AbstractAsyncContextManager[EchoCanceller]:
        return WebRtcEchoCanceller(Settings())


@pytest.mark.model
class TestWebRtcWithNoiseSuppression(EchoCancellerContract):
    def opened(self) -> AbstractAsyncContextManager[EchoCanceller]:
        return WebRtcEchoCanceller(Settings(noise_suppression=True))

    async def test_whoever_speaks_is_heard_late_by_the_latency_and_as_loud(self) -> None:
        pytest.skip("the suite's voice is noise, which this one takes out")


def room(played: np.ndarray) -> np.ndarray:
    """What a microphone hears: 60 ms later, with a tail of 150 ms, and a loudspeaker that clips a little."""
    length = round(0.15 * LISTENING_RATE_HZ)
    tail = np.random.default_rng(5).normal(size=length) * np.exp(-np.arange(length) / (length / 6))
    tail /= np.sqrt((tail**2).sum())
    bent = 8000 * np.tanh(played / 8000)
    return later(np.clip(np.convolve(bent, tail)[: len(played)] * 0.5, -32768, 32767).astype(np.int16), 0.06)


@pytest.mark.model
async def test_the_echo_of_a_room_is_taken_out() -> None:
    played = noise(8, 1)
    heard = room(played)
    async with WebRtcEchoCanceller(Settings()) as canceller:
        left = cancelled(canceller, heard, played, 0.04)
    tail = slice(4 * LISTENING_RATE_HZ, None)
    assert level_db(heard[tail]) - level_db(left[tail]) > 25


@pytest.mark.model
async def test_whoever_speaks_over_it_loses_little() -> None:
    played = noise(8, 1)
    voice = noise(8, 2, 1500)
    voice[: 4 * LISTENING_RATE_HZ] = 0
    heard = (room(played).astype(np.int32) + voice).clip(-32768, 32767).astype(np.int16)
    async with WebRtcEchoCanceller(Settings()) as canceller:
        left = cancelled(canceller, heard, played, 0.04)
        late = round(canceller.latency_s * LISTENING_RATE_HZ)
    both = slice(6 * LISTENING_RATE_HZ, 8 * LISTENING_RATE_HZ - late)
    alike = np.corrcoef(left[late:][both], voice[both])[0, 1]
    assert alike > 0.5
    assert abs(level_db(left[late:][both]) - level_db(voice[both])) < 6


@pytest.mark.model
async def test_with_nothing_chosen_nothing_changes() -> None:
    voice = noise(0.5, 2)
    async with WebRtcEchoCanceller(Settings(echo_cancellation=False)) as canceller:
        assert canceller.latency_s == 0
        assert np.array_equal(cancelled(canceller, voice, np.zeros(len(voice), np.int16), 0.04), voice)


@pytest.mark.unit
def test_only_what_leaves_voices_alone_may_rest() -> None:
    assert WebRtcEchoCanceller(Settings()).may_rest
    for option in ("noise_suppression", "high_pass_filter", "gain_control"):
        assert not WebRtcEchoCanceller(Settings(**{option: True})).may_rest


@pytest.mark.unit
async def test_without_its_package_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "livekit", None)
    with pytest.raises(ProviderMissing, match=r"install\.sh"):
        await WebRtcEchoCanceller(Settings()).__aenter__()


@pytest.mark.unit
def test_one_that_is_not_open_is_refused() -> None:
    from pipeline.audio import AudioChunk

    with pytest.raises(ProviderError, match="not open"):
        WebRtcEchoCanceller(Settings()).cancel(np.zeros(160, np.int16), AudioChunk(np.zeros(160, np.int16), 16000), 0)
