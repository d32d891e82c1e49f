"""Which providers there are. A provider module offers ``Settings`` and ``create(settings, resources)``.

Modules import their library only when a provider is entered, so looking at settings costs nothing and
a missing library is reported for what it is. Programs outside this house add an agent through the entry point
group ``assistant.agents``: its value names a module of the same shape.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from pipeline.errors import ProviderMissing, QuotaExceeded
from providers.settings import ProviderSettings

BUILT_IN: Mapping[str, Mapping[str, str]] = {
    "echo": {"webrtc": "providers.echo.webrtc", "none": "providers.echo.none"},
    "wake_word": {
        "openwakeword": "providers.wake_word.openwakeword",
        "microwakeword": "providers.wake_word.microwakeword",
    },
    "vad": {"silero": "providers.vad.silero"},
    "end_of_turn": {
        "smart_turn": "providers.end_of_turn.smart_turn",
        "silence": "providers.end_of_turn.silence",
    },
    "stt": {"faster_whisper": "providers.stt.faster_whisper"},
    "tts": {
        "piper": "providers.tts.piper",
        "google_tts": "providers.tts.google",
        "espeak_ng": "providers.tts.espeak",
        "xtts_v2": "providers.tts.xtts",
        "pocket_tts": "providers.tts.pocket",
    },
    "agent": {
        "faq": "providers.agent.faq",
        "openai": "providers.agent.openai",
        "http": "providers.agent.http",
        "command": "providers.agent.command",
        "echo": "providers.agent.echo",
    },
}
"""Module of each provider, by stage and name."""

ENTRY_POINTS = {"agent": "assistant.agents"}
"""Entry point group of each stage that others may extend."""


class ModelFolder(Protocol):
    """Where models lie on this machine. Nothing is ever fetched through it."""

    def path(self, name: str) -> Path:
        """Folder of a model that is present and complete. Raises ``ModelMissing`` with the remedy."""
        ...

    def present(self, kind: str) -> list[str]:
        """Names of the present models of a kind (``whisper``, ``piper``, ``wake_word``), best first."""
        ...

    def fingerprint(self, name: str) -> str:
        """Hash of what makes up a present model; reads its files the first time and whenever they changed.

        Raises ``ModelMissing``.
        """
        ...

    def permit(self, name: str) -> None:
        """Raises ``LicenceRefused`` where a model may not be used here, wherever its files are."""
        ...

    def licence(self, name: str) -> str:
        """Licence of a catalogued model, "" where unknown."""
        ...


class CharacterQuota(Protocol):
    """How much of a cloud voice may be used in a month."""

    async def reserve(
        self, provider: str, voice_class: str, characters: int, limit: int, warn_share: float = 0.8
    ) -> str:
        """Count characters as spent, before the call; the month in which they count. From ``warn_share`` of ``limit``
        somebody is warned.

        What was reserved stays spent, also after a crash, unless ``give_back`` says otherwise. Raises
        ``QuotaExceeded`` where the month's would pass ``limit``.
        """
        ...

    async def give_back(self, provider: str, voice_class: str, characters: int, month: str) -> None:
        """The call was certainly not billed; ``month`` is what ``reserve`` said."""
        ...


class NoQuota:
    """No cloud voice may be used: there is nowhere to count."""

    async def reserve(
        self, provider: str, voice_class: str, characters: int, limit: int, warn_share: float = 0.8
    ) -> str:
        """Refuse."""
        raise QuotaExceeded(
            f"What {provider} costs cannot be counted, so it is not used.",
            remedy="See `assistant check`: storage.",
        )

    async def give_back(self, provider: str, voice_class: str, characters: int, month: str) -> None:
        """Nothing was spent."""


class VoiceSamples(Protocol):
    """Recordings of people whose voice a personality takes."""

    async def read(self, address: str) -> bytes:
        """A sample as a WAV file: 24 kHz, one channel, 16 bit, 6 to 30 s. Raises ``AssistantError``."""
        ...


class NoSamples:
    """There are none."""

    async def read(self, address: str) -> bytes:
        """Refuse."""
        raise ProviderMissing(f"There is no voice sample {address}.")


@dataclass(frozen=True, slots=True)
class Resources:
    """What a provider may use of the program around it."""

    models: ModelFolder
    """Models on this machine."""

    folder: Path = field(default_factory=Path)
    """Relative paths in settings start here: the folder of ``config.yaml``."""

    quota: CharacterQuota = field(default_factory=NoQuota)
    """What cloud voices may still say this month."""

    samples: VoiceSamples = field(default_factory=NoSamples)
    """Where engines that clone find whose voice to take."""

    data: Path = field(default_factory=lambda: Path("data"))
    """Folder for what a provider makes and wants to find again; it may not exist yet."""


def names(stage: str) -> list[str]:
    """Providers that can be chosen for a stage, those from entry points included."""
    return sorted({*BUILT_IN[stage], *_foreign(stage)})


def module(stage: str, name: str) -> ModuleType:
    """The module of a provider. Raises ``ProviderMissing`` where there is none of that name."""
    if name in BUILT_IN[stage]:
        return importlib.import_module(BUILT_IN[stage][name])
    foreign = _foreign(stage)
    if name not in foreign:
        known = ", ".join(names(stage))
        raise ProviderMissing(f"There is no {stage} provider {name!r}.", remedy=f"Known are: {known}.")
    try:
        return importlib.import_module(foreign[name])
    except ImportError as error:
        raise ProviderMissing(
            f"The {stage} provider {name!r} cannot be loaded: {error}.", remedy="Install its package again."
        ) from error


def settings_type(stage: str, name: str) -> type[ProviderSettings]:
    """The settings model of a provider."""
    found: type[ProviderSettings] = module(stage, name).Settings
    return found


def create(stage: str, name: str, settings: ProviderSettings, resources: Resources) -> Any:
    """A provider, not yet entered."""
    return module(stage, name).create(settings, resources)


def _foreign(stage: str) -> dict[str, str]:
    group = ENTRY_POINTS.get(stage)
    return {entry.name: entry.value for entry in importlib.metadata.entry_points(group=group)} if group else {}
