"""What the daemon is made of while it runs."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from assistant.incident_log import IncidentLog
from assistant.muting import Muting
from assistant.personalities.cast import Cast
from assistant.samples.store import SampleStore
from assistant.sound_devices import SoundDevices
from assistant.statistics import Statistics
from assistant.storage.database import Database
from assistant.volume import Volume
from pipeline.conversation import Conversation
from pipeline.fallback import FallbackVoice
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.meters import MeteredMicrophone, MeteredSpeaker
from pipeline.on_demand import OnDemandSynthesizer, OnDemandTranscriber
from pipeline.protocols import Agent, EndOfTurnDetector
from pipeline.usage import UsageLedger


@dataclass(frozen=True, slots=True)
class Ends:
    """Where sound comes from and goes to."""

    input: Path | None = None
    """A sound file in place of the microphone."""
    output: Path | None = None
    """A WAV file in place of the loudspeaker."""
    fast: bool = False
    """Files pass as fast as the machine can."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a running conversation is made of."""

    conversation: Conversation
    agent: Agent
    transcriber: FallbackTranscriber
    voice: FallbackVoice
    microphone: MeteredMicrophone
    speaker: MeteredSpeaker
    devices: SoundDevices
    muting: Muting
    volume: Volume
    end_of_turn: EndOfTurnDetector | None = None
    """None where silence alone ends a turn."""

    @property
    def engines(self) -> list[OnDemandSynthesizer]:
        """The voices in use, best first."""
        return [one for one in self.voice.router.synthesizers if isinstance(one, OnDemandSynthesizer)]

    @property
    def recognisers(self) -> list[OnDemandTranscriber]:
        """The recognisers in use, best first."""
        return [one for one in self.transcriber.transcribers if isinstance(one, OnDemandTranscriber)]


@dataclass(frozen=True, slots=True)
class Memory:
    """What outlives a run."""

    database: Database | None
    """None where it cannot even be read."""
    cast: Cast
    """Who may speak."""
    statistics: Statistics | None
    """None where nothing can be written before the next start."""
    samples: SampleStore
    """Recordings of those whose voices are spoken with."""
    incidents: IncidentLog
    """What went wrong."""


class Companion(Protocol):
    """What goes on beside a conversation; it observes from the first event on."""

    @property
    def ledger(self) -> UsageLedger:
        """Keeps account of what is spoken and written down."""
        ...

    def tasks(self, parts: Parts) -> list[Coroutine[Any, Any, None]]:
        """To be run as long as the conversation."""
        ...
