"""Spoken texts while they are made and, where somebody may fetch them later, for a while after that."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing

from assistant.http.problem import Refused
from assistant.http.speaking import Spoken
from assistant.task_room import TaskRoom
from pipeline.errors import ProviderError, without_words
from pipeline.fallback import Rendering

log = logging.getLogger(__name__)

MOST_IN_THE_MAKING = 64
"""Texts that are spoken at the same time; more callers are asked to come again."""


class Recital:
    """One spoken text. Its maker does not wait for those who listen, so a slow one holds nobody up."""

    def __init__(self, tenant: str) -> None:
        self.key = secrets.token_urlsafe(16)
        """By which it is fetched; nobody can guess it."""
        self.tenant = tenant
        self.pieces: list[Spoken] = []
        self.size_bytes = 0
        self.ended = False
        self.error: Exception | None = None
        """Why it ended before its end."""
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def first(self) -> Rendering:
        """Who speaks first, as soon as there is sound. Raises what kept everybody from speaking."""
        while not self.pieces:
            if self.error is not None:
                raise self.error
            if self.ended:
                raise ProviderError("The voice was stopped.")
            await self._news.wait()
        rendering = self.pieces[0].rendering
        assert rendering is not None  # an engine's first chunk comes with it
        return rendering

    async def listen(self) -> AsyncGenerator[list[Spoken]]:
        """All pieces from the beginning: those that are there at once, then those that come.

        Raises what made it end early.
        """
        heard = 0
        while True:
            if heard < len(self.pieces):
                fresh = self.pieces[heard:]
                heard += len(fresh)
                yield fresh
            elif self.error is not None:
                raise self.error
            elif self.ended:
                return
            else:
                await self._news.wait()

    async def complete(self) -> None:
        """Return when nothing more will come."""
        while not self.ended:
            await self._news.wait()

    def stop(self) -> None:
        """Nobody wants it any more."""
        if self._task is not None and not self.ended:
            self._task.cancel()

    @property
    def duration_s(self) -> float:
        """Audio seconds so far."""
        return sum(piece.chunk.duration_s for piece in self.pieces)

    @property
    def etag(self) -> str:
        """Changes with the sound; only of use when it is complete."""
        return f'"{hashlib.sha256(self.key.encode()).hexdigest()[:16]}-{len(self.pieces)}"'

    def add(self, piece: Spoken) -> None:
        """The next piece, by its maker."""
        self.pieces.append(piece)
        self.size_bytes += piece.chunk.pcm.nbytes
        self._tell()

    def end(self, error: Exception | None) -> None:
        """Nothing more comes."""
        self.ended, self.error = True, error
        self._tell()

    def begun(self, task: asyncio.Task[None]) -> None:
        """Its maker."""
        self._task = task

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Recitals(TaskRoom):
    """Makes them, each in a task of its own, and keeps those that are to be fetched; an async context manager."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__()
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, Recital] = OrderedDict()
        self._going_on: set[Recital] = set()

    def begin(self, source: AsyncGenerator[Spoken], tenant: str, *, keep: bool = False) -> Recital:
        """Make one of what ``source`` yields; ``keep`` it so that ``find`` knows it. Raises ``Refused``."""
        if len(self._going_on) >= MOST_IN_THE_MAKING:
            raise Refused(
                503, "busy", "Too many texts are being spoken at the moment.", remedy="Try again in a moment."
            )
        recital = Recital(tenant)
        task = self._begin(self._make(recital, source), "recital")
        self._going_on.add(recital)
        recital.begun(task)
        task.add_done_callback(lambda _: self._ended(recital))
        if keep:
            self._kept[recital.key] = recital
            self._make_room()
        return recital

    def find(self, key: str, tenant: str) -> Recital | None:
        """A kept one of that tenant."""
        recital = self._kept.get(key)
        if recital is None or recital.tenant != tenant:
            return None
        self._kept.move_to_end(key)
        return recital

    def forget(self, _: str = "") -> None:
        """Keep none of those that are complete."""
        for recital in [one for one in self._kept.values() if one.ended]:
            del self._kept[recital.key]

    async def _make(self, recital: Recital, source: AsyncGenerator[Spoken]) -> None:
        """The task of one; what it raises belongs to those who listen."""
        try:
            async with aclosing(source) as pieces:
                async for piece in pieces:
                    recital.add(piece)
        except Exception as error:  # noqa: BLE001 - those who listen raise it
            log.info("A text that was asked for by HTTP could not be spoken: %s", without_words(error))
            recital.end(error)
        else:
            recital.end(None)

    def _ended(self, recital: Recital) -> None:
        """Its task is over, perhaps before it began."""
        if not recital.ended:
            recital.end(ProviderError("The voice was stopped."))
        self._going_on.discard(recital)
        self._make_room()

    def _make_room(self) -> None:
        """Forget those that were fetched longest ago until the rest fits; the newest one always stays."""
        while len(self._kept) > 1 and sum(one.size_bytes for one in self._kept.values()) > self._most_bytes:
            _, gone = self._kept.popitem(last=False)
            gone.stop()
