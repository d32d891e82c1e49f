"""What is said and by whom: the values that stages hand to each other."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pipeline.audio import AudioChunk, continuous


@dataclass(frozen=True, slots=True)
class WakeWordHit:
    """A wake word was heard."""

    name: str
    """The word's model, such as ``hey_jarvis``."""

    score: float
    """0 to 1, the highest score of this hit."""

    at_s: float
    """Audio seconds at which the detector decided."""

    word_end_s: float
    """Audio seconds at which the word itself ends, as well as can be told; the question's audio begins here."""


@dataclass(frozen=True, slots=True)
class VoiceFrame:
    """What voice activity says about one chunk; all the segmenter ever sees."""

    start_s: float
    """Audio seconds of its first sample."""

    duration_s: float
    """Length in audio seconds."""

    speech_probability: float
    """0 to 1."""

    level_db: float
    """Root mean square, dB relative to full scale."""

    noise_floor_db: float
    """The room's steady noise as known at this time, dB relative to full scale."""

    @property
    def end_s(self) -> float:
        """Audio seconds just after its last sample."""
        return self.start_s + self.duration_s


class UtteranceEnd(StrEnum):
    """Why an utterance ended."""

    SILENCE = "silence"
    """The customer stopped speaking."""
    HARD_CAP = "hard_cap"
    """It reached the longest length allowed."""
    STREAM_END = "stream_end"
    """The microphone's stream ended (a file was read to its end)."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What a customer said in one go, as sound."""

    audio: AudioChunk
    """16 kHz; begins a little before the first speech and ends a little after the last."""

    speech_start_s: float
    """Audio seconds of the first speech sample."""

    speech_end_s: float
    """Audio seconds of the true last speech sample; the pause that proved the end comes after it."""

    speech_s: float
    """Seconds of ``audio`` that voice activity called speech."""

    decided_s: float
    """Audio seconds at which the end of the utterance was decided: ``speech_end_s`` and the pause that proved it."""

    ended_by: UtteranceEnd = UtteranceEnd.SILENCE
    """Why it ended."""

    language: str = ""
    """ISO 639-1 code of the language that the customer asked for, empty where they did not."""

    def then(self, further: Utterance) -> Utterance:
        """The two as one: the customer went on after a pause that seemed to be the end."""
        rest = further.audio.since(self.audio.end_s)
        audio = continuous([self.audio, rest]) if len(rest.pcm) else self.audio
        return replace(
            further,
            audio=audio,
            speech_start_s=self.speech_start_s,
            speech_s=self.speech_s + further.speech_s,
        )


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said, as text."""

    text: str
    """Never empty; an utterance without words is a ``NoSpeech``."""

    language: str
    """ISO 639-1 code, such as ``en``."""

    confidence: float
    """0 to 1: the mean probability of the words' tokens."""

    provider: str
    """Name of the transcriber."""

    compute_ms: float
    """Time the transcriber took."""

    sure: bool | None = None
    """Whether these words and no others were said; None where the transcriber cannot tell. One that knows whole
    sentences only may complete what broke off."""


class NoSpeechReason(StrEnum):
    """Why an utterance gave no transcript."""

    TIMEOUT = "timeout"
    """Nobody spoke after the wake word."""
    TOO_SHORT = "too_short"
    """Less speech than the least allowed: a click, a cough."""
    NOT_SPEECH = "not_speech"
    """The model says that this is noise or music."""
    DOUBTFUL = "doubtful"
    """The words' probability is too low to trust."""
    REPETITION = "repetition"
    """The same phrase again and again: a known invention of Whisper models."""
    EMPTY = "empty"
    """The model found no words."""


