"""What is on this machine, judged without any network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from assistant.models.store import MANIFEST, ModelStore
from pipeline.errors import ModelDamaged, ModelMissing
from tests.assistant.models.conftest import BIG, SMALL, Shop

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def store(shop: Shop) -> ModelStore:
    folder = shop.folder / "voice"
    folder.mkdir(parents=True)
    (folder / "voice.onnx").write_bytes(BIG)
    (folder / "voice.onnx.json").write_bytes(SMALL)
    return shop.store


def test_model_put_there_by_hand(store: ModelStore) -> None:
    assert store.path("voice") == store.folder / "voice"
    assert store.present("piper") == ["voice"]
    assert store.verify("voice")
    assert store.licence("voice") == "MIT"


def test_missing_model_names_the_remedy(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"Run: assistant models pull voice .*models\.mirror"):
        shop.store.path("voice")
    shop.mirror = tmp_path / "share"
    with pytest.raises(ModelMissing, match=f"the mirror {tmp_path}/share"):
        shop.store.path("voice")
    with pytest.raises(ModelMissing, match="comes with the program"):
        shop.store.path("given")


def test_incomplete_model_is_missing(store: ModelStore) -> None:
    (store.folder / "voice" / "voice.onnx.json").unlink()
    with pytest.raises(ModelMissing, match=r"not complete: voice\.onnx\.json missing"):
        store.path("voice")
    assert store.present("piper") == []


@pytest.mark.parametrize("content", [b"", BIG[:-1], BIG + b"!"])
def test_other_size_is_damaged(store: ModelStore, content: bytes) -> None:
    (store.folder / "voice" / "voice.onnx").write_bytes(content)
    with pytest.raises(ModelDamaged, match=r"damaged: voice\.onnx not as published.*models pull voice"):
        store.path("voice")
    assert store.state("voice") == "damaged"
    assert store.present("piper") == []


def test_one_flipped_byte(store: ModelStore) -> None:
    flipped = bytearray(BIG)
    flipped[len(BIG) // 2] ^= 1
    (store.folder / "voice" / "voice.onnx").write_bytes(flipped)
    assert store.path("voice"), "the quick look sees only sizes"
    with pytest.raises(ModelDamaged, match=r"voice\.onnx not as published"):
        store.verify("voice")


@pytest.mark.parametrize("manifest", ["", "{}", "[]", '{"files": 3}', '{"files": {"voice.onnx": {"size": "x"}}}'])
def test_unreadable_manifest_counts_as_none(store: ModelStore, manifest: str) -> None:
    (store.folder / "voice" / MANIFEST).write_text(manifest)
    assert store.verify("voice")
    (store.folder / "voice").rename(store.folder / "unpinned")
    assert store.path("unpinned")
    assert not store.verify("unpinned"), "nobody says what these files must be"


def test_bundled_models_serve_a_store_elsewhere(shop: Shop, tmp_path: Path) -> None:
    program = tmp_path / "program"
    (program / "given").mkdir(parents=True)
    (program / "given" / "a.onnx").write_bytes(SMALL)
    store = ModelStore(shop.folder, catalogue=shop.catalogue, bundled=program)
    assert store.path("given") == program / "given"
    (shop.folder / "given").mkdir(parents=True)
    assert store.path("given") == program / "given", "a torn folder does not hide a whole one"


def test_own_models(store: ModelStore) -> None:
    for name, files in {
        "our-whisper": ["model.bin", "config.json"],
        "our-voice": ["anna.onnx", "anna.onnx.json"],
        "hello_shop": ["hello_shop_v3.onnx"],
        "papers": ["readme.txt", "other.onnx"],
        ".pull": ["model.bin", "config.json"],
    }.items():
        (store.folder / name).mkdir()
        for file in files:
            (store.folder / name / file).write_bytes(SMALL)
    assert store.own() == {"hello_shop": "wake_word", "our-voice": "piper", "our-whisper": "whisper"}
    assert store.path("our-whisper") == store.folder / "our-whisper"
    assert store.present("whisper") == ["our-whisper"]
    assert store.present("piper") == ["voice", "our-voice"]
    assert store.licence("our-voice") == ""
    assert not store.verify("our-voice")
    for name in ("papers", ".pull", "../models", "..", ""):
        with pytest.raises(ModelMissing, match="There is no model"):
            store.path(name)


def test_own_models_come_before_the_bundled(store: ModelStore) -> None:
    for name, file in {"our-voice": "anna.onnx", "given": "a.onnx"}.items():
        (store.folder / name).mkdir()
        (store.folder / name / file).write_bytes(SMALL)
        (store.folder / name / f"{file}.json").write_bytes(SMALL)
    assert store.present("piper") == ["voice", "our-voice", "given"]


def test_model_of_an_installed_package(shop: Shop) -> None:
    assert (shop.store.path("packaged") / "__init__.py").is_file()


def test_model_of_a_package_that_is_not_installed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ModelMissing, match="comes with the Python package yaml"):
        shop.store.path("packaged")


def test_no_folder_at_all(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "nowhere", bundled=tmp_path / "nor here")
    assert store.present("piper") == []
    assert store.own() == {}


WITHOUT_NETWORK = """
import sys
def refuse(event, arguments):
    if event.startswith("socket."):
        raise AssertionError(event)
sys.addaudithook(refuse)
from assistant.models import ModelStore, bundled_folder
store = ModelStore(bundled_folder())
for model in store.catalogue.models:
    store.state(model.name)
store.verify("whisper-kiosk-en")
store.present("piper"), store.own()
import assistant.cli_models
network = {"httpx", "http.client", "urllib.request", "assistant.models.pull", "assistant.models.transfer"}
print(sorted(network & set(sys.modules)))
"""


def test_the_store_has_no_network_code() -> None:
    command = [sys.executable, "-c", WITHOUT_NETWORK]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
