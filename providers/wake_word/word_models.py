"""openWakeWord's networks on ONNX Runtime: loading them, and scoring a stream with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import LISTENING_RATE_HZ, Pcm
from pipeline.errors import ModelDamaged, ModelMissing
from providers import onnx
from providers.wake_word.speech_embedding import EMBEDDING_SIZE, SpeechEmbedding, streaming_model
from providers.wake_word.speech_features import SpeechFeatures

if TYPE_CHECKING:
    import onnxruntime

MEL_FILE, EMBEDDING_FILE = "melspectrogram.onnx", "embedding_model.onnx"
"""The two networks that all words share."""

FIRST_SCORES_IGNORED = 5
"""Scores at the start of a stream that count as 0, as in the package: the past of the features is made up there."""

_NOISE_SAMPLES = 4 * LISTENING_RATE_HZ
_NOISE_PEAK = 1000


class WordModels:
    """The loaded networks."""

    def __init__(self, features: Path, words: list[Path]) -> None:
        """Load them: ``features`` is the folder of the shared ones, ``words`` a file per word.

        Raises ``ModelMissing``, ``ModelDamaged`` or ``ProviderMissing``.
        """
        self._mel = _session(features / MEL_FILE)
        embedding = features / EMBEDDING_FILE
        try:
            streaming, self._memories = streaming_model(_content(embedding))
        except (ValueError, IndexError) as error:
            raise _damaged(embedding) from error
        self._embedding = _session(embedding, streaming)
        self.words = [Word(path) for path in words]
        self.most_frames = max(word.frames for word in self.words)
        try:
            self._past = self._made_up_past()
        except onnx.failures() as error:
            raise _damaged(features / MEL_FILE) from error

    def scorer(self) -> Scorer:
        """A new stream."""
        return Scorer(self.features(), self.words, self._past)

    def features(self) -> SpeechFeatures:
        """The front end for a new stream."""
        return SpeechFeatures(self._mel, SpeechEmbedding(self._embedding, self._memories))

    def _made_up_past(self) -> NDArray[np.float32]:
        """Embeddings of soft noise, as the package begins with: no word is in them."""
        noise = np.random.default_rng(0).integers(-_NOISE_PEAK, _NOISE_PEAK, _NOISE_SAMPLES)
        return self.features().feed(noise.astype(np.int16))[-self.most_frames :]


class Word:
    """The network of one word."""

    def __init__(self, path: Path) -> None:
        self._session = _session(path)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        shape = inputs[0].shape
        if len(inputs) != 1 or len(shape) != 3 or shape[2] != EMBEDDING_SIZE or not isinstance(shape[1], int):
            raise ModelDamaged(f"{path.name} is not a wake word model of openWakeWord.", remedy="Choose another file.")
        self.frames: int = shape[1]
        self._input = inputs[0].name
        self._output = [outputs[0].name]
        try:
            self.score(np.zeros((self.frames, EMBEDDING_SIZE), np.float32))
        except onnx.failures() as error:
            raise _damaged(path) from error

    def score(self, embeddings: NDArray[np.float32]) -> float:
        """0 to 1 for the last ``frames`` embeddings, float32, shape [frames, 96]."""
        (found,) = self._session.run(self._output, {self._input: embeddings[None]})
        return float(found.reshape(()))


class Scorer:
    """The scores of one stream. Not thread-safe."""

    def __init__(self, features: SpeechFeatures, words: list[Word], past: NDArray[np.float32]) -> None:
        self._features = features
        self._words = words
        self._embeddings = past
        self._ignored = FIRST_SCORES_IGNORED

    def feed(self, pcm: Pcm) -> NDArray[np.float32]:
        """Scores, float32, shape [steps, words], of the next whole steps of sound (int16, 16 kHz)."""
        past = len(self._embeddings)
        seen = np.concatenate([self._embeddings, self._features.feed(pcm)])
        self._embeddings = seen[-past:]
        scores = np.zeros((len(seen) - past, len(self._words)), np.float32)
        for step in range(len(scores)):
            if self._ignored:
                self._ignored -= 1
                continue
            end = past + step + 1
            scores[step] = [word.score(seen[end - word.frames : end]) for word in self._words]
        return scores


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ModelMissing(f"The wake word's file {path} is missing.", remedy=_remedy(path)) from error
    except OSError as error:
        raise ModelMissing(f"{path} cannot be read: {error.strerror}.", remedy="Look at its permissions.") from error


def _session(path: Path, content: bytes | None = None) -> onnxruntime.InferenceSession:
    return onnx.opened(content or _content(path), _damaged(path), arena=False)


def _damaged(path: Path) -> ModelDamaged:
    return ModelDamaged(f"The wake word model {path.name} is damaged.", remedy=_remedy(path))


def _remedy(path: Path) -> str:
    return f"Delete {path} and fetch it again: assistant models pull {path.parent.name}"
