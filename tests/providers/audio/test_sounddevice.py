"""Microphone and loudspeaker on a real sound system: what goes in comes out, and a pulled plug is noticed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import aclosing

import numpy as np
import pytest

from pipeline.audio import FRAME_S, AudioChunk, Pcm, joined, level_db
from pipeline.errors import DeviceError, DeviceLost, DeviceMissing
from pipeline.protocols import Microphone, Speaker
from providers.audio import device_stream
from providers.audio.portaudio import list_devices
from providers.audio.sounddevice_microphone import MicrophoneSettings, SounddeviceMicrophone
from providers.audio.sounddevice_speaker import SounddeviceSpeaker, SpeakerSettings
from tests.contracts.microphone import MicrophoneContract, fetched
from tests.contracts.speaker import SpeakerContract, answer, heard, tone
from tests.sound_server import SoundServer

pytestmark = [pytest.mark.device, pytest.mark.usefixtures("sound_server")]


class TestSounddeviceMicrophone(MicrophoneContract):
    def opened(self) -> Microphone:
        return SounddeviceMicrophone(MicrophoneSettings())


class TestSounddeviceMicrophoneOfAnotherRate(MicrophoneContract):
    def opened(self) -> Microphone:
        return SounddeviceMicrophone(MicrophoneSettings(device="pulse", rate_hz=48_000, channel=2, block_s=0.01))


class TestSounddeviceSpeaker(SpeakerContract):
    def opened(self) -> Speaker:
        return SounddeviceSpeaker(SpeakerSettings())


def loud_part(pcm: Pcm, threshold: int = 300) -> Pcm:
    """From the first to the last loud sample."""
    loud = np.flatnonzero(np.abs(pcm.astype(int)) > threshold)
    assert len(loud), "nothing was heard"
    return pcm[loud[0] : loud[-1] + 1]


def worst_step(pcm: Pcm, hz: float, rate_hz: int) -> float:
    """Largest deviation from a steady sine, share of its amplitude: a lost or doubled stretch shows as a jump.

    For a sine, x[n] + x[n-2] = 2 cos(w) x[n-1].
    """
    samples = pcm.astype(float)
    residue = samples[2:] + samples[:-2] - 2 * np.cos(2 * np.pi * hz / rate_hz) * samples[1:-1]
    return float(np.abs(residue).max() / np.abs(samples).max())


def frequency(pcm: Pcm, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm)), 4 * len(pcm)))
    return float(np.argmax(spectrum) * rate_hz / (4 * len(pcm)))


async def heard_while(speaking: subprocess.Popen[bytes], microphone: SounddeviceMicrophone) -> AudioChunk:
    """What the microphone hears until the customer has finished, and a little longer."""
    found: list[AudioChunk] = []
    rest = 15
    async with aclosing(microphone.chunks()) as chunks:
        async for chunk in chunks:
            found.append(chunk)
            rest -= speaking.poll() is not None
            if rest == 0:
                break
    assert speaking.returncode == 0
    return joined(found)


async def test_a_customers_tone_arrives_whole(sound_server: SoundServer) -> None:
    async with SounddeviceMicrophone(MicrophoneSettings()) as microphone:
        await fetched(microphone, 3)
        heard = await heard_while(sound_server.say(tone(440, 1.5)), microphone)
        assert microphone.dropped_s == 0
    part = loud_part(heard.pcm)
    assert len(part) / heard.rate_hz == pytest.approx(1.5, abs=0.02)
    assert frequency(part, heard.rate_hz) == pytest.approx(440, abs=1)
    assert level_db(part) == pytest.approx(tone(440, 1.5).level_db, abs=0.5)
    inner = part[800:-800]
    assert worst_step(inner, 440, heard.rate_hz) < 0.01


async def test_an_answer_is_heard_whole(sound_server: SoundServer) -> None:
    async with SounddeviceSpeaker(SpeakerSettings()) as speaker:
        with sound_server.record() as hearing:
            await speaker.start()
            for piece in np.split(tone(600, 1.5).pcm, 15):
                await speaker.play(AudioChunk(piece, 22_050))
            await speaker.finish()
            assert speaker.played_s == pytest.approx(1.5, abs=1e-3)
        assert speaker.gaps == 0
    part = loud_part(hearing.sound.pcm)
    rate_hz = hearing.sound.rate_hz
    assert len(part) / rate_hz == pytest.approx(1.5, abs=0.01)
    assert frequency(part, rate_hz) == pytest.approx(600, abs=1)
    assert level_db(part) == pytest.approx(tone(600, 1.5).level_db, abs=0.5)
    assert worst_step(part[2000:-2000], 600, rate_hz) < 0.01


async def test_a_stop_is_heard_within_a_block(sound_server: SoundServer) -> None:
    settings = SpeakerSettings()
    async with SounddeviceSpeaker(settings) as speaker:
        with sound_server.record() as hearing:
            await speaker.start()
            async with asyncio.TaskGroup() as group:
                group.create_task(speaker.play(tone(600, 20.0)), name="answer")
                while speaker.played_s < 0.5:
                    await asyncio.sleep(0.005)
                speaker.stop()
                stopped_s = speaker.played_s
    part = loud_part(hearing.sound.pcm, threshold=50)
    heard_s = len(part) / hearing.sound.rate_hz
    assert stopped_s <= heard_s + 0.005
    assert heard_s <= stopped_s + settings.block_s + settings.fade_s + 0.005
    # The last samples fade: no jump to silence, which would be heard as a click.
    assert np.abs(np.diff(part[-100:].astype(int))).max() < steepest(600, hearing.sound.rate_hz)


async def silent_after_s(sound_server: SoundServer, how: Callable[[SounddeviceSpeaker], None]) -> float:
    """How long an answer is still heard after ``how``; up to 20 ms too much, since a recording lags behind."""
    async with SounddeviceSpeaker(SpeakerSettings()) as speaker:
        with sound_server.record() as hearing:
            await speaker.start()
            async with asyncio.TaskGroup() as group:
                answering = group.create_task(speaker.play(tone(600, 20.0)), name="answer")
                await heard(speaker, 0.3)
                so_far_s = hearing.duration_s
                how(speaker)
                await asyncio.sleep(0.2)
                answering.cancel()
    last = np.flatnonzero(np.abs(hearing.sound.pcm.astype(int)) > 50)[-1]
    return float(last / hearing.sound.rate_hz - so_far_s)


@pytest.mark.parametrize("how", [SounddeviceSpeaker.stop, SounddeviceSpeaker.pause])
async def test_silence_falls_within_a_tenth_of_a_second(
    sound_server: SoundServer, how: Callable[[SounddeviceSpeaker], None]
) -> None:
    """The best of a few, for a busy sound server delays as it likes."""
    measured = []
    while not measured or (min(measured) >= 0.1 and len(measured) < 4):
        measured.append(await silent_after_s(sound_server, how))
    assert min(measured) < 0.1, measured


def sounding_s(loud: np.ndarray, rate_hz: int) -> float:
    """How long it sounds, without what a busy sound server left out; ``loud``: places of loud samples."""
    steps = np.diff(loud)
    return float(steps[steps < rate_hz / 1000].sum() / rate_hz)


def steepest(hz: float, rate_hz: int) -> float:
    """The largest step from one sample of a ``tone`` to the next."""
    return 0.3 * 32768 * 2 * np.pi * hz / rate_hz


async def test_after_a_pause_the_last_words_are_heard_again(sound_server: SoundServer) -> None:
    async with SounddeviceSpeaker(SpeakerSettings()) as speaker:
        with sound_server.record() as hearing:
            await speaker.start()
            async with asyncio.TaskGroup() as group:
                group.create_task(answer(speaker, 1.0), name="answer")
                await heard(speaker, 0.4)
                speaker.pause()
                paused_s = speaker.played_s
                await asyncio.sleep(0.2)
                speaker.resume(back_s=0.25)
        assert speaker.gaps == 0
    rate_hz = hearing.sound.rate_hz
    loud = np.flatnonzero(np.abs(hearing.sound.pcm.astype(int)) > 300)
    pause = int(np.argmax(np.diff(loud)))
    assert (loud[pause + 1] - loud[pause]) / rate_hz > 0.1
    assert sounding_s(loud[: pause + 1], rate_hz) == pytest.approx(paused_s, abs=0.015)
    assert sounding_s(loud[pause + 1 :], rate_hz) == pytest.approx(1.0 - paused_s + 0.25, abs=0.015)
    around = hearing.sound.pcm[loud[pause] - 100 : loud[pause + 1] + 100].astype(int)
    assert np.abs(np.diff(around)).max() < 0.5 * steepest(440, rate_hz), "it fades"


async def test_another_answer_is_heard_after_a_stop(sound_server: SoundServer) -> None:
    async with SounddeviceSpeaker(SpeakerSettings()) as speaker:
        await speaker.start()
        await speaker.play(tone(600, 0.3))
        speaker.stop()
        with sound_server.record() as hearing:
            await speaker.start()
            await speaker.play(tone(900, 0.5))
            await speaker.finish()
    part = loud_part(hearing.sound.pcm)
    assert frequency(part[-12_000:], hearing.sound.rate_hz) == pytest.approx(900, abs=5)


async def test_what_nobody_fetches_is_dropped_from_the_oldest_and_counted() -> None:
    async with SounddeviceMicrophone(MicrophoneSettings(queue_s=0.2)) as microphone:
        first = (await fetched(microphone, 1))[0]
        while microphone.dropped_s < 0.3:
            await asyncio.sleep(0.01)
        dropped_s = microphone.dropped_s
        found = await fetched(microphone, 4)
    assert found[0].start_s == pytest.approx(first.end_s + dropped_s)
    assert found[3].start_s == pytest.approx(found[0].start_s + 3 * FRAME_S)


async def test_a_pulled_plug_is_noticed_and_the_devices_work_again(sound_server: SoundServer) -> None:
    microphone = SounddeviceMicrophone(MicrophoneSettings())
    speaker = SounddeviceSpeaker(SpeakerSettings())
    async with microphone, speaker:
        before = (await fetched(microphone, 1))[0]
        await speaker.start()
        sound_server.unplug()
        async with asyncio.timeout(3):
            with pytest.raises(DeviceLost, match="The microphone 'default' has gone"):
                await fetched(microphone, 1000)
            with pytest.raises(DeviceLost, match="The loudspeaker 'default' has gone"):
                await speaker.play(tone(600, 20.0))
    sound_server.restore()
    async with microphone, speaker:
        after = await fetched(microphone, 3)
        assert after[0].start_s >= before.end_s
        with sound_server.record() as hearing:
            await speaker.start()
            await speaker.play(tone(600, 0.5))
            await speaker.finish()
    assert len(loud_part(hearing.sound.pcm)) == pytest.approx(24_000, abs=500)


async def test_a_device_that_hangs_is_noticed_and_closing_it_does_not_hang(
    sound_server: SoundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_stream, "WAKE_UP_S", 0.5)
    monkeypatch.setattr(device_stream, "CLOSE_S", 0.1)
    microphone = SounddeviceMicrophone(MicrophoneSettings(lost_after_s=0.3))
    async with asyncio.timeout(5):
        async with microphone:
            await fetched(microphone, 30)
            sound_server.freeze()
            with pytest.raises(DeviceLost):
                await fetched(microphone, 1000)
    sound_server.restore()
    async with microphone:
        assert await fetched(microphone, 1)


async def test_an_unknown_device_lists_those_there_are() -> None:
    with pytest.raises(DeviceMissing, match=r"no microphone 'defualt'\. Did you mean 'default'\? There are: 0 'pulse'"):
        async with SounddeviceMicrophone(MicrophoneSettings(device="defualt")):
            pass
    with pytest.raises(DeviceMissing, match="no loudspeaker 77"):
        async with SounddeviceSpeaker(SpeakerSettings(device=77)):
            pass


async def test_what_a_device_refuses_is_told_with_a_remedy() -> None:
    with pytest.raises(DeviceError, match="It has 32 channels"):
        async with SounddeviceMicrophone(MicrophoneSettings(channel=64)):
            pass


def test_the_devices_are_listed_with_their_defaults() -> None:
    found = {device.name: device for device in list_devices()}
    assert {"pulse", "default"} <= found.keys()
    assert found["default"].default_input
    assert found["default"].default_output
    assert not found["pulse"].default_input
    assert found["pulse"].rate_hz == 44_100


WITHOUT_SOUND = {"PULSE_SERVER": "unix:/nowhere", "HOME": "/nowhere", "XDG_RUNTIME_DIR": "/nowhere"}


def run_program(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process that begins without a sound system."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | WITHOUT_SOUND,
        check=False,
        capture_output=True,
        text=True,
    )


def test_a_machine_without_a_sound_system_is_told_quietly() -> None:
    """The libraries' own complaints stay out of the technician's way."""
    result = run_program("from providers.audio.portaudio import list_devices; print(len(list_devices()))")
    assert (result.returncode, result.stderr) == (0, "")


def test_devices_that_come_later_are_found(sound_server: SoundServer) -> None:
    """PortAudio itself would look for devices only once."""
    result = run_program(
        """
import os, sys
from providers.audio.portaudio import list_devices
before = {device.name for device in list_devices()}
os.environ["PULSE_SERVER"] = sys.argv[1]
print(sorted({device.name for device in list_devices()} - before))
""",
        sound_server.environment["PULSE_SERVER"],
    )
    assert "pulse" in result.stdout, result.stderr
