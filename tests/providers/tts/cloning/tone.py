"""An engine of this machine with a real worker process and no model: ``tests.fakes.tone_engine``."""

from __future__ import annotations

import hashlib
import io
import sys
import time
import wave
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pipeline.speech import Voice, VoiceSettings
from providers.registry import Resources
from providers.tts.cloning.own_worker import Patience
from providers.tts.cloning.shelf import Model, OneModel
from providers.tts.cloning.synthesizer import CloningSynthesizer
from providers.tts.cloning.workers import OwnOptions, OwnWorkers
from tests.fakes.models import ListedModels

ENGINE = "tests.fakes.tone_engine:create"


def sample(pitch_hz: float, seconds: float = 6.0, rate_hz: int = 24_000) -> bytes:
    """A WAV file whose voice is a hum of that pitch."""
    hum = 0.3 * np.sin(2 * np.pi * pitch_hz * np.arange(round(seconds * rate_hz)) / rate_hz)
    file = io.BytesIO()
    with wave.open(file, "wb") as writing:
        writing.setnchannels(1)
        writing.setsampwidth(2)
        writing.setframerate(rate_hz)
        writing.writeframes((hum * 32767).astype("<i2").tobytes())
    return file.getvalue()


@dataclass
class Samples:
    """``VoiceSamples`` in memory."""

    files: dict[str, bytes] = field(default_factory=dict)
    read_so_far: list[str] = field(default_factory=list)

    def add(self, file: bytes) -> str:
        address = f"voices/default/one/{hashlib.sha256(file).hexdigest()}.wav"
        self.files[address] = file
        return address

    async def read(self, address: str) -> bytes:
        self.read_so_far.append(address)
        return self.files[address]


QUICK = Patience(load_s=20.0, hang_s=1.5, answer_s=1.0, idle_s=0.0, look_s=0.1, first_rest_s=0.1)


def tone_synthesizer(
    folder: Path,
    samples: Samples,
    patience: Patience = QUICK,
    *,
    day: str = "",
    python: Path = Path(sys.executable),
    name: str = "tone",
    memory_mb: int = 0,
    clock: Callable[[], float] = time.monotonic,
) -> CloningSynthesizer:
    """``day``: bad days, as ``tests.fakes.tone_engine`` knows them."""
    model = folder / "model"
    if not model.exists():
        model.mkdir()
        (model / "weights").write_bytes(b"none")
    resources = Resources(ListedModels(), folder)
    shelf = OneModel(Model("./model", resources), frozenset({"en", "es"}))
    options = OwnOptions(
        python=python,
        engine=ENGINE,
        latents=folder / "latents",
        device="cpu",
        threads=0,
        memory_mb=memory_mb,
        install="./install.sh tone",
        environment={"TONE": day},
    )
    return CloningSynthesizer(name, shelf, OwnWorkers(name, options, patience, clock), samples)


def voice(address: str, settings: VoiceSettings | None = None, language: str = "en") -> Voice:
    return Voice("", language, settings or VoiceSettings(), address)


def workers() -> list[int]:
    """Voice workers that this process has started and that have not ended."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        found += [int(word) for word in (task / "children").read_text().split()]
    alive = []
    for child in found:
        with suppress(OSError):
            if b"voice_worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                alive.append(child)
    return alive
