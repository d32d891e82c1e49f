"""What somebody other than a customer wants of a conversation; it waits here until nobody is speaking."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.audio import AudioChunk
from pipeline.speech import Personality


@dataclass(frozen=True, slots=True)
class Announcement:
    """Something to say without having been asked."""

    text: str
    personality: Personality
    greeting: bool = False
    """It introduces the personality, so nobody else can say it."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Something to play without having been asked."""

    audio: AudioChunk
    begins: Callable[[], None]
    """Called when it is handed to the loudspeaker."""
    over: asyncio.Future[bool]
    """Whether it was heard to its end; cancelled when whoever wanted it waits no more."""

    def end(self, *, heard: bool) -> None:
        """Tell whoever waits for its end, if somebody does."""
        if not self.over.done():
            self.over.set_result(heard)


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody pressed a button to be heard."""


Wish = Announcement | Sound | Call


class Wishes:
    """They come true in the order in which they were made."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Wish] = asyncio.Queue()

    def add(self, wish: Wish) -> None:
        """One more."""
        self._queue.put_nowait(wish)

    async def next(self) -> Wish:
        """The oldest, taken out, as soon as there is one."""
        return await self._queue.get()

    def forget(self, unwanted: Callable[[Wish], bool]) -> None:
        """Those that have not begun. Whoever waits for the end of a sound is told that nobody will hear it."""
        for wish in [self._queue.get_nowait() for _ in range(self._queue.qsize())]:
            if not unwanted(wish):
                self._queue.put_nowait(wish)
            elif isinstance(wish, Sound):
                wish.end(heard=False)


def is_anything(_: Wish) -> bool:
    """Every wish."""
    return True


def is_call(wish: Wish) -> bool:
    """A call is answered by whatever makes a customer be listened to."""
    return isinstance(wish, Call)


def is_greeting(wish: Wish) -> bool:
    """A greeting that has not begun is one of a personality that no longer speaks, or has missed its time."""
    return isinstance(wish, Announcement) and wish.greeting
