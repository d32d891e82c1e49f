"""What is done about an utterance before it is certain that it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from pipeline.end_of_turn import EndOfTurn
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.speech import NoSpeech, Transcript, Utterance

MOST = 6
"""Transcriptions of one utterance that are begun at its pauses: a stammer must not keep the machine busy."""


class Preparation:
    """A transcription that has begun, perhaps in vain; nobody is told of it before its utterance is over."""

    def __init__(self, utterance: Utterance, transcriber: FallbackTranscriber, group: asyncio.TaskGroup) -> None:
        self.utterance = utterance
        self._outcome: asyncio.Future[Transcript | NoSpeech] = asyncio.get_running_loop().create_future()
        self._task = group.create_task(self._work(transcriber), name="preparation")

    async def _work(self, transcriber: FallbackTranscriber) -> None:
        try:
            self._outcome.set_result(await transcriber.transcribe(self.utterance))
        except Exception as error:  # noqa: BLE001 - raised where its result is wanted
            self._outcome.set_exception(error)
        finally:
            self._outcome.cancel()  # where there is one, this only tells that nobody may ever want it

    async def result(self) -> Transcript | NoSpeech:
        """As the transcriber answers. Raises what it raises."""
        await asyncio.sleep(0)  # a turn that is ended in the instant in which it begins must not tell the words yet
        return await asyncio.shield(self._outcome)

    async def words(self) -> Transcript | None:
        """What was said, None where that is not known."""
        try:
            result = await self.result()
        except Exception:  # noqa: BLE001 - told when the customer waits for the answer
            return None
        return result if isinstance(result, Transcript) else None

    def drop(self) -> None:
        """Nobody wants it any more."""
        self._task.cancel()


@dataclass(slots=True)
class Account:
    """What preparing comes to."""

    begun: int = 0
    """Transcriptions that were begun at a pause."""

    used: int = 0
    """Those of them whose utterance was over; the others were in vain."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a customer said, and what has been done about it."""

    utterance: Utterance
    prepared: Preparation
    """Its transcription, under way."""

    heard_by_s: float
    """Clock time at which its end was decided."""


class TurnTaking:
    """One turn of the customer's: at each pause it prepares the answer and asks whether that was the end."""

    def __init__(
        self,
        end_of_turn: EndOfTurn,
        prepare: Callable[[Utterance], Preparation],
        clock: Callable[[], float],
        account: Account | None = None,
        language: str = "",
    ) -> None:
        """``language`` is the one that the customer asked for, ISO 639-1, empty where they did not."""
        self._end_of_turn = end_of_turn
        self._prepare = prepare
        self._clock = clock
        self._account = account or Account()
        self._language = language
        self._prepared: Preparation | None = None
        self._begun = 0
        self._waited_s = 0.0
        self.before: Utterance | None = None
        """What the customer said before a pause that seemed to be the end."""

    @property
    def pauses_s(self) -> tuple[float, ...]:
        """Lengths of silence, in audio seconds, of which it wants to be told."""
        settings = self._end_of_turn.settings
        return (settings.prepare_after_s, settings.short_pause_s)

    async def paused(self, so_far: Utterance, silence_s: float, longest_pause_s: float) -> float | None:
        """Silence that ends the utterance, in audio seconds; None where that is not to be said yet."""
        whole = self._whole(so_far)
        if self._prepared is None and self._begun < MOST:
            self._begun += 1
            self._account.begun += 1
            self._prepared = self._prepare(whole)
        if silence_s < self._end_of_turn.settings.short_pause_s:
            return None
        asked_s = self._clock()
        try:
            return await self._end_of_turn.silence_s(whole, longest_pause_s, self.words)
        finally:
            self._waited_s = self._clock() - asked_s

    def resumed(self) -> None:
        """The customer goes on: what was prepared is not the whole."""
        self._waited_s = 0.0
        self.drop()

    def question(self, utterance: Utterance) -> Question:
        """The complete utterance, just decided, with what is prepared for it, begun now where nothing is."""
        heard_by_s = self._clock() - self._waited_s
        whole = self._whole(utterance)
        ready, self._prepared = self._prepared, None
        if ready is not None and ready.utterance.speech_end_s == whole.speech_end_s:
            self._account.used += 1
            return Question(whole, ready, heard_by_s)
        if ready is not None:
            ready.drop()
        return Question(whole, self._prepare(whole), heard_by_s)

    def drop(self) -> None:
        """There will be no answer, or not this one."""
        if self._prepared is not None:
            self._prepared.drop()
            self._prepared = None

    async def words(self) -> Transcript | None:
        """What was said so far, None where that is not known."""
        return None if self._prepared is None else await self._prepared.words()

    def _whole(self, utterance: Utterance) -> Utterance:
        utterance = utterance if self.before is None else self.before.then(utterance)
        return replace(utterance, language=self._language)
