"""What one connection has asked and was not answered yet."""

from __future__ import annotations

import asyncio

from wyoming.event import Event

from providers.tts.voice_worker.wire import BadEvent

MOST_WAITING = 8
"""Events that may wait for their answer."""


class Inbox:
    """Events in order; holds few of them, and one sample at most, for samples are large."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[Event] = asyncio.Queue(MOST_WAITING)
        self._has_sample = False

    def put(self, event: Event) -> None:
        """Raises ``BadEvent`` for one too many."""
        if event.payload and self._has_sample:
            raise BadEvent("a second sample before the answer to the first")
        try:
            self._events.put_nowait(event)
        except asyncio.QueueFull as error:
            raise BadEvent(f"more than {MOST_WAITING} events before the answer") from error
        self._has_sample = self._has_sample or bool(event.payload)

    async def take(self) -> Event:
        """The next one, as soon as there is one."""
        return await self._events.get()

    def answered(self, event: Event) -> None:
        """It is no longer held."""
        if event.payload:
            self._has_sample = False
