"""Writes a Whisper of a published shape with random weights: it costs what the real one costs and knows no word.

The real weights come from a hub that a benchmark must not depend on. Shapes: OpenAI's ``whisper/model.py``. Random
words are as many as they like and nobody believes them, so a model can be made to write one sentence whatever it hears.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

BUNDLED = Path(__file__).resolve().parent.parent / "models" / "whisper-kiosk-en"
VOCABULARY = 51_864
"""Tokens of an English-only model."""
MELS = 80
SURE = 30.0
"""How far a fixed sentence's tokens stand out: the sum of all others, e to the 11th, is nothing beside it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of a Whisper."""

    layers: int
    """Of the encoder and of the decoder."""

    width: int
    """Numbers per position."""

    heads: int
    """Of each attention; ``width / 64`` in all published ones."""


SHAPES = {"tiny": Shape(4, 384, 6), "base": Shape(6, 512, 8), "small": Shape(12, 768, 12)}


def write_base(folder: Path) -> Path:
    """A model of base size (74 M parameters, int8) that writes anything."""
    return write(folder, SHAPES["base"])


def write(folder: Path, shape: Shape, says: str = "") -> Path:
    """A model (int8) in faster-whisper's format; tokens are those of the bundled one.

    ``says`` is the sentence that it always writes (the bundled model's words, no token twice); "" leaves it to chance.
    """
    import ctranslate2.specs

    spec = ctranslate2.specs.WhisperSpec(shape.layers, shape.heads, shape.layers, shape.heads)
    weights = _Weights(shape.width)
    weights.fill(spec)
    folder.mkdir(parents=True, exist_ok=True)
    if says:
        weights.chain(spec, _chain(says))
    spec.register_vocabulary(_vocabulary())
    config = json.loads((BUNDLED / "config.json").read_text(encoding="utf-8"))
    for name, value in config.items():
        setattr(spec.config, name, value)
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(folder))
    for name in ("tokenizer.json", "preprocessor_config.json"):
        shutil.copy(BUNDLED / name, folder)
    return folder


class _Weights:
    """Random weights of one width, the same every time."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._rng = np.random.default_rng(0)

    def fill(self, spec: Any) -> None:
        """Every variable of a model."""
        width, (encoder, decoder) = self.width, (spec.encoder, spec.decoder)
        encoder.conv1.weight, encoder.conv1.bias = self._random(width, MELS, 3), np.zeros(width, np.float32)
        encoder.conv2.weight, encoder.conv2.bias = self._random(width, width, 3), np.zeros(width, np.float32)
        encoder.position_encodings.encodings = self._random(1500, width)
        decoder.embeddings.weight = self._random(VOCABULARY, width)
        decoder.position_encodings.encodings = self._random(448, width)
        decoder.projection.weight = decoder.embeddings.weight
        for stack in (encoder, decoder):
            self._norm(stack.layer_norm)
            for layer in stack.layer:
                self._layer(layer, across=stack is decoder)

    def chain(self, spec: Any, followers: dict[int, int]) -> None:
        """Make each token call up the next. The layers add nothing to it on its way and cost what they cost."""
        decoder = spec.decoder
        for layer in decoder.layer:
            for last in (layer.self_attention.linear[-1], layer.attention.linear[-1], layer.ffn.linear_1):
                last.weight = np.zeros_like(last.weight)
        decoder.position_encodings.encodings = np.zeros_like(decoder.position_encodings.encodings)
        embeddings = decoder.embeddings.weight
        projection = 0.01 * self._random(*embeddings.shape)
        for token, follower in followers.items():
            direction = embeddings[token] - embeddings[token].mean()
            projection[follower] += direction * SURE / (np.linalg.norm(direction) * np.sqrt(self.width))
        decoder.projection.weight = projection

    def _layer(self, layer: Any, across: bool) -> None:
        width = self.width
        for attention in [layer.self_attention, *([layer.attention] if across else [])]:
            self._norm(attention.layer_norm)
            sizes = [3 * width, width] if attention is layer.self_attention else [width, 2 * width, width]
            for part, out in zip(attention.linear, sizes, strict=True):
                self._linear(part, out, width)
        self._norm(layer.ffn.layer_norm)
        self._linear(layer.ffn.linear_0, 4 * width, width)
        self._linear(layer.ffn.linear_1, width, 4 * width)

    def _random(self, *shape: int) -> np.ndarray:
        return self._rng.standard_normal(shape, np.float32) / np.sqrt(shape[-1], dtype=np.float32)

    def _linear(self, spec: Any, out: int, into: int) -> None:
        spec.weight, spec.bias = self._random(out, into), np.zeros(out, np.float32)

    def _norm(self, spec: Any) -> None:
        spec.gamma, spec.beta = np.ones(self.width, np.float32), np.zeros(self.width, np.float32)


def _chain(says: str) -> dict[int, int]:
    """Which token follows which."""
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(str(BUNDLED / "tokenizer.json"))
    words = tokenizer.encode(f" {says}", add_special_tokens=False).ids
    if len(set(words)) != len(words):
        raise ValueError(f"A token stands twice in {says!r}.")
    untimed = tokenizer.token_to_id("<|notimestamps|>")
    steps = [untimed, *words, tokenizer.token_to_id("<|endoftext|>")]
    # Who asks for times as well gets the first one, which stands right after that token, before the words.
    timed = [tokenizer.token_to_id("<|startoftranscript|>"), untimed + 1, words[0]]
    return dict(pairwise(steps)) | dict(pairwise(timed))


def _vocabulary() -> list[str]:
    tokens: list[str] = json.loads((BUNDLED / "vocabulary.json").read_text(encoding="utf-8"))
    return tokens + [f"unused {number}" for number in range(VOCABULARY - len(tokens))]
