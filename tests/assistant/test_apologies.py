"""The recordings for when no voice can speak."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant.apologies import CLIPS, recorded_apologies
from assistant.sections import ConversationSection
from pipeline.audio import LISTENING_RATE_HZ, AudioChunk, leading_silence_s
from tests.conftest import ROOT

pytestmark = pytest.mark.model

TEXTS = ConversationSection().apologies


def tone(path: Path, length_s: float = 0.5, level: float = 0.3, rate_hz: int = 22_050) -> Path:
    at_s = np.arange(round(length_s * rate_hz)) / rate_hz
    soundfile.write(path, level * np.sin(2 * np.pi * 300 * at_s), rate_hz)
    return path


def test_every_apology_of_the_settings_is_recorded(caplog: pytest.LogCaptureFixture) -> None:
    found = recorded_apologies({}, Path())
    assert found.keys() == TEXTS.keys()
    assert not caplog.records
    for language, sound in found.items():
        assert sound.rate_hz == LISTENING_RATE_HZ
        assert -23.0 < sound.level_db < -17.0, "as loud as a voice"
        assert np.abs(sound.pcm.astype(int)).max() < 32_000, "not clipped"
        assert leading_silence_s(sound) < 0.06, "it begins at once"
        assert 0.04 < sound.duration_s / len(TEXTS[language]) < 0.11, "as long as its words"


@pytest.mark.parametrize("language", TEXTS)
def test_the_files_are_small_and_plain(language: str) -> None:
    file = CLIPS / f"apology.{language}.flac"
    info = soundfile.info(file)
    assert (info.channels, info.samplerate, info.subtype) == (1, 16_000, "PCM_16")
    assert file.stat().st_size < 80_000


def test_they_are_part_of_the_package() -> None:
    assert '"*.flac"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


async def test_the_english_one_is_what_the_bundled_voice_says_today() -> None:
    """Made again by its recipe it is the same sound, but for what another processor rounds otherwise."""
    recipe = _recipe()
    engine = recipe.piper.create(
        recipe.piper.Settings(voice=recipe.piper.LAST_VOICE),
        recipe.Resources(recipe.ModelStore(ROOT / "models"), ROOT),
    )
    again = recipe.finished(await recipe.said(engine, TEXTS["en"], "en"))
    kept = soundfile.read(CLIPS / "apology.en.flac", dtype="int16")[0]
    assert len(again) == pytest.approx(len(kept), rel=0.02)
    assert spectrum(again) == pytest.approx(spectrum(kept), abs=3.0)


def spectrum(samples: np.ndarray) -> np.ndarray:
    """Level in 20 bands of 400 Hz, dB."""
    power = np.abs(np.fft.rfft(samples.astype(float))) ** 2
    return np.array([10 * np.log10(band.mean()) for band in np.array_split(power, 20)])


def _recipe():  # type: ignore[no-untyped-def]
    path = ROOT / "models" / "training" / "make_apologies.py"
    spec = importlib.util.spec_from_file_location("make_apologies", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_shop_s_own_come_first(tmp_path: Path) -> None:
    tone(tmp_path / "sorry.wav")
    found = recorded_apologies({"en": Path("sorry.wav"), "de-AT": tmp_path / "sorry.wav"}, tmp_path)
    assert found.keys() == {"en", "es", "de"}
    assert found["en"].duration_s == pytest.approx(0.5, abs=0.01)
    assert found["en"].rate_hz == LISTENING_RATE_HZ


def damaged(folder: Path) -> Path:
    (folder / "bad.wav").write_bytes(b"RIFF" + bytes(100))
    return folder / "bad.wav"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder / "none.wav", "no file"),
        (lambda folder: folder, "folder"),
        (damaged, "cannot be read as sound"),
        (lambda folder: tone(folder / "long.wav", 31.0, rate_hz=8_000), "at most 30"),
        (lambda folder: tone(folder / "quiet.wav", level=0.0005), "is silent"),
    ],
)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_one_that_cannot_be_used_is_told_and_does_not_hinder_the_start(
    make, reason: str, language: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = recorded_apologies({language: make(tmp_path)}, tmp_path)
    assert found.keys() == TEXTS.keys()
    assert isinstance(found["en"], AudioChunk)
    assert reason in caplog.text
    assert ("the program's own" if language == "en" else "there is none") in caplog.text


def test_silence_before_the_words_is_cut(tmp_path: Path) -> None:
    path = tone(tmp_path / "late.wav")
    samples, rate_hz = soundfile.read(path)
    soundfile.write(path, np.concatenate([np.zeros(rate_hz), samples]), rate_hz)
    assert recorded_apologies({"en": path}, tmp_path)["en"].duration_s == pytest.approx(0.55, abs=0.02)
