"""Hears: how loud, how likely speech, and whether a wake word fell; at next to no cost while the room is quiet.

Three stages, each asked only when the one before it has cause (docs/decisions/012):

1. the *level* of each chunk against the room's noise floor, on the loop, a few microseconds;
2. *voice activity*, once something stands out from the floor; it first gets the chunks before, so that its memory is
   right;
3. the *wake word* network, once there may be speech; it first gets as much sound as it needs to judge.

Speech that began before a gate opened is therefore heard whole, and the wake word's scores are those of a network that
never slept.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from pipeline.audio import FRAME_S, AudioChunk, joined
from pipeline.errors import ProviderTimeout
from pipeline.noise_floor import NoiseFloor
from pipeline.protocols import VoiceDetector, WakeWordDetector
from pipeline.speech import VoiceFrame, WakeWordHit

log = logging.getLogger(__name__)

T = TypeVar("T")

REPLACED_WITHIN_S = 3600.0
"""Audio seconds for which it is remembered that a detector was replaced."""

_HALF_CHUNK_S = FRAME_S / 2
"""Starts of chunks are compared with this tolerance."""


@dataclass(frozen=True, slots=True)
class HearingSettings:
    """When to wake the costly stages. All times are audio seconds."""

    margin_db: float = 4.0
    """Decibels above the noise floor, 0 to 12, from which voice activity is asked. 0 asks it about everything, 12
    misses words in noise."""

    attention_s: float = 0.5
    """How long voice activity is still asked after the last chunk that stood out, 0.1 to 5."""

    wake_probability: float = 0.15
    """Speech probability, 0 to 1, from which the wake word network listens. 0 lets it listen to all that stands out
    from the floor, 1 to nothing."""

    wake_hold_s: float = 1.0
    """How long the wake word network still listens after the last such chunk, 0.3 to 10: words have pauses, and a
    score comes up to half a second after its word."""

    vad_lead_s: float = 0.32
    """Sound before the first chunk in question that voice activity hears first, 0 to 1; its memory starts empty."""

    keep_s: float = 4.0
    """Sound that ``since`` can go back, 1 to 30; at least what the wake word network needs."""

    detector_timeout_s: float = 5.0
    """Seconds that a detector may take over an answer, 1 to 60; normally it takes thousandths of one. Short takes a
    busy machine for a stuck one, long leaves an assistant deaf for that long before the detector is replaced."""

    most_replaced: int = 3
    """How often an hour a detector that hangs is replaced, 0 to 10; then the program ends, to be started again."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one chunk held."""

    frame: VoiceFrame
    """Level, noise floor and speech probability; the latter is 0 where nobody had cause to ask."""

    hit: WakeWordHit | None = None
    """The wake word decided in it, if one was."""


@dataclass(slots=True)
class _Kept:
    """A chunk in the ring and what is known of it."""

    chunk: AudioChunk
    level_db: float
    floor_db: float = 0.0
    probability: float | None = None

    def frame(self) -> VoiceFrame:
        chunk = self.chunk
        return VoiceFrame(chunk.start_s, chunk.duration_s, self.probability or 0.0, self.level_db, self.floor_db)


