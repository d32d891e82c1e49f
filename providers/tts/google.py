"""Google Cloud Text-to-Speech: a voice from elsewhere for emergencies (package google-cloud-texttospeech).

What is sent is counted before the call, so that the month's free amount is never passed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import Field, field_validator

from pipeline.audio import AudioChunk, without_leading_silence
from pipeline.errors import ProviderError
from pipeline.protocols import Capabilities
from pipeline.speakable.characters import takeable
from pipeline.speech import Voice
from providers.model_worker import ModelWorker
from providers.registry import CharacterQuota, Resources
from providers.settings import ProviderSettings
from providers.tts.google_connection import checked_endpoint, client, connect, load_library, read_key
from providers.tts.google_errors import translated, unbilled
from providers.tts.google_text import pieces, sound
from providers.tts.google_voices import DEFAULT_VOICES, FREE_CHARACTERS, class_of, is_voice, language_of, locale_of

NAME = "google_tts"

CHUNK_S = 0.1
"""Audio seconds in one chunk: how finely a reply can be stopped."""

SLOWEST, FASTEST = 0.25, 2.0
"""Speaking rates that the service takes (AudioConfig.speaking_rate)."""


class Settings(ProviderSettings):
    """How Google's voices speak, and how much they may cost."""

    credentials: Path | None = None
    """Key file of a service account, relative to ``config.yaml``; without it ``GOOGLE_APPLICATION_CREDENTIALS`` of the
    environment counts."""

    voices: dict[str, str] = Field(default_factory=dict)
    """Voice by language (ISO 639-1), such as ``en: en-US-Neural2-F``; without one, 25 languages have a voice of the
    class Standard."""

    endpoint: str = "texttospeech.googleapis.com"
    """Address of the service; ``eu-texttospeech.googleapis.com`` keeps texts in Europe. ``http://`` (no key, no
    encryption) is for a stand-in on this machine only."""

    time_limit_s: float = Field(default=8.0, gt=0.0, le=60.0)
    """Seconds after which a request counts as failed. The voice's own limit (``conversation.voice_timeout_s``) counts
    too."""

    free_characters: int = Field(default=1_000_000, ge=0)
    """Characters per calendar month and voice class that may be sent; 0 sends nothing. A class of which Google gives
    less is limited to that, and one of which nothing is known to be free is not used. Each UTF-8 byte counts as one, so
    that it never comes to less than what Google bills. Divide it by the number of boxes on one bill."""

    free_characters_by_class: dict[str, int] = Field(default_factory=dict)
    """The same for single classes, named as in the voice's name: ``standard``, ``wavenet``, ``neural2``, ``chirp3-hd``,
    ``studio``. What is named here counts as it stands: more than what is free costs money."""

    warn_share: float = Field(default=0.8, gt=0.0, le=1.0)
    """Share of that from which the log warns."""

    sample_rate_hz: int = Field(default=24_000, ge=8_000, le=48_000)
    """Samples per second that are asked for; most of the voices have 24000 of their own."""

    volume_gain_db: float = Field(default=0.0, ge=-96.0, le=16.0)
    """Loudness against the service's own, dB."""

    pitch: float = Field(default=0.0, ge=-20.0, le=20.0)
    """Semitones above the voice's own pitch; voices of the class Chirp take none."""

    @field_validator("endpoint")
    @classmethod
    def _is_an_address(cls, endpoint: str) -> str:
        return checked_endpoint(endpoint)

    @field_validator("voices")
    @classmethod
    def _are_voices(cls, voices: dict[str, str]) -> dict[str, str]:
        for name in voices.values():
            if not is_voice(name):
                raise ValueError(f"{name!r} is not a voice's name, such as en-US-Standard-C")
        return voices

    @field_validator("free_characters_by_class")
    @classmethod
    def _are_amounts(cls, amounts: dict[str, int]) -> dict[str, int]:
        if any(amount < 0 for amount in amounts.values()):
            raise ValueError("must not be below 0")
        return {name.lower(): amount for name, amount in amounts.items()}

    def limit(self, voice_class: str = "") -> int:
        """Characters of a class that may be sent in a month; without a class, of one of which enough is free."""
        if voice_class in self.free_characters_by_class:
            return self.free_characters_by_class[voice_class]
        return min(self.free_characters, FREE_CHARACTERS.get(voice_class, 0)) if voice_class else self.free_characters


def create(settings: Settings, resources: Resources) -> GoogleSynthesizer:
    """The synthesizer; nothing is sent before it has something to say."""
    return GoogleSynthesizer(settings, resources.folder, resources.quota)


