"""What follows a wake word without a pause is whole, and the wake word is not in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk
from pipeline.speech import WakeWordHit
from providers.wake_word.openwakeword import Settings, create
from providers.wake_word.word_end import rise_steps, word_end_s
from tests.contracts.wake_word import chunks
from tests.providers.wake_word.models_folder import fetched_models

pytestmark = pytest.mark.model

QUESTIONS = ("Where is the milk?", "How much is the bread?", "Do you sell coffee?")


@pytest.fixture(scope="module")
def voice(bundled_models: Path) -> Any:
    from piper import PiperVoice

    model = bundled_models / "en_US-kiosk-low" / "en_US-kiosk-low.onnx"
    return PiperVoice.load(model, f"{model}.json")


@pytest.fixture(scope="module")
def whisper(bundled_models: Path) -> Any:
    from faster_whisper import WhisperModel

    return WhisperModel(str(bundled_models / "whisper-kiosk-en"), device="cpu", compute_type="int8", cpu_threads=1)


def said(voice: Any, text: str) -> np.ndarray:
    """int16 at 16 kHz without the silence around it."""
    pcm = np.concatenate([chunk.audio_int16_array for chunk in voice.synthesize(text)])
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > np.abs(pcm.astype(np.int32)).max() / 60)
    return pcm[loud[0] : loud[-1] + 1]


def quiet(duration_s: float) -> np.ndarray:
    return np.random.default_rng(6).normal(0, 10, round(duration_s * LISTENING_RATE_HZ)).astype(np.int16)


async def first_hit(pcm: np.ndarray) -> WakeWordHit:
    async with create(Settings(words=["hey_jarvis"]), fetched_models()) as detector:
        for chunk in chunks(pcm):
            if (hit := await detector.detect(chunk)) is not None:
                return hit
    raise AssertionError("no hit")


@pytest.mark.parametrize("gap_s", [0.0, 0.05, 0.1, 0.3])
async def test_the_question_is_whole_and_clean(voice: Any, whisper: Any, gap_s: float) -> None:
    word = said(voice, "hey jarvis")
    end_s = 3.0 + len(word) / LISTENING_RATE_HZ
    for text in QUESTIONS:
        pcm = np.concatenate([quiet(3.0), word, quiet(gap_s), said(voice, text), quiet(0.5)])
        hit = await first_hit(pcm)
        assert hit.at_s < end_s + 0.25
        assert end_s - 0.12 < hit.word_end_s < end_s + gap_s + 0.06
        question = pcm[round(hit.word_end_s * LISTENING_RATE_HZ) :].astype(np.float32) / 32768
        segments, _ = whisper.transcribe(question, language="en", beam_size=1, without_timestamps=True)
        assert " ".join(segment.text.strip() for segment in segments) == text


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0, 0, 0.2, 0.9], 1.5),
        ([0, 0, 0, 0.8], 2.125),
        ([0.3, 0.3, 0.3, 0.9], 0.0),
        ([0, 0.2, 0.05, 0.02, 0.9], 0.5),
        ([0.9], 0.0),
    ],
)
def test_the_rise_is_the_first_one(scores: list[float], expected: float) -> None:
    assert rise_steps(scores) == pytest.approx(expected)


def test_a_pause_near_the_rise_is_the_end() -> None:
    rng = np.random.default_rng(1)
    pcm = rng.normal(0, 3000, 16 * 1280)
    pcm[14_400:15_200] = 0  # 0.9 to 0.95 s
    sound = AudioChunk(pcm.astype(np.int16), LISTENING_RATE_HZ)
    scores = [0.0] * 10 + [0.2, 0.3, 0.4, 0.4, 0.4, 0.6]
    assert word_end_s("hey_jarvis", scores, 0.08, sound) == pytest.approx(0.925, abs=0.03)


def test_sound_too_short_to_look_at_ends_where_the_score_says() -> None:
    sound = AudioChunk(np.zeros(1280, np.int16), LISTENING_RATE_HZ)
    assert word_end_s("x", [0.9], 0.08, sound) == pytest.approx(0.08)
