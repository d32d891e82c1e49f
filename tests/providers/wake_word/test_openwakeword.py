from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from pydantic import ValidationError

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk
from pipeline.errors import ModelDamaged, ModelMissing
from providers.registry import Resources
from providers.wake_word.openwakeword import FEATURES, OpenWakeWordDetector, Settings, Word, create
from tests.contracts.wake_word import WakeWordContract, chunks, hits
from tests.providers.wake_word.models_folder import MODELS, PlainFolder, fetched_models

pytestmark = pytest.mark.model

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "openwakeword_scores.json"
WORDS = ("alexa", "hey_jarvis", "hey_mycroft")
SILENCE = np.zeros(32 * 1280, np.int16)
"""What the golden scores' recordings follow."""


def detector(*words: str | Word, resources: Resources | None = None) -> OpenWakeWordDetector:
    return create(Settings(words=list(words)), resources or fetched_models())


def recording(file: Path) -> np.ndarray:
    samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    if rate_hz != LISTENING_RATE_HZ:
        mono = soxr.resample(mono, rate_hz, LISTENING_RATE_HZ)
    return np.clip(np.round(mono * 32768), -32768, 32767).astype(np.int16)


class TestContract(WakeWordContract):
    def opened(self, *, refractory_s: float = 2.0) -> OpenWakeWordDetector:
        return detector(Word(name="alexa", refractory_s=refractory_s))


@pytest.mark.parametrize("samples", [512, 1280, 20_000])
async def test_scores_are_those_of_the_package(recordings: Path, samples: int) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    files = golden if samples == 1280 else ["wake_hey_jarvis.wav", "wake_alexa.wav", "set_timer.wav"]
    async with detector(*WORDS) as opened:
        for name in files:
            opened.reset()
            pcm = np.concatenate([SILENCE, recording(recordings / name)])
            found = np.concatenate([await opened.scores(chunk) for chunk in chunks(pcm, samples=samples)])
            expected = np.array([golden[name][word] for word in WORDS]).T
            assert np.abs(found[len(SILENCE) // 1280 :] - expected).max() < 1e-3, name
    assert max(golden["wake_hey_jarvis.wav"]["hey_jarvis"]) > 0.8


async def test_a_stream_that_begins_late_has_the_scores_of_one_that_began_early(recordings: Path) -> None:
    pcm = np.concatenate([SILENCE, recording(recordings / "wake_hey_jarvis.wav")])
    async with detector("hey_jarvis") as opened:
        whole = np.concatenate([await opened.scores(chunk) for chunk in chunks(pcm)])
        at = 30 * 512  # not a multiple of 80 ms
        start_s = at / LISTENING_RATE_HZ
        late = np.concatenate([await opened.scores(chunk) for chunk in chunks(pcm[at:], start_s)])
    same = round((len(pcm) / LISTENING_RATE_HZ - start_s - opened.context_s) / 0.08)
    assert same > 10
    np.testing.assert_allclose(late[-same:], whole[-same:], atol=1e-5)


async def test_several_words_at_once_and_none_in_a_minute_of_speech(recordings: Path) -> None:
    spoken = [recording(recordings / name) for name in ("speech_60s.wav", "wake_alexa.wav", "wake_hey_jarvis.wav")]
    pcm = np.concatenate([spoken[0], SILENCE[:8000], spoken[1], SILENCE, spoken[2]])
    async with detector(*WORDS) as opened:
        found = await hits(opened, chunks(pcm))
    assert [hit.name for hit in found] == ["alexa", "hey_jarvis"]
    assert found[0].at_s > 60


async def test_patience_hears_later_and_not_what_is_short(recordings: Path) -> None:
    pcm = np.concatenate([SILENCE, recording(recordings / "wake_alexa.wav"), SILENCE])
    async with detector(Word(name="alexa", steady_share=1)) as opened:
        (first,) = await hits(opened, chunks(pcm))
    async with detector(Word(name="alexa", patience=3, steady_share=1)) as opened:
        (second,) = await hits(opened, chunks(pcm))
    assert second.at_s == pytest.approx(first.at_s + 0.16, abs=0.01)


@pytest.mark.parametrize(("late", "missed_with"), [(800, 1.0), (80, 0.4)])
async def test_a_word_that_is_half_believed_for_long_is_heard(recordings: Path, late: int, missed_with: float) -> None:
    """The same recording some samples later never reaches the threshold, but stays near it for half a second."""
    pcm = np.concatenate([SILENCE, np.zeros(late, np.int16), recording(recordings / "wake_hey_jarvis.wav"), SILENCE])
    noisy = pcm + np.random.default_rng(1).normal(0, 10, len(pcm)).astype(np.int16)
    async with detector(Word(name="hey_jarvis", steady_share=missed_with)) as opened:
        assert await hits(opened, chunks(noisy)) == []
    async with detector("hey_jarvis") as opened:
        (hit,) = await hits(opened, chunks(noisy))
    assert hit.score < 0.5


async def test_a_word_may_be_a_file_beside_the_settings(tmp_path: Path, recordings: Path) -> None:
    fetched_models()
    shutil.copy(MODELS / "alexa" / "alexa_v0.1.onnx", tmp_path / "shop.onnx")
    async with detector("shop.onnx", resources=Resources(PlainFolder(), tmp_path)) as opened:
        pcm = np.concatenate([SILENCE, recording(recordings / "wake_alexa.wav"), SILENCE])
        (hit,) = await hits(opened, chunks(pcm))
    assert hit.name == "shop"


def copied(tmp_path: Path) -> Path:
    fetched_models()
    for name in (FEATURES, "alexa"):
        shutil.copytree(MODELS / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    "file",
    [f"{FEATURES}/melspectrogram.onnx", f"{FEATURES}/embedding_model.onnx", "alexa/alexa_v0.1.onnx"],
)
@pytest.mark.parametrize("damage", ["empty", "half", "text", "another"])
async def test_a_damaged_model_is_named_with_the_remedy(tmp_path: Path, file: str, damage: str) -> None:
    models = copied(tmp_path)
    path = models / file
    content = path.read_bytes()
    others = {
        "empty": b"",
        "half": content[: len(content) // 2],
        "text": b"<html>not found</html>" * 100,
        "another": (
            MODELS / ("alexa/alexa_v0.1.onnx" if FEATURES in file else f"{FEATURES}/melspectrogram.onnx")
        ).read_bytes(),
    }
    path.write_bytes(others[damage])
    with pytest.raises(ModelDamaged, match=path.name) as caught:
        await detector("alexa", resources=Resources(PlainFolder(models))).__aenter__()
    assert caught.value.remedy


async def test_a_missing_model_is_missing(tmp_path: Path) -> None:
    models = copied(tmp_path)
    for wanted in ("hey_shop", "nowhere.onnx"):
        with pytest.raises(ModelMissing):
            await detector(wanted, resources=Resources(PlainFolder(models), tmp_path)).__aenter__()
    (models / FEATURES / "melspectrogram.onnx").unlink()
    with pytest.raises(ModelMissing, match="melspectrogram"):
        await detector("alexa", resources=Resources(PlainFolder(models))).__aenter__()


@pytest.mark.parametrize("word", [{"name": "a", "threshold": 2}, {"name": "a", "patience": 0}, {"name": "a", "x": 1}])
def test_settings_out_of_range_are_refused(word: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"words": [word]})


async def test_a_closed_stream_of_another_length_is_no_step(recordings: Path) -> None:
    async with detector("alexa") as opened:
        assert (await opened.scores(AudioChunk(SILENCE[:1279], LISTENING_RATE_HZ))).shape == (0, 1)
