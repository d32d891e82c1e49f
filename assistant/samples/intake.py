"""From an untrusted recording to a sample that may be kept, with what is to be said about it."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from assistant.samples.decoding import Recording, decode
from assistant.samples.listening import listening_frames
from assistant.samples.quality import Quality, judged
from assistant.samples.trimming import Speech, check_length, trimmed
from assistant.samples.wav_file import digest, wav
from pipeline.audio import AudioChunk
from providers.model_worker import ModelWorker
from providers.vad.silero import SileroVoiceDetector, packaged_model


@dataclass(frozen=True, slots=True)
class Sample:
    """What is kept."""

    wav: bytes
    """24 kHz, one channel, 16 bit, 6 to 30 s."""
    digest: str
    """SHA-256 of it, hexadecimal."""
    duration_s: float
    quality: Quality
    """How good it is."""
    recording: Recording
    """What it was made of."""


class Intake:
    """Decodes, trims and judges; an async context manager. What takes time happens in a process or on a thread."""

    def __init__(self) -> None:
        self._worker = ModelWorker("samples-intake")

    async def __aenter__(self) -> Self:
        """Nothing is loaded before it is needed."""
        self._worker = ModelWorker("samples-intake")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread."""
        self._worker.close()

    async def take(self, file: BinaryIO) -> Sample:
        """Make a sample of an open regular file. Raises ``SampleRefused``, ``SampleError`` and ``ModelError``."""
        recording = await decode(file)
        speech = await self._speech(recording.audio)
        return await self._worker.run(lambda _: _made(recording, speech))

    async def _speech(self, audio: AudioChunk) -> Speech:
        chunks = await self._worker.run(lambda _: listening_frames(audio))
        async with SileroVoiceDetector(packaged_model()) as detector:
            return Speech(np.array(await detector.speech_probabilities(chunks), np.float32))


def _made(recording: Recording, speech: Speech) -> Sample:
    """Raises ``SampleRefused``."""
    audio = trimmed(recording.audio, speech)
    check_length(audio, longer=recording.longer)
    content = wav(audio)
    return Sample(content, digest(content), audio.duration_s, judged(recording, audio, speech), recording)
