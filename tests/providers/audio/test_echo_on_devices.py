"""Microphone and loudspeaker take the echo out between them: on a made sound card, and on a real sound system."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.audio import FRAME_S, LISTENING_RATE_HZ, AudioChunk, from_float, level_db
from pipeline.echo_cancelling import EchoCancelling
from providers.audio import device_stream, portaudio
from providers.audio.devices import DeviceInfo, Direction
from providers.audio.played_sound import PlayedSound
from providers.audio.sounddevice_microphone import MicrophoneSettings, SounddeviceMicrophone
from providers.audio.sounddevice_speaker import SounddeviceSpeaker, SpeakerSettings
from providers.echo.webrtc import Settings, WebRtcEchoCanceller
from tests.contracts.echo import noise
from tests.sound_server import SoundServer
from tests.sounds import piper

RATE_HZ = 48_000
OUTPUT_S, INPUT_S, AIR_S = 0.09, 0.05, 0.01
GAIN = 0.5


class SoundCard:
    """PortAudio with one device whose microphone stands beside its loudspeaker; time passes when it is told to."""

    def __init__(self, *, times: bool = True) -> None:
        self.times = times
        """Whether it tells its delays; else only those that it told when it was opened."""
        self.now_s = 100.0
        self.callbacks: dict[Direction, Any] = {}
        self.air = np.zeros(30 * RATE_HZ, np.float32)
        self.began_s = self.now_s
        self.played = self.recorded = 0

    def monotonic(self) -> float:
        return self.now_s

    def open_stream(self, device: DeviceInfo, direction: Direction, **options: Any) -> Any:
        self.callbacks[direction] = options["callback"]
        return SimpleNamespace(latency=OUTPUT_S if direction is Direction.OUTPUT else INPUT_S)

    def passes(self) -> None:
        """32 ms: the loudspeaker takes as much, then the microphone gives it."""
        for _ in range(2):
            block = np.zeros((768, 2), np.int16)
            self.callbacks[Direction.OUTPUT](block, 768, self._time(output_s=OUTPUT_S), SimpleNamespace())
            at = self.played + round((OUTPUT_S + AIR_S) * RATE_HZ)
            self.air[at : at + 768] += block[:, 0] * GAIN
            self.played += 768
            self.now_s += 0.016
        # What is handed over now was in the air a while ago.
        at = self.recorded + 1536 - round(INPUT_S * RATE_HZ) - 1536
        heard = self.air[max(0, at) : max(0, at + 1536)]
        block = np.concatenate([np.zeros(1536 - len(heard)), heard]).astype(np.int16)[:, np.newaxis]
        status = SimpleNamespace(input_overflow=False)
        self.callbacks[Direction.INPUT](block, 1536, self._time(input_s=INPUT_S + FRAME_S), status)
        self.recorded += 1536

    def _time(self, output_s: float = 0.0, input_s: float = 0.0) -> Any:
        clock = self.now_s + 5_000_000.0  # another clock than ours
        if not self.times:
            return SimpleNamespace(currentTime=0.0, outputBufferDacTime=0.0, inputBufferAdcTime=0.0)
        return SimpleNamespace(
            currentTime=clock, outputBufferDacTime=clock + output_s, inputBufferAdcTime=clock - input_s
        )


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> SoundCard:
    card = SoundCard()
    device = DeviceInfo(0, "card", "fake", 1, 2, RATE_HZ, default_input=True, default_output=True)
    monkeypatch.setattr(portaudio, "list_devices", lambda: [device])
    monkeypatch.setattr(portaudio, "open_stream", card.open_stream)
    monkeypatch.setattr(portaudio, "close_stream", lambda _: None)
    monkeypatch.setattr(device_stream, "time", card)
    return card


async def heard_of(card: SoundCard, speaker: SounddeviceSpeaker, microphone: SounddeviceMicrophone) -> np.ndarray:
    """Play four seconds; what the microphone gives meanwhile."""
    sound = AudioChunk(noise(4.0, 1), LISTENING_RATE_HZ)
    found: list[np.ndarray] = []

    async def plays() -> None:
        await speaker.start()
        await speaker.play(sound)

    async def listens() -> None:
        async with aclosing(microphone.chunks()) as chunks:
            async for chunk in chunks:
                found.append(chunk.pcm)

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        tasks = [group.create_task(plays(), name="plays"), group.create_task(listens(), name="listens")]
        for _ in range(round(4.0 / FRAME_S)):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            card.passes()
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
    return np.concatenate(found)


@pytest.mark.unit
@pytest.mark.parametrize("times", [True, False])
async def test_the_echo_goes_whether_or_not_the_card_tells_its_delays(card: SoundCard, times: bool) -> None:
    card.times = times
    played = PlayedSound()
    async with (
        WebRtcEchoCanceller(Settings()) as canceller,
        SounddeviceSpeaker(SpeakerSettings(), played) as speaker,
        SounddeviceMicrophone(MicrophoneSettings(), EchoCancelling(canceller, played)) as microphone,
    ):
        clean = await heard_of(card, speaker, microphone)
    tail = slice(2 * LISTENING_RATE_HZ, None)
    assert level_db(clean[tail]) < level_db(card.air.astype(np.int16)[: 4 * RATE_HZ]) - 25


@pytest.mark.unit
async def test_without_a_canceller_it_is_heard(card: SoundCard) -> None:
    async with (
        SounddeviceSpeaker(SpeakerSettings()) as speaker,
        SounddeviceMicrophone(MicrophoneSettings()) as microphone,
    ):
        raw = await heard_of(card, speaker, microphone)
    assert level_db(raw) == pytest.approx(level_db(noise(4.0, 1)) + 20 * np.log10(GAIN), abs=2)


@pytest.mark.unit
async def test_devices_that_come_back_and_others_are_cancelled_too(card: SoundCard) -> None:
    played = PlayedSound()
    async with WebRtcEchoCanceller(Settings()) as canceller:
        microphone = SounddeviceMicrophone(MicrophoneSettings(), EchoCancelling(canceller, played))
        for speaker in (SounddeviceSpeaker(SpeakerSettings(), played), SounddeviceSpeaker(SpeakerSettings(), played)):
            card.now_s += 7.0  # it was away
            card.air[:] = 0
            card.played = card.recorded = 0
            async with speaker, microphone:
                clean = await heard_of(card, speaker, microphone)
            assert level_db(clean[2 * LISTENING_RATE_HZ :]) < level_db(card.air.astype(np.int16)[: 4 * RATE_HZ]) - 25


@pytest.mark.device
@pytest.mark.long(1)
async def test_on_a_real_sound_system(sound_server: SoundServer) -> None:
    sound = from_float(
        np.concatenate([piper("The olive oil is in aisle four, and it costs three dollars.")] * 3), 16_000
    )
    played = PlayedSound()
    heard: dict[str, list[np.ndarray]] = {"raw": [], "clean": []}

    async def listens(name: str, microphone: SounddeviceMicrophone) -> None:
        async with aclosing(microphone.chunks()) as chunks:
            async for chunk in chunks:
                heard[name].append(chunk.pcm)

    with sound_server.echo(delay_ms=60, level_db=-6.0):
        async with (
            WebRtcEchoCanceller(Settings()) as canceller,
            SounddeviceSpeaker(SpeakerSettings(), played) as speaker,
            SounddeviceMicrophone(MicrophoneSettings(), EchoCancelling(canceller, played)) as clean,
            SounddeviceMicrophone(MicrophoneSettings()) as raw,
            asyncio.timeout(60),
            asyncio.TaskGroup() as group,
        ):
            tasks = [
                group.create_task(listens("raw", raw), name="raw"),
                group.create_task(listens("clean", clean), name="clean"),
            ]
            await speaker.start()
            await speaker.play(sound)
            await speaker.finish()
            for task in tasks:
                task.cancel()
    size = round(sound.duration_s * LISTENING_RATE_HZ)
    before, after = (np.concatenate(found)[size // 3 : size] for found in heard.values())
    assert level_db(after) < level_db(before) - 20
