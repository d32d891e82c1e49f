"""What customers say while they are answered: whether it counts, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.ears import Ears
from pipeline.events import AnswerPaused, AnswerResumed, EventFeed
from pipeline.overlap import BargeIn, Overlap
from pipeline.own_words import resembles
from pipeline.phrase_patterns import comparable
from pipeline.preparation import Question, TurnTaking
from pipeline.protocols import Speaker
from pipeline.speech import Transcript, Utterance, WakeWordHit
from pipeline.turn import Turn

WORDS_WAIT_S = 3.0
"""Seconds of the clock to wait for what was said over an answer; then the answer goes on."""

BACK_S = 0.4
"""Audio seconds of an answer that are heard again after a false alarm: the word in which it paused."""


@dataclass(frozen=True, slots=True)
class Interjection:
    """Something that ends an answer."""

    following: WakeWordHit | Question | None
    """What is answered next; None where the customer only wants silence."""


class Interjections:
    """Listens beside answers."""

    def __init__(
        self,
        ears: Ears,
        speaker: Speaker,
        feed: EventFeed,
        mode: BargeIn,
        begin: Callable[[], TurnTaking],
        stops: Callable[[str, str], bool],
    ) -> None:
        """``begin`` makes what takes a customer's turn. ``stops`` tells of a text and its language (ISO 639-1) whether
        it only wants silence."""
        self._ears = ears
        self._speaker = speaker
        self._feed = feed
        self._mode = mode
        self._begin = begin
        self._stops = stops

    async def wait(self, turn: Turn, before: Utterance | None) -> Interjection | None:
        """Return when something ends the turn's answer; None at the end of the microphone's stream.

        ``before`` is what is being answered, None where nobody asked.
        """
        overlap = Overlap(
            self._mode,
            audible=lambda: turn.audible,
            pause=self._pause,
            stops=self._stops,
            begin=self._begin,
            settings=self._ears.settings,
            before=before,
        )
        try:
            while (heard := await self._ears.overlap(overlap)) is not None:
                if isinstance(heard, WakeWordHit):
                    return Interjection(heard)
                question = overlap.taking.question(heard)
                words = await self._words(question)
                if words is not None and self._counts(words, question, turn, before):
                    return self._interjection(question, words)
                question.prepared.drop()
                overlap.begin_anew()
                self._speaker.resume(BACK_S)
                self._feed.publish(AnswerResumed())
            return None
        finally:
            overlap.taking.drop()

    def _interjection(self, question: Question, words: Transcript) -> Interjection:
        if not self._stops(words.text, words.language):
            return Interjection(question)
        question.prepared.drop()
        return Interjection(None)

    def _pause(self) -> None:
        self._speaker.pause()
        self._feed.publish(AnswerPaused())

    async def _words(self, question: Question) -> Transcript | None:
        try:
            async with asyncio.timeout(WORDS_WAIT_S):
                return await question.prepared.words()
        except TimeoutError:
            return None

    @staticmethod
    def _counts(words: Transcript, question: Question, turn: Turn, before: Utterance | None) -> bool:
        """Whether a customer said it, and said more than is being answered already."""
        if before is not None and goes_on(question.utterance, before):
            if turn.transcript is None:
                return True
            known, whole = comparable(turn.transcript.text), comparable(words.text)
            added = " ".join(whole[len(known) :]) if whole[: len(known)] == known else words.text
            return whole != known and not resembles(added, turn.being_said())
        return not resembles(words.text, turn.being_said())


def goes_on(utterance: Utterance, before: Utterance) -> bool:
    """Whether an utterance holds what was said before."""
    return utterance.speech_start_s == before.speech_start_s
