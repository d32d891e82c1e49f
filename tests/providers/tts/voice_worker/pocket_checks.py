"""What a small Pocket TTS does, told as JSON; run by the environment that has the package.

.venv-cloning/bin/python -m tests.providers.tts.voice_worker.pocket_checks SCRATCH_FOLDER
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.speech import VoiceSettings
from providers.tts.voice_worker.engine import EngineOptions, Sound
from providers.tts.voice_worker.pocket import PocketEngine, create
from tests.fakes.small_pocket import make

TEXT = "We close at nine."
LONG = "Olive oil is in aisle seven. It stands next to the tomatoes, on the left! " * 6


def sample(seed: int) -> Sound:
    noise = np.random.default_rng(seed).standard_normal(24_000 * 7)
    return (0.1 * noise).astype(np.float32)


def said(engine: PocketEngine, speaker: Any, text: str = TEXT, **settings: Any) -> tuple[Sound, list[int]]:
    import torch

    torch.manual_seed(1)
    chunks = list(engine.stream(text, "en", speaker, VoiceSettings(**settings), lambda: False))
    return np.concatenate(chunks), [len(chunk) for chunk in chunks]


def same(one: Sound, other: Sound) -> bool:
    """But for rounding: how many frames are decoded together depends on the threads' luck."""
    return len(one) == len(other) and bool(np.abs(one - other).max() < 1e-3)


def cancelled_after(engine: PocketEngine, speaker: Any, most: int) -> int:
    heard: list[int] = []
    for chunk in engine.stream(LONG, "en", speaker, VoiceSettings(), lambda: len(heard) >= most):
        heard.append(len(chunk))
    return len(heard)


def left_after_one(engine: PocketEngine, speaker: Any) -> int:
    chunks = engine.stream(LONG, "en", speaker, VoiceSettings(), lambda: False)
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    return threading.active_count()


def refused(engine: PocketEngine, speaker: Any) -> str:
    try:
        next(engine.stream(TEXT, "es", speaker, VoiceSettings(), lambda: False))
    except ValueError as error:
        return str(error)
    return ""


def main(scratch: Path) -> None:
    folder = scratch / "pocket-tts-en"
    make(folder)
    engine = create(EngineOptions(folder))
    engine.load()
    one, other = engine.speaker(sample(1), 24_000), engine.speaker(sample(2), 24_000)
    again = engine.speaker(sample(1), 24_000)
    stored = scratch / "voice.npz"
    np.savez(stored, allow_pickle=False, **one)
    with np.load(stored, allow_pickle=False) as archive:
        loaded = dict(archive)
    short, chunks = said(engine, one)
    spoken: list[float] = []

    def watched(**settings: Any) -> float:
        said(engine, one, **settings)
        return float(engine._model.temp)

    spoken = [watched(), watched(temperature=0.9), watched(temperature=5.0)]
    result = {
        "rate_hz": engine.rate_hz,
        "languages": engine.languages,
        "version": engine.version,
        "first_chunk": chunks[0],
        "short_s": len(short) / 24_000,
        "long_s": len(said(engine, one, LONG)[0]) / 24_000,
        "fast_s": len(said(engine, one, speed=2.0)[0]) / 24_000,
        "finite": bool(np.isfinite(short).all() and np.abs(short).max() > 0.01),
        "same_again": same(short, said(engine, again)[0]),
        "same_from_disk": same(short, said(engine, loaded)[0]),
        "other_voice_differs": not same(short, said(engine, other)[0]),
        "temperatures": spoken,
        "cancelled_after": cancelled_after(engine, one, 2),
        "threads_left": left_after_one(engine, one),
        "refused": refused(engine, one),
        "unused": engine.unused(VoiceSettings(speed=1.2, temperature=0.5, top_k=20, emotion="happy")),
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
