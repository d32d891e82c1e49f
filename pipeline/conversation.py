"""The conversation: wake word, question, answer, and listening again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from pipeline.audio import AudioChunk
from pipeline.ears import Ears
from pipeline.end_of_turn import EndOfTurn
from pipeline.errors import DeviceError, first_cause
from pipeline.events import DeviceLostEvent, EventFeed, Interrupted, Listening, NoSpeechHeard, TurnEnd, WakeWord
from pipeline.preparation import Preparation, TurnTaking
from pipeline.speech import (
    Exchange,
    NoSpeechReason,
    Personality,
    Utterance,
    WakeWordHit,
)
from pipeline.turn import Turn, TurnParts
from pipeline.wishes import Announcement, Call, Sound, Wish, Wishes, is_anything, is_call, is_greeting

PUSH_TO_TALK = "push_to_talk"
"""What stands for a wake word's name where somebody pressed a button."""


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
        end_of_turn: EndOfTurn | None = None,
    ) -> None:
        """``personality_for`` says who answers a wake word; it is asked at the start of each turn and must be quick.

        ``end_of_turn`` decides when a customer has finished; without it silence does.
        """
        self._ears = ears
        self._parts = parts
        self._feed = feed
        self._clock = clock
        self._personality_for = personality_for
        self._settings = settings
        self._end_of_turn = end_of_turn or EndOfTurn()
        self._preparing = asyncio.TaskGroup()
        """What is done beside listening."""
        self._turn: Turn | None = None
        self._stop_greeting: Callable[[], object] | None = None
        """Ends the greeting that is being spoken, None where none is."""
        self._interrupt: Callable[[WakeWordHit | None], None] | None = None
        """Ends what is being answered or spoken, and has the hit answered next; None where nothing is."""
        self._stop_hearing: Callable[[], object] | None = None
        """Ends listening to a customer, None while nobody is listened to."""
        self._wishes = Wishes()
        self.idle = asyncio.Event()
        """Set while nobody speaks to it and it speaks to nobody: the time for work that can wait."""
        self._history: deque[Exchange] = deque(maxlen=settings.history_turns)
        self._last_turn_s = 0.0

    async def run(self) -> None:
        """Turn after turn. Raises ``DeviceError`` when a sound device is lost, ``ProviderError`` when hearing fails."""
        try:
            async with asyncio.TaskGroup() as self._preparing:
                await self._take_turns()
        except (DeviceError, ExceptionGroup) as error:
            cause = first_cause(error)
            if isinstance(cause, DeviceError):
                self._feed.publish(DeviceLostEvent(cause.device))
            if cause is error:
                raise
            raise cause from error
        finally:
            self._wishes.forget(is_anything)

    def switch(self, personality: Personality) -> None:
        """Go on as somebody else at once: in the middle of an answer its voice changes, where nobody speaks it greets.

        A greeting that is being spoken gives way to the new one. While a customer speaks nothing is said: the answer
        will come in the new voice.
        """
        if self._turn is not None and self._stop_greeting is None:
            self._turn.switch(personality)
        elif self.idle.is_set() or self._stop_greeting is not None:
            self._wishes.forget(is_greeting)
            if self._stop_greeting is not None:
                self._stop_greeting()
            if personality.greeting:
                self._wishes.add(Announcement(personality.greeting, personality, greeting=True))

    def announce(self, text: str, personality: Personality) -> None:
        """Say something as soon as nobody is speaking. A wake word interrupts it."""
        self._wishes.add(Announcement(text, personality))

    async def play(self, sound: AudioChunk, *, begins: Callable[[], None] = lambda: None) -> bool:
        """Play a sound as soon as nobody is speaking; return when it is over.

        ``begins`` is called when it is handed to the loudspeaker. False where it was not heard to its end: a wake word,
        a button or the end of the conversation came first. Cancelling this ends the sound.
        """
        wish = Sound(sound, begins, asyncio.get_running_loop().create_future())
        self._wishes.add(wish)
        return await wish.over

    def listen_now(self) -> None:
        """Push to talk: listen as if a wake word had been said. It interrupts an answer; while a customer is listened
        to already it does nothing.
        """
        if self._interrupt is not None:
            self._interrupt(self._pressed())
        elif self._stop_hearing is None:
            self._wishes.add(Call())

    def stop_now(self) -> None:
        """End whatever is going on or waits to be said, and listen for a wake word."""
        self._wishes.forget(is_anything)
        if self._interrupt is not None:
            self._interrupt(None)
        elif self._stop_hearing is not None:
            self._stop_hearing()

    def _pressed(self) -> WakeWordHit:
        """What stands for a wake word; what was said before it is not listened to."""
        return WakeWordHit(PUSH_TO_TALK, 1.0, self._feed.at_s, self._feed.at_s)

    async def _take_turns(self) -> None:
        hit: WakeWordHit | None = None
        while True:
            if hit is None:
                self._feed.publish(Listening())
                heard = await self._something_to_do()
                if heard is None:
                    return
                if isinstance(heard, Announcement | Sound):
                    hit = await self._say(heard)
                    continue
                hit = self._pressed() if isinstance(heard, Call) else heard
            hit = await self._answer(hit)

    async def _something_to_do(self) -> WakeWordHit | Wish | None:
        """A wake word or a wish, whichever comes first; None at the end of the microphone's stream.

        In the same instant the customer comes first; an announcement waits, a greeting has missed its time.
        """
        self.idle.set()
        try:
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(self._ears.wake_word(), name="wake word")
                wishing = group.create_task(self._wishes.next(), name="wishes")
                listening.add_done_callback(lambda _: wishing.cancel())
                wishing.add_done_callback(lambda _: listening.cancel())
        finally:
            self.idle.clear()
        if listening.cancelled():
            return wishing.result()
        if not wishing.cancelled():
            self._wishes.add(wishing.result())
        self._wishes.forget(is_greeting)
        return listening.result()

    async def _say(self, wish: Announcement | Sound) -> WakeWordHit | None:
        """What was wished; the wake word that ended it before its time, if one did."""
        if isinstance(wish, Sound):
            if wish.over.done():
                return None
            try:
                return await self._unless_interrupted(self._sound(wish))
            finally:
                wish.end(heard=False)
        self._feed.turn += 1
        turn = self._begin(wish.personality, self._clock())
        return await self._take(turn, turn.announce(wish.text), greeting=wish.greeting)

    async def _answer(self, hit: WakeWordHit) -> WakeWordHit | None:
        """One turn; the wake word that ended it before its time, if one did."""
        self._feed.turn += 1
        self._wishes.forget(is_call)
        self._feed.publish(WakeWord(hit.name, hit.score))
        self._forget_if_idle(hit.at_s)
        taking = TurnTaking(self._end_of_turn, self._prepare, self._clock)
        try:
            heard = await self._listen(hit, taking)
            heard_by_s = self._clock() - taking.waited_s
            if isinstance(heard, Utterance):
                turn = self._begin(self._personality_for(hit.name), heard_by_s)
                return await self._reply(turn, heard, taking.prepared(heard))
        finally:
            taking.drop()
        if isinstance(heard, NoSpeechReason):
            self._feed.publish(NoSpeechHeard(heard))
        self._feed.publish(TurnEnd(None, None))
        return heard if isinstance(heard, WakeWordHit) else None

    async def _reply(self, turn: Turn, utterance: Utterance, prepared: Preparation) -> WakeWordHit | None:
        """The spoken part of a turn."""
        try:
            return await self._take(turn, turn.answer(utterance, prepared))
        finally:
            prepared.drop()
            self._last_turn_s = self._feed.at_s
            if turn.transcript is not None:
                self._history.append(Exchange(turn.transcript.text, turn.heard_text()))

    def _prepare(self, utterance: Utterance) -> Preparation:
        return Preparation(utterance, self._parts.transcriber, self._preparing)

    def _begin(self, personality: Personality, heard_by_s: float) -> Turn:
        return Turn(self._parts, self._feed, self._clock, personality, tuple(self._history), heard_by_s)

    async def _take(self, turn: Turn, work: Coroutine[Any, Any, None], *, greeting: bool = False) -> WakeWordHit | None:
        """A turn that may be switched to another personality while it goes on."""
        self._turn = turn
        try:
            return await self._unless_interrupted(work, turn, greeting=greeting)
        finally:
            self._turn = None

    async def _unless_interrupted(
        self, work: Coroutine[Any, Any, None], turn: Turn | None = None, *, greeting: bool = False
    ) -> WakeWordHit | None:
        """Speak and listen for a wake word at the same time; whichever ends first cancels the other.

        The end of the microphone's stream does not end an answer. Of several interruptions the last one counts.
        """
        following: WakeWordHit | None = None
        interrupted = False

        def interrupt(hit: WakeWordHit | None) -> None:
            nonlocal following, interrupted
            following = hit
            if interrupted or speaking.done():
                return
            interrupted = True
            if turn is not None:
                self._feed.publish(Interrupted(turn.heard_text()))
            # Not before its first step: a turn that never began would not tell its end.
            asyncio.get_running_loop().call_soon(speaking.cancel)

        def heard(listening: asyncio.Task[WakeWordHit | None]) -> None:
            if not listening.cancelled() and listening.exception() is None and listening.result() is not None:
                interrupt(listening.result())

        try:
            async with asyncio.TaskGroup() as group:
                speaking = group.create_task(work, name="answer")
                listening = group.create_task(self._ears.wake_word(), name="interruption")
                speaking.add_done_callback(lambda _: listening.cancel())
                listening.add_done_callback(heard)
                self._interrupt = interrupt
                self._stop_greeting = speaking.cancel if greeting else None
        finally:
            self._interrupt = self._stop_greeting = None
        return following

    async def _listen(self, hit: WakeWordHit, taking: TurnTaking) -> Utterance | NoSpeechReason | WakeWordHit | None:
        """What the customer says; None where it was stopped."""
        stopped = False

        def stop() -> None:
            nonlocal stopped
            stopped = True
            hearing.cancel()

        try:
            async with asyncio.TaskGroup() as group:
                hearing = group.create_task(self._invite(hit, taking), name="hearing")
                self._stop_hearing = stop
        finally:
            self._stop_hearing = None
        return None if stopped else hearing.result()

    async def _invite(self, hit: WakeWordHit, taking: TurnTaking) -> Utterance | NoSpeechReason | WakeWordHit:
        """What the customer says, while the tone that invites them to speak is played."""
        tone = self._settings.listening_tone
        async with asyncio.TaskGroup() as group:
            if tone is not None:
                group.create_task(self._play(tone), name="listening tone")
            hearing = group.create_task(self._ears.utterance(hit, taking), name="utterance")
        return hearing.result()

    async def _sound(self, wish: Sound) -> None:
        """Play it for as long as somebody waits for its end."""
        playing = asyncio.current_task()
        assert playing is not None
        wish.over.add_done_callback(lambda _: playing.cancel())
        await self._play(wish.audio, wish.begins)
        wish.end(heard=True)

    async def _play(self, sound: AudioChunk, begins: Callable[[], None] = lambda: None) -> None:
        speaker = self._parts.speaker
        await speaker.start()
        try:
            begins()
            await speaker.play(sound)
            await speaker.finish()
        finally:
            speaker.stop()

    def _forget_if_idle(self, now_s: float) -> None:
        if now_s - self._last_turn_s > self._settings.history_idle_s:
            self._history.clear()
