"""A small catalogue whose models lie on the fake hub."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import yaml

from assistant.models.catalogue import Catalogue, read_catalogue
from assistant.models.progress import Progress
from assistant.models.pull import Puller
from assistant.models.store import ModelStore
from tests.fakes.hub import FakeHub

BIG = random.Random(1).randbytes(300_000)
SMALL = b'{"audio": {"sample_rate": 16000}}'


@dataclass
class SilentProgress(Progress):
    lines: list[str] = field(default_factory=list)

    def begin(self, label: str, total: int | None, done: int) -> None:
        pass

    def advance(self, count: int) -> None:
        pass

    def end(self) -> None:
        pass

    def say(self, line: str) -> None:
        self.lines.append(line)


@dataclass
class Shop:
    """One machine: its folder of models, the hub it asks, and what it waited for."""

    hub: FakeHub
    folder: Path
    catalogue_file: Path
    catalogue: Catalogue
    slept: list[float] = field(default_factory=list)
    progress: SilentProgress = field(default_factory=SilentProgress)
    mirror: Path | None = None
    token: str = ""

    @property
    def store(self) -> ModelStore:
        return ModelStore(self.folder, self.mirror, catalogue=self.catalogue, bundled=self.folder / "nothing")

    def pull(self, name: str, endpoint: str = "", read_timeout_s: float = 5.0) -> bool:
        environment = {"HF_ENDPOINT": endpoint or self.hub.url, "HF_TOKEN": self.token}
        client = httpx.Client(timeout=read_timeout_s, follow_redirects=True, max_redirects=5, trust_env=False)
        with Puller(
            self.store, self.progress, environment=environment, sleep=self.slept.append, client=client
        ) as puller:
            return puller.pull(name)

    def part(self, name: str, path: str) -> Path:
        return self.folder / ".pull" / name / f"{path}.part"


def described(content: bytes, path: str) -> dict[str, object]:
    return {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def catalogue_document() -> dict[str, object]:
    shared = {"languages": ["en"], "about": "for tests", "licence": "free"}
    voice = {**shared, "kind": "piper", "sources": [{"hub": "shop/voices", "revision": "abc", "folder": "en/voice"}]}
    wheel = {"wheel": "shopwords==1.2", "folder": "shopwords/data"}
    return {
        "licences": {
            "free": {"name": "MIT", "commercial": "yes"},
            "private": {"name": "CC-BY-NC-4.0", "commercial": "no", "note": "ask first"},
            "signed": {"name": "Signed-1.0", "commercial": "no", "accept": "coqui_terms_accepted"},
        },
        "models": {
            "voice": {**voice, "files": [described(BIG, "voice.onnx"), described(SMALL, "voice.onnx.json")]},
            # The hub alone knows what these files must be.
            "unpinned": {**voice, "licence": "private", "files": [{"path": "voice.onnx"}, {"path": "voice.onnx.json"}]},
            # As Pocket TTS: weights in a repository that is not for everybody, the rest in another one.
            "split": {
                **voice,
                "kind": "tts_clone",
                "sources": [{"hub": "shop/gated", "revision": "abc", "folder": "en"}],
                "files": [
                    {"path": "model.safetensors"},
                    {"path": "tokenizer.json", "elsewhere": {"hub": "shop/open", "revision": "def", "folder": "en/2"}},
                ],
            },
            "cloner": {**voice, "kind": "tts_clone", "licence": "signed", "files": [{"path": "voice.onnx"}]},
            "word": {**shared, "kind": "wake_word", "sources": [wheel], "files": [described(SMALL, "word_v0.1.onnx")]},
            "given": {**shared, "kind": "piper", "sources": [{"bundled": True}], "files": [described(SMALL, "a.onnx")]},
            "packaged": {
                **shared,
                "kind": "vad",
                "sources": [{"package": "yaml", "folder": "."}],
                "files": [{"path": "__init__.py"}],
            },
        },
    }


@pytest.fixture
def make_shop(tmp_path: Path) -> Iterator[Callable[[], Shop]]:
    with FakeHub() as hub:

        def make() -> Shop:
            file = tmp_path / "catalogue.yaml"
            file.write_text(yaml.safe_dump(catalogue_document(), sort_keys=False), encoding="utf-8")
            hub.files = {
                "shop/voices/en/voice/voice.onnx": BIG,
                "shop/voices/en/voice/voice.onnx.json": SMALL,
                "shop/gated/en/model.safetensors": BIG,
                "shop/open/en/2/tokenizer.json": SMALL,
            }
            hub.gated = {"shop/gated": "hf_right"}
            return Shop(hub, tmp_path / "models", file, read_catalogue(file))

        yield make


@pytest.fixture
def shop(make_shop: Callable[[], Shop]) -> Shop:
    return make_shop()
