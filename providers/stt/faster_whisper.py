"""Speech to text by Whisper models through faster-whisper (ctranslate2)."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.audio import LISTENING_RATE_HZ
from pipeline.errors import ModelDamaged, ProviderError, ProviderMissing, ProviderTimeout, SettingsError
from pipeline.protocols import Capabilities
from pipeline.speech import NoSpeech, Transcript, Utterance
from providers.model_worker import Cancelled, ModelWorker
from providers.registry import Resources
from providers.settings import ProviderSettings
from providers.stt import hardware
from providers.stt.doubt import Decoded, Thresholds, doubt, joined_text, mean_log_probability, without_speech
from providers.stt.model_choice import Choice, checked, choose

NAME = "faster_whisper"

log = logging.getLogger(__name__)


class Settings(ProviderSettings):
    """How to listen."""

    model: str = "auto"
    """``auto`` (the best present one that this machine can carry), a name such as ``base.en``, or a folder, relative to
    ``config.yaml``, written with a ``/``."""
    device: hardware.Device = "auto"
    """``cpu``, ``cuda``, or ``auto``: a GPU where one proves that it works."""
    compute_type: str = "auto"
    """Type of the weights as ctranslate2 names it; ``auto`` is ``int8`` on a CPU and ``float16`` on a GPU."""
    threads: int = Field(1, ge=1, le=64)
    """Processor threads. More than one pays only where cores are idle."""
    language: str = Field("auto", pattern="^(auto|[a-z]{2,3})$")
    """ISO 639-1 code of what is spoken; ``auto`` lets a model of many languages find out."""
    languages: tuple[str, ...] = ("en", "es")
    """What ``auto`` may find, ISO 639-1 codes. Short questions are easily taken for a related language, so list what
    your customers speak; empty allows all."""
    beam_size: int = Field(1, ge=1, le=10)
    """Readings followed at the same time. 1 is fastest; 5 makes a few errors less and takes about twice as long."""
    hotwords: str = Field("", max_length=300)
    """Words to expect, such as names of products; 300 characters at most."""
    initial_prompt: str = Field("", max_length=300)
    """Text that is taken to have been said before; sets style and spelling. 300 characters at most."""
    window: Literal["full"] = "full"
    """How much a model looks at: ``full`` is the 30 seconds that published models were trained on."""
    time_limit_s: float = Field(20.0, ge=1, le=300)
    """Seconds after which an utterance counts as failed."""
    least_speech_s: float = Field(0.1, ge=0, le=2)
    """Utterances with less speech than that are not decoded. 0 decodes all."""
    no_speech_probability: float = Field(0.6, ge=0, le=1)
    """Above it words count as noise unless they are sure. 1 never doubts."""
    sure_log_probability: float = Field(-0.5, ge=-10, le=0)
    """Words whose mean log-probability is above it are sure."""
    log_probability: float = Field(-1.0, ge=-10, le=0)
    """Words whose mean log-probability is below it are not believed. -10 believes anything."""
    compression_ratio: float = Field(2.4, ge=1, le=10)
    """Text that compresses better is taken for a loop. 10 never doubts."""
    characters_per_s: float = Field(30.0, ge=5, le=1000)
    """More text than that per second of speech cannot have been said. 1000 never doubts."""
    speech_share: float = Field(0.1, ge=0, le=1)
    """Least share of an utterance that voice activity must have called speech. 0 never doubts."""

    @property
    def expected_languages(self) -> tuple[str, ...]:
        """What may be spoken; empty means anything."""
        return self.languages if self.language == "auto" else (self.language,)

    @property
    def thresholds(self) -> Thresholds:
        """From where on to doubt."""
        return Thresholds(
            no_speech_probability=self.no_speech_probability,
            sure_log_probability=self.sure_log_probability,
            log_probability=self.log_probability,
            compression_ratio=self.compression_ratio,
            characters_per_s=self.characters_per_s,
            speech_share=self.speech_share,
        )


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
        self._worker = ModelWorker("stt-whisper")
        self._model: Any = None
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
        self._worker = ModelWorker("stt-whisper")
        try:
            self.choice, self.compute, self._model = await self._worker.run(lambda _: self._load())
        except BaseException:
            self._worker.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the model go."""
        self._worker.close()
        self._model = None

    async def transcribe(self, utterance: Utterance) -> Transcript | NoSpeech:
        """The words of an utterance, or why there are none.

        Raises ``ProviderError``, or ``ProviderTimeout`` past the time limit (waiting for earlier calls counts).
        """
        model, started = self._model, self._clock()
        if model is None:
            raise ProviderError("The speech recogniser is not open.", retryable=False)
        if utterance.audio.rate_hz != LISTENING_RATE_HZ:
            raise ProviderError(
                f"The speech recogniser wants {LISTENING_RATE_HZ} Hz, not {utterance.audio.rate_hz}.", retryable=False
            )
        thresholds = self.settings.thresholds
        reason = without_speech(utterance, self.settings.least_speech_s, thresholds)
        pieces: list[Decoded] = []
        language = "en"
        if reason is None:
            language, pieces = await self._decoded(model, utterance.audio.as_float())
            reason = doubt(pieces, utterance, thresholds)
        compute_ms = (self._clock() - started) * 1000
        if reason is not None:
            return NoSpeech(reason, NAME, compute_ms)
        confidence = math.exp(min(0.0, mean_log_probability(pieces)))
        return Transcript(joined_text(pieces), language, confidence, NAME, compute_ms)

    async def _decoded(self, model: Any, audio: NDArray[np.float32]) -> tuple[str, list[Decoded]]:
        """Language and text, decoded on the worker within the time limit."""
        try:
            async with asyncio.timeout(self.settings.time_limit_s):
                return await self._worker.run(lambda cancelled: self._decode(model, audio, cancelled))
        except TimeoutError as error:
            raise ProviderTimeout(
                f"The speech recogniser took longer than {self.settings.time_limit_s:g} s.",
                remedy="Take a smaller model (stt's setting model) or raise time_limit_s.",
            ) from error

    def _decode(self, model: Any, audio: NDArray[np.float32], cancelled: Cancelled) -> tuple[str, list[Decoded]]:
        """Runs on the worker. Segments come lazily, so a call that nobody waits for ends after the one it is in."""
        try:
            language = self._language(model, audio)
            pieces: list[Decoded] = []
            for piece in segments(model, audio, language, self.settings):
                pieces.append(piece)
                if cancelled.is_set():
                    break
        except (RuntimeError, ValueError, MemoryError) as error:
            raise ProviderError(f"The speech recogniser failed: {error}.") from error
        return language, pieces

    def _language(self, model: Any, audio: NDArray[np.float32]) -> str:
        """What is spoken: as set, or the likeliest of those allowed."""
        if not model.model.is_multilingual:
            return "en"
        expected = self.settings.expected_languages
        if len(expected) == 1:
            return expected[0]
        _, _, probabilities = model.detect_language(audio=audio)
        return likeliest(probabilities, expected)

    def _load(self) -> tuple[Choice, hardware.Compute, Any]:
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
            list(segments(model, np.zeros(LISTENING_RATE_HZ, np.float32), "en", settings))
        except (RuntimeError, ValueError, MemoryError, KeyError) as error:
            raise ModelDamaged(
                f"The speech model {choice.name} cannot be loaded: {error}.",
                remedy=f"Get it again: assistant models pull {choice.name}",
            ) from error
        return choice, compute, model

    def _refuse_other_languages(self, choice: Choice, model: Any) -> None:
        language = self.settings.language
        if language not in {"auto", "en"} and not model.model.is_multilingual:
            raise SettingsError(
                f"The speech model {choice.name} knows English only, but stt's language is {language}.",
                remedy="Get one for many languages: assistant models pull whisper-base",
            )


