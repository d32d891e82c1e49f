"""How fast sound files pass: as in the shop, or as fast as the machine can.

A file has no clock of its own, so the microphone and the loudspeaker of one run share a pace.

``RealTimePace``: a chunk comes when it would have been recorded, and what is played takes as long as it sounds.

``FastPace`` is virtual time:

* While no answer is under way, the microphone delivers as fast as it is asked.
* From the speaker's ``start`` on the microphone stands still. Each stretch that is played lets it deliver just as
  much (in whole chunks), and playing goes on only when the microphone's reader has dealt with that and asks for
  more. So thinking takes no audio time, and a wake word in the file interrupts an answer after the same sample on
  every machine, provided that the reader decides about a chunk before it asks for the next one.
* ``finish`` and ``stop`` let the microphone run on, and so does ``pause`` until ``resume``.
* Playing never waits for a microphone that has ended or has no reader. A reader that leaves a chunk unasked for
  longer than ``patience_s`` is taken for gone until it asks again; the microphone then catches up with what was
  played.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from pipeline.audio import FRAME_S

ROUNDING_S = 1e-6
"""Sums of stretches of audio are equal when they differ by less: a sixtieth of a sample."""


LATE_S = 0.05
"""Clock seconds by which an answer's next piece may come late without a pause in the answer: what a device's own
buffer bridges, and more than a sleep oversleeps."""


class Pace(Protocol):
    """What the microphone and the loudspeaker of one run agree on. All times are audio seconds."""

    def reading(self) -> AbstractContextManager[None]:
        """To be held while somebody reads the microphone."""
        ...

    async def recorded(self, end_s: float) -> None:
        """Return when the microphone may deliver the chunk that ends at ``end_s``."""
        ...

    def answer_started(self) -> None:
        """The speaker's ``start``."""
        ...

    async def played(self, duration_s: float) -> None:
        """Return when the next ``duration_s`` of an answer have been heard."""
        ...

    def answer_paused(self) -> None:
        """The speaker's ``pause``."""
        ...

    def answer_resumed(self) -> None:
        """The speaker's ``resume``."""
        ...

    def answer_ended(self) -> None:
        """The speaker's ``finish`` or ``stop``."""
        ...


class RealTimePace:
    """As in the shop, on an absolute schedule, so that nothing drifts."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._began_at: float | None = None
        self._silent_at = 0.0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Real time passes whether anybody reads or not."""
        yield

    async def recorded(self, end_s: float) -> None:
        """The first call starts the recording; who reads late gets what has gathered at once."""
        if self._began_at is None:
            self._began_at = self._clock() - (end_s - FRAME_S)
        await self._sleep(max(0.0, self._began_at + end_s - self._clock()))

    def answer_started(self) -> None:
        """What is played sounds from now on."""
        self._silent_at = self._clock()

    async def played(self, duration_s: float) -> None:
        """Sounds right after what was played before, or now where there was a pause."""
        now = self._clock()
        if now > self._silent_at + LATE_S:
            self._silent_at = now
        self._silent_at += duration_s
        await self._sleep(max(0.0, self._silent_at - now))

    def answer_paused(self) -> None:
        """Nothing to do: the customer goes on speaking."""

    def answer_resumed(self) -> None:
        """Nothing to do: ``played`` notices a pause."""

    def answer_ended(self) -> None:
        """Nothing to do."""


class FastPace:
    """As fast as the machine can; the rules stand above."""

    def __init__(self, patience_s: float = 5.0) -> None:
        """``patience_s``: clock seconds for which playing waits for a reader that does not ask."""
        self._patience_s = patience_s
        self._readers = 0
        self._reader_gone = False
        self._asked_s: float | None = None
        self._delivered_s = 0.0
        self._allowed_s: float | None = None
        self._changed = asyncio.Event()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Playing waits for the microphone only meanwhile."""
        self._readers += 1
        try:
            yield
        finally:
            # Counted, because an abandoned iterator may be closed only after its successor has begun.
            self._readers -= 1
            self._change()

    async def recorded(self, end_s: float) -> None:
        """At once while no answer is under way, else when as much has been played."""
        self._asked_s = end_s
        self._reader_gone = False
        self._change()
        try:
            await asyncio.sleep(0)  # a reader that never has to wait must not starve the rest of the program
            while not self._allowed(end_s):
                await self._changed.wait()
                # Who ended the answer may be about to cancel this reader, and a chunk it just got would be lost.
                await asyncio.sleep(0)
            self._delivered_s = end_s
        finally:
            self._asked_s = None

    def answer_started(self) -> None:
        """The microphone stands still."""
        self._allowed_s = self._delivered_s
        self._change()

    async def played(self, duration_s: float) -> None:
        """Let the microphone deliver as much and wait until its reader asks for more."""
        if self._allowed_s is not None:
            self._allowed_s += duration_s
            self._change()
        await asyncio.sleep(0)  # let a reader that is only just beginning come in
        try:
            while self._reader_is_busy():
                async with asyncio.timeout(self._patience_s):
                    await self._changed.wait()
                # A reader that has just left may be about to cancel this answer: not one more piece then.
                await asyncio.sleep(0)
        except TimeoutError:
            self._reader_gone = True

    def answer_paused(self) -> None:
        """The microphone runs on: what the customer says decides how it goes on."""
        self.answer_ended()

    def answer_resumed(self) -> None:
        """The microphone stands still again."""
        self.answer_started()

    def answer_ended(self) -> None:
        """The microphone runs on."""
        self._allowed_s = None
        self._change()

    def _allowed(self, end_s: float) -> bool:
        return self._allowed_s is None or end_s <= self._allowed_s + ROUNDING_S

    def _reader_is_busy(self) -> bool:
        """Whether the reader still has something to deal with of what was played."""
        if not self._readers or self._reader_gone or self._allowed_s is None:
            return False
        return self._asked_s is None or self._allowed(self._asked_s)

    def _change(self) -> None:
        """Wake all who wait, to look again."""
        self._changed.set()
        self._changed = asyncio.Event()
