"""What an engine that clones voices must do inside the worker program.

All calls come from one thread, but for the properties and ``unused``, which are asked meanwhile and only tell what is
known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.speech import VoiceSettings

Sound = NDArray[np.float32]
"""float32 in [-1, 1], shape [samples], one channel at the engine's rate."""

Speaker = Mapping[str, NDArray[np.generic]]
"""What an engine keeps of a sample, as plain arrays by name: it can be written to disk without pickles."""

Cancelled = Callable[[], bool]
"""Whether nobody waits any more; engines ask between steps of at most half a second's work."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How the worker was started."""

    model: Path
    """Folder of the model's files."""
    device: str = "auto"
    """``cpu``, ``cuda`` or ``auto``: a card where one works."""
    threads: int = 0
    """Of the processor; 0 leaves it to the library."""


class CloningEngine(Protocol):
    """Speaks with the voice of a sample. Made without loading anything; a module offers ``create(options)``."""

    @property
    def name(self) -> str:
        """As in ``voice_config``."""
        ...

    @property
    def version(self) -> str:
        """Of the packages and of our code, as far as they shape the sound."""
        ...

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes, known once it is loaded."""
        ...

    @property
    def rate_hz(self) -> int:
        """Of its sound, known once it is loaded."""
        ...

    @property
    def device(self) -> str:
        """``cpu``, or the name of the card, known once it is loaded."""
        ...

    def load(self) -> None:
        """Load the model and make it speak once. Raises anything; the worker says it and ends."""
        ...

    def speaker(self, sample: Sound, rate_hz: int) -> Speaker:
        """What it takes from a sample of 6 to 30 s. Raises anything."""
        ...

    def stream(
        self, text: str, language: str, speaker: Speaker, settings: VoiceSettings, cancelled: Cancelled
    ) -> Iterator[Sound]:
        """Sound for a text of any length as it arises; ends early where ``cancelled()``. Raises anything.

        Setting fields that the engine does not know are passed over. The length is bounded by that of the text, and
        babble at the end is cut.
        """
        ...

    def unused(self, settings: VoiceSettings) -> list[str]:
        """Names of the settings that differ from their default and that the engine does not know."""
        ...
