"""Makes ``openwakeword_scores.json``: what the package openWakeWord 0.6 says about the recordings.

Needs Python 3.11 and an environment of its own: ``pip install openwakeword==0.6.0 soundfile soxr``. Run it as

    python tests/golden/make_openwakeword_scores.py RECORDINGS MODELS

with the folder of recordings and the folder ``models`` in which the words and ``openwakeword-features`` lie. Each
recording follows 2.56 s of digital silence, because the package begins with random features.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import soundfile
import soxr
from openwakeword.model import Model

WORDS = ("alexa", "hey_jarvis", "hey_mycroft")
RATE_HZ = 16_000
STEP_SAMPLES = 1280
SILENT_STEPS = 32


def sound(file: Path) -> np.ndarray:
    """A recording as int16 at 16 kHz, one channel, after silence, in whole steps."""
    samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    mono = soxr.resample(samples.mean(axis=1), rate_hz, RATE_HZ) if rate_hz != RATE_HZ else samples.mean(axis=1)
    pcm = np.clip(np.round(mono * 32768), -32768, 32767).astype(np.int16)
    pcm = np.concatenate([np.zeros(SILENT_STEPS * STEP_SAMPLES, np.int16), pcm])
    return pcm[: len(pcm) // STEP_SAMPLES * STEP_SAMPLES]


def main(recordings: Path, models: Path) -> None:
    features = models / "openwakeword-features"
    model = Model(
        wakeword_models=[str(models / word / f"{word}_v0.1.onnx") for word in WORDS],
        inference_framework="onnx",
        melspec_model_path=str(features / "melspectrogram.onnx"),
        embedding_model_path=str(features / "embedding_model.onnx"),
    )
    scores: dict[str, dict[str, list[float]]] = {}
    for file in sorted(recordings.iterdir()):
        model.reset()
        pcm = sound(file)
        found = [model.predict(pcm[at : at + STEP_SAMPLES]) for at in range(0, len(pcm), STEP_SAMPLES)]
        scores[file.name] = {
            word: [round(float(step[f"{word}_v0.1"]), 4) for step in found][SILENT_STEPS:] for word in WORDS
        }
    target = Path(__file__).with_name("openwakeword_scores.json")
    lines = [f"  {json.dumps(name)}: {json.dumps(words)}" for name, words in scores.items()]
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
