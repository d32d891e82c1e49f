"""Files as microphone and loudspeaker keep the contracts, and what is written can be heard."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.audio import FRAME_S, LISTENING_RATE_HZ
from pipeline.errors import AudioFileError
from pipeline.protocols import Microphone, Speaker
from providers.audio.pace import Pace
from providers.audio.recall import KEPT_S
from providers.audio.wav import FastPace, RealTimePace, WavMicrophone, WavSpeaker
from tests.contracts.microphone import MicrophoneContract, fetched
from tests.contracts.speaker import SpeakerContract, tone
from tests.providers.audio.sounds import VirtualTime, ramp, written

pytestmark = pytest.mark.unit


def real_time() -> Pace:
    time = VirtualTime()
    return RealTimePace(time.clock, time.sleep)


class TestFastMicrophone(MicrophoneContract):
    pace = staticmethod(FastPace)

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path) -> None:
        self.path = written(tmp_path / "customer.wav", ramp(1.0))

    def opened(self) -> Microphone:
        return WavMicrophone(self.path, self.pace())


class TestRealTimeMicrophone(TestFastMicrophone):
    pace = staticmethod(real_time)


class TestFastSpeaker(SpeakerContract):
    pace = staticmethod(FastPace)

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path) -> None:
        self.path = tmp_path / "heard.wav"

    def opened(self) -> Speaker:
        return WavSpeaker(self.path, self.pace())


class TestRealTimeSpeaker(TestFastSpeaker):
    pace = staticmethod(real_time)


class TestSpeakerWithoutAFile(SpeakerContract):
    def opened(self) -> Speaker:
        return WavSpeaker(None, FastPace())


async def test_the_microphone_delivers_the_file_then_silence(tmp_path: Path) -> None:
    sound = ramp(10.5 * FRAME_S)
    async with WavMicrophone(written(tmp_path / "a.wav", sound), FastPace(), tail_silence_s=1.0) as microphone:
        pcm = np.concatenate([chunk.pcm async for chunk in microphone.chunks()])
    assert np.array_equal(pcm[: len(sound.pcm)], sound.pcm)
    assert not pcm[len(sound.pcm) :].any()
    assert len(pcm) / LISTENING_RATE_HZ == pytest.approx(10.5 * FRAME_S + 1.0, abs=FRAME_S)


async def test_a_microphone_that_was_left_has_no_more_chunks(tmp_path: Path) -> None:
    microphone = WavMicrophone(written(tmp_path / "a.wav", ramp(1.0)), FastPace())
    async with microphone:
        await fetched(microphone, 1)
    assert await fetched(microphone, 1) == []


async def test_a_missing_file_is_told_when_it_is_opened(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="There is no file"):
        async with WavMicrophone(tmp_path / "a.wav", FastPace()):
            pass


async def test_answers_follow_each_other_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    async with WavSpeaker(path, FastPace()) as speaker:
        for hz in (440, 880):
            await speaker.start()
            await speaker.play(tone(hz, 0.25))
            await speaker.play(tone(hz, 0.25))
            await speaker.finish()
            speaker.stop()
    samples, rate_hz = soundfile.read(path, dtype="int16")
    assert rate_hz == 22_050
    assert soundfile.info(path).subtype == "PCM_16"
    expected = np.concatenate([tone(hz, 0.25).pcm for hz in (440, 440, 880, 880)])
    assert np.array_equal(samples, expected)


async def test_another_rate_is_made_the_files_own(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    async with WavSpeaker(path, FastPace(), rate_hz=16_000) as speaker:
        await speaker.start()
        await speaker.play(tone(440, 0.5, 48_000))
        await speaker.play(tone(440, 0.5, 22_050))
        await speaker.finish()
    samples, rate_hz = soundfile.read(path)
    assert rate_hz == 16_000
    assert len(samples) / rate_hz == pytest.approx(1.0, abs=2e-3)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    assert np.argmax(spectrum) * rate_hz / len(samples) == pytest.approx(440, abs=2)


async def test_a_stopped_answer_ends_in_the_file_where_it_was_stopped(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    async with WavSpeaker(path, FastPace()) as speaker:
        await speaker.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(speaker.play(tone(440, 5.0)), name="answer")
            while speaker.played_s < 0.5:
                await asyncio.sleep(0)
            speaker.stop()
        heard_s = speaker.played_s
        await speaker.start()
        await speaker.play(tone(440, 0.1))
        await speaker.finish()
    assert soundfile.info(path).duration == pytest.approx(heard_s + 0.1, abs=1e-3)


async def test_the_file_gets_its_name_at_the_end_whatever_happens(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    path.write_text("what was there before")

    async def broken_off() -> None:
        async with WavSpeaker(path, FastPace()) as speaker:
            await speaker.start()
            await speaker.play(tone(440, 0.5))
            assert path.read_text() == "what was there before"
            assert soundfile.info(tmp_path / "heard.wav.part").duration == pytest.approx(0.5, abs=0.1)
            raise KeyError

    with pytest.raises(KeyError):
        await broken_off()
    assert soundfile.info(path).duration == pytest.approx(0.5, abs=1e-3)
    assert [found.name for found in tmp_path.iterdir()] == ["heard.wav"]


async def test_a_speaker_that_said_nothing_leaves_an_empty_wav(tmp_path: Path) -> None:
    async with WavSpeaker(tmp_path / "heard.wav", FastPace()):
        pass
    assert soundfile.info(tmp_path / "heard.wav").frames == 0


@pytest.mark.parametrize("place", ["", "nowhere/heard.wav"])
async def test_a_file_that_cannot_be_written_is_told_at_once(tmp_path: Path, place: str) -> None:
    with pytest.raises(AudioFileError, match="cannot be written"):
        async with WavSpeaker(tmp_path / place, FastPace()):
            pass


async def test_what_is_heard_again_after_a_pause_is_in_the_file_twice(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    sound = ramp(0.96)
    async with WavSpeaker(path, FastPace()) as speaker:
        await speaker.start()
        for first, back_s in ((0.0, 0.1), (0.32, 9.0)):
            await speaker.play(sound.since(first).until(first + 0.32))
            speaker.pause()
            speaker.resume(back_s)
        await speaker.play(sound.since(0.64))
        await speaker.finish()
    samples, _ = soundfile.read(path, dtype="int16")
    expected = [sound.until(0.32), sound.since(0.22).until(0.64), sound]
    assert np.array_equal(samples, np.concatenate([part.pcm for part in expected]))


async def test_how_far_a_resumed_answer_can_go_back_is_bounded() -> None:
    async with WavSpeaker(None, FastPace()) as speaker:
        await speaker.start()
        await speaker.play(tone(440, 60.0))
        speaker.pause()
        speaker.resume(back_s=60.0)
        assert speaker.played_s == pytest.approx(60.0 - KEPT_S, abs=FRAME_S)
