"""What can go wrong with an engine, as switches of a scripted one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pipeline.audio import AudioChunk
from pipeline.errors import ModelDamaged, ModelMissing, ProviderError, ProviderMissing, QuotaExceeded
from tests.fakes.synthesizer import ScriptedSynthesizer


@dataclass(frozen=True)
class Fault:
    """How it begins, and what the trail calls it."""

    begin: Callable[[ScriptedSynthesizer], None]
    code: str
    begins_to_speak: bool = False
    """Something is heard before it shows."""

    @staticmethod
    def end(engine: ScriptedSynthesizer) -> None:
        """The engine is as on a good day."""
        engine.refuses = engine.fails_after = engine.hangs_after = None
        engine.mute, engine.opening_s, engine.spoils = False, 0.0, lambda chunk: chunk


def _refuses(error: Exception) -> Callable[[ScriptedSynthesizer], None]:
    return lambda engine: setattr(engine, "refuses", error)


def _fails(error: Exception, after: int = 0) -> Callable[[ScriptedSynthesizer], None]:
    def begin(engine: ScriptedSynthesizer) -> None:
        engine.fails_after, engine.error = after, error

    return begin


def _spoils(spoil: Callable[[AudioChunk], AudioChunk]) -> Callable[[ScriptedSynthesizer], None]:
    return lambda engine: setattr(engine, "spoils", spoil)


def _silent(chunk: AudioChunk) -> AudioChunk:
    return replace(chunk, pcm=np.zeros_like(chunk.pcm))


def _rate_changes(chunk: AudioChunk) -> AudioChunk:
    return replace(chunk, rate_hz=24_000) if chunk.start_s > 0.15 else chunk


FAULTS = {
    "missing package": Fault(_refuses(ProviderMissing("its package is not installed")), "provider_missing"),
    "missing model": Fault(_refuses(ModelMissing("its model is not on this machine")), "model_missing"),
    "missing voice": Fault(_fails(ModelMissing("this voice is not on this machine")), "model_missing"),
    "damaged model": Fault(_refuses(ModelDamaged("its model is torn")), "model_damaged"),
    "damaged voice": Fault(_fails(ModelDamaged("this voice is torn")), "model_damaged"),
    "load failure": Fault(_refuses(RuntimeError("a library with an undefined symbol")), "provider"),
    "opens slowly": Fault(lambda engine: setattr(engine, "opening_s", 200.0), "provider_timeout"),
    "exception": Fault(_fails(KeyError("a defect")), "defect"),
    "exception in the middle": Fault(_fails(KeyError("a defect"), 2), "defect", begins_to_speak=True),
    "no first chunk": Fault(lambda engine: setattr(engine, "hangs_after", 0), "provider_timeout"),
    "stall in the middle": Fault(
        lambda engine: setattr(engine, "hangs_after", 2), "provider_timeout", begins_to_speak=True
    ),
    "empty audio": Fault(lambda engine: setattr(engine, "mute", True), "bad_audio"),
    "silent audio": Fault(_spoils(_silent), "bad_audio"),
    "wrong rate": Fault(_spoils(lambda chunk: replace(chunk, rate_hz=160)), "bad_audio"),
    "rate that changes": Fault(_spoils(_rate_changes), "bad_audio", begins_to_speak=True),
    "out of memory": Fault(_fails(MemoryError()), "defect"),
    "out of memory at loading": Fault(_refuses(MemoryError()), "provider"),
    "permission denied": Fault(_refuses(PermissionError(13, "Permission denied")), "provider"),
    "401": Fault(_fails(ProviderError("the key is refused", retryable=False)), "provider"),
    "429": Fault(_fails(ProviderError("too many requests")), "provider"),
    "quota": Fault(_fails(QuotaExceeded("the month's amount is used up")), "quota"),
    "500": Fault(_fails(ProviderError("the server has a defect")), "provider"),
    "no network": Fault(_fails(ProviderError("the host cannot be reached")), "provider"),
}
