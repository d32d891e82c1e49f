"""What engines and the speech cache keep of a sample, to be deleted with it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.samples.errors import SampleError
from assistant.storage.audio_files import AudioFiles
from pipeline.errors import ProviderError
from providers.model_worker import ModelWorker
from providers.tts.cloning.forgetting import forget_elsewhere

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Traces:
    """What was deleted of one or more samples."""

    samples: int = 0
    """Files of samples."""
    latents: int = 0
    """Files that engines made of them: how the voice sounds, as the model sees it."""
    sentences: int = 0
    """Finished sentences of the cache."""

    def __add__(self, other: Traces) -> Traces:
        return Traces(self.samples + other.samples, self.latents + other.latents, self.sentences + other.sentences)

    def __bool__(self) -> bool:
        return bool(self.samples or self.latents or self.sentences)


class TraceFiles:
    """Finds and deletes them. All raise ``SampleError`` and ``StorageError``."""

    def __init__(self, latents: Path, sentences: AudioFiles, elsewhere: Sequence[tuple[str, str]] = ()) -> None:
        """``latents`` holds a folder for each engine, with files ``DIGEST-….npz``. A worker that runs looks at the file
        each time, so that deleting it is enough. ``elsewhere``: engine and address of workers on other machines."""
        self._latents = latents
        self._elsewhere = elsewhere
        self._sentences = sentences
        self._worker = ModelWorker("samples-traces")

    def open(self) -> None:
        """Before the first call."""
        self._worker = ModelWorker("samples-traces")

    def close(self) -> None:
        """End the thread."""
        self._worker.close()

    async def forget_latents(self, digest: str) -> Traces:
        """Delete what engines made of a sample; one that cannot be reached is told in the log."""
        gone = await self._worker.run(lambda _: self._forget(digest))
        for engine, url in self._elsewhere:
            try:
                gone += await forget_elsewhere(engine, url, digest)
            except ProviderError as error:
                log.warning("%s", error)
        return Traces(latents=gone)

    async def forget_sentences(self, mark: str) -> Traces:
        """Delete what was spoken with it; ``mark`` is its ``sample_mark``."""
        return Traces(sentences=(await self._sentences.forget(mark)).entries)

    def _forget(self, digest: str) -> int:
        gone = 0
        try:
            for file in list(self._latents.glob(f"*/{digest}-*")):
                file.unlink(missing_ok=True)
                gone += 1
        except OSError as error:
            raise SampleError(
                f"What was made of a voice sample in {self._latents} cannot be deleted: {error.strerror}.",
                remedy="Is the disk mounted read-only, or does the folder belong to another user?",
            ) from error
        return gone
