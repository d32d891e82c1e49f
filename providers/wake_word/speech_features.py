"""openWakeWord's streaming front end: samples to mel frames to embeddings, as the package does it.

Source of the numbers: ``AudioFeatures`` in openWakeWord 0.6 (https://github.com/dscripka/openWakeWord).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import Pcm
from providers.wake_word.speech_embedding import EMBEDDING_SIZE, MEL_BANDS, STEP_FRAMES, WINDOW_FRAMES, SpeechEmbedding

if TYPE_CHECKING:
    import onnxruntime

STEP_SAMPLES = 1280
"""Samples from one embedding, and so from one score, to the next: 80 ms at 16 kHz."""

OVERLAP_SAMPLES = 480
"""Samples before each step that its first mel frames look at as well."""


class SpeechFeatures:
    """Embeddings of a stream. Not thread-safe."""

    def __init__(self, mel: onnxruntime.InferenceSession, embedding: SpeechEmbedding) -> None:
        self._mel = mel
        self._embedding = embedding
        self._overlap: NDArray[np.float32] = np.empty(0, np.float32)

    def reset(self) -> None:
        """Forget what was heard."""
        self._embedding.reset()
        self._overlap = np.empty(0, np.float32)

    def feed(self, pcm: Pcm) -> NDArray[np.float32]:
        """Embeddings, float32, shape [n, 96], of the next ``n * STEP_SAMPLES`` samples (int16, 16 kHz)."""
        steps = pcm.reshape(-1, STEP_SAMPLES).astype(np.float32)
        if not len(steps):
            return np.empty((0, EMBEDDING_SIZE), np.float32)
        first = not len(self._overlap)
        # Not one run for all steps: the network cuts off what is 80 dB below the loudest of what it is given.
        frames = np.concatenate([self._frames(samples) for samples in steps])
        if first:
            # The package begins with a past of ones, of which the first embedding sees what it needs.
            past = WINDOW_FRAMES - len(frames) % STEP_FRAMES
            frames = np.concatenate([np.ones((past, MEL_BANDS), np.float32), frames])
        return self._embedding.feed(frames)

    def _frames(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mel frames, float32, shape [8, 32] ([5, 32] for the first step, which has nothing to overlap)."""
        window = np.concatenate([self._overlap, samples])
        self._overlap = window[-OVERLAP_SAMPLES:]
        (mel,) = self._mel.run(None, {"input": window[None]})
        # The package's own scaling, which brings the mel network near to the one the embedding was trained with.
        scaled: NDArray[np.float32] = mel[0, 0] / 10 + 2
        return scaled