class Hearing:
    """Both detectors behind their gates, and the last few seconds of sound."""

    def __init__(
        self, vad: VoiceDetector, wake_words: WakeWordDetector, settings: HearingSettings | None = None
    ) -> None:
        self._vad = vad
        self._wake_words = wake_words
        self.settings = settings or HearingSettings()
        keep_s = max(self.settings.keep_s, wake_words.context_s + self.settings.vad_lead_s)
        self._ring: deque[_Kept] = deque(maxlen=round(keep_s / FRAME_S))
        self._floor = NoiseFloor()
        self._replaced_at_s: list[float] = []
        """When detectors had to be replaced lately, in audio seconds."""
        self._left: VoiceDetector | WakeWordDetector | None = None
        """The detector that is being replaced."""
        # A time line may begin a little before 0: an echo canceller is late.
        self._attentive_until_s = self._awake_until_s = self._words_heard_to_s = -math.inf

    @property
    def floor_db(self) -> float | None:
        """The room's noise, dB relative to full scale; None until enough of it was heard."""
        return self._floor.level_db if self._floor.known else None

    async def hear(self, chunk: AudioChunk, *, attentive: bool = False) -> Heard:
        """What the next chunk of ``FRAME_SAMPLES`` at 16 kHz holds.

        ``attentive`` says that somebody is expected to speak: voice activity is asked about every chunk. Chunks from
        ``since`` may be given again, in order, before the stream goes on: what is known of them is not computed anew.
        Raises what the detectors raise, and ``ProviderTimeout`` where one does not answer. Cancelling loses nothing:
        the next call makes up for what was left undone.
        """
        if self._ring and chunk.start_s < self._ring[-1].chunk.end_s - _HALF_CHUNK_S:
            return await self._again(chunk)
        kept = self._keep(chunk)
        if self._stands_out(kept) or attentive:
            await self._ask_vad(kept)
        self._judge_floor(kept)
        return Heard(kept.frame(), await self._listen_for_words(kept))

    def since(self, start_s: float) -> list[AudioChunk]:
        """The last chunks from ``start_s`` (audio seconds) on; what the first one holds before it is silenced."""
        chunks = [kept.chunk for kept in self._ring if kept.chunk.end_s > start_s]
        if chunks and chunks[0].start_s < start_s:
            first = chunks[0]
            pcm = first.pcm.copy()
            pcm[: round((start_s - first.start_s) * first.rate_hz)] = 0
            chunks[0] = replace(first, pcm=pcm)
        return chunks

    def reset(self) -> None:
        """Forget all sound, and what is known of the room."""
        self._forget()
        self._floor = NoiseFloor()

    def _forget(self) -> None:
        self._ring.clear()
        self._vad.reset()
        self._wake_words.reset()
        self._attentive_until_s = self._awake_until_s = self._words_heard_to_s = -math.inf

    def _keep(self, chunk: AudioChunk) -> _Kept:
        if self._ring and abs(chunk.start_s - self._ring[-1].chunk.end_s) > _HALF_CHUNK_S:
            self._forget()  # chunks were lost: what is heard now does not go on from what was heard before
        kept = _Kept(chunk, chunk.level_db)
        self._ring.append(kept)
        return kept

    async def _again(self, chunk: AudioChunk) -> Heard:
        for kept in self._ring:
            if abs(kept.chunk.start_s - chunk.start_s) < _HALF_CHUNK_S:
                await self._ask_vad(kept)
                return Heard(replace(kept.frame(), level_db=chunk.level_db))
        raise ValueError(f"the chunk at {chunk.start_s:.3f} s is no longer kept")

    def _stands_out(self, kept: _Kept) -> bool:
        """Whether voice activity should be asked."""
        out = kept.level_db > self._floor.level_db + self.settings.margin_db
        if out or not self._floor.known:
            self._attentive_until_s = kept.chunk.end_s + self.settings.attention_s
        return kept.chunk.start_s < self._attentive_until_s

    async def _ask_vad(self, kept: _Kept) -> None:
        """Find the speech probability of a chunk, and of those before it that have none and that lead up to it.

        The detector is not reset where chunks were left out: it remembers the same room, while one that remembers
        nothing takes the room's noise for speech at first (docs/decisions/012).
        """
        if kept.probability is not None:
            return
        first_s = kept.chunk.start_s - self.settings.vad_lead_s
        lead: deque[_Kept] = deque()
        for earlier in reversed(self._ring):
            if earlier is kept:
                lead.append(kept)
            elif lead and (earlier.probability is not None or earlier.chunk.start_s < first_s):
                break
            elif lead:
                lead.appendleft(earlier)
        chunks = [earlier.chunk for earlier in lead]
        found = await self._in_time(self._vad, lambda: self._vad.speech_probabilities(chunks))
        for earlier, probability in zip(lead, found, strict=True):
            earlier.probability = probability

    def _judge_floor(self, kept: _Kept) -> None:
        speech = kept.probability is not None and kept.probability > 0.5
        kept.floor_db = self._floor.update(kept.level_db, speech=speech)

    async def _listen_for_words(self, kept: _Kept) -> WakeWordHit | None:
        settings = self.settings
        chunk = kept.chunk
        if kept.probability is not None and kept.probability >= settings.wake_probability:
            self._awake_until_s = chunk.end_s + settings.wake_hold_s
        if chunk.start_s >= self._awake_until_s:
            return None
        return await self._in_time(self._wake_words, lambda: self._ask_words(chunk))

    def _ask_words(self, chunk: AudioChunk) -> Awaitable[WakeWordHit | None]:
        missed = self._missed_by_words(chunk)
        self._words_heard_to_s = chunk.end_s
        return self._wake_words.detect(missed)

    async def _in_time(self, detector: VoiceDetector | WakeWordDetector, ask: Callable[[], Awaitable[T]]) -> T:
        """The detector's answer. One that hangs is replaced and asked once more: waiting on would be deafness."""
        limit_s = self.settings.detector_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                if self._left is detector:
                    await self._enter(detector)
                return await ask()
        except TimeoutError as error:
            try:
                async with asyncio.timeout(limit_s):
                    await self._replace(detector)
                    return await ask()
            except TimeoutError:
                raise _deaf(detector, limit_s) from error

    async def _replace(self, detector: VoiceDetector | WakeWordDetector) -> None:
        """Have the detector load its model anew, on another thread. Raises ``ProviderTimeout`` where that was tried too
        often: each time leaves a thread and a model behind.
        """
        now_s = self._ring[-1].chunk.end_s
        self._replaced_at_s = [at_s for at_s in self._replaced_at_s if at_s > now_s - REPLACED_WITHIN_S]
        if len(self._replaced_at_s) >= self.settings.most_replaced:
            raise _deaf(detector, self.settings.detector_timeout_s)
        self._replaced_at_s.append(now_s)
        log.error("The detector %s hangs; a fresh one takes its place.", detector.capabilities.name)
        self._left, self._words_heard_to_s = detector, -math.inf
        await detector.__aexit__(None, None, None)
        await self._enter(detector)

    async def _enter(self, detector: VoiceDetector | WakeWordDetector) -> None:
        await detector.__aenter__()
        self._left = None  # not before: whoever is cancelled meanwhile leaves that to the next call

    def _missed_by_words(self, chunk: AudioChunk) -> AudioChunk:
        """The chunk, and what the wake word network needs before it and has not heard."""
        start_s = max(self._words_heard_to_s, chunk.start_s - self._wake_words.context_s)
        missed = [kept.chunk for kept in self._ring if kept.chunk.end_s > start_s + _HALF_CHUNK_S]
        return chunk if len(missed) == 1 else joined(missed)


def _deaf(detector: VoiceDetector | WakeWordDetector, limit_s: float) -> ProviderTimeout:
    return ProviderTimeout(
        f"The detector {detector.capabilities.name} has not answered for {limit_s:g} s; nothing can be heard.",
        remedy="The program ends, so that its supervisor restarts it.",
    )
