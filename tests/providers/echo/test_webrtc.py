"""WebRTC's echo canceller, and the fake that stands in for it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import AbstractAsyncContextManager

import numpy as np
import pytest

from pipeline.audio import LISTENING_RATE_HZ, from_float, level_db
from pipeline.errors import ProviderError, ProviderMissing
from pipeline.protocols import EchoCanceller
from providers.echo.webrtc import Settings, WebRtcEchoCanceller
from tests.conftest import ROOT
from tests.contracts.echo import EchoCancellerContract, cancelled, later, noise
from tests.fakes.echo import FakeEchoCanceller
from tests.sounds import piper


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
    async with WebRtcEchoCanceller(Settings(learns_room=False)) as canceller:
        left = cancelled(canceller, heard, played, 0.04)
    tail = slice(4 * LISTENING_RATE_HZ, None)
    assert level_db(heard[tail]) - level_db(left[tail]) > 25


def spoken(*sentences: str) -> np.ndarray:
    return np.concatenate([from_float(piper(text), LISTENING_RATE_HZ).pcm for text in sentences])


@pytest.mark.model
async def test_whoever_speaks_over_it_is_heard_because_the_room_was_learnt() -> None:
    played = spoken(*["The olive oil is in aisle four, next to the tomato sauce, and it costs three dollars."] * 4)
    voice = (spoken("What time do you close on Sunday?") * 0.2).astype(np.int16)
    at = len(played) - len(voice) - LISTENING_RATE_HZ
    speaking = np.zeros(len(played), np.int32)
    speaking[at : at + len(voice)] = voice
    heard = (room(played) + speaking).clip(-32768, 32767).astype(np.int16)
    whole = len(heard) // 160 * 160
    heard, played = heard[:whole], played[:whole]
    alike: dict[bool, float] = {}
    for learns in (True, False):
        async with WebRtcEchoCanceller(Settings(learns_room=learns)) as canceller:
            late = at + round(canceller.latency_s * LISTENING_RATE_HZ)
            left = cancelled(canceller, heard, played, 0.04)
        alike[learns] = max(likeness(left[late + lag :], voice) for lag in range(-8, 9))
    assert alike[True] > 0.7
    assert alike[True] > alike[False] + 0.2


@pytest.mark.model
async def test_without_an_echo_everything_passes_as_it_is() -> None:
    """With a headset: whoever speaks over an answer and its beginning, but for the time until that is known."""
    played = spoken("The olive oil is in aisle four, next to the tomato sauce, and it costs three dollars.")
    voice = spoken("What time do you close on Sunday?", "Hey Jarvis!")
    size = min(len(played), len(voice)) // 160 * 160
    async with WebRtcEchoCanceller(Settings()) as canceller:
        late = round(canceller.latency_s * LISTENING_RATE_HZ)
        out = cancelled(canceller, voice[:size], played[:size], 0.04)
    known = 2 * LISTENING_RATE_HZ
    assert np.array_equal(out[known:], voice[known - late : size - late])


@pytest.mark.model
async def test_an_echo_that_comes_later_is_found() -> None:
    """A headset is unplugged: loudspeaker and microphone are now in one room."""
    played = spoken(*["The olive oil is in aisle four, next to the tomato sauce, and it costs three dollars."] * 3)
    played = played[: len(played) // 160 * 160]
    heard = room(played)
    heard[: 2 * LISTENING_RATE_HZ] = 0
    async with WebRtcEchoCanceller(Settings()) as canceller:
        left = cancelled(canceller, heard, played, 0.04)
    tail = slice(4 * LISTENING_RATE_HZ, None)
    assert level_db(heard[tail]) - level_db(left[tail]) > 20


def likeness(sound: np.ndarray, voice: np.ndarray) -> float:
    """-1 to 1; without the lowest tones, whose phases WebRTC's high-pass filter turns."""
    return float(np.corrcoef(np.diff(sound[: len(voice)]), np.diff(voice))[0, 1])


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
    step = np.zeros(160, np.int16)
    with pytest.raises(ProviderError, match="not open"):
        WebRtcEchoCanceller(Settings()).cancel(step, step, 0)


EXIT = """
import asyncio
from providers.echo.webrtc import Settings, WebRtcEchoCanceller
async def main():
    async with WebRtcEchoCanceller(Settings()):
        from livekit.rtc._ffi_client import FfiClient
        dispose = FfiClient._dispose
        FfiClient._dispose = lambda client: (print("left alone:", FfiClient._ffi_disposed), dispose(client))
asyncio.run(main())
"""


def test_the_library_is_not_taken_down_while_python_ends() -> None:
    ran = subprocess.run([sys.executable, "-c", EXIT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "left alone: True\n"), ran.stderr