class GoogleSynthesizer:
    """A ``Synthesizer``. One request per sentence, on the event loop, without retries of the library's own."""

    def __init__(
        self, settings: Settings, folder: Path, quota: CharacterQuota, channel: Callable[[], Any] | None = None
    ) -> None:
        """``channel`` makes a gRPC channel in place of the one to ``settings.endpoint``; no key is read then."""
        self._settings = settings
        self._folder = folder
        self._quota = quota
        self._channel = channel
        self._client: Any = None

    @property
    def capabilities(self) -> Capabilities:
        """Languages with a voice."""
        languages = frozenset({*DEFAULT_VOICES, *self._settings.voices})
        return Capabilities(NAME, languages, needs_network=True, licence="Google Cloud terms of service")

    async def __aenter__(self) -> Self:
        """Load the library and read the key; nothing is sent. Raises ``ProviderMissing`` or ``ProviderError``."""
        own = self._settings
        needs_key = self._channel is None and not own.endpoint.startswith("http://")
        worker = ModelWorker("tts-google")
        try:
            await worker.run(lambda _: load_library())
            key = await worker.run(lambda _: read_key(own.credentials, self._folder)) if needs_key else None
        finally:
            worker.close()
        self._client = client(self._channel() if self._channel is not None else connect(own.endpoint, key))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        if self._client is not None:
            opened, self._client = self._client, None
            await opened.transport.close()

    def voice_for(self, language: str, wanted: str = "") -> str | None:
        """Name of the voice for a language, None where none is known; ``wanted`` if it speaks that."""
        asked = language_of(language)
        chosen = self._settings.voices.get(asked) or DEFAULT_VOICES.get(asked)
        if is_voice(wanted) and language_of(wanted) == asked:
            return wanted
        return chosen

    async def fingerprint(self, voice: Voice) -> str:
        """The voice's name and these settings; what Google changes behind the name cannot be known."""
        own = self._settings
        return f"{self._name(voice)} {own.sample_rate_hz} {own.volume_gain_db} {own.pitch}"

    async def ready(self, voice: Voice) -> None:
        """It always is, or its server is not; to find out would cost characters."""

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
        """Sound for a text in chunks of 0.1 s; none for a text without a letter or digit.

        Raises ``ProviderError``: ``QuotaExceeded`` where the month's amount would be passed.
        """
        text = takeable(text)
        if not text:
            return
        start_s = 0.0
        for piece in pieces(text):
            if not takeable(piece):  # signs alone, left over by a cut: nothing to pay for
                continue
            audio = sound(await self._ask(piece, voice))
            if not start_s:
                audio = AudioChunk(without_leading_silence(audio).pcm, audio.rate_hz)
            step = round(CHUNK_S * audio.rate_hz)
            for at in range(0, len(audio.pcm), step):
                yield AudioChunk(audio.pcm[at : at + step], audio.rate_hz, start_s + at / audio.rate_hz)
            start_s += audio.duration_s

    async def _ask(self, text: str, voice: Voice) -> bytes:
        """A WAV file that says it. What is sent was counted before."""
        if self._client is None:
            raise ProviderError("Google's voice is not open.", retryable=False)
        name, characters, own = self._name(voice), len(text.encode()), self._settings
        voice_class = class_of(name)
        month = await self._quota.reserve(NAME, voice_class, characters, own.limit(voice_class), own.warn_share)
        try:
            return await self._request(text, name, voice.settings.speed)
        except Exception as error:
            if not _is_of_the_library(error):
                raise
            if unbilled(error):
                await self._quota.give_back(NAME, voice_class, characters, month)
            raise translated(error, name, own.time_limit_s) from None  # its message may hold the text

    async def _request(self, text: str, name: str, speed: float) -> bytes:
        """Raises the library's errors, and ``ProviderError`` where it was closed meanwhile."""
        from google.cloud import texttospeech_v1 as api

        config = api.AudioConfig(
            audio_encoding=api.AudioEncoding.LINEAR16,
            sample_rate_hertz=self._settings.sample_rate_hz,
            volume_gain_db=self._settings.volume_gain_db,
            pitch=self._settings.pitch,
        )
        if speed != 1.0:  # some voices refuse to be told any
            config.speaking_rate = min(FASTEST, max(SLOWEST, speed))
        if self._client is None:
            raise ProviderError("Google's voice was closed.")
        try:
            answer = await self._client.synthesize_speech(
                input=api.SynthesisInput(text=text),
                voice=api.VoiceSelectionParams(language_code=locale_of(name), name=name),
                audio_config=config,
                timeout=self._settings.time_limit_s,
                retry=None,
            )
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # gRPC says so too when the channel is closed under a request; then nobody cancelled this task.
            raise ProviderError("Google's voice was closed.") from None
        return bytes(answer.audio_content)

    def _name(self, voice: Voice) -> str:
        asked = voice.name or self.voice_for(voice.language)
        if asked is None or not is_voice(asked):
            raise ProviderError(
                f"Google has no voice for {voice.name or voice.language!r}.",
                remedy="Name one in config.yaml: tts.google_tts.voices.",
                retryable=False,
            )
        return asked


def _is_of_the_library(error: Exception) -> bool:
    import grpc
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    # It raises ValueError, with the service's words in it, where an answer's status and details differ.
    return isinstance(error, GoogleAPIError | GoogleAuthError | grpc.RpcError | grpc.aio.UsageError | ValueError)
