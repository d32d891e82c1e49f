"""What the daemon and a voice worker say to each other: the Wyoming protocol, and a few events of our own.

    to the worker                                   its answer
    describe                                        info (standard)
    worker-state                                    worker-state {all of ``WorkerState``}
    voice-sample {sample}, payload: a WAV file      voice-ready {sample, known}
    voice-sample {sample}, no payload               voice-ready {sample, known}, or the error unknown-voice
    voice-forget {sample}                           voice-forgotten {sample, known}
    synthesize {text, voice {name}, context}        audio-start, audio-chunk …, audio-stop (standard)

``sample`` and ``voice.name`` are the SHA-256 (hexadecimal) of the sample's WAV file. ``context`` of ``synthesize``
holds ``language`` (ISO 639-1) and ``settings`` (fields of ``pipeline.speech.VoiceSettings``). Each request may be
answered by the standard ``error`` {text, code} instead, with a code of ``Code``. ``audio-start`` also has ``unused``:
names of the settings that the engine does not know. One request at a time on a connection; closing the connection
cancels it. A worker speaks for one connection at a time, the others wait; it answers ``worker-state`` at any time, on a
connection that waits for nothing else. This file is read by both sides, which live in different environments: it needs
the standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self

STATE = "worker-state"
SAMPLE = "voice-sample"
READY = "voice-ready"
FORGET = "voice-forget"
FORGOTTEN = "voice-forgotten"

TOO_MUCH_MEMORY = 5
"""Exit status of a worker that has used more memory than it may."""

LOG_MARK = "voice-worker: "
"""Begins each line on its standard error that is fit for the daemon's log; others may hold what is said."""

LONGEST_TEXT = 2000
"""Characters of one ``synthesize``; a sentence has about 100."""

MOST_SAMPLE_BYTES = 4_000_000
"""Of a sample's WAV file; 30 s at 24 kHz and 16 bit have 1.44 million."""


class Code(StrEnum):
    """Why a worker could not do what it was asked."""

    LOADING = "loading"
    """The model is being loaded; ask again."""
    UNKNOWN_VOICE = "unknown-voice"
    """It does not know the sample (any more): send it."""
    BAD_REQUEST = "bad-request"
    """A field is missing, wrong or too large; the text says which."""
    BAD_SAMPLE = "bad-sample"
    """The sample is no WAV file of the right kind, or not the one its hash promises."""
    OUT_OF_MEMORY = "out-of-memory"
    """The machine's or the card's memory did not suffice."""
    FAILED = "failed"
    """The engine failed; the text says how."""


@dataclass(frozen=True, slots=True)
class WorkerState:
    """How a worker is."""

    engine: str
    """As in ``voice_config``: ``xtts_v2``, ``pocket_tts``."""
    version: str
    """Of the engine's package and of our code around it: everything that shapes the sound except model and settings."""
    model: str
    """Hash of the model's files."""
    loaded: bool
    """Whether the model is in memory and has spoken once."""
    failure: str = ""
    """Why it cannot be loaded; the worker ends itself after that."""
    rate_hz: int = 24_000
    """Of its sound."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes it speaks."""
    device: str = "cpu"
    """``cpu``, or the name of the card."""
    real_time_factor: float | None = None
    """Seconds of work for a second of sound, measured when it was loaded and at each text since; None before."""
    step_s: float = 0.0
    """Seconds of the clock since the model last made progress while it works, 0 while it rests: a hang shows here.
    Loading is one step."""
    memory_mb: int = 0
    """Of the process, megabytes of 10^6 bytes."""
    card_memory_mb: int = 0
    """Of the card, as far as this process uses it."""

    def document(self) -> dict[str, Any]:
        """As it travels."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """Raises ``ValueError`` where a field is missing or of the wrong type; further fields are passed over."""
        known = {one.name: document[one.name] for one in fields(cls) if one.name in document}
        try:
            return cls(**{**known, "languages": tuple(map(str, known.get("languages", ())))})
        except TypeError as error:
            raise ValueError(f"no worker's state: {error}") from error
