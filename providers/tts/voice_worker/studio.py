"""The engine, the voices it knows, and how it is doing."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from pipeline.errors import AssistantError, without_words
from pipeline.speech import VoiceSettings, primary_language
from providers.tts.voice_worker import memory
from providers.tts.voice_worker.engine import Cancelled, CloningEngine, Sound, Speaker
from providers.tts.voice_worker.engine_thread import EngineThread
from providers.tts.voice_worker.latents import Latents, Look
from providers.tts.voice_worker.messages import Code, WorkerState
from providers.tts.voice_worker.sample_file import sound_of

log = logging.getLogger(__name__)

CHUNK_S = 0.1
"""Audio seconds in one chunk: how finely a reply can be stopped."""

TRIAL = "Good morning, how can I help you?"
"""Said once after loading, to see how fast it is."""

TRIAL_S = 20.0
"""Seconds of the clock after which that is given up; the pace is known by then."""

SMOOTHING = 0.3
"""Share of the newest measurement in the real-time factor."""

LEAST_MEASURED_S = 0.5
"""Shorter texts say little about the pace."""


class Refusal(Exception):
    """A request that is answered with an error."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """A text to say."""

    text: str
    language: str
    """ISO 639-1."""
    sample: str
    """Hash of the sample whose voice to take."""
    settings: VoiceSettings


class Studio:
    """Lives on the event loop; the engine and the files of the voices belong to the engine's thread."""

    def __init__(
        self,
        engine: CloningEngine,
        latents: Callable[[str], Latents],
        model_hash: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``latents``: those of a model, by its hash; ``model_hash`` may read the model's files."""
        self._engine = engine
        self._make_latents = latents
        self._hash_model = model_hash
        self._clock = clock
        self._thread = EngineThread(clock)
        self._latents: Latents | None = None
        self._model = ""
        self._failure = ""
        self._real_time_factor: float | None = None

    @property
    def state(self) -> WorkerState:
        """How it is, without asking the engine for anything that takes time."""
        loaded = self._latents is not None
        return WorkerState(
            engine=self._engine.name,
            version=self._engine.version,
            model=self._model,
            loaded=loaded,
            failure=self._failure,
            rate_hz=self._engine.rate_hz if loaded else 24_000,
            languages=self._engine.languages if loaded else (),
            device=self._engine.device if loaded else "cpu",
            real_time_factor=self._real_time_factor,
            step_s=round(self._thread.step_s, 3),
            memory_mb=memory.used_mb(),
            card_memory_mb=memory.used_on_card_mb(),
        )

    async def load(self) -> bool:
        """Load the model and measure its pace; ``state`` tells the outcome. Whether it can speak."""
        try:
            latents = await self._thread.run(self._load)
        except AssistantError as error:
            self._failure = str(error)
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is, the daemon must be told
            self._failure = _failure(error)
            return False
        self._latents = latents
        return True

    def knows(self, sample: str) -> bool:
        """Whether it has looked at that sample before. Raises ``Refusal`` while it loads."""
        return self._opened().knows(sample)

    def forget(self, sample: str) -> bool:
        """Leave nothing of a sample; whether there was something. Raises ``Refusal`` while it loads."""
        return self._opened().forget(sample)

    async def introduce(self, sample: str, file: bytes) -> bool:
        """Look at a sample; whether it was known already. Raises ``Refusal``."""
        latents = self._opened()
        if hashlib.sha256(file).hexdigest() != sample:
            raise Refusal(Code.BAD_SAMPLE, "the sample is not the one that its hash promises")
        try:
            sound, rate_hz = sound_of(file)
        except ValueError as error:
            raise Refusal(Code.BAD_SAMPLE, f"the sample cannot be used: {error}") from error

        look = latents.look(sample)
        try:
            return await self._thread.run(lambda cancelled: self._look_at(look, latents, sound, rate_hz))
        except Refusal:
            raise
        except Exception as error:
            raise _refusal(error) from error

    async def speak(self, request: Request) -> AsyncGenerator[bytes]:
        """Sound as signed 16-bit samples in pieces of 0.1 s. Raises ``Refusal``."""
        latents = self._opened()
        if primary_language(request.language) not in self._engine.languages:
            spoken = ", ".join(self._engine.languages)
            raise Refusal(Code.BAD_REQUEST, f"it does not speak {request.language[:20]!r}; it speaks {spoken}")

        def say(cancelled: Cancelled) -> Iterator[bytes]:
            speaker = latents.find(request.sample)
            if speaker is None:
                raise Refusal(Code.UNKNOWN_VOICE, "the voice is not known; send its sample")
            return self._pieces(request, speaker, cancelled)

        async with aclosing(self._thread.stream(say)) as pieces:
            try:
                async for piece in pieces:
                    yield piece
            except Refusal:
                raise
            except Exception as error:
                raise _refusal(error) from error

    def unused(self, settings: VoiceSettings) -> list[str]:
        """Names of the settings that the engine does not know."""
        return self._engine.unused(settings)

    def _opened(self) -> Latents:
        if self._latents is None:
            raise Refusal(Code.LOADING, self._failure or "the model is being loaded")
        return self._latents

    # On the engine's thread:

    def _load(self, _: Cancelled) -> Latents:
        self._engine.load()
        self._model = self._hash_model()
        self._real_time_factor = self._trial()
        latents = self._make_latents(self._model)
        latents.make_room()
        return latents

    def _look_at(self, look: Look, latents: Latents, sound: Sound, rate_hz: int) -> bool:
        """Whether the sample was known already."""
        if not look.forgotten and latents.find(look.sample) is not None:
            return True
        speaker = self._engine.speaker(sound, rate_hz)
        try:
            kept = latents.keep(look, speaker)
        except OSError as error:
            text = f"what is to be kept of the voice cannot be written: {error.strerror or type(error).__name__}"
            log.warning("%s", text)
            raise Refusal(Code.FAILED, text) from error
        if not kept:
            raise Refusal(Code.UNKNOWN_VOICE, "the voice was removed while it was looked at")
        return False

    def _trial(self) -> float | None:
        """Seconds of work for a second of sound."""
        rate_hz, end_s = self._engine.rate_hz, self._clock() + TRIAL_S
        noise = np.random.default_rng(1).standard_normal(2 * rate_hz)
        speaker = self._engine.speaker((0.05 * noise).astype(np.float32), rate_hz)
        began_s = self._clock()
        language = "en" if "en" in self._engine.languages else self._engine.languages[0]
        sounds = self._engine.stream(TRIAL, language, speaker, VoiceSettings(), lambda: self._clock() > end_s)
        audio_s = sum(len(sound) for sound in sounds) / rate_hz
        return round((self._clock() - began_s) / audio_s, 3) if audio_s else None

    def _pieces(self, request: Request, speaker: Speaker, cancelled: Cancelled) -> Iterator[bytes]:
        """The engine's sound, cut evenly; measures how fast it came."""
        rate_hz = self._engine.rate_hz
        step = 2 * round(CHUNK_S * rate_hz)
        language = primary_language(request.language)
        began_s, rest, total = self._clock(), b"", 0
        sounds = self._engine.stream(request.text, language, speaker, request.settings, cancelled)
        try:
            for sound in sounds:
                rest += _bytes(sound)
                total += len(sound)
                while len(rest) >= step:
                    yield rest[:step]
                    rest = rest[step:]
        finally:
            if close := getattr(sounds, "close", None):
                close()
        if rest:
            yield rest
        if not cancelled():
            self._measured(self._clock() - began_s, total / rate_hz)

    def _measured(self, work_s: float, audio_s: float) -> None:
        if audio_s >= LEAST_MEASURED_S:
            before = self._real_time_factor
            now = work_s / audio_s
            now = now if before is None else before + SMOOTHING * (now - before)
            self._real_time_factor = float(f"{now:.3g}")


def _bytes(sound: Sound) -> bytes:
    if not np.isfinite(sound).all():
        raise ValueError("the model gave sound that is no number")
    return np.clip(np.round(sound * 32768.0), -32768, 32767).astype("<i2").tobytes()


def _failure(error: Exception) -> str:
    """Why it cannot be loaded, in a line."""
    if _out_of_memory(error):
        return "the memory does not suffice for the model"
    said = (str(error).strip().splitlines() or [""])[0][:300]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _refusal(error: Exception) -> Refusal:
    """Nothing that was to be said may stand in a message."""
    if _out_of_memory(error):
        return Refusal(Code.OUT_OF_MEMORY, "the memory does not suffice")
    log.warning("the engine failed: %s", without_words(error))
    return Refusal(Code.FAILED, without_words(error))


def _out_of_memory(error: Exception) -> bool:
    """Python's own error, torch's for a card, or torch's for the machine, which has no type of its own."""
    known = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return known or (isinstance(error, RuntimeError) and "allocate memory" in str(error))
