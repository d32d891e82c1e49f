"""How a conversation goes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline.audio import AudioChunk
from pipeline.overlap import BargeIn


class FollowingUp(StrEnum):
    """After which answers to listen without a wake word."""

    OFF = "off"
    """None."""
    QUESTIONS = "questions"
    """Those that ask something."""
    ALWAYS = "always"
    """All but the last: a goodbye ends it."""


@dataclass(frozen=True, slots=True)
class ConversationSettings:
    """How a conversation goes."""

    history_turns: int = 6
    """Exchanges the agent is told about; 0 forgets each at once."""

    history_idle_s: float = 60.0
    """Audio seconds without a turn after which the history is dropped: the next customer must not hear the last
    one's."""

    listening_tone: AudioChunk | None = None
    """Played after the wake word; None for silence."""

    barge_in: BargeIn = BargeIn.WAKE_WORD
    """What stops an answer."""

    follow_up: FollowingUp = FollowingUp.QUESTIONS
    """After which answers to listen without a wake word."""

    follow_up_s: float = 5.0
    """Audio seconds within which the customer has to begin then."""
