"""What engines say of what shapes their sound."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from assistant.models.store import ModelStore
from pipeline.errors import ModelMissing, ProviderError
from pipeline.speech import Voice
from providers.registry import Resources
from providers.settings import ProviderSettings
from providers.tts import espeak, piper
from providers.tts.piper import LAST_VOICE
from tests.fakes.models import ListedModels

pytestmark = pytest.mark.model

VOICE = Voice(LAST_VOICE, "en")

SHAPING: dict[Any, dict[str, object]] = {
    piper.Settings: {
        "speed": 1.1, "volume": 0.5, "sentence_pause_s": 0.3, "noise_scale": 0.1, "noise_w": 0.1, "speaker": 1,
    },
    espeak.Settings: {"words_per_minute": 200, "volume": 50, "pitch": 60},
}  # fmt: skip
"""A value for each setting that shapes the sound."""

OTHERS = {
    piper.Settings: {"voice", "voices", "threads", "max_loaded"},
    espeak.Settings: {"program", "voices"},
}
"""Settings that do not: they choose the voice, which is named by itself, or cost time."""


@pytest.mark.parametrize("model", [piper.Settings, espeak.Settings])
def test_each_setting_is_one_or_the_other(model: type[ProviderSettings]) -> None:
    assert set(model.model_fields) == {*SHAPING[model], *OTHERS[model]}


async def of_piper(models: Path, **settings: object) -> str:
    resources = Resources(ListedModels(models, {"piper": [LAST_VOICE]}))
    async with piper.create(piper.Settings.model_validate(settings), resources) as engine:
        return await engine.fingerprint(VOICE)


async def of_espeak(name: str = "en-us", **settings: object) -> str:
    given = espeak.Settings.model_validate({"program": "library", **settings})
    async with espeak.create(given, Resources(ListedModels())) as engine:
        return await engine.fingerprint(Voice(name, "en"))


async def test_each_setting_that_shapes_the_sound_changes_it(bundled_models: Path) -> None:
    changed = SHAPING[piper.Settings].items()
    found = [await of_piper(bundled_models)] + [await of_piper(bundled_models, **{key: it}) for key, it in changed]
    assert len(set(found)) == len(found)
    changed = SHAPING[espeak.Settings].items()
    found = [await of_espeak()] + [await of_espeak(**{key: it}) for key, it in changed] + [await of_espeak("en-gb")]
    assert len(set(found)) == len(found)


async def test_others_do_not(bundled_models: Path) -> None:
    assert await of_piper(bundled_models) == await of_piper(bundled_models, threads=2, max_loaded=1, voice=LAST_VOICE)
    assert await of_espeak() == await of_espeak(voices={"es": "es-419"})


@pytest.mark.parametrize("module", [piper, espeak])
async def test_another_version_of_the_library_changes_it(
    module: Any, bundled_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def of() -> str:
        return await (of_piper(bundled_models) if module is piper else of_espeak())

    before = await of()
    monkeypatch.setattr(module, "version", lambda _: "99.9")
    assert await of() != before


async def test_an_update_of_the_program_changes_it(tmp_path: Path) -> None:
    program = tmp_path / "espeak-ng"
    program.write_text('#!/bin/sh\necho Pty; echo " 5 en --/M English"\n')
    program.chmod(0o755)
    before = await of_espeak(program=str(program))
    assert await of_espeak(program=str(program)) == before
    program.write_text(program.read_text() + "# 1.53\n")
    assert await of_espeak(program=str(program)) != before


async def test_what_speaks_is_what_was_loaded(bundled_models: Path, tmp_path: Path) -> None:
    """A voice that is replaced on the disk is another one only when it has been loaded again."""
    shutil.copytree(bundled_models / LAST_VOICE, tmp_path / LAST_VOICE)
    models = ListedModels(tmp_path, {"piper": [LAST_VOICE]})
    settings = tmp_path / LAST_VOICE / f"{LAST_VOICE}.onnx.json"
    async with piper.create(piper.Settings(), Resources(models)) as engine:
        before = await engine.fingerprint(VOICE)
        settings.write_text(settings.read_text() + " ")
        assert await engine.fingerprint(VOICE) == before
    async with piper.create(piper.Settings(), Resources(models)) as engine:
        assert await engine.fingerprint(VOICE) != before


async def test_who_is_not_open_or_not_there_has_none(bundled_models: Path) -> None:
    engine = piper.create(piper.Settings(), Resources(ListedModels(bundled_models, {"piper": [LAST_VOICE]})))
    with pytest.raises(ProviderError):
        await engine.fingerprint(VOICE)
    async with engine:
        with pytest.raises(ModelMissing):
            await engine.fingerprint(Voice("en_US-nobody-low", "en"))


def test_a_models_hash_follows_its_files(bundled_models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(bundled_models / LAST_VOICE, folder)
    (folder / f"{LAST_VOICE}.onnx").rename(folder / "own.onnx")
    (folder / f"{LAST_VOICE}.onnx.json").rename(folder / "own.onnx.json")
    store = ModelStore(tmp_path, bundled=tmp_path / "none")
    before = store.fingerprint("own")
    assert store.fingerprint("own") == before
    content = (folder / "own.onnx").read_bytes()
    for changed in (content[:-1] + bytes([content[-1] ^ 1]), content[:-1]):
        (folder / "own.onnx").write_bytes(changed)
        assert store.fingerprint("own") != before
    (folder / "own.onnx").write_bytes(content)
    os.utime(folder / "own.onnx", (1, 1))
    assert store.fingerprint("own") == before
    assert ModelStore(tmp_path, bundled=tmp_path / "none").fingerprint("own") == before
    with pytest.raises(ModelMissing):
        store.fingerprint("nobody")
