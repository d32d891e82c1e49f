"""The contracts between the stages. One verb each.

Every implementation is an async context manager: entering acquires what it needs (a device, a loaded model),
leaving gives it back. Methods raise errors of ``pipeline.errors`` only. Cancelling an awaiting task is always
allowed and leaves the provider usable. What comes piece by piece is an async generator; callers close it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from pipeline.audio import AudioChunk, Pcm
from pipeline.speech import Exchange, NoSpeech, Personality, Transcript, Utterance, Voice, WakeWordHit


@dataclass(frozen=True, slots=True)
class Caution:
    """Something the owner of a working part should know."""

    message: str
    """One line."""

    remedy: str
    """What to do about it."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, as data, so that callers ask instead of looking at its class."""

    name: str
    """The provider's name in settings and events, such as ``piper``."""

    languages: frozenset[str] = frozenset()
    """ISO 639-1 codes it knows; empty means any."""

    streams: bool = False
    """First results come before the whole is finished."""

    clones: bool = False
    """Speaks with a customer's own voice sample."""

    needs_network: bool = False
    """Sends something off this machine."""

    own_network: bool = False
    """What it sends stays in the owner's network, such as to a box with a GPU in the back room: no cloud."""

    real_time_factor: float | None = None
    """Seconds of work for a second of sound, as measured on this machine; None where not known. Above 1 a listener
    would hear gaps."""

    last_resort: bool = False
    """Plain, but always there: a voice for when no better one can speak."""

    licence: str = ""
    """SPDX identifier or name of the licence of the model in use."""

    caution: Caution | None = None
    """What its owner should know about the model in use."""

    @property
    def cloud(self) -> bool:
        """Whether it sends something out of the house."""
        return self.needs_network and not self.own_network


