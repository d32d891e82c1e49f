"""Reads the microphone: waits for a wake word, cuts out what the customer says, listens while it is answered."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from pipeline.audio import AudioChunk
from pipeline.events import EventFeed, SpeechEnd, SpeechStart
from pipeline.hearing import Hearing
from pipeline.overlap import Overlap
from pipeline.preparation import TurnTaking
from pipeline.protocols import Microphone
from pipeline.segmenter import NoUtterance, SegmenterSettings, SpeechEnded, SpeechStarted
from pipeline.speech import NoSpeechReason, Utterance, WakeWordHit
from pipeline.utterance_taker import UtteranceTaker

log = logging.getLogger(__name__)

LATE_S = 0.5
"""Audio seconds after its end within which a wake word is known for one."""

WAKE_WORD_S = 1.3
"""Voiced seconds of the longest wake word; what is longer says more."""


class Ears:
    """The one reader of the microphone."""

    def __init__(
        self,
        microphone: Microphone,
        hearing: Hearing,
        segmenter: SegmenterSettings,
        feed: EventFeed,
    ) -> None:
        self._microphone = microphone
        self._hearing = hearing
        self.settings = segmenter
        """What counts as an utterance."""
        self._feed = feed
        self._dropped_s = 0.0

    async def wake_word(self) -> WakeWordHit | None:
        """Wait for a wake word; None when the stream ends."""
        async with aclosing(self._chunks()) as chunks:
            async for chunk in chunks:
                heard = await self._hearing.hear(chunk)
                if heard.hit is not None:
                    return heard.hit
        return None

    async def overlap(self, overlap: Overlap) -> WakeWordHit | Utterance | None:
        """What a customer says while they are answered, or a wake word; None when the stream ends."""
        async with aclosing(self._chunks()) as chunks:
            async for chunk in chunks:
                heard = await self._hearing.hear(chunk, attentive=overlap.attentive)
                if heard.hit is not None and overlap.obeys_wake_words:
                    return heard.hit
                said = await overlap.push(chunk, heard.frame)
                if said is not None:
                    return await self._unless_wake_word(said, chunks) if overlap.obeys_wake_words else said
        return None

    async def utterance(
        self,
        since_s: float,
        taking: TurnTaking | None = None,
        *,
        wait_s: float | None = None,
        begins: Callable[[], object] = lambda: None,
    ) -> Utterance | NoSpeechReason | WakeWordHit:
        """What the customer says after ``since_s``, such as a wake word's end, in audio seconds.

        ``taking`` is told of pauses and decides which of them is the end; without it silence does. Who says the wake
        word again begins anew: then it is that hit. ``wait_s``: how long to wait for the first word, None as after a
        wake word. ``begins`` is called when the customer begins to speak.
        """
        settings = self.settings
        if wait_s is not None:
            settings = replace(settings, no_speech_timeout_s=wait_s)
        taker = UtteranceTaker(settings, taking)
        async with aclosing(self._after(since_s)) as chunks:
            async for chunk in chunks:
                heard = await self._hearing.hear(chunk, attentive=True)
                if heard.hit is not None:
                    return heard.hit
                step = await taker.push(chunk, heard.frame)
                if isinstance(step, SpeechStarted):
                    begins()
                    self._feed.publish(SpeechStart())
                elif isinstance(step, SpeechEnded):
                    said = self._cut(taker, step)
                    return said if wait_s is None else await self._unless_wake_word(said, chunks)
                elif isinstance(step, NoUtterance):
                    return step.reason
        last = taker.flush()
        return self._cut(taker, last) if isinstance(last, SpeechEnded) else last.reason

    async def _unless_wake_word(self, said: Utterance, chunks: AsyncGenerator[AudioChunk]) -> Utterance | WakeWordHit:
        """What was said without being asked for, unless it turns out to be the wake word, which is known late."""
        if said.speech_s > WAKE_WORD_S:
            return said
        async for chunk in chunks:
            if (hit := (await self._hearing.hear(chunk, attentive=True)).hit) is not None:
                return hit
            said = replace(said, decided_s=chunk.end_s)
            if chunk.end_s >= said.speech_end_s + LATE_S:
                break
        return said

    def _cut(self, taker: UtteranceTaker, ended: SpeechEnded) -> Utterance:
        self._feed.publish(SpeechEnd(ended.speech_s))
        return taker.cut(ended)

    async def _after(self, start_s: float) -> AsyncGenerator[AudioChunk]:
        """What was heard since ``start_s``, then what comes."""
        for chunk in self._hearing.since(start_s):
            yield chunk
        async with aclosing(self._chunks()) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _chunks(self) -> AsyncGenerator[AudioChunk]:
        async with aclosing(self._microphone.chunks()) as chunks:
            async for chunk in chunks:
                self._feed.at_s = chunk.end_s
                self._report_drops()
                yield chunk

    def _report_drops(self) -> None:
        dropped_s = self._microphone.dropped_s
        if dropped_s > self._dropped_s:
            log.warning("%.2f s of sound were lost: the machine is too busy to listen.", dropped_s - self._dropped_s)
            self._dropped_s = dropped_s
