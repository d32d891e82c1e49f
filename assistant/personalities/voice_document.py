"""``voice_config`` as people, HTTP and the database see it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import unquote

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer

from assistant.personalities.kinds import Address, Moment, VoiceId, Word
from pipeline.speech import VoiceChoice, VoiceConfig, VoiceMode, VoiceSettings
from providers.settings import ProviderSettings

Engine = Literal["xtts_v2", "piper", "google_tts", "espeak_ng", "pocket_tts"]
"""What can speak; whether it is in use here is said by ``tts.use`` in the settings."""


def _number(default: float, least: float, most: float) -> Any:
    # Strict: neither "1.1" nor `true` is a number.
    return Field(default, ge=least, le=most, strict=True)


class VoiceSettingsDocument(ProviderSettings):
    """How to speak. Each engine takes what it knows and ignores the rest."""

    temperature: float = _number(0.75, 0.05, 2)
    """Liveliness of a cloned voice, 0.05 to 2: low is flat and safe, above 1 erratic."""
    length_penalty: float = _number(1.0, 0, 10)
    """Above 1 a cloned voice prefers longer renderings, 0 to 10; counts with beam search only."""
    repetition_penalty: float = _number(5.0, 1, 20)
    """Keeps a cloned voice from stammering, 1 to 20: 1 does nothing, above 10 it swallows sounds."""
    top_k: int = Field(50, ge=1, le=1000, strict=True)
    """Likeliest sounds that a cloned voice chooses from, 1 to 1000: 1 is always the same."""
    top_p: float = _number(0.85, 0.01, 1)
    """Share of probability that a cloned voice chooses from, 0.01 to 1."""
    speed: float = _number(1.0, 0.5, 2)
    """Pace, 0.5 to 2: 1 is the voice's own, 2 twice as fast; the pitch stays."""
    emotion: Word = "neutral"
    """Mood, for engines that know moods."""


class FallbackDocument(ProviderSettings):
    """What to speak with where the personality's own voice cannot be."""

    provider: Engine = "piper"
    """The engine."""
    voice_id: VoiceId = ""
    """Its name for the voice; empty means its best one for the language."""


class VoiceStatsDocument(ProviderSettings):
    """What the voice did so far. Counted by the program; nobody sets it."""

    total_generations: int = Field(0, ge=0, strict=True)
    """Sentences spoken."""
    total_seconds: float = Field(0.0, ge=0, strict=True, allow_inf_nan=False)
    """Their length in audio seconds."""
    average_latency_ms: float = Field(0.0, ge=0, strict=True, allow_inf_nan=False)
    """Milliseconds from a sentence's text to its first sound: exponential moving average, alpha 0.1."""
    cache_hit_rate: float = Field(0.0, ge=0, le=1, strict=True)
    """Share of the sentences that came from the cache, 0 to 1."""


class VoiceDocument(ProviderSettings):
    """The voice that a personality wants. The router decides with what it really speaks."""

    provider: Engine = "piper"
    """The engine."""
    mode: Literal["custom", "default"] = "default"
    """`custom`: the voice of a sample; as long as there is none, the fallback speaks. `default`: the engine's own."""
    voice_id: VoiceId = ""
    """The engine's name for the voice; empty means its best one for the language. Left out where it is empty."""
    voice_sample_url: Address | None = None
    """Where the sample lies; null where there is none."""
    voice_sample_duration: float | None = Field(None, ge=6, le=30, strict=True)
    """Length of the sample in seconds, 6 to 30."""
    uploaded_at: Moment | None = None
    """When the sample came."""
    settings: VoiceSettingsDocument = VoiceSettingsDocument()
    """How to speak."""
    fallback: FallbackDocument = FallbackDocument()
    """What to speak with where that cannot be."""
    stats: VoiceStatsDocument = VoiceStatsDocument()
    """What the voice did so far."""

    @field_validator("voice_sample_url")
    @classmethod
    def _stays_where_samples_lie(cls, url: str | None) -> str | None:
        if url and ".." in PurePosixPath(unquote(url).replace("\\", "/")).parts:
            raise ValueError("must not leave its folder by '..'")
        return url or None

    @model_serializer(mode="wrap")
    def _without_empty_voice_id(self, rest: SerializerFunctionWrapHandler) -> dict[str, Any]:
        document: dict[str, Any] = rest(self)
        if not document.get("voice_id"):
            document.pop("voice_id", None)
        return document

    def config(self) -> VoiceConfig:
        """As the pipeline sees it."""
        return VoiceConfig(
            provider=self.provider,
            mode=VoiceMode(self.mode),
            voice_id=self.voice_id,
            sample=self.voice_sample_url or "",
            settings=VoiceSettings(**self.settings.model_dump()),
            fallback=VoiceChoice(self.fallback.provider, self.fallback.voice_id),
        )
