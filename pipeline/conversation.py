"""The conversation: wake word, question, answer, and listening again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from pipeline.audio import AudioChunk
from pipeline.conversation_settings import ConversationSettings, FollowingUp
from pipeline.ears import Ears
from pipeline.end_of_turn import EndOfTurn
from pipeline.errors import DeviceError, first_cause
from pipeline.events import (
    DeviceLostEvent,
    EventFeed,
    FollowUp,
    Listening,
    NoSpeechHeard,
    SpeechEnd,
    SpeechStart,
    TurnEnd,
    WakeWord,
)
from pipeline.interjections import Interjection, Interjections, goes_on
from pipeline.interruptible import Following, Interruptible, Invitation
from pipeline.preparation import Account, Preparation, Question, TurnTaking
from pipeline.speech import Exchange, NoSpeechReason, Personality, Utterance, WakeWordHit
from pipeline.turn import Turn, TurnParts
from pipeline.wishes import Announcement, Call, Sound, Wish, Wishes, is_anything, is_call, is_greeting

PUSH_TO_TALK = "push_to_talk"
"""What stands for a wake word's name where somebody pressed a button."""


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
        self._speaking = Interruptible(feed)
        self._stop_hearing: Callable[[], object] | None = None
        """Ends listening to a customer, None while nobody is listened to."""
        self._wishes = Wishes()
        self.idle = asyncio.Event()
        """Set while nobody speaks to it and it speaks to nobody: the time for work that can wait."""
        self.account = Account()
        """What preparing answers comes to."""
        self._interjections = Interjections(
            ears, parts.speaker, feed, settings.barge_in, self._taking, parts.requests.is_stop
        )
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
        if self._turn is not None and not self._speaking.greets:
            self._turn.switch(self._parts.requests.as_wished(personality))
        elif self.idle.is_set() or self._speaking.greets:
            self._wishes.forget(is_greeting)
            self._speaking.stop_greeting()
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
        if self._speaking.speaks:
            self._speaking.interrupt(self._pressed())
        elif self._stop_hearing is None:
            self._wishes.add(Call())

    def stop_now(self) -> None:
        """End whatever is going on or waits to be said, and listen for a wake word."""
        self._wishes.forget(is_anything)
        if self._speaking.speaks:
            self._speaking.interrupt(None)
        elif self._stop_hearing is not None:
            self._stop_hearing()

    def _pressed(self) -> WakeWordHit:
        """What stands for a wake word; what was said before it is not listened to."""
        return WakeWordHit(PUSH_TO_TALK, 1.0, self._feed.at_s, self._feed.at_s)

    async def _take_turns(self) -> None:
        following: Following = None
        while True:
            if following is None:
                self._feed.publish(Listening())
                heard = await self._something_to_do()
                if heard is None:
                    return
                if isinstance(heard, Announcement | Sound):
                    following = await self._say(heard)
                    continue
                following = self._pressed() if isinstance(heard, Call) else heard
            self._wishes.forget(is_call)
            if isinstance(following, Question):
                self._next_turn()
                self._feed.publish(SpeechStart())
                self._feed.publish(SpeechEnd(following.utterance.speech_s))
                following = await self._reply(following, self._personality_for(""))
            else:
                following = await self._hear(following)

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

    async def _say(self, wish: Announcement | Sound) -> Following:
        """What was wished; what ended it before its time, if something did."""
        if isinstance(wish, Sound):
            if wish.over.done():
                return None
            try:
                return await self._speaking.speak(self._sound(wish), self._wake_word())
            finally:
                wish.end(heard=False)
        self._next_turn()
        turn = self._begin(wish.personality, self._clock())
        return await self._take(turn, turn.announce(wish.text), greeting=wish.greeting)

    async def _hear(self, cause: WakeWordHit | Invitation) -> Following:
        """One turn that begins with listening to the customer; where an invitation is not taken, no turn."""
        called = isinstance(cause, WakeWordHit)
        before = self._feed.turn
        if isinstance(cause, WakeWordHit):
            self._next_turn()
            self._feed.publish(WakeWord(cause.name, cause.score))
            self._forget_if_idle(cause.at_s)
        else:
            self._feed.publish(FollowUp(self._settings.follow_up_s))
        taking = self._taking()
        try:
            heard = await self._listen(cause, taking)
            if isinstance(heard, Utterance):
                who = self._personality_for(cause.name if isinstance(cause, WakeWordHit) else "")
                return await self._reply(taking.question(heard), who, called=called)
        finally:
            taking.drop()
        if self._feed.turn > before:
            if isinstance(heard, NoSpeechReason):
                self._feed.publish(NoSpeechHeard(heard))
            self._feed.publish(TurnEnd(None, None))
        return heard if isinstance(heard, WakeWordHit) else None

    def _next_turn(self) -> None:
        self._feed.turn += 1

    async def _reply(self, question: Question, personality: Personality, *, called: bool = False) -> Following:
        """The spoken part of a turn."""
        turn = self._begin(personality, question.heard_by_s, called=called)
        following: Following = None
        try:
            following = await self._take(turn, turn.answer(question), question.utterance)
        finally:
            question.prepared.drop()
            self._last_turn_s = self._feed.at_s
            went_on = isinstance(following, Question) and goes_on(following.utterance, question.utterance)
            if turn.transcript is not None and turn.handled is None and not went_on:
                self._history.append(Exchange(turn.transcript.text, turn.heard_text()))
        return following if following is not None else self._invitation(turn)

    def _invitation(self, turn: Turn) -> Invitation | None:
        """Whether the customer may go on without a wake word after an answer that was heard to its end."""
        if turn.handled is not None and turn.handled.ends:
            self._forget()
            return None
        wanted = self._settings.follow_up
        if not turn.complete or wanted is FollowingUp.OFF:
            return None
        always = wanted is FollowingUp.ALWAYS and turn.transcript is not None
        return Invitation(self._feed.at_s) if always or turn.asks else None

    def _taking(self) -> TurnTaking:
        language = self._parts.requests.language
        return TurnTaking(self._end_of_turn, self._prepare, self._clock, self.account, language)

    def _prepare(self, utterance: Utterance) -> Preparation:
        return Preparation(utterance, self._parts.transcriber, self._preparing)

    def _begin(self, personality: Personality, heard_by_s: float, *, called: bool = True) -> Turn:
        who = self._parts.requests.as_wished(personality)
        return Turn(self._parts, self._feed, self._clock, who, tuple(self._history), heard_by_s, called)

    async def _take(
        self, turn: Turn, work: Coroutine[Any, Any, None], before: Utterance | None = None, *, greeting: bool = False
    ) -> Following:
        """A turn that may be switched to another personality while it goes on."""
        self._turn = turn
        try:
            return await self._speaking.speak(work, self._interjections.wait(turn, before), turn, greeting=greeting)
        finally:
            self._turn = None

    async def _wake_word(self) -> Interjection | None:
        hit = await self._ears.wake_word()
        return None if hit is None else Interjection(hit)

    async def _listen(
        self, cause: WakeWordHit | Invitation, taking: TurnTaking
    ) -> Utterance | NoSpeechReason | WakeWordHit | None:
        """What the customer says; None where it was stopped."""
        stopped = False

        def stop() -> None:
            nonlocal stopped
            stopped = True
            hearing.cancel()

        try:
            async with asyncio.TaskGroup() as group:
                hearing = group.create_task(self._invite(cause, taking), name="hearing")
                self._stop_hearing = stop
        finally:
            self._stop_hearing = None
        return None if stopped else hearing.result()

    async def _invite(
        self, cause: WakeWordHit | Invitation, taking: TurnTaking
    ) -> Utterance | NoSpeechReason | WakeWordHit:
        """What the customer says, while the tone that invites them to speak is played."""
        if isinstance(cause, Invitation):
            wait_s = self._settings.follow_up_s
            return await self._ears.utterance(cause.since_s, taking, wait_s=wait_s, begins=self._next_turn)
        tone = self._settings.listening_tone
        async with asyncio.TaskGroup() as group:
            if tone is not None:
                group.create_task(self._play(tone), name="listening tone")
            hearing = group.create_task(self._ears.utterance(cause.word_end_s, taking), name="utterance")
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
            self._forget()

    def _forget(self) -> None:
        """The customer has gone."""
        self._history.clear()
        self._parts.requests.forget()
