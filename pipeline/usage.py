"""What was done with which provider: for statistics. No decision depends on it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pipeline.speech import Personality


class Outcome(StrEnum):
    """How a piece of work ended."""

    DONE = "done"
    """The provider did it."""
    CACHED = "cached"
    """It had been done before."""
    FAILED = "failed"
    """The provider could not."""
    LEFT = "left"
    """Whoever asked did not wait for the end: a customer's interruption."""


@dataclass(frozen=True, slots=True)
class Use:
    """One sentence spoken, or one utterance transcribed, by one provider; also its failure to."""

    stage: str
    """``tts`` or ``stt``."""

    provider: str
    """Who did it."""

    outcome: Outcome
    """How it ended."""

    personality: Personality | None = None
    """For whom; None where nobody in particular asked."""

    voice: str = ""
    """The provider's name for the voice."""

    latency_ms: float | None = None
    """To the first audio (``tts``) or the text (``stt``); None where there was none."""

    audio_s: float = 0.0
    """Audio seconds made or transcribed."""

    characters: int = 0
    """Of the text."""

    error: str = ""
    """Code of the failure."""


class UsageLedger(Protocol):
    """Who keeps account."""

    def record(self, use: Use) -> None:
        """Take note. Quick, and never raises."""
        ...


class NoLedger:
    """Keeps no account."""

    def record(self, use: Use) -> None:
        """Forget it."""