@dataclass(frozen=True, slots=True)
class NoSpeech:
    """An utterance in which no words were found."""

    reason: NoSpeechReason
    """Why."""

    provider: str
    """Name of the transcriber."""

    compute_ms: float
    """Time the transcriber took."""


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """How to speak. Synthesizers ignore what they cannot do. The defaults are those of the XTTS v2 model's own card."""

    speed: float = 1.0
    """1 is the voice's own pace, 2 twice as fast; the pitch stays."""

    temperature: float = 0.75
    """Liveliness of a cloned voice: near 0 flat and safe, above 1 erratic."""

    length_penalty: float = 1.0
    """Above 1 a cloned voice prefers longer renderings; counts with beam search only."""

    repetition_penalty: float = 5.0
    """Keeps a cloned voice from stammering: 1 does nothing, above 10 it swallows sounds."""

    top_k: int = 50
    """Likeliest sounds that a cloned voice chooses from: 1 is always the same."""

    top_p: float = 0.85
    """Share of probability that a cloned voice chooses from, 0 to 1."""

    emotion: str = "neutral"
    """Mood, for engines that know moods."""


@dataclass(frozen=True, slots=True)
class Voice:
    """Which voice to speak with."""

    name: str
    """The provider's name for it, such as ``en_US-ryan-medium`` for Piper or ``en-us`` for eSpeak NG."""

    language: str
    """ISO 639-1 code of the text to speak, such as ``en``."""

    settings: VoiceSettings = field(default_factory=VoiceSettings)
    """Pace and the like."""

    sample: str = ""
    """Address of the recording whose voice to speak with, for engines that clone; its name holds the content's hash."""


class VoiceMode(StrEnum):
    """Whose voice a personality has."""

    DEFAULT = "default"
    """One of the engine's own."""
    CUSTOM = "custom"
    """The one of its sample."""


@dataclass(frozen=True, slots=True)
class VoiceChoice:
    """An engine and one of its voices."""

    provider: str
    """The engine, such as ``piper``."""

    voice_id: str = ""
    """Its name for the voice; empty means its best one for the language."""


@dataclass(frozen=True, slots=True)
class VoiceConfig:
    """The voice that a personality wants. The router decides with what it really speaks."""

    provider: str = "piper"
    """The engine, such as ``piper`` or ``xtts_v2``."""

    mode: VoiceMode = VoiceMode.DEFAULT
    """Whether it is the voice of a sample."""

    voice_id: str = ""
    """The engine's name for the voice; empty means its best one for the language."""

    sample: str = ""
    """Address of the sample, empty where there is none."""

    settings: VoiceSettings = field(default_factory=VoiceSettings)
    """How to speak."""

    fallback: VoiceChoice | None = None
    """What to speak with where that cannot be."""


@dataclass(frozen=True, slots=True)
class Personality:
    """Who is speaking."""

    name: str
    """As customers know it."""

    language: str = "en"
    """ISO 639-1 code of the language it speaks by default."""

    prompt: str = ""
    """Instructions for agents that take them."""

    id: str = ""
    """UUID; empty for one that is stored nowhere."""

    tenant: str = "default"
    """The shop it belongs to."""

    languages: tuple[str, ...] = ()
    """Further languages it speaks, ISO 639-1 codes."""

    greeting: str = ""
    """What it says when it is switched to; empty says nothing."""

    wake_word: str = ""
    """The wake word that calls it and no other; empty where it has none of its own."""

    voice: VoiceConfig = field(default_factory=VoiceConfig)
    """How it sounds."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and its answer, for an agent's memory."""

    customer_text: str
    """What the customer said."""

    heard_text: str
    """What the customer heard of the answer; shorter than the answer where it was interrupted."""


def primary_language(name: str) -> str:
    """The language with which a name begins, in lower case: ``en`` of ``en-US`` and of ``en_US-ryan-medium``."""
    return name.lower().replace("_", "-").partition("-")[0]


def sample_digest(address: str) -> str:
    """SHA-256 (hexadecimal) of a sample that lies in the samples' own store, whose files are named by it; else ""."""
    stem = address.rpartition("/")[2].partition(".")[0]
    ours = not address.startswith("https:") and re.fullmatch("[0-9a-f]{64}", stem)  # a server may call a file anything
    return stem if ours else ""


def sample_mark(address: str) -> str:
    """What is noted beside everything that is spoken with a sample, so that it can be found and deleted.

    It is the ``sample_digest`` or, where a sample has none, the SHA-256 of its address; "" for no sample.
    """
    return sample_digest(address) or (hashlib.sha256(address.encode()).hexdigest() if address else "")
