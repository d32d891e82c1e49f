"""Speaking that can be interrupted: by a wake word, by what a customer says, or by a button."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from pipeline.events import EventFeed, Interrupted
from pipeline.interjections import Interjection
from pipeline.preparation import Question
from pipeline.speech import WakeWordHit
from pipeline.turn import Turn


@dataclass(frozen=True, slots=True)
class Invitation:
    """An answer is over, and the customer may go on without a wake word."""

    since_s: float
    """Audio seconds from which on they are listened to."""


Following = WakeWordHit | Question | Invitation | None
"""What comes after an answer; None waits for a wake word."""


class Interruptible:
    """One thing is spoken at a time."""

    def __init__(self, feed: EventFeed) -> None:
        self._feed = feed
        self._interrupt: Callable[[Following], None] | None = None
        self._stop_greeting: Callable[[], object] | None = None

    @property
    def speaks(self) -> bool:
        """Whether something is being spoken, or prepared."""
        return self._interrupt is not None

    @property
    def greets(self) -> bool:
        """Whether it is a greeting."""
        return self._stop_greeting is not None

    def interrupt(self, following: Following) -> None:
        """End what is being spoken, if anything, and go on with ``following``."""
        if self._interrupt is not None:
            self._interrupt(following)

    def stop_greeting(self) -> None:
        """End the greeting that is being spoken, if one is."""
        if self._stop_greeting is not None:
            self._stop_greeting()

    async def speak(
        self,
        work: Coroutine[Any, Any, None],
        interjection: Coroutine[Any, Any, Interjection | None],
        turn: Turn | None = None,
        *,
        greeting: bool = False,
    ) -> Following:
        """Do ``work`` and listen at the same time; whichever ends first cancels the other. What interrupted it.

        The end of the microphone's stream does not end an answer. Of several interruptions the last one counts.
        """
        following: Following = None
        interrupted = False

        def interrupt(then: Following) -> None:
            nonlocal following, interrupted
            following = then
            if interrupted or speaking.done():
                return
            interrupted = True
            if turn is not None:
                self._feed.publish(Interrupted(turn.heard_text()))
            # Not before its first step: a turn that never began would not tell its end.
            asyncio.get_running_loop().call_soon(speaking.cancel)

        def heard(listening: asyncio.Task[Interjection | None]) -> None:
            if listening.cancelled() or listening.exception() is not None:
                return
            if (found := listening.result()) is not None:
                interrupt(found.following)

        try:
            async with asyncio.TaskGroup() as group:
                speaking = group.create_task(work, name="answer")
                listening = group.create_task(interjection, name="interruption")
                speaking.add_done_callback(lambda _: listening.cancel())
                listening.add_done_callback(heard)
                self._interrupt = interrupt
                self._stop_greeting = speaking.cancel if greeting else None
        finally:
            self._interrupt = self._stop_greeting = None
        return following
