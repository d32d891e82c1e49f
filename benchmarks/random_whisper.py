"""Writes a Whisper of a published shape with random weights: it costs what the real one costs and knows no word.

The real weights come from a hub that a benchmark must not depend on. Shape of base.en: OpenAI's ``whisper/model.py``.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

BUNDLED = Path(__file__).resolve().parent.parent / "models" / "whisper-kiosk-en"
VOCABULARY = 51_864
"""Tokens of an English-only model."""


def write_base(folder: Path) -> Path:
    """A model of base size (74 M parameters, int8) in faster-whisper's format; tokens are those of the bundled one."""
    import ctranslate2.specs

    layers, width, heads, mels = 6, 512, 8, 80
    rng = np.random.default_rng(0)

    def weights(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape, np.float32) / np.sqrt(shape[-1])).astype(np.float32)

    def linear(spec: object, out: int, into: int) -> None:
        spec.weight, spec.bias = weights(out, into), np.zeros(out, np.float32)

    def norm(spec: object) -> None:
        spec.gamma, spec.beta = np.ones(width, np.float32), np.zeros(width, np.float32)

    spec = ctranslate2.specs.WhisperSpec(layers, heads, layers, heads)
    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = weights(width, mels, 3), np.zeros(width, np.float32)
    encoder.conv2.weight, encoder.conv2.bias = weights(width, width, 3), np.zeros(width, np.float32)
    encoder.position_encodings.encodings = weights(1500, width)
    decoder.embeddings.weight = weights(VOCABULARY, width)
    decoder.position_encodings.encodings = weights(448, width)
    decoder.projection.weight = decoder.embeddings.weight
    for stack in (encoder, decoder):
        norm(stack.layer_norm)
        for layer in stack.layer:
            attentions = [layer.self_attention, *([layer.attention] if stack is decoder else [])]
            for attention in attentions:
                norm(attention.layer_norm)
                sizes = [3 * width, width] if attention is layer.self_attention else [width, 2 * width, width]
                for part, out in zip(attention.linear, sizes, strict=True):
                    linear(part, out, width)
            norm(layer.ffn.layer_norm)
            linear(layer.ffn.linear_0, 4 * width, width)
            linear(layer.ffn.linear_1, width, 4 * width)
    tokens = json.loads((BUNDLED / "vocabulary.json").read_text(encoding="utf-8"))
    tokens += [f"unused {number}" for number in range(VOCABULARY - len(tokens))]
    spec.register_vocabulary(tokens)
    config = json.loads((BUNDLED / "config.json").read_text(encoding="utf-8"))
    for name, value in config.items():
        setattr(spec.config, name, value)
    spec.validate()
    spec.optimize(quantization="int8")
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    for name in ("tokenizer.json", "preprocessor_config.json"):
        shutil.copy(BUNDLED / name, folder)
    return folder
