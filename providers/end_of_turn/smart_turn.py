"""End of turn by smart-turn (version 3.2, BSD-2-Clause licence), which listens to melody and words alike.

How the model wants its sound (8 s, what is missing is silence before it, each stretch brought to one loudness) was read
from its authors' ``LocalSmartTurnAnalyzerV3`` (https://github.com/pipecat-ai/pipecat); the features are Whisper's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk
from pipeline.errors import ModelDamaged, ModelMissing, ProviderError, ProviderMissing
from pipeline.protocols import Capabilities
from providers import onnx
from providers.model_worker import Cancelled, ModelWorker
from providers.registry import Resources
from providers.settings import ProviderSettings

MODEL = "smart-turn-v3.2"
"""Name in the model catalogue."""

FILE = "smart-turn-v3.2-cpu.onnx"
"""The model's file in its folder."""

THREAD = "end-of-turn-smart_turn"

WINDOW_S = 8
"""Audio seconds that the model looks at."""

WINDOW_SAMPLES = WINDOW_S * LISTENING_RATE_HZ

HOP_SAMPLES = 160
"""Samples from one frame of features to the next: 10 ms."""

FRAMES = WINDOW_SAMPLES // HOP_SAMPLES

REACH_FRAMES = 3
"""Frames before the sound that may still see something of it: each looks at 400 samples, 200 to either side."""

Extractor = Callable[..., NDArray[np.float32]]
"""Samples (float32, shape [samples]) to Whisper's features (float32, shape [80, samples / ``HOP_SAMPLES``])."""


class Settings(ProviderSettings):
    """Smart-turn has nothing to choose; how sure it must be is a matter of the conversation's patience."""


def create(settings: Settings, resources: Resources) -> SmartTurnDetector:
    """The detector, not yet entered."""
    return SmartTurnDetector(lambda: resources.models.path(MODEL) / FILE)


class SmartTurnDetector:
    """An ``EndOfTurnDetector`` that costs about 25 ms of one core a question."""

    capabilities = Capabilities(name="smart_turn", licence="BSD-2-Clause")

    def __init__(self, model: Callable[[], Path]) -> None:
        self._model = model
        self._session: Any = None
        self._extractor: Extractor | None = None
        self._worker = ModelWorker(THREAD)

    async def __aenter__(self) -> Self:
        """Load the model and run it once. Raises ``ModelMissing``, ``ModelDamaged`` or ``ProviderMissing``."""
        self._worker = ModelWorker(THREAD)
        try:
            file = self._model()
            self._session, self._extractor = await self._worker.run(lambda _: _load(file))
        except BaseException:
            self._worker.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the model go."""
        self._worker.close()
        self._session = self._extractor = None

    async def completion_probability(self, audio: AudioChunk) -> float:
        """0 to 1: how likely the speaker has finished. Raises ``ProviderError``.

        A call that is cancelled while others are under way costs nothing, else no more than its own run.
        """
        session, extractor = self._session, self._extractor
        if extractor is None:
            raise ProviderError("The end-of-turn detector is not open.", retryable=False)
        if audio.rate_hz != LISTENING_RATE_HZ:
            raise ProviderError(
                f"The end-of-turn detector wants {LISTENING_RATE_HZ} Hz, not {audio.rate_hz} Hz.", retryable=False
            )
        last = AudioChunk(audio.pcm[-WINDOW_SAMPLES:], audio.rate_hz)

        def infer(cancelled: Cancelled) -> float:
            found = features(last, extractor)
            return 0.0 if cancelled.is_set() else _run(session, found)

        return await self._worker.run(infer)


def features(audio: AudioChunk, extractor: Extractor) -> NDArray[np.float32]:
    """What the model looks at, float32, shape [80, 800], for at most 8 s at 16 kHz."""
    samples = np.zeros(WINDOW_SAMPLES, np.float32)
    if len(audio.pcm):
        samples[-len(audio.pcm) :] = audio.as_float()
    samples -= samples.mean()
    samples /= np.sqrt(samples.var() + 1e-7)
    # The frames of the silence before the sound are all the same, so one is computed: 0.5 ms in place of 3 to 12.
    heard = min(FRAMES, -(-len(audio.pcm) // HOP_SAMPLES) + 2 * REACH_FRAMES)
    found = extractor(samples[-heard * HOP_SAMPLES :], padding=0)
    return np.concatenate([np.repeat(found[:, :1], FRAMES - heard, axis=1), found], axis=1)


def _load(file: Path) -> tuple[Any, Extractor]:
    """The session, once run, and what makes its features."""
    if not file.is_file():
        raise ModelMissing(f"The model {MODEL} has no {FILE}.", remedy=f"Fetch it: assistant models pull {MODEL}")
    try:
        from faster_whisper.feature_extractor import FeatureExtractor
    except ImportError as error:
        raise ProviderMissing(
            "The package faster-whisper, which makes what the end-of-turn detector looks at, is missing.",
            remedy="Install it again: .venv/bin/pip install --force-reinstall --no-deps faster-whisper",
        ) from error
    damaged = ModelDamaged(f"The model {MODEL} is damaged.", remedy=f"Fetch it again: assistant models pull {MODEL}")
    extractor: Extractor = FeatureExtractor(chunk_length=WINDOW_S)
    session = onnx.opened(file, damaged)
    try:
        _run(session, features(AudioChunk(np.zeros(0, np.int16), LISTENING_RATE_HZ), extractor))
    except onnx.failures() as error:
        raise damaged from error
    return session, extractor


def _run(session: Any, found: NDArray[np.float32]) -> float:
    """The probability for one question's features."""
    (output,) = session.run(None, {"input_features": found[None]})  # "logits" by name, but past the sigmoid
    return float(output[0, 0])
