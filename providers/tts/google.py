"""Google Cloud Text-to-Speech: a voice from elsewhere for emergencies (package google-cloud-texttospeech).

What is sent is counted before the call, so that the month's free amount is never passed.
"""

from __future__ import annotations

import importlib.util
import io
import os
import wave
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from pydantic import Field

from pipeline.audio import AudioChunk
from pipeline.errors import ProviderError, ProviderMissing
from pipeline.proper_sound import BadAudio
from pipeline.protocols import Capabilities
from pipeline.speakable.characters import takeable
from pipeline.speech import Voice, primary_language
from providers.registry import CharacterQuota, Resources
from providers.settings import ProviderSettings
from providers.tts.google_errors import translated, unbilled

NAME = "google_tts"

CHUNK_S = 0.1
"""Audio seconds in one chunk: how finely a reply can be stopped."""

LONGEST_TEXT_BYTES = 4800
"""UTF-8 bytes in one request; the service takes 5000 (cloud.google.com/text-to-speech/quotas)."""

SLOWEST, FASTEST = 0.25, 2.0
"""Speaking rates that the service takes (AudioConfig.speaking_rate)."""

DEFAULT_VOICES = {
    "de": "de-DE-Standard-A",
    "en": "en-US-Standard-C",
    "es": "es-ES-Standard-A",
    "fr": "fr-FR-Standard-A",
    "it": "it-IT-Standard-A",
    "pt": "pt-BR-Standard-A",
}
"""The cheapest class, by language."""


class Settings(ProviderSettings):
    """How Google's voices speak, and how much they may cost."""

    credentials: Path | None = None
    """Key file of a service account, relative to ``config.yaml``; without it ``GOOGLE_APPLICATION_CREDENTIALS`` of the
    environment counts."""

    voices: dict[str, str] = Field(default_factory=dict)
    """Voice by language (ISO 639-1), such as ``en: en-US-Neural2-F``; six languages have a default of the class
    Standard."""

    endpoint: str = "texttospeech.googleapis.com"
    """Address of the service; ``eu-texttospeech.googleapis.com`` keeps texts in Europe."""

    time_limit_s: float = Field(default=8.0, gt=0.0, le=60.0)
    """Seconds after which a request counts as failed. The voice's own limit (``conversation.voice_timeout_s``) counts
    too."""

    free_characters: int = Field(default=1_000_000, ge=0)
    """Characters per calendar month and voice class that may be sent; 0 sends nothing. Each UTF-8 byte counts as one,
    so that it never comes to more than Google bills."""

    free_characters_by_class: dict[str, int] = Field(default_factory=lambda: {"studio": 100_000})
    """The same for single classes, named as in the voice's name: ``standard``, ``wavenet``, ``neural2``, ``studio``."""

    volume_gain_db: float = Field(default=0.0, ge=-96.0, le=16.0)
    """Loudness against the service's own, dB."""

    pitch: float = Field(default=0.0, ge=-20.0, le=20.0)
    """Semitones above the voice's own pitch."""

    def limit(self, voice_class: str) -> int:
        """Characters of a class that may be sent in a month."""
        return self.free_characters_by_class.get(voice_class, self.free_characters)


def create(settings: Settings, resources: Resources) -> GoogleSynthesizer:
    """The synthesizer; nothing is sent before it has something to say."""
    return GoogleSynthesizer(settings, resources.folder, resources.quota)


