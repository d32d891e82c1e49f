"""Reads the microphone: waits for a wake word, then cuts out what the customer says."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from pipeline.audio import AudioChunk, continuous
from pipeline.events import EventFeed, SpeechEnd, SpeechStart
from pipeline.hearing import Hearing
from pipeline.preparation import TurnTaking
from pipeline.protocols import Microphone
from pipeline.segmenter import (
    NoUtterance,
    SegmenterSettings,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    UtteranceSegmenter,
)
from pipeline.speech import NoSpeechReason, Utterance, WakeWordHit

log = logging.getLogger(__name__)


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
        self._segmenter = segmenter
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

    async def utterance(
        self, hit: WakeWordHit, taking: TurnTaking | None = None
    ) -> Utterance | NoSpeechReason | WakeWordHit:
        """What the customer says after a wake word, words that followed it without a pause included.

        ``taking`` is told of pauses and decides which of them is the end; without it silence does. Who says the wake
        word again begins anew: then it is that hit.
        """
        segmenter = UtteranceSegmenter(self._segmenter, taking.pauses_s if taking is not None else ())
        audio: list[AudioChunk] = []
        async with aclosing(self._after(hit.word_end_s)) as chunks:
            async for chunk in chunks:
                heard = await self._hearing.hear(chunk, attentive=True)
                if heard.hit is not None:
                    return heard.hit
                audio.append(chunk)
                step = segmenter.push(heard.frame)
                if isinstance(step, SpeechPaused) and taking is not None:
                    step = await self._paused(step, audio, segmenter, taking)
                if isinstance(step, SpeechStarted):
                    self._feed.publish(SpeechStart())
                elif isinstance(step, SpeechResumed) and taking is not None:
                    taking.resumed()
                elif isinstance(step, SpeechEnded):
                    return self._cut(audio, step)
                elif isinstance(step, NoUtterance):
                    return step.reason
        last = segmenter.flush()
        return self._cut(audio, last) if isinstance(last, SpeechEnded) else last.reason

    async def _paused(
        self, pause: SpeechPaused, audio: list[AudioChunk], segmenter: UtteranceSegmenter, taking: TurnTaking
    ) -> SpeechEnded | None:
        """The end, if this pause is it."""
        so_far = cut_utterance(audio, pause.so_far, self._segmenter)
        allowed_s = await taking.paused(so_far, pause.silence_s, segmenter.longest_pause_s)
        if allowed_s is None:
            return None
        segmenter.allow_silence(allowed_s)
        return pause.so_far if allowed_s <= pause.silence_s else None

    def _cut(self, audio: list[AudioChunk], ended: SpeechEnded) -> Utterance:
        self._feed.publish(SpeechEnd(ended.speech_s))
        return cut_utterance(audio, ended, self._segmenter)

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


def cut_utterance(audio: list[AudioChunk], ended: SpeechEnded, settings: SegmenterSettings) -> Utterance:
    """The utterance in ``audio`` (chunks that follow each other), with a little before and after it."""
    whole = continuous(audio)
    cut = whole.since(ended.start_s - settings.pre_roll_s).until(ended.end_s + settings.tail_s)
    return Utterance(cut, ended.start_s, ended.end_s, ended.speech_s, whole.end_s, ended.ended_by)
