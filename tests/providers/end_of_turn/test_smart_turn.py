"""Smart-turn on its model, which `./install.sh test` fetches."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk, Pcm, from_float
from pipeline.errors import ModelDamaged, ModelMissing, ProviderError
from pipeline.protocols import EndOfTurnDetector
from providers.end_of_turn import smart_turn
from providers.end_of_turn.smart_turn import FILE, MODEL, Settings, SmartTurnDetector, create, features
from providers.registry import Resources
from tests import sounds
from tests.conftest import ROOT
from tests.contracts.end_of_turn import EndOfTurnDetectorContract, heard
from tests.fakes.models import ListedModels

pytestmark = pytest.mark.model

PACKAGED = ROOT / "models" / MODEL / FILE


@pytest.fixture(autouse=True)
def fetched() -> None:
    if not PACKAGED.is_file():
        pytest.skip(f"the model is missing: assistant models pull {MODEL}")


def opened(file: Path = PACKAGED) -> SmartTurnDetector:
    return SmartTurnDetector(lambda: file)


class TestContract(EndOfTurnDetectorContract):
    def opened(self) -> AbstractAsyncContextManager[EndOfTurnDetector]:
        return opened()


def whisper_features(samples: np.ndarray) -> np.ndarray:
    """The definition, step by step, in double precision: no shortcut, no library."""
    padded = np.zeros(128_000)
    padded[128_000 - len(samples) :] = samples / 32768.0
    padded = (padded - padded.mean()) / np.sqrt(padded.var() + 1e-7)
    wide = np.pad(padded, 200, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    frames = np.stack([wide[n * 160 : n * 160 + 400] * window for n in range(800)])
    power = np.abs(np.fft.rfft(frames)) ** 2
    logarithms = np.log10(np.maximum(power @ mel_filters().T, 1e-10)).T
    floored: np.ndarray = np.maximum(logarithms, logarithms.max() - 8.0)
    return (floored + 4.0) / 4.0


def mel_filters() -> np.ndarray:
    """80 triangles of equal area between 0 and 8000 Hz, linear below 1 kHz and logarithmic above (Slaney's scale)."""
    marks = np.linspace(0, 15 + np.log(8) / (np.log(6.4) / 27), 82)
    edges = np.where(marks < 15, marks * 200 / 3, 1000 * np.exp((marks - 15) * np.log(6.4) / 27))
    lines = np.arange(201) * 40.0
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = np.maximum(0, np.minimum((lines - low) / (middle - low), (high - lines) / (high - middle)))
    return np.asarray(triangles * 2 / (high - low))


@pytest.mark.parametrize("samples", [0, 1, 160, 399, 401, 16_000, 47_999, 127_000, 127_999, 128_000])
def test_features_are_those_the_model_was_trained_with(samples: int) -> None:
    from faster_whisper.feature_extractor import FeatureExtractor

    sound = heard(8.0).pcm[:samples]
    found = features(AudioChunk(sound, LISTENING_RATE_HZ), FeatureExtractor(chunk_length=8))
    assert found.shape == (80, 800)
    assert np.abs(found - whisper_features(sound)).max() < 1e-4


SILENCE = np.zeros(3200, np.int16)
"""200 ms."""


async def asked(detector: SmartTurnDetector, speech: Pcm) -> float:
    """Probability a short while after the last sound of speech."""
    spoken = speech[: int(np.flatnonzero(np.abs(speech) > 200)[-1]) + 1]
    return await detector.completion_probability(AudioChunk(np.concatenate([spoken, SILENCE]), LISTENING_RATE_HZ))


@pytest.mark.parametrize("text", ["Do you sell bread?", "Do you have oat milk?", "What time do you close on Sunday?"])
async def test_whole_questions_are_finished(text: str) -> None:
    async with opened() as detector:
        assert await asked(detector, from_float(sounds.piper(text), LISTENING_RATE_HZ).pcm) > 0.8


@pytest.mark.parametrize("text", ["Do you sell bread and", "I would like to", "How much is"])
async def test_what_breaks_off_is_not(text: str) -> None:
    async with opened() as detector:
        assert await asked(detector, from_float(sounds.piper(text), LISTENING_RATE_HZ).pcm) < 0.3


@pytest.mark.parametrize("name", ["what_time_is_it", "whats_the_date_today", "turn_on_the_lamp", "set_timer"])
async def test_real_speakers_have_finished(name: str, recordings: Path) -> None:
    samples: Pcm = soundfile.read(recordings / f"{name}.wav", dtype="int16")[0]
    async with opened() as detector:
        assert await asked(detector, samples) > 0.9


async def test_only_the_last_8_s_count() -> None:
    async with opened() as detector:
        long, last = heard(20.0).pcm, heard(20.0).pcm[-8 * LISTENING_RATE_HZ :]
        found = [await detector.completion_probability(AudioChunk(pcm, LISTENING_RATE_HZ)) for pcm in (long, last)]
    assert found[0] == found[1]


async def test_cancelled_calls_free_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[float] = []
    real = smart_turn._run

    def counted(session: object, found: np.ndarray) -> float:
        runs.append(real(session, found))
        return runs[-1]

    async with opened() as detector:
        monkeypatch.setattr(smart_turn, "_run", counted)
        async with asyncio.TaskGroup() as tasks:
            waiting = [
                tasks.create_task(detector.completion_probability(heard(2.0)), name=f"abandoned {n}") for n in range(9)
            ]
            await asyncio.sleep(0)
            for task in waiting:
                task.cancel()
        kept = await detector.completion_probability(heard(1.0))
    assert len(runs) <= 2, "the one under way may have begun, the others never"
    assert runs[-1] == kept


@pytest.mark.parametrize("keep", [0, 100, 1_000_000, -1000])
async def test_truncated_model(tmp_path: Path, keep: int) -> None:
    file = tmp_path / FILE
    file.write_bytes(PACKAGED.read_bytes()[:keep])
    with pytest.raises(ModelDamaged, match=f"assistant models pull {MODEL}"):
        async with opened(file):
            pass


async def test_another_model(bundled_models: Path) -> None:
    with pytest.raises(ModelDamaged):
        async with opened(bundled_models / "en_US-kiosk-low" / "en_US-kiosk-low.onnx"):
            pass


async def test_missing_model(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="assistant models pull"):
        async with create(Settings(), Resources(ListedModels())):
            pass
    with pytest.raises(ModelMissing, match=f"assistant models pull {MODEL}"):
        async with create(Settings(), Resources(ListedModels(tmp_path, {"end_of_turn": [MODEL]}))):
            pass


async def test_closed_detector_says_so() -> None:
    with pytest.raises(ProviderError, match="not open"):
        await opened().completion_probability(heard(1.0))


def test_looking_at_it_loads_no_library() -> None:
    program = (
        "import sys; from providers.end_of_turn import smart_turn; smart_turn.create(smart_turn.Settings(), None);"
        "sys.exit(bool({'faster_whisper', 'onnxruntime', 'ctranslate2'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
