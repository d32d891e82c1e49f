"""The segmenter with the real voice detector on real questions in real noise, against what is true without it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from pipeline.audio import FRAME_S, LISTENING_RATE_HZ, from_float
from pipeline.noise_floor import NoiseFloor
from pipeline.segmenter import NoUtterance, SegmenterSettings, SpeechEnded, SpeechStarted, Step, UtteranceSegmenter
from pipeline.speech import NoSpeechReason, UtteranceEnd, VoiceFrame
from providers.vad.silero import SileroVoiceDetector, packaged_model
from tests import sounds
from tests.contracts.vad import frames
from tests.sounds import Samples

pytestmark = pytest.mark.model

REAL = ["what_time_is_it", "whats_the_date_today", "set_timer", "play_the_beatles", "turn_on_the_lamp"]
MADE = ["What time do you close?", "Where can I find the milk?", "How much is the bread?", "Do you have any batteries?"]
BEFORE_S, AFTER_S = 4.0, 8.0
"""Noise around a question."""
WAKE_S = 2.0
"""Where the segmenter starts, as after a wake word."""


@dataclass(frozen=True)
class Case:
    """Sound, and where its speech truly lies."""

    sound: Samples
    start_s: float
    end_s: float


def truth(question: Samples) -> tuple[float, float]:
    """Start and end of the speech in a clean recording: the first and last 10 ms of which half of the 100 ms after,
    or before, them is 8 dB above the background and less than 38 dB below the loudest."""
    tens = question[: len(question) // 160 * 160].reshape(-1, 160)
    level_db = 10 * np.log10(np.mean(np.square(tens), axis=1) + 1e-12)
    loud = level_db > max(np.percentile(level_db, 10) + 8, level_db.max() - 38)
    at = np.flatnonzero(loud)
    start = next(n for n in at if loud[n : n + 10].sum() >= 5)
    end = next(n for n in at[::-1] if loud[max(0, n - 9) : n + 1].sum() >= 5)
    return start / 100, (end + 1) / 100


@cache
def question(name: str, recordings: Path) -> Samples:
    return sounds.recorded(recordings / f"{name}.wav") if name in REAL else np.pad(sounds.piper(name), (4000, 4000))


def mixed(name: str, noise: Samples, snr_db: float, recordings: Path) -> Case:
    """A question in noise, the ratio taken over the question's speech only."""
    clean = question(name, recordings)
    start_s, end_s = truth(clean)
    speech = clean[round(start_s * LISTENING_RATE_HZ) : round(end_s * LISTENING_RATE_HZ)]
    padded = np.pad(clean, (round(BEFORE_S * LISTENING_RATE_HZ), round(AFTER_S * LISTENING_RATE_HZ)))
    around = noise[: len(padded)]
    gain = np.sqrt(np.mean(speech**2) / np.mean(around**2)) / 10 ** (snr_db / 20)
    return Case((padded + gain * around).astype(np.float32), BEFORE_S + start_s, BEFORE_S + end_s)


@cache
def office(recordings: Path, part: int = 0) -> Samples:
    """The office from a place of its own for each question."""
    start = (10 + part) * LISTENING_RATE_HZ
    return sounds.recorded(recordings / "noise_office.mp3")[start : start + 30 * LISTENING_RATE_HZ]


async def heard(sound: Samples, settings: SegmenterSettings) -> tuple[list[Step], float]:
    """What the segmenter says, and when it says the last of it."""
    chunks = frames(from_float(sound, LISTENING_RATE_HZ).pcm)
    async with SileroVoiceDetector(packaged_model()) as detector:
        probabilities = await detector.speech_probabilities(chunks)
    floor, segmenter = NoiseFloor(), UtteranceSegmenter(settings)
    steps: list[Step] = []
    for chunk, probability in zip(chunks, probabilities, strict=True):
        level_db = chunk.level_db
        floor_db = floor.update(level_db, speech=probability > 0.5)
        if chunk.start_s < WAKE_S:
            continue
        step = segmenter.push(VoiceFrame(chunk.start_s, chunk.duration_s, probability, level_db, floor_db))
        if step is not None:
            steps.append(step)
        if isinstance(step, SpeechEnded | NoUtterance):
            return steps, chunk.end_s
    return [*steps, segmenter.flush()], chunks[-1].end_s