def likeliest(probabilities: list[tuple[str, float]], allowed: tuple[str, ...]) -> str:
    """The allowed language of highest probability; the first allowed where the model knows none of them."""
    known = [(probability, name) for name, probability in probabilities if not allowed or name in allowed]
    return max(known)[1] if known else allowed[0]


def segments(model: Any, audio: NDArray[np.float32], language: str, settings: Settings) -> Iterator[Decoded]:
    """What the model writes for audio of any length (float32, 16 kHz), window by window.

    All thresholds of faster-whisper are off: ``doubt`` judges the whole. Blanks are allowed, since suppressing them
    forbids an empty result; a temperature of 0 without fallback bounds the time and gives the same text every time.
    """
    written, _ = model.transcribe(
        audio,
        language=language,
        beam_size=settings.beam_size,
        temperature=0.0,
        compression_ratio_threshold=None,
        log_prob_threshold=None,
        no_speech_threshold=None,
        condition_on_previous_text=False,
        initial_prompt=settings.initial_prompt or None,
        hotwords=settings.hotwords or None,
        suppress_blank=False,
        without_timestamps=True,
        # About twice what the fastest speakers need: where the model loops, it is stopped early.
        max_new_tokens=min(200, 24 + 12 * len(audio) // LISTENING_RATE_HZ),
    )
    for segment in written:
        yield Decoded(
            segment.text,
            segment.avg_logprob,
            segment.no_speech_prob,
            segment.compression_ratio,
            len(segment.tokens),
        )
