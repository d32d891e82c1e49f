"""A real Whisper model whose use is counted and can be held up."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np


class TappedModel:
    """A ``faster_whisper.WhisperModel`` and the ctranslate2 model inside it, in one."""

    def __init__(self, whole: Any) -> None:
        self._whole = whole
        self.model = self
        self.encoded: list[int] = []
        """Frames of each encoding."""
        self.generated = 0
        """How often text was written."""
        self.encoding = threading.Event()
        """While it is clear, an encoding that has begun does not end."""
        self.encoding.set()
        self.failure: Exception | None = None
        """Raised instead of encoding."""
        self.languages: list[tuple[str, float]] = []
        """What it takes the sound for, with probabilities; with any it counts as a model of many languages."""
        self.log_probability: float | None = None
        """What short windows score, instead of what they do."""

    @property
    def is_multilingual(self) -> bool:
        return bool(self.languages)

    def encode(self, features: np.ndarray) -> Any:
        self.encoded.append(features.shape[1])
        self.encoding.wait(10)
        if self.failure is not None:
            raise self.failure
        return self._whole.encode(features)

    def detect_language(self, memory: Any) -> list[list[tuple[str, float]]]:
        return [[(f"<|{name}|>", probability) for name, probability in self.languages]]

    def generate(self, memory: Any, prompts: list[list[int]], **options: Any) -> list[Any]:
        self.generated += 1
        # The bundled tokenizer knows one language.
        prompts = [[token for token in prompt if token is not None] for prompt in prompts]
        found = self._whole.model.generate(memory, prompts, **options)
        if self.log_probability is None or self.encoded[-1] == 3000:
            return found
        result = found[0]
        return [
            type("Result", (), {
                "sequences_ids": result.sequences_ids,
                "scores": [self.log_probability],
                "no_speech_prob": result.no_speech_prob,
            })
        ]  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)
