from __future__ import annotations

import json
import shutil
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk
from pipeline.errors import ModelDamaged, ModelMissing, ProviderMissing
from providers.registry import Resources
from providers.wake_word.microwakeword import MicroWakeWordDetector, Settings, Word, create
from tests.contracts.wake_word import WakeWordContract
from tests.providers.wake_word.models_folder import PlainFolder

pytestmark = pytest.mark.model

package = pytest.importorskip("pymicro_wakeword")


def detector(*names: str, folder: Path = Path()) -> MicroWakeWordDetector:
    return create(Settings(words=list(names)), Resources(PlainFolder(), folder))


class TestContract(WakeWordContract):
    def opened(self, *, refractory_s: float = 2.0) -> MicroWakeWordDetector:
        return create(Settings(words=[Word(name="alexa", refractory_s=refractory_s)]), Resources(PlainFolder()))


class TakenFrom(deque[AudioChunk]):
    """Changes whenever somebody looks through it, as if the worker's thread took from it just then."""

    def __iter__(self) -> Iterator[AudioChunk]:
        for chunk in super().__iter__():
            self.popleft()
            yield chunk


async def test_the_loop_does_not_look_at_what_the_thread_is_taking() -> None:
    """A call was cancelled and its thread still works off what waits."""
    sound = [AudioChunk(np.zeros(300, np.int16), LISTENING_RATE_HZ, number * 300 / 16_000) for number in range(8)]
    async with detector("alexa") as opened:
        await opened.detect(sound[0])
        assert opened._stream is not None
        opened._stream.waiting = TakenFrom(opened._stream.waiting)
        for chunk in sound[1:]:
            await opened.detect(chunk)
        assert not opened._stream.waiting


async def test_several_words_are_loaded_with_their_own_thresholds() -> None:
    words = Settings(words=["alexa", Word(name="hey_jarvis", threshold=0.5), "okay_nabu"])
    async with create(words, Resources(PlainFolder())) as opened:
        assert opened._models is not None
        assert opened._models.thresholds[1] == 0.5
        assert opened._models.thresholds[0] > 0.5


async def test_an_unknown_word_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ModelMissing, match="hey_mycroft"):
        await detector("hey_shop").__aenter__()


async def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"nowhere\.json"):
        await detector("nowhere.json", folder=tmp_path).__aenter__()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"{}", b'{"micro": {}}'])
async def test_a_damaged_description_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "word.json").write_bytes(content)
    with pytest.raises(ModelDamaged) as caught:
        await detector("word.json", folder=tmp_path).__aenter__()
    assert caught.value.remedy


async def test_a_damaged_network_is_damaged(tmp_path: Path) -> None:
    source = Path(package.__file__).parent / "models"
    description = json.loads((source / "alexa.json").read_text())
    (tmp_path / "word.json").write_text(json.dumps(description))
    (tmp_path / description["model"]).write_bytes(b"not a network")
    with pytest.raises(ModelDamaged):
        await detector("word.json", folder=tmp_path).__aenter__()


async def test_a_model_of_ones_own_has_its_file_as_name(tmp_path: Path) -> None:
    source = Path(package.__file__).parent / "models"
    shutil.copy(source / "alexa.json", tmp_path / "shop.json")
    shutil.copy(source / "alexa.tflite", tmp_path)
    async with detector("shop.json", folder=tmp_path) as opened:
        assert opened._names == ["shop"]


async def test_without_the_package_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymicro_wakeword", None)
    with pytest.raises(ProviderMissing, match="microwakeword"):
        await detector("alexa").__aenter__()
