"""Debug recordings: only where somebody asks for them, and never for long."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from assistant.checking.finding import State
from assistant.recordings import (
    LOOK_EVERY_S,
    MOST_WAITING,
    RecordedTranscriber,
    RecordingFiles,
    Recordings,
    recording_finding,
)
from pipeline.audio import AudioChunk
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.events import EventFeed
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.speech import NoSpeech, NoSpeechReason, Transcript, Utterance
from tests.pipeline.scene import Clock

pytestmark = pytest.mark.unit

NOISE = np.random.default_rng(1).normal(0, 3000, 16_000).astype(np.int16)

DAY_S = 86_400.0


def said(start_s: float = 1.0, duration_s: float = 1.0) -> Utterance:
    audio = AudioChunk(np.resize(NOISE, round(duration_s * 16_000)), 16_000, start_s)
    return Utterance(audio, start_s, start_s + duration_s, duration_s, start_s + duration_s)


class Now:
    def __init__(self) -> None:
        self.s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def files(tmp_path: Path, now: Now) -> RecordingFiles:
    return RecordingFiles(tmp_path, 3 * DAY_S, 100_000, now)


def names(files: RecordingFiles) -> list[str]:
    return sorted(path.stem for path in files.folder.glob("*"))


async def settled(recordings: Recordings) -> None:
    while recordings._tasks:
        await asyncio.sleep(0)


class Ears(FallbackTranscriber):
    """Understands nothing."""

    def __init__(self) -> None:
        super().__init__([], CircuitBreaker(EventFeed(), Clock()), Clock())
        self.heard: list[Utterance] = []

    async def transcribe(self, utterance: Utterance) -> Transcript | NoSpeech:
        self.heard.append(utterance)
        return NoSpeech(NoSpeechReason.TIMEOUT, "none", 0.0)


async def test_an_utterance_is_kept_as_it_was_heard_and_once(files: RecordingFiles) -> None:
    ears = Ears()
    async with Recordings(files, on=True) as recordings:
        recorded = RecordedTranscriber(ears, recordings)
        for utterance in (said(duration_s=0.5), said(duration_s=1.0), said(start_s=9.0)):  # the first one was a pause
            await recorded.transcribe(utterance)
            await settled(recordings)
    assert len(ears.heard) == 3
    assert len(names(files)) == 2
    sound, rate_hz = soundfile.read(files.folder / f"{names(files)[0]}.flac", dtype="int16")
    assert rate_hz == 16_000
    assert np.array_equal(sound, NOISE)
    assert files.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in files.folder.iterdir()} == {0o600}


async def test_nothing_is_kept_unless_it_is_on(files: RecordingFiles) -> None:
    async with Recordings(files, on=False) as recordings:
        await RecordedTranscriber(Ears(), recordings).transcribe(said())
        await settled(recordings)
    assert not files.folder.exists()


def test_what_is_too_old_goes(files: RecordingFiles, now: Now) -> None:
    files.write("one", said())
    now.s += 2 * DAY_S
    files.write("two", said())
    now.s += 1 * DAY_S + 1
    assert files.sweep() == 1
    assert names(files) == ["two"]


def test_of_too_much_the_oldest_goes(files: RecordingFiles, now: Now) -> None:
    for number in range(6):
        now.s += 1
        files.write(f"{number}", said())
    assert files.kept().size_bytes <= 100_000
    assert names(files)[-1] == "5"
    assert len(names(files)) == 100_000 // files.kept().size_bytes * files.kept().files


def test_a_clock_that_was_set_back_keeps_nothing_for_ever(files: RecordingFiles, now: Now) -> None:
    files.write("one", said())
    now.s -= 400 * DAY_S
    files.sweep()
    now.s += 3 * DAY_S + 1
    assert files.sweep() == 1


async def test_old_ones_go_at_the_start_even_where_it_is_off(files: RecordingFiles, now: Now) -> None:
    files.write("one", said())
    (files.folder / "torn.part").touch()
    now.s += 3 * DAY_S + 1
    async with Recordings(files, on=False):
        assert names(files) == []


async def test_old_ones_go_while_it_runs(files: RecordingFiles, now: Now) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) > 1:
            raise asyncio.CancelledError
        now.s += 3 * DAY_S + 1

    files.write("one", said())
    async with Recordings(files, on=True, sleep=sleep) as recordings:
        assert names(files) == ["one"]
        with pytest.raises(asyncio.CancelledError):
            await recordings.run()
        assert names(files) == []
    assert slept == [LOOK_EVERY_S] * 2


async def test_a_full_disk_is_told_once_and_costs_nobody_an_answer(
    files: RecordingFiles, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("assistant.storage.sound_bytes.write", full)
    ears = Ears()
    async with Recordings(files, on=True) as recordings:
        for start_s in (1.0, 2.0, 3.0):
            await RecordedTranscriber(ears, recordings).transcribe(said(start_s))
            await settled(recordings)
    assert len(ears.heard) == 3
    assert sum("cannot be kept" in one.message for one in caplog.records) == 1


async def test_a_slow_disk_is_not_waited_for(files: RecordingFiles) -> None:
    async with Recordings(files, on=True) as recordings:
        for number in range(3 * MOST_WAITING):
            recordings.record(said(float(number)))
        assert len(recordings._tasks) == MOST_WAITING
        await settled(recordings)


async def test_that_recording_is_on_is_told(files: RecordingFiles, caplog: pytest.LogCaptureFixture) -> None:
    async with Recordings(files, on=True):
        pass
    assert [one.levelno for one in caplog.records if "Recording is on" in one.message] == [logging.WARNING]
    assert recording_finding(files, on=False, keep_days=3) == []
    files.write("one", said())
    for on in (True, False):
        (found,) = recording_finding(files, on=on, keep_days=3)
        assert found.state is State.WARNS
        assert found.reason.startswith(f"recording is {'on' if on else 'off'}")
        assert "1 recordings" in found.reason


def test_those_of_before_a_day_are_forgotten(files: RecordingFiles, now: Now) -> None:
    files.write("one", said())
    now.s += 100
    files.write("two", replace(said(), speech_s=0.5))
    assert files.kept(now.s - 50).files == 1
    assert files.forget(now.s - 50).files == 1
    assert names(files) == ["two"]
    assert files.forget().files == 1
    assert names(files) == []
