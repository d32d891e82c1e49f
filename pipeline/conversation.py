"""The conversation: wake word, question, answer, and listening again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from pipeline.audio import AudioChunk
from pipeline.ears import Ears
from pipeline.errors import DeviceError, first_cause
from pipeline.events import DeviceLostEvent, EventFeed, Interrupted, Listening, NoSpeechHeard, TurnEnd, WakeWord
from pipeline.speech import (
    Exchange,
    NoSpeechReason,
    Personality,
    Utterance,
    WakeWordHit,
)
from pipeline.turn import Turn, TurnParts


@dataclass(frozen=True, slots=True)
class _Announcement:
    """Something to say without having been asked."""

    text: str
    personality: Personality
    greeting: bool = False
    """It introduces the personality, so nobody else can say it."""


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


class Conversation:
    """Listens and answers until the microphone's stream ends."""

    def __init__(
        self,
        *,
        ears: Ears,
        parts: TurnParts,
        feed: EventFeed,
        clock: Callable[[], float],
        personality_for: Callable[[str], Personality],
        settings: ConversationSettings,
    ) -> None:
        """``personality_for`` says who answers a wake word; it is asked at the start of each turn and must be quick."""
        self._ears = ears
        self._parts = parts
        self._feed = feed
        self._clock = clock
        self._personality_for = personality_for
        self._settings = settings
        self._turn: Turn | None = None
        self._stop_greeting: Callable[[], object] | None = None
        """Ends the greeting that is being spoken, None where none is."""
        self._announcements: asyncio.Queue[_Announcement] = asyncio.Queue()
        self.idle = asyncio.Event()
        """Set while nobody speaks to it and it speaks to nobody: the time for work that can wait."""
        self._history: deque[Exchange] = deque(maxlen=settings.history_turns)
        self._last_turn_s = 0.0

    async def run(self) -> None:
        """Turn after turn. Raises ``DeviceError`` when a sound device is lost, ``ProviderError`` when hearing fails."""
        try:
            await self._take_turns()
        except (DeviceError, ExceptionGroup) as error:
            cause = first_cause(error)
            if isinstance(cause, DeviceError):
                self._feed.publish(DeviceLostEvent(cause.device))
            if cause is error:
                raise
            raise cause from error

    def switch(self, personality: Personality) -> None:
        """Go on as somebody else at once: in the middle of an answer its voice changes, where nobody speaks it greets.

        A greeting that is being spoken gives way to the new one. While a customer speaks nothing is said: the answer
        will come in the new voice.
        """
        if self._turn is not None and self._stop_greeting is None:
            self._turn.switch(personality)
        elif self.idle.is_set() or self._stop_greeting is not None:
            self._forget_greetings()
            if self._stop_greeting is not None:
                self._stop_greeting()
            if personality.greeting:
                self._announcements.put_nowait(_Announcement(personality.greeting, personality, greeting=True))

    def announce(self, text: str, personality: Personality) -> None:
        """Say something as soon as nobody is speaking. A wake word interrupts it."""
        self._announcements.put_nowait(_Announcement(text, personality))

    def _forget_greetings(self) -> None:
        """Those that have not begun: their personality is no longer the one that speaks."""
        waiting = [self._announcements.get_nowait() for _ in range(self._announcements.qsize())]
        for announcement in waiting:
            if not announcement.greeting:
                self._announcements.put_nowait(announcement)

    async def _take_turns(self) -> None:
        hit: WakeWordHit | None = None
        while True:
            if hit is None:
                self._feed.publish(Listening())
                heard = await self._something_to_do()
                if heard is None:
                    return
                if not isinstance(heard, WakeWordHit):
                    hit = await self._say(heard)
                    continue
                hit = heard
            hit = await self._answer(hit)

    async def _something_to_do(self) -> WakeWordHit | _Announcement | None:
        """A wake word, or something to announce, whichever comes first; None at the end of the microphone's stream.

        In the same instant the customer comes first; an announcement waits, a greeting has missed its time.
        """
        self.idle.set()
        try:
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(self._ears.wake_word(), name="wake word")
                announcing = group.create_task(self._announcements.get(), name="announcements")
                listening.add_done_callback(lambda _: announcing.cancel())
                announcing.add_done_callback(lambda _: listening.cancel())
        finally:
            self.idle.clear()
        if listening.cancelled():
            return announcing.result()
        if not announcing.cancelled():
            self._announcements.put_nowait(announcing.result())
        self._forget_greetings()
        return listening.result()

    async def _say(self, announcement: _Announcement) -> WakeWordHit | None:
        """An announcement; the wake word that ended it before its time, if one did."""
        self._feed.turn += 1
        turn = self._begin(announcement.personality, self._clock())
        return await self._unless_interrupted(turn, turn.announce(announcement.text), greeting=announcement.greeting)

    async def _answer(self, hit: WakeWordHit) -> WakeWordHit | None:
        """One turn; the wake word that ended it before its time, if one did."""
        self._feed.turn += 1
        self._feed.publish(WakeWord(hit.name, hit.score))
        self._forget_if_idle(hit.at_s)
        heard = await self._listen(hit)
        heard_by_s = self._clock()
        if isinstance(heard, WakeWordHit):
            self._feed.publish(TurnEnd(None, None))
            return heard
        if isinstance(heard, NoSpeechReason):
            self._feed.publish(NoSpeechHeard(heard))
            self._feed.publish(TurnEnd(None, None))
            return None
        turn = self._begin(self._personality_for(hit.name), heard_by_s)
        try:
            return await self._unless_interrupted(turn, turn.answer(heard))
        finally:
            self._last_turn_s = self._feed.at_s
            if turn.transcript is not None:
                self._history.append(Exchange(turn.transcript.text, turn.heard_text()))

    def _begin(self, personality: Personality, heard_by_s: float) -> Turn:
        return Turn(self._parts, self._feed, self._clock, personality, tuple(self._history), heard_by_s)

    async def _unless_interrupted(
        self, turn: Turn, work: Coroutine[Any, Any, None], *, greeting: bool = False
    ) -> WakeWordHit | None:
        """Speak and listen for a wake word at the same time; whichever ends first cancels the other."""

        def interrupt(listening: asyncio.Task[WakeWordHit | None]) -> None:
            """A wake word ends the answer; the end of the microphone's stream does not."""
            heard = not listening.cancelled() and listening.exception() is None and listening.result() is not None
            if heard and not speaking.done():
                self._feed.publish(Interrupted(turn.heard_text()))
                speaking.cancel()

        self._turn = turn
        try:
            async with asyncio.TaskGroup() as group:
                speaking = group.create_task(work, name="answer")
                listening = group.create_task(self._ears.wake_word(), name="interruption")
                speaking.add_done_callback(lambda _: listening.cancel())
                listening.add_done_callback(interrupt)
                self._stop_greeting = speaking.cancel if greeting else None
        finally:
            self._turn = self._stop_greeting = None
        return None if listening.cancelled() else listening.result()

    async def _listen(self, hit: WakeWordHit) -> Utterance | NoSpeechReason | WakeWordHit:
        """What the customer says, while the tone that invites them to speak is played."""
        tone = self._settings.listening_tone
        if tone is None:
            return await self._ears.utterance(hit)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._play(tone), name="listening tone")
            return await self._ears.utterance(hit)

    async def _play(self, tone: AudioChunk) -> None:
        speaker = self._parts.speaker
        await speaker.start()
        await speaker.play(tone)
        await speaker.finish()

    def _forget_if_idle(self, now_s: float) -> None:
        if now_s - self._last_turn_s > self._settings.history_idle_s:
            self._history.clear()