class GoogleSynthesizer:
    """A ``Synthesizer``. One request per sentence, on the event loop, without retries of the library's own."""

    def __init__(
        self, settings: Settings, folder: Path, quota: CharacterQuota, channel: Callable[[], Any] | None = None
    ) -> None:
        """``channel`` makes a gRPC channel in place of the real one, for a server without TLS."""
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
        """Read the credentials; nothing is sent. Raises ``ProviderMissing`` or ``ProviderError``."""
        if not _installed():
            raise ProviderMissing(
                "Google's voices need the package google-cloud-texttospeech.",
                remedy="Install it: .venv/bin/pip install -e '.[google]'",
            )
        from google.cloud import texttospeech_v1
        from google.cloud.texttospeech_v1.services.text_to_speech import transports

        transport = transports.TextToSpeechGrpcAsyncIOTransport(
            channel=self._channel() if self._channel is not None else None,
            credentials=None if self._channel is not None else self._credentials(),
            host=self._settings.endpoint,
        )
        self._client = texttospeech_v1.TextToSpeechAsyncClient(transport=transport)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.transport.close()

    def voice_for(self, language: str, wanted: str = "") -> str | None:
        """Name of the voice for a language, None where none is known; ``wanted`` if it speaks that."""
        asked = primary_language(language)
        if (
            "_" not in wanted and primary_language(wanted) == asked and wanted.count("-") >= 2
        ):  # as en-US-Neural2-A, not as en_US-joe-medium
            return wanted
        return self._settings.voices.get(asked) or DEFAULT_VOICES.get(asked)

    async def fingerprint(self, voice: Voice) -> str:
        """The voice's name and these settings; what Google changes behind the name cannot be known."""
        own = self._settings
        return f"{self._name(voice)} {own.volume_gain_db} {own.pitch}"

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
        """Sound for a text in chunks of 0.1 s; none for a text without a letter or digit.

        Raises ``ProviderError``: ``QuotaExceeded`` where the month's amount would be passed.
        """
        text = takeable(text)
        if not text:
            return
        if self._client is None:
            raise ProviderError("Google's voice is not open.", retryable=False)
        start_s = 0.0
        for part in parts(text):
            pcm, rate_hz = sound(await self._ask(part, voice))
            step = round(CHUNK_S * rate_hz)
            for at in range(0, len(pcm), step):
                yield AudioChunk(pcm[at : at + step], rate_hz, start_s + at / rate_hz)
            start_s += len(pcm) / rate_hz

    async def _ask(self, text: str, voice: Voice) -> bytes:
        """A WAV file that says it. What is sent was counted before."""
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import texttospeech_v1 as api

        name, characters = self._name(voice), len(text.encode())
        voice_class = class_of(name)
        await self._quota.reserve(NAME, voice_class, characters, self._settings.limit(voice_class))
        try:
            answer = await self._client.synthesize_speech(
                input=api.SynthesisInput(text=text),
                voice=api.VoiceSelectionParams(language_code="-".join(name.split("-")[:2]), name=name),
                audio_config=api.AudioConfig(
                    audio_encoding=api.AudioEncoding.LINEAR16,
                    speaking_rate=min(FASTEST, max(SLOWEST, voice.settings.speed)),
                    volume_gain_db=self._settings.volume_gain_db,
                    pitch=self._settings.pitch,
                ),
                timeout=self._settings.time_limit_s,
                retry=None,
            )
        except (GoogleAPIError, GoogleAuthError) as error:
            if unbilled(error):
                await self._quota.give_back(NAME, voice_class, characters)
            raise translated(error, name, self._settings.time_limit_s) from None  # its message may hold the text
        return bytes(answer.audio_content)

    def _name(self, voice: Voice) -> str:
        asked = voice.name or self.voice_for(voice.language)
        if asked is None or primary_language(asked) != primary_language(voice.language):
            raise ProviderError(
                f"There is no voice of Google's for the language {voice.language!r}.",
                remedy="Name one in config.yaml: tts.google_tts.voices.",
                retryable=False,
            )
        return asked

    def _credentials(self) -> Any:
        """What proves who we are. Raises ``ProviderError`` that shows no secret."""
        import google.auth
        from google.auth.exceptions import GoogleAuthError
        from google.oauth2 import service_account

        own = self._settings.credentials
        scopes = ["https://www.googleapis.com/auth/cloud-platform"]
        try:
            if own is not None:
                return service_account.Credentials.from_service_account_file(str(self._folder / own), scopes=scopes)
            return google.auth.load_credentials_from_file(_from_environment(), scopes=scopes)[0]
        except (GoogleAuthError, OSError, ValueError, KeyError, AttributeError) as error:
            file = own if own is not None else "named by GOOGLE_APPLICATION_CREDENTIALS"
            raise ProviderError(
                f"Google's credentials file {file} cannot be used ({type(error).__name__}).",
                remedy="It must be the JSON key of a service account; see docs/cloud.md.",
                retryable=False,
            ) from None  # the error may hold a part of the key


def _from_environment() -> str:
    named = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    if not named:
        raise ProviderMissing(
            "Google's voices need credentials.",
            remedy="Name a service account's key file in config.yaml: tts.google_tts.credentials; see docs/cloud.md.",
        )
    return named


def _installed() -> bool:
    try:
        return importlib.util.find_spec("google.cloud.texttospeech_v1") is not None
    except ModuleNotFoundError:
        return False


def class_of(name: str) -> str:
    """A voice's class as it is billed: ``standard`` of ``en-US-Standard-C``, ``other`` where the name tells none."""
    words = name.lower().split("-")
    return words[2] if len(words) > 3 else "other"


def parts(text: str) -> list[str]:
    """The text in pieces that the service takes, cut between words."""
    pieces: list[str] = [""]
    for word in text.split():
        longer = f"{pieces[-1]} {word}".strip()
        if len(longer.encode()) <= LONGEST_TEXT_BYTES:
            pieces[-1] = longer
        else:
            pieces.append(word.encode()[:LONGEST_TEXT_BYTES].decode(errors="ignore"))
    return [piece for piece in pieces if piece]


def sound(answer: bytes) -> tuple[np.ndarray[Any, np.dtype[np.int16]], int]:
    """Samples (int16, shape [samples]) and rate of the WAV file that LINEAR16 gives. Raises ``BadAudio``."""
    try:
        with wave.open(io.BytesIO(answer)) as file:
            kind = (file.getnchannels(), file.getsampwidth())
            rate_hz, data = file.getframerate(), file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise BadAudio("Google answered with something that is no sound.") from error
    if kind != (1, 2):
        raise BadAudio(f"Google answered with sound of {kind[0]} channels and {8 * kind[1]} bits.")
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16), rate_hz
