"""The catalogue that comes with the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from assistant.models.catalogue import Catalogue, HubSource, Model, ModelFile, WheelSource, load_catalogue
from assistant.models.store import ModelStore
from pipeline.errors import ModelMissing

pytestmark = pytest.mark.unit

VOICES = [
    "en_US-ryan-medium",
    "en_US-amy-medium",
    "en_US-joe-medium",
    "en_US-kristin-medium",
    "en_GB-alan-medium",
    "en_GB-alba-medium",
    "es_ES-davefx-medium",
    "es_MX-ald-medium",
]
SIZES = ["tiny", "base", "small", "medium"]
WHISPERS = [*SIZES, *(f"{size}.en" for size in SIZES), "large-v3", "large-v3-turbo", "kiosk-en"]


@pytest.fixture
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.mark.parametrize(
    "name",
    [
        *VOICES,
        *(f"whisper-{size}" for size in WHISPERS),
        *("hey_jarvis", "alexa", "hey_mycroft", "openwakeword-features"),
        *("en_US-kiosk-low", "silero", "smart-turn-v3.2", "xtts-v2"),
        *(f"pocket-tts-{language}" for language in ("en", "es", "de", "fr", "it", "nl", "pt")),
    ],
)
def test_everything_promised_is_in_it(catalogue: Catalogue, name: str) -> None:
    model = catalogue.get(name)
    assert model.sources
    assert model.files


def test_the_default_voice_is_the_best(catalogue: Catalogue) -> None:
    assert catalogue.of_kind("piper")[0].name == "en_US-ryan-medium"


@pytest.mark.parametrize("model", load_catalogue().models, ids=lambda model: model.name)
def test_entries_are_sound(model: Model) -> None:
    for file in model.files:
        assert file.size is None or file.size > 0
        assert file.sha256 is None or re.fullmatch("[0-9a-f]{64}", file.sha256)
    for source in model.sources:
        if isinstance(source, WheelSource):
            assert re.fullmatch(r"[\w-]+==[\d.]+", source.wheel), "a wheel without a version may change"
            assert all(file.sha256 for file in model.files), "pip does not say what a file must be"
        if isinstance(source, HubSource):
            assert source.hub.count("/") == 1
            assert source.revision != "main" or all(file.sha256 for file in model.files), "a branch may change"
    if model.kind == "piper":
        assert [file.path for file in model.files] == [f"{model.name}.onnx", f"{model.name}.onnx.json"]
    if model.kind == "whisper":
        assert {"model.bin", "config.json", "tokenizer.json"} <= {file.path for file in model.files}
    if model.kind == "wake_word":
        assert [file.path for file in model.files] == [f"{model.name}_v0.1.onnx"]


@pytest.mark.parametrize(
    ("name", "commercial"),
    [
        ("xtts-v2", "no"),
        ("pocket-tts-en", "yes"),
        ("hey_jarvis", "no"),
        ("openwakeword-features", "no"),
        ("en_US-ryan-medium", "no"),
        ("en_US-amy-medium", "unknown"),
        ("en_US-joe-medium", "yes"),
        ("whisper-base.en", "yes"),
        ("whisper-kiosk-en", "yes"),
        ("smart-turn-v3.2", "yes"),
    ],
)
def test_commercial_use(catalogue: Catalogue, name: str, commercial: str) -> None:
    assert catalogue.get(name).licence.commercial == commercial


@pytest.mark.parametrize("name", ["en_US-kiosk-low", "whisper-kiosk-en"])
def test_bundled_models_are_as_catalogued(name: str, bundled_models: Path) -> None:
    assert ModelStore(bundled_models).verify(name)


@pytest.mark.parametrize(
    ("wrong", "meant"), [("whisper-tiny-en", "whisper-tiny.en"), ("hey-jarvis", "hey_jarvis"), ("xtts", "xtts-v2")]
)
def test_did_you_mean(catalogue: Catalogue, wrong: str, meant: str) -> None:
    with pytest.raises(ModelMissing, match=re.escape(f"Did you mean {meant}?")):
        catalogue.get(wrong)


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../b", "", "a\\b", ".."])
def test_no_file_leaves_its_folder(path: str) -> None:
    with pytest.raises(ValidationError, match="not a path inside"):
        ModelFile(path=path)


@pytest.mark.parametrize("name", ["../x", "a/b", "/x", ".pull", ""])
def test_no_name_leaves_the_folder_of_models(catalogue: Catalogue, name: str) -> None:
    with pytest.raises(ValidationError, match=r"not the name of a model|not a path"):
        Model.model_validate({**catalogue.get("silero").model_dump(), "name": name})


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError):
        ModelFile.model_validate({"path": "a", "md5": "0"})
