"""What can be set, section by section; what a stage's providers own stands with them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from assistant.models.catalogue import load_catalogue
from pipeline.conversation_settings import FollowingUp
from pipeline.end_of_turn import Patience
from pipeline.errors import ModelMissing
from pipeline.loudness import HIGHEST_DB, LOWEST_DB
from pipeline.overlap import BargeIn
from pipeline.routing import Cloud
from providers.audio.sounddevice_microphone import MicrophoneSettings
from providers.audio.sounddevice_speaker import SpeakerSettings
from providers.settings import ProviderSettings


class LoudnessSection(ProviderSettings):
    """How loud answers are."""

    volume_db: float = Field(0.0, ge=LOWEST_DB, le=HIGHEST_DB)
    """Decibels by which voices are made louder or softer, until somebody sets the volume in the panel; 0 leaves them as
    they are, 10 sounds about twice as loud."""
    follow_noise: bool = True
    """Whether answers get louder in a noisy room, half a decibel for each one of noise."""
    quiet_room_db: float = Field(-50.0, ge=-90, le=-20)
    """Noise at the microphone (dB relative to full scale, as the panel's sound check tells it) from which they do."""
    follow_most_db: float = Field(9.0, ge=0, le=12)
    """The most that noise adds."""


class AudioSection(ProviderSettings):
    """Microphone and loudspeaker."""

    microphone: MicrophoneSettings = MicrophoneSettings()
    """Which device listens."""
    speaker: SpeakerSettings = SpeakerSettings()
    """Which device speaks."""
    loudness: LoudnessSection = LoudnessSection()
    """How loud."""
    listening_tone: bool = False
    """A short tone after the wake word. The microphone hears it too, so leave it off with open loudspeakers."""
    error_tone: bool = True
    """A short tone when nothing could be said."""


class UtteranceSection(ProviderSettings):
    """Where a customer's sentence begins and ends, in audio seconds."""

    end_silence_s: float = Field(0.7, ge=0.2, le=3)
    """Silence that ends an utterance where no model tells thinking from having finished (`end_of_turn`). Less answers
    sooner and cuts off slow speakers."""
    min_speech_s: float = Field(0.2, ge=0.05, le=1)
    """Less speech than this is a click or a cough."""
    max_utterance_s: float = Field(15.0, ge=1, le=30)
    """Hard cap: an utterance ends here whatever is heard."""
    no_speech_timeout_s: float = Field(6.0, ge=1, le=60)
    """How long to wait for the first word after the wake word."""


class ConversationSection(ProviderSettings):
    """The course of a conversation."""

    patience: Patience = Patience.NORMAL
    """How long a customer may think in the middle of a sentence: `brisk`, `normal` or `patient`. Brisk answers sooner
    and cuts slow speakers off now and then."""
    barge_in: BargeIn = BargeIn.WAKE_WORD
    """What stops an answer: `off` (nothing), `wake_word`, or `voice` (half a second of speech pauses it, words or
    "stop" end it, anything else lets it go on). `voice` needs `echo` or a loudspeaker the microphone cannot hear."""
    follow_up: FollowingUp = FollowingUp.QUESTIONS
    """After which answers a customer may go on without a wake word: `off` (none), `questions` (those that ask
    something) or `always`."""
    follow_up_s: float = Field(5.0, ge=1, le=30)
    """Seconds within which they have to begin then."""
    history_turns: int = Field(6, ge=0, le=50)
    """Exchanges the agent is told about."""
    history_idle_s: float = Field(60.0, ge=1, le=3600)
    """The history is dropped after this many seconds without a turn."""
    voice_timeout_s: float = Field(4.0, ge=0.5, le=120)
    """Seconds without a sound from a voice, loading it included, before the next voice is asked."""
    recorded_apologies: dict[str, Path] = Field({})
    """Sound files that say sorry when no voice can speak, by language (ISO 639-1), relative to ``config.yaml``; the
    program has its own for the languages of ``apologies``."""
    apologies: dict[str, str] = Field(
        {
            "en": "Sorry, I cannot answer that right now. Please ask a member of our staff.",
            "es": "Lo siento, ahora mismo no puedo responder. Por favor, pregunte a nuestro personal.",
        }
    )
    """What is said when there is no answer, by language (ISO 639-1)."""
    repeat_requests: dict[str, str] = Field(
        {
            "en": "Sorry, I did not understand that. Please say it again.",
            "es": "Perdón, no le he entendido. ¿Puede repetirlo, por favor?",
        }
    )
    """What is said when somebody spoke but was not understood, by language (ISO 639-1)."""

    @field_validator("barge_in", "follow_up", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: object) -> object:
        """YAML takes a bare ``off`` for false."""
        return "off" if value is False else value

    @field_validator("apologies", "repeat_requests")
    @classmethod
    def _english_is_there(cls, texts: dict[str, str]) -> dict[str, str]:
        if "en" not in texts:
            raise ValueError("must have a text for 'en', which serves for languages without one")
        return texts


TENANT = "^[a-z0-9][a-z0-9_-]{0,39}$"
"""What a shop can be called."""


class DeploymentSection(ProviderSettings):
    """Where and for what the assistant is used."""

    use: Literal["evaluation", "personal", "commercial"] = "evaluation"
    """A shop is `commercial`: models whose licence forbids that are refused then, with the alternative named."""
    licences_held: list[str] = Field([])
    """Models of the catalogue for which you hold a licence that allows what theirs forbids."""
    coqui_terms_accepted: bool = False
    """Set it to accept the Coqui Public Model License of XTTS v2 (non-commercial); it is never accepted silently."""
    cloud: Cloud = Cloud.EMERGENCY
    """Whether voices and agents elsewhere may be used. `never`: not one packet leaves the box. `emergency`: cloud
    voices only when no neural voice of this machine can speak. `allowed`: also where a personality names one."""
    tenant: str = Field("default", pattern=TENANT)
    """The shop whose personalities speak here, where several share a database."""

    @field_validator("licences_held")
    @classmethod
    def _are_models(cls, names: list[str]) -> list[str]:
        """A name mistyped here would refuse a model for whose licence somebody paid."""
        for name in names:
            try:
                load_catalogue().get(name)
            except ModelMissing as error:
                raise ValueError(f"there is no model {name!r} ({error.remedy})") from error
        return names


class StorageSection(ProviderSettings):
    """Where personalities, statistics and the speech cache lie."""

    folder: Path = Path("data")
    """Relative to ``config.yaml``."""
    backups: int = Field(5, ge=0, le=100)
    """Copies of the database that are kept; one is made before a new version changes its tables."""


class SamplesSection(ProviderSettings):
    """Recordings of people whose voice a personality takes."""

    folder: str = "data/voices"
    """Where they lie: a folder relative to `config.yaml`, or a store elsewhere such as `s3://bucket/voices`."""
    hosts: list[str] = Field([])
    """Web servers from which a `voice_sample_url` with https may be fetched; none unless named here."""
    max_upload_mb: int = Field(50, ge=1, le=500)
    """A larger file is refused unread."""

    @field_validator("hosts")
    @classmethod
    def _are_hosts(cls, names: list[str]) -> list[str]:
        for name in names:
            if not re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+", name):
                raise ValueError(f"{name!r} must be a server's full name, such as voices.example.com")
        return [name.lower() for name in names]


class CacheSection(ProviderSettings):
    """Sentences that were spoken before are spoken again at once."""

    enabled: bool = True
    """Whether spoken sentences are kept."""
    keep_hours: float = Field(24.0, gt=0, le=24 * 31)
    """How long."""
    max_mb: int = Field(200, ge=1, le=100_000)
    """Disk space for them; what was not used for longest goes first."""
    warm: bool = True
    """Whether greetings, the agent's usual answers and ``phrases`` are spoken into the cache while nobody talks."""
    phrases: list[str] = Field([])
    """Further sentences to have ready, in the language of the active personality."""


class StatisticsSection(ProviderSettings):
    """Usage and latency, counted by day."""

    write_every_s: float = Field(60.0, ge=1, le=3600)
    """Seconds between two writings. Long spares an SD card; what was counted since is lost in a power cut."""
    keep_days: int = Field(400, ge=1, le=36500)
    """Days after which they are erased."""


class RecordingsSection(ProviderSettings):
    """Recordings of what customers say, to find out why they are not understood. Tell them, and switch it off soon."""

    enabled: bool = False
    """Whether each utterance is kept as a FLAC file in the data folder's ``recordings``. The panel says so."""
    keep_days: float = Field(3.0, gt=0, le=31)
    """Days after which they are deleted."""
    max_mb: int = Field(200, ge=1, le=100_000)
    """Disk space for them; the oldest go first. An hour of speech takes about 60 MB."""


class ModelsSection(ProviderSettings):
    """Where models lie."""

    folder: Path = Path("models")
    """Relative to ``config.yaml``."""
    mirror: Path | None = None
    """A folder or mounted share with the same layout, asked before the hub."""
