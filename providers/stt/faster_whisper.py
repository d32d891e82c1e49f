"""Speech to text by Whisper models through faster-whisper (ctranslate2)."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from pipeline.audio import LISTENING_RATE_HZ
from pipeline.errors import ModelDamaged, ProviderError, ProviderMissing, ProviderTimeout, SettingsError
from pipeline.protocols import Capabilities
from pipeline.speech import NoSpeech, Transcript, Utterance
from providers.model_worker import Cancelled, ModelWorker
from providers.registry import Resources
from providers.stt import hardware
from providers.stt.doubt import joined_text, mean_log_probability, without_speech
from providers.stt.faster_whisper_reader import Reading, WhisperReader
from providers.stt.faster_whisper_settings import Settings
from providers.stt.model_choice import Choice, checked, choose
from providers.stt.window import sure_of, window_of

__all__ = ["FasterWhisperTranscriber", "Settings", "create"]

NAME = "faster_whisper"

log = logging.getLogger(__name__)


def create(settings: Settings, resources: Resources) -> FasterWhisperTranscriber:
    """The transcriber, not yet loaded."""
    return FasterWhisperTranscriber(settings, resources)


class FasterWhisperTranscriber:
    """A ``Transcriber``; its model lives on a thread of its own. Nothing is ever downloaded."""

    def __init__(
        self, settings: Settings, resources: Resources, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.settings = settings
        self._resources = resources
        self._clock = clock
        self._worker = ModelWorker(f"stt-{NAME}")
        self._reader: WhisperReader | None = None
        self.choice: Choice | None = None
        """The model in use, once entered."""
        self.compute: hardware.Compute | None = None
        """What it is computed on, once entered."""

    @property
    def capabilities(self) -> Capabilities:
        """Languages and licence are known once entered."""
        if self.choice is None:
            return Capabilities(name=NAME)
        languages = frozenset({"en"} if self.choice.english_only else self.settings.expected_languages)
        licence = self._resources.models.licence(self.choice.name)
        return Capabilities(name=NAME, languages=languages, licence=licence, caution=self.choice.caution)

    async def __aenter__(self) -> Self:
        """Choose and load the model, and run it once so that the first customer does not wait.

        Raises ``ModelMissing``, ``ModelDamaged``, ``ProviderMissing`` or ``SettingsError``.
        """
        self._worker = ModelWorker(f"stt-{NAME}")
        try:
            self.choice, self.compute, self._reader = await self._worker.run(lambda _: self._load())
        except BaseException:
            self._worker.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the model go."""
        self._worker.close()
        self._reader = None

    @property
    def repeats(self) -> int:
        """Utterances, since it was entered, that a short window left in doubt and that were read again in the whole."""
        return 0 if self._reader is None else self._reader.repeats

    async def transcribe(self, utterance: Utterance) -> Transcript | NoSpeech:
        """The words of an utterance, or why there are none.

        Raises ``ProviderError``, or ``ProviderTimeout`` past the time limit (waiting for earlier calls counts).
        """
        reader, started = self._reader, self._clock()
        if reader is None:
            raise ProviderError("The speech recogniser is not open.", retryable=False)
        if utterance.audio.rate_hz != LISTENING_RATE_HZ:
            raise ProviderError(
                f"The speech recogniser wants {LISTENING_RATE_HZ} Hz, not {utterance.audio.rate_hz}.", retryable=False
            )
        reason = without_speech(utterance, self.settings.least_speech_s, self.settings.thresholds)
        if reason is not None:
            return NoSpeech(reason, NAME, (self._clock() - started) * 1000)
        reading = await self._read(reader, utterance)
        compute_ms = (self._clock() - started) * 1000
        if reading.reason is not None:
            return NoSpeech(reading.reason, NAME, compute_ms)
        confidence = math.exp(min(0.0, mean_log_probability(reading.pieces)))
        sure = sure_of(self.choice.name, confidence) if self.choice is not None else None
        return Transcript(joined_text(reading.pieces), reading.language, confidence, NAME, compute_ms, sure)

    async def _read(self, reader: WhisperReader, utterance: Utterance) -> Reading:
        """The utterance, read on the worker within the time limit."""

        def read(cancelled: Cancelled) -> Reading:
            try:
                return reader.read(utterance, cancelled)
            except (RuntimeError, ValueError, MemoryError) as error:
                raise ProviderError(f"The speech recogniser failed: {error}.") from error

        try:
            async with asyncio.timeout(self.settings.time_limit_s):
                return await self._worker.run(read)
        except TimeoutError as error:
            raise ProviderTimeout(
                f"The speech recogniser took longer than {self.settings.time_limit_s:g} s.",
                remedy="Take a smaller model (stt's setting model) or raise time_limit_s.",
            ) from error

    def _load(self) -> tuple[Choice, hardware.Compute, WhisperReader]:
        """Runs on the worker: the model, loaded and warm."""
        settings = self.settings
        try:
            import ctranslate2  # noqa: F401 - seen here, a missing library is told apart from a broken model
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise ProviderMissing(
                "The package faster-whisper cannot be loaded.",
                remedy="Install it: .venv/bin/pip install faster-whisper",
            ) from error
        on_gpu = settings.device != "cpu" and hardware.cuda_devices() > 0
        choice = checked(
            choose(settings.model, settings.expected_languages, on_gpu, hardware.cpu_count(), self._resources)
        )
        compute = hardware.compute(settings.device, settings.compute_type, choice.folder)
        try:
            model = WhisperModel(
                str(choice.folder),
                device=compute.device,
                compute_type=compute.compute_type,
                cpu_threads=settings.threads,
                local_files_only=True,
            )
            self._refuse_other_languages(choice, model)
            # A GPU encodes 30 seconds in a few milliseconds: there is nothing to save.
            adaptive = settings.window == "adaptive" and compute.device == "cpu"
            reader = WhisperReader(model, settings, window_of(choice.name) if adaptive else None)
            reader.warm()
        except (RuntimeError, ValueError, MemoryError, KeyError) as error:
            raise ModelDamaged(
                f"The speech model {choice.name} cannot be loaded: {error}.",
                remedy=f"Get it again: assistant models pull {choice.name}",
            ) from error
        return choice, compute, reader

    def _refuse_other_languages(self, choice: Choice, model: Any) -> None:
        language = self.settings.language
        if language not in {"auto", "en"} and not model.model.is_multilingual:
            raise SettingsError(
                f"The speech model {choice.name} knows English only, but stt's language is {language}.",
                remedy="Get one for many languages: assistant models pull whisper-base",
            )
