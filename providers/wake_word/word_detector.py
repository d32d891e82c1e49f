"""What the wake word detectors share: their thread, the life of models and stream, and what they refuse."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk
from pipeline.errors import ProviderError
from providers.model_worker import ModelWorker

Models = TypeVar("Models")
Stream = TypeVar("Stream")


def named(word: Any) -> Any:
    """A word's settings where only its name is given."""
    return {"name": word} if isinstance(word, str) else word


class WordDetector(ABC, Generic[Models, Stream]):
    """A ``WakeWordDetector`` but for ``detect``, ``capabilities`` and ``context_s``."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        """As hits call the words."""
        self._worker = ModelWorker("wake-word")
        self._models: Models | None = None
        self._stream: Stream | None = None
        """The stretch of sound that is being heard."""
        self._quiet_until_s = [0.0] * len(names)
        """Audio seconds until which each word cannot be heard again."""

    @abstractmethod
    def _loader(self) -> Callable[[], Models]:
        """What loads the models, on the worker's thread. Raises ``ModelMissing`` where that is known already."""

    async def __aenter__(self) -> Self:
        """Load the models. Raises ``ModelMissing``, ``ModelDamaged`` or ``ProviderMissing``."""
        loader = self._loader()
        self._worker = ModelWorker("wake-word")
        try:
            self._models = await self._worker.run(lambda _: loader())
        except BaseException:
            self._worker.close()
            raise
        self._stream = None
        self._quiet_until_s = [0.0] * len(self._names)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the models go."""
        self._worker.close()
        self._models = self._stream = None

    def reset(self) -> None:
        """Forget what was heard; the refractory time of a hit stays."""
        self._stream = None

    def _opened(self, chunk: AudioChunk) -> Models:
        """The models to hear the chunk with. Raises ``ProviderError``."""
        if self._models is None:
            raise ProviderError("The wake word detector is not open.", retryable=False)
        if chunk.rate_hz != LISTENING_RATE_HZ:
            raise ProviderError(f"Wake words want {LISTENING_RATE_HZ} Hz, not {chunk.rate_hz} Hz.", retryable=False)
        return self._models


def follows(chunk: AudioChunk, end_s: float) -> bool:
    """Whether a chunk goes on where a stream ends (audio seconds), to a sample."""
    return abs(chunk.start_s - end_s) * LISTENING_RATE_HZ <= 1