async def ended(case: Case) -> tuple[SpeechEnded, float]:
    steps, now_s = await heard(case.sound, SegmenterSettings())
    assert [type(step) for step in steps] == [SpeechStarted, SpeechEnded], steps
    last = steps[-1]
    assert isinstance(last, SpeechEnded)
    return last, now_s


@pytest.mark.parametrize(
    ("snr_db", "start_error_s", "end_error_s", "wait_s"),
    [(20, (-0.1, 0.15), (-0.3, 0.15), 0.85), (10, (-0.1, 0.2), (-0.4, 0.15), 0.85)],
)
async def test_questions_in_an_office(
    recordings: Path,
    snr_db: float,
    start_error_s: tuple[float, float],
    end_error_s: tuple[float, float],
    wait_s: float,
) -> None:
    """``wait_s``: from the true end to the decision."""
    for part, name in enumerate(REAL + MADE):
        case = mixed(name, office(recordings, 7 * part), snr_db, recordings)
        found, now_s = await ended(case)
        assert found.ended_by is UtteranceEnd.SILENCE
        start, end = found.start_s - case.start_s, found.end_s - case.end_s
        assert start_error_s[0] < start < start_error_s[1], (name, start)
        assert end_error_s[0] < end < end_error_s[1], (name, end)
        assert now_s - case.end_s < wait_s, (name, now_s - case.end_s)


async def test_questions_as_loud_as_the_office(recordings: Path) -> None:
    """At 0 dB the detector misses some, but nothing begins before its time and all that begins comes to an end."""
    missed = 0
    for part, name in enumerate((REAL + MADE) * 2):
        case = mixed(name, office(recordings, 6 * part), 0, recordings)
        steps, now_s = await heard(case.sound, SegmenterSettings())
        if steps == [NoUtterance(NoSpeechReason.TIMEOUT)]:
            missed += 1
            continue
        last = steps[-1]
        assert isinstance(last, SpeechEnded)
        assert last.start_s > case.start_s - 0.1, name
        assert last.ended_by is UtteranceEnd.SILENCE
        assert now_s - case.end_s < 1.5, (name, now_s - case.end_s)
    assert missed <= 3


@pytest.mark.parametrize("snr_db", [20, 10])
async def test_questions_before_a_crowd(recordings: Path, snr_db: float) -> None:
    """Six people talk behind the customer: the detector calls all of it speech, yet the question's end is found."""
    noise = sounds.crowd(30, 6, recordings)
    for name in ["whats_the_date_today", "set_timer", "play_the_beatles", "turn_on_the_lamp"]:
        case = mixed(name, noise, snr_db, recordings)
        found, now_s = await ended(case)
        assert found.ended_by is UtteranceEnd.SILENCE
        assert now_s - case.end_s < 2.0, (name, now_s - case.end_s)


async def test_an_endless_crowd_meets_the_hard_cap(recordings: Path) -> None:
    settings = SegmenterSettings(max_utterance_s=8.0)
    steps, now_s = await heard(sounds.crowd(20, 3, recordings), settings)
    last = steps[-1]
    assert isinstance(last, SpeechEnded)
    assert now_s <= last.start_s + 8.0 + FRAME_S


async def test_nobody_speaks_in_the_office(recordings: Path) -> None:
    for part in range(0, 60, 10):
        steps, now_s = await heard(office(recordings, part), SegmenterSettings())
        assert steps == [NoUtterance(NoSpeechReason.TIMEOUT)]
        assert now_s == pytest.approx(WAKE_S + 6.0, abs=2 * FRAME_S)
