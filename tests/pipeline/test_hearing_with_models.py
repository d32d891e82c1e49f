"""The gates miss no wake word that the open detector hears, with the real models in real noise."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from pipeline.audio import FRAME_SAMPLES, LISTENING_RATE_HZ, AudioChunk
from pipeline.hearing import Hearing
from pipeline.speech import WakeWordHit
from providers.vad.silero import SileroVoiceDetector, packaged_model
from providers.wake_word.openwakeword import OpenWakeWordDetector, Settings, create
from tests.providers.wake_word.models_folder import fetched_models

pytestmark = pytest.mark.model

WORDS = ("wake_alexa.wav", "wake_hey_jarvis.wav")


class Counting(OpenWakeWordDetector):
    heard_s = 0.0

    async def detect(self, chunk: AudioChunk) -> WakeWordHit | None:
        self.heard_s += chunk.duration_s
        return await super().detect(chunk)


@pytest.fixture
async def words() -> AsyncIterator[OpenWakeWordDetector]:
    async with create(Settings(words=["alexa", "hey_jarvis"]), fetched_models()) as detector:
        yield detector


@pytest.fixture
async def vad() -> AsyncIterator[SileroVoiceDetector]:
    async with SileroVoiceDetector(packaged_model()) as detector:
        yield detector


def sound(file: Path) -> np.ndarray:
    samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    return soxr.resample(mono, rate_hz, LISTENING_RATE_HZ) if rate_hz != LISTENING_RATE_HZ else mono


def chunks(samples: np.ndarray) -> list[AudioChunk]:
    pcm = np.clip(samples * 32768, -32768, 32767).astype(np.int16)
    pcm = pcm[: len(pcm) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    return [AudioChunk(row, LISTENING_RATE_HZ, n * FRAME_SAMPLES / LISTENING_RATE_HZ) for n, row in enumerate(pcm)]


def loudness(samples: np.ndarray) -> float:
    """Root mean square of the loud part."""
    return float(np.sqrt((samples[np.abs(samples) > 0.1 * np.abs(samples).max()] ** 2).mean()))


async def gated(hearing: Hearing, stream: Sequence[AudioChunk]) -> list[WakeWordHit]:
    return [heard.hit for chunk in stream if (heard := await hearing.hear(chunk)).hit]


async def forgotten(words: OpenWakeWordDetector, vad: SileroVoiceDetector) -> None:
    """As if they had just been opened, refractory time included."""
    vad.reset()
    await words.__aexit__(None, None, None)
    await words.__aenter__()


@pytest.mark.parametrize("gain_db", [0, -20, -30])
@pytest.mark.parametrize("noise_db", [None, -20, -10, -5, 0])
async def test_gated_hits_are_the_open_detectors_hits(
    words: OpenWakeWordDetector,
    vad: SileroVoiceDetector,
    recordings: Path,
    noise_db: float | None,
    gain_db: float,
) -> None:
    rng = np.random.default_rng(8)
    office = sound(recordings / "noise_office.mp3")
    for name in WORDS:
        word = sound(recordings / name)
        samples = np.concatenate([np.zeros(int(4.1 * LISTENING_RATE_HZ)), word, np.zeros(LISTENING_RATE_HZ)])
        if noise_db is None:
            samples = samples + rng.normal(0, 1e-4, len(samples))
        else:
            at = int(rng.integers(0, len(office) - len(samples)))
            noise = office[at : at + len(samples)]
            samples = samples + noise / noise.std() * loudness(word) * 10 ** (noise_db / 20)
        stream = chunks(samples * 10 ** (gain_db / 20))
        await forgotten(words, vad)
        opened = [hit for chunk in stream if (hit := await words.detect(chunk))]
        await forgotten(words, vad)
        assert await gated(Hearing(vad, words), stream) == opened
        if name == "wake_alexa.wav" and noise_db in (None, -20):
            assert len(opened) == 1


async def test_a_word_right_after_speech_is_heard(
    words: OpenWakeWordDetector, vad: SileroVoiceDetector, recordings: Path
) -> None:
    speech = sound(recordings / "speech_60s.wav")[: 20 * LISTENING_RATE_HZ]
    stream = chunks(np.concatenate([speech, sound(recordings / "wake_alexa.wav"), np.zeros(16000)]))
    (hit,) = await gated(Hearing(vad, words), stream)
    assert hit.name == "alexa"


async def test_office_noise_leaves_the_words_network_mostly_asleep_and_silence_entirely(
    vad: SileroVoiceDetector, recordings: Path
) -> None:
    office = sound(recordings / "noise_office.mp3")[: 60 * LISTENING_RATE_HZ]
    quiet = np.random.default_rng(1).normal(0, 3e-4, 20 * LISTENING_RATE_HZ)
    async with Counting(Settings(words=["alexa"]), fetched_models()) as words:
        assert await gated(Hearing(vad, words), chunks(quiet)) == []
        assert words.heard_s == 0
        assert await gated(Hearing(vad, words), chunks(office)) == []
        assert words.heard_s < 0.25 * 60  # what it is fed again whenever it wakes included
