"""Which model is loaded, and what its folder must hold."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.errors import ModelDamaged, ModelMissing
from providers.registry import Resources
from providers.stt.model_choice import STAND_IN, Choice, best, checked, choose
from tests.fakes.models import ListedModels

pytestmark = pytest.mark.model

ALL = [
    "whisper-large-v3", "whisper-large-v3-turbo", "whisper-medium.en", "whisper-medium", "whisper-small.en",
    "whisper-small", "whisper-base.en", "whisper-base", "whisper-tiny.en", "whisper-tiny", STAND_IN,
]  # fmt: skip
ENGLISH = ("en",)
MANY = ("en", "es")


@pytest.mark.parametrize(
    ("present", "languages", "on_gpu", "cpus", "expected"),
    [
        (ALL, ENGLISH, True, 2, "whisper-large-v3"),
        (ALL, ENGLISH, False, 16, "whisper-small.en"),
        (ALL, MANY, False, 16, "whisper-small"),
        (ALL, ENGLISH, False, 4, "whisper-base.en"),
        (ALL, MANY, False, 4, "whisper-base"),
        (ALL, (), False, 4, "whisper-base"),
        (ALL, ENGLISH, False, 2, "whisper-tiny.en"),
        (["whisper-base.en", STAND_IN], MANY, False, 8, "whisper-base.en"),
        (["whisper-medium", "whisper-small", STAND_IN], ENGLISH, False, 2, "whisper-small"),
        (["our-own", STAND_IN], ENGLISH, False, 2, "our-own"),
        ([STAND_IN], MANY, False, 2, STAND_IN),
        ([], MANY, False, 2, None),
    ],
)
def test_auto(present: list[str], languages: tuple[str, ...], on_gpu: bool, cpus: int, expected: str | None) -> None:
    assert best(present, languages, on_gpu, cpus) == expected


def chosen(model: str, resources: Resources) -> Choice:
    return choose(model, ENGLISH, False, 2, resources)


def test_names(tmp_path: Path) -> None:
    resources = Resources(ListedModels(tmp_path, {"whisper": ["whisper-base.en"]}), tmp_path)
    expected = Choice("whisper-base.en", tmp_path / "whisper-base.en")
    assert chosen("base.en", resources) == chosen("whisper-base.en", resources) == chosen("auto", resources) == expected
    with pytest.raises(ModelMissing, match="models pull whisper-tiny"):
        chosen("tiny", resources)


def test_folders(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    resources = Resources(ListedModels(), tmp_path)
    assert chosen("./ours", resources) == Choice("ours", tmp_path / "ours")
    assert chosen(str(tmp_path / "ours"), resources) == Choice("ours", tmp_path / "ours")
    with pytest.raises(ModelMissing, match="no folder"):
        chosen("./theirs", resources)


def test_none_at_all(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"models pull whisper-base\.en"):
        chosen("auto", Resources(ListedModels(), tmp_path))


def test_only_the_stand_in_is_cautioned_about() -> None:
    caution = Choice(STAND_IN, Path()).caution
    assert caution is not None
    assert "293 words" in caution.message
    assert "assistant models pull whisper-base.en" in caution.remedy
    assert Choice("whisper-base.en", Path()).caution is None


def test_english_only_is_told_by_the_name() -> None:
    assert Choice(STAND_IN, Path()).english_only
    assert Choice("whisper-tiny.en", Path()).english_only
    assert not Choice("whisper-tiny", Path()).english_only


@pytest.fixture
def copied(tmp_path: Path, bundled_models: Path) -> Choice:
    return Choice(STAND_IN, Path(shutil.copytree(bundled_models / STAND_IN, tmp_path / STAND_IN)))


def test_a_whole_folder(copied: Choice) -> None:
    assert checked(copied) is copied


@pytest.mark.parametrize("name", ["model.bin", "config.json", "tokenizer.json", "vocabulary.json"])
def test_a_missing_file(copied: Choice, name: str) -> None:
    (copied.folder / name).unlink()
    with pytest.raises(ModelDamaged, match=f"lacks {name}.*models pull {STAND_IN}"):
        checked(copied)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "vocabulary.json"])
@pytest.mark.parametrize("content", [b"", b'{"a": ', b"\xff\xfe\x00"])
def test_an_unreadable_file(copied: Choice, name: str, content: bytes) -> None:
    (copied.folder / name).write_bytes(content)
    with pytest.raises(ModelDamaged, match=name):
        checked(copied)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        checked(Choice("nothing", tmp_path))