class Provider(Protocol):
    """What all providers share."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; may be read before entering."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Microphone(Provider, Protocol):
    """Where sound comes from."""

    def chunks(self) -> AsyncGenerator[AudioChunk]:
        """Chunks of ``FRAME_SAMPLES`` at ``LISTENING_RATE_HZ``, without gaps in ``start_s`` unless some were dropped.

        Ends when the source ends (a file). Raises ``DeviceLost`` when the device goes.
        One consumer at a time; calling it again goes on where the last one stopped.
        """
        ...

    @property
    def dropped_s(self) -> float:
        """Audio seconds lost so far because nobody fetched them in time."""
        ...


class Speaker(Provider, Protocol):
    """Where sound goes. One answer at a time: ``start``, any number of ``play``, then ``finish`` or ``stop``.

    In between it may be paused and go on. ``pause``, ``resume`` and ``stop`` may be called at any time; where no answer
    is under way they do nothing.
    """

    async def start(self) -> None:
        """An answer is being prepared: wake the device; ``played_s`` counts from zero again. Ends a pause."""
        ...

    async def play(self, chunk: AudioChunk) -> None:
        """Hand over a chunk of any rate; returns when there is room for the next one (at most about 0.5 s ahead).

        Raises ``DeviceLost`` when the device has gone.
        """
        ...

    async def finish(self) -> None:
        """Return when all that was handed over has been heard."""
        ...

    def stop(self) -> None:
        """Be silent within one chunk; what was handed over and not heard is discarded, also of a paused answer."""
        ...

    def pause(self) -> None:
        """Be silent within one chunk, and keep what was not heard: ``play`` and ``finish`` wait from now on."""
        ...

    def resume(self, back_s: float = 0.0) -> None:
        """Go on where ``pause`` broke in, or up to ``back_s`` seconds before it, as far as the sound is still kept:
        the word in which it broke in is then heard again.
        """
        ...

    @property
    def played_s(self) -> float:
        """How much of the answer has been heard, in audio seconds since ``start``.

        It stands still in a pause, and goes back with ``resume``.
        """
        ...


class EchoCanceller(Provider, Protocol):
    """Takes what the loudspeaker plays out of what the microphone hears.

    It works in steps of ``ECHO_FRAME_S`` and is quick enough for the event loop: well below a millisecond a step.
    """

    def cancel(self, heard: Pcm, played: Pcm, delay_s: float) -> Pcm:
        """The next ``ECHO_FRAME_SAMPLES`` of the microphone (int16, ``LISTENING_RATE_HZ``) without their echo; as many
        samples, ``latency_s`` late.

        ``played``, of the same length and rate, is what the loudspeaker gave out; its echo is expected in what is heard
        ``delay_s`` later, sooner or later by some tens of milliseconds. Raises ``ProviderError``, and stays usable.
        """
        ...

    @property
    def latency_s(self) -> float:
        """Audio seconds by which its results are late; known once it is entered, a whole number of samples."""
        ...

    @property
    def may_rest(self) -> bool:
        """Whether it changes nothing to speak of while the loudspeaker is silent, so that it need not be asked then."""
        ...


class WakeWordDetector(Provider, Protocol):
    """Finds wake words in a stream."""

    async def detect(self, chunk: AudioChunk) -> WakeWordHit | None:
        """Take the next chunk (any length, 16 kHz); the hit that is decided in it, if one is.

        A chunk whose ``start_s`` does not follow the last one's end begins a new stream.
        """
        ...

    def reset(self) -> None:
        """Forget what was heard; the refractory time of a hit stays."""
        ...

    @property
    def context_s(self) -> float:
        """Audio seconds it must have heard before a score is right: what a gate feeds it when speech begins."""
        ...


class VoiceDetector(Provider, Protocol):
    """Tells speech from everything else."""

    async def speech_probability(self, chunk: AudioChunk) -> float:
        """0 to 1 for the next chunk of exactly ``FRAME_SAMPLES`` at 16 kHz."""
        ...

    async def speech_probabilities(self, chunks: Sequence[AudioChunk]) -> list[float]:
        """The same for several chunks that follow each other: a gate hands over what came before speech at once.

        After a cancelled call its chunks (the same objects) may be given again, first of all: none is heard twice.
        """
        ...

    def reset(self) -> None:
        """Forget what was heard."""
        ...


class EndOfTurnDetector(Provider, Protocol):
    """Tells somebody who has finished from somebody who is thinking."""

    async def completion_probability(self, audio: AudioChunk) -> float:
        """0 to 1: how likely the speaker has finished.

        ``audio`` (16 kHz, any length; the last 8 s count) holds the turn so far and ends in the pause in question.
        Raises ``ProviderError``.
        """
        ...


class Transcriber(Provider, Protocol):
    """Speech to text."""

    async def transcribe(self, utterance: Utterance) -> Transcript | NoSpeech:
        """The words of an utterance, or why there are none. Raises ``ProviderError``."""
        ...


class Agent(Provider, Protocol):
    """Answers a customer."""

    def reply(
        self, transcript: Transcript, personality: Personality, history: Sequence[Exchange]
    ) -> AsyncGenerator[str]:
        """Pieces of the answer's text as they arise, in the transcript's language; joined they are the answer.

        Raises ``ProviderError`` (``ProviderTimeout`` past its time limit); the caller apologises aloud.
        """
        ...

    def phrases(self, personality: Personality, language: str) -> Sequence[str]:
        """Answers it often gives in a language, whole and in the exact words, so that they can be spoken beforehand.

        None for agents that do not know theirs.
        """
        ...


class Synthesizer(Provider, Protocol):
    """Text to speech."""

    def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
        """Sound for one sentence, in chunks of about 0.1 s or more as they arise.

        Text without anything to say gives no chunk. Raises ``ProviderError``; at once ``NotReady`` where it would have
        to be started first, which it then is.
        """
        ...

    async def ready(self, voice: Voice) -> None:
        """Return when it would speak with that voice at once: models loaded, programs started, samples looked at.

        May take minutes; giving up waiting does not stop it. Raises ``ProviderError`` or ``ModelError``.
        """
        ...

    def voice_for(self, language: str, wanted: str = "") -> str | None:
        """Name of its voice for a language (ISO 639-1), or None where it has none on this machine.

        ``wanted`` names a voice to take if it speaks the language, whether it is there or not: that it is missing
        shows when it is to speak.
        """
        ...

    async def fingerprint(self, voice: Voice) -> str:
        """What shapes the sound besides text and ``voice``: hash of the model file, the engine's settings and version.

        Equal fingerprints, voices and texts may share one recording. Raises ``ProviderError`` or ``ModelError``.
        """
        ...
