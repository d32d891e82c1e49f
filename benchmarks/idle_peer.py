"""Listens to a sound with the package openWakeWord 0.6 and says what it cost; ``benchmarks.idle`` starts it.

    python benchmarks/idle_peer.py SOUND.npy MODELS

Runs in an environment of its own and imports nothing of this project. The package is used as its README shows, on the
same models, with chunks of 80 ms, which is what suits it best; no other thread, no event loop.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

STEP_SAMPLES = 1280
STEP_S = 0.08


def main(sound: Path, models: Path) -> dict[str, float]:
    from openwakeword.model import Model

    pcm = np.load(sound)
    features = models / "openwakeword-features"
    model = Model(
        wakeword_models=[str(models / "hey_jarvis" / "hey_jarvis_v0.1.onnx")],
        inference_framework="onnx",
        melspec_model_path=str(features / "melspectrogram.onnx"),
        embedding_model_path=str(features / "embedding_model.onnx"),
    )
    warm_up = round(3.0 / STEP_S)
    hits = 0
    steps = range(0, len(pcm) - STEP_SAMPLES + 1, STEP_SAMPLES)
    for number, at in enumerate(steps):
        if number == warm_up:
            start_s = time.process_time()
        scores = model.predict(pcm[at : at + STEP_SAMPLES])
        hits += scores["hey_jarvis_v0.1"] >= 0.5
    cpu_s = time.process_time() - start_s
    return {"core_share": cpu_s / ((len(steps) - warm_up) * STEP_S), "hits": int(hits)}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
