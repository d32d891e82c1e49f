"""What happened, for observers: panel, tray, log, metrics. No decision depends on an event.

Field names, units and meanings are a contract with programs outside this house.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    kind: ClassVar[str]


@dataclass(frozen=True, slots=True)
class Listening(Event):
    """Waiting for a wake word."""

    kind = "listening"


@dataclass(frozen=True, slots=True)
class WakeWord(Event):
    """A wake word was heard."""

    kind = "wake_word"
    name: str
    score: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class SpeechStart(Event):
    """The customer began to speak."""

    kind = "speech_start"


@dataclass(frozen=True, slots=True)
class SpeechEnd(Event):
    """The customer has finished."""

    kind = "speech_end"
    speech_s: float
    """Seconds of speech, pauses not counted."""


@dataclass(frozen=True, slots=True)
class TranscriptReady(Event):
    """The customer's words are known."""

    kind = "transcript"
    text: str
    language: str
    provider: str
    compute_ms: float


@dataclass(frozen=True, slots=True)
class NoSpeechHeard(Event):
    """No words came."""

    kind = "no_speech"
    reason: str


@dataclass(frozen=True, slots=True)
class ReplyText(Event):
    """Text of the answer: a sentence as it arises (``final`` false), at last the whole (``final`` true)."""

    kind = "reply_text"
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One engine's try at a sentence."""

    provider: str
    error: str | None
    """Code of the error, None for the one that spoke."""
    ms: float
    """Time until its first audio or its failure."""


@dataclass(frozen=True, slots=True)
class Speaking(Event):
    """A sentence's first audio went to the loudspeaker."""

    kind = "speaking"
    provider: str
    voice: str
    cached: bool
    text: str
    first_audio_ms: float
    """From the sentence's text to its first chunk of audio."""
    attempts: list[Attempt] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Interrupted(Event):
    """The customer stopped the answer."""

    kind = "interrupted"
    heard_text: str
    """The part of the answer that was heard."""


@dataclass(frozen=True, slots=True)
class AnswerPaused(Event):
    """Somebody speaks over the answer."""

    kind = "answer_paused"


@dataclass(frozen=True, slots=True)
class AnswerResumed(Event):
    """They said nothing that counts: the answer goes on where it paused."""

    kind = "answer_resumed"


@dataclass(frozen=True, slots=True)
class FollowUp(Event):
    """After an answer, listening without a wake word."""

    kind = "follow_up"
    wait_s: float
    """Audio seconds within which the customer has to begin."""


@dataclass(frozen=True, slots=True)
class PersonWanted(Event):
    """The customer was told that somebody of the staff comes."""

    kind = "person_wanted"


@dataclass(frozen=True, slots=True)
class StagesMs:
    """Where the time of a turn went, each in milliseconds."""

    end_of_turn: float
    """From the true last speech sample to the decision that the customer has finished (audio time)."""
    stt: float
    agent: float
    """From the transcript to the first sentence's text."""
    tts: float
    """From the first sentence's text to its first audible sample."""


@dataclass(frozen=True, slots=True)
class TurnEnd(Event):
    """A turn is over."""

    kind = "turn_end"
    response_ms: float | None
    """From the customer's true last speech sample to the first audible sample handed to the speaker; None where
    nothing was spoken, or no loudspeaker was there to be heard."""
    stages_ms: StagesMs | None


@dataclass(frozen=True, slots=True)
class DeviceLostEvent(Event):
    """A sound device has gone."""

    kind = "device_lost"
    device: str


@dataclass(frozen=True, slots=True)
class DeviceBack(Event):
    """A sound device that had gone, or one in its place, works."""

    kind = "device_back"
    device: str
    gap_s: float
    """Seconds without it."""


@dataclass(frozen=True, slots=True)
class ProviderState(Event):
    """A provider's health changed."""

    kind = "provider_state"
    provider: str
    state: str
    """``ok`` or ``failing``."""
    reason: str


@dataclass(frozen=True, slots=True)
class Muted(Event):
    """Somebody wants it to hear nothing, or to hear again."""

    kind = "muted"
    muted: bool


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event with its place: audio seconds since start, and the turn it belongs to (0 before the first)."""

    at_s: float
    turn: int
    event: Event

    def as_dict(self) -> dict[str, Any]:
        """The line as programs outside read it."""
        head = {"event": self.event.kind, "at_s": round(self.at_s, 3), "turn": self.turn}
        return head | {name: _rounded(value) for name, value in asdict(self.event).items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value


class EventFeed:
    """Hands every event to every observer, in order. Observers must be quick and must not raise."""

    def __init__(self) -> None:
        self._observers: list[Callable[[EventRecord], None]] = []
        self.at_s = 0.0
        """Audio seconds since start; kept by whoever reads the microphone."""
        self.turn = 0
        """Number of the turn; kept by the conversation."""

    def subscribe(self, observer: Callable[[EventRecord], None]) -> Callable[[], None]:
        """Hand all later events to ``observer``; call the result to end it."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    def publish(self, event: Event) -> None:
        """Tell all observers."""
        record = EventRecord(self.at_s, self.turn, event)
        for observer in tuple(self._observers):
            observer(record)
