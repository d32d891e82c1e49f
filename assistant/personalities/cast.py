"""Who may speak, and who is active: what the conversation asks at the start of each turn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from assistant.personalities.built_in import built_in_personalities
from assistant.personalities.errors import PersonalityError
from assistant.personalities.lookup import find
from assistant.personalities.rows import Stored
from assistant.personalities.store import PersonalityStore
from assistant.storage.database import Database
from assistant.storage.errors import StorageError
from pipeline.speech import Personality

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
"""Seconds between two looks at whether the database has changed."""

RETRY_AFTER_LOOKS = 60
"""Looks from a write that failed to the next attempt: half a minute."""


class Cast:
    """The personalities as they were last read. Asking costs nothing and never fails.

    Where they cannot be read, the built-in ones serve, so that the daemon keeps talking.
    """

    def __init__(
        self, database: Database | None, tenant: str, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._database = database
        self._store = PersonalityStore(database, tenant) if database is not None else None
        self._sleep = sleep
        self.everyone: tuple[Personality, ...] = built_in_personalities(tenant)
        """All personalities of this shop."""
        self.active = self.everyone[0]
        """Who speaks."""
        self._switches = -1
        """Number of the last switch that is known here."""
        self._unwritten = ""
        """Id of whom a wake word switched to, until that is written."""
        self._version = -1
        self._made_first = False
        self._pause = 0
        """Looks until the next attempt to write after one that failed."""
        self._told: set[str] = set()
        """What was logged already."""
        self._switched: Callable[[Personality], None] = lambda _: None

    async def __aenter__(self) -> Self:
        """Read them; the first time, create the first three. Whatever fails is logged."""
        if self._store is None:
            return self  # whoever could not open the database has said so
        await self._make_first()
        try:
            await self._look()
        except StorageError as error:
            self._complain(f"The personalities cannot be read, the built-in ones serve: {error}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the last switch."""
        await self._write_switch()

    def personality_for(self, wake_word: str) -> Personality:
        """Who answers a wake word: the one it belongs to, who becomes active by that; else the active one."""
        owners = [one for one in self.everyone if one.wake_word and one.wake_word == wake_word]
        if owners and self.active not in owners:
            self.active = owners[0]
            self._unwritten = self.active.id
        return self.active

    def named(self, name: str) -> Personality:
        """The personality of that id or name. Raises ``PersonalityMissing`` with the known names."""
        return find(self.everyone, name)

    async def watch(self, switched: Callable[[Personality], None]) -> None:
        """Notice for ever what other processes change; ``switched`` is told of a switch that takes effect at once."""
        self._switched = switched
        while True:
            await self._sleep(LOOK_EVERY_S)
            self._pause = max(0, self._pause - 1)
            if not self._pause:
                await self._make_first()
                await self._write_switch()
            await self.refresh()

    async def refresh(self) -> None:
        """Notice what was changed up to now: who has just changed something and asks for it must not get what was."""
        before = self.active
        try:
            at_once = await self._look()
        except StorageError as error:
            self._complain(f"The personalities cannot be read again, those known already serve: {error}")
            return
        if at_once and self.active.id != before.id:
            self._switched(self.active)

    async def _make_first(self) -> None:
        if self._store is None or self._made_first:
            return
        try:
            await self._store.first()
        except StorageError as error:
            log.debug("The first personalities cannot be made: %s", error)  # what lacks is seen when they are read
            self._pause = RETRY_AFTER_LOOKS
        else:
            self._made_first = True

    async def _look(self) -> bool:
        """Read them all; whether the active one was switched meanwhile, to take effect at once."""
        if self._database is None or self._store is None:
            return False
        version = await self._database.version()  # before reading: a change in between is seen the next time
        if version == self._version:
            return False
        stored, switches, at_once = await self._store.state()
        self._version = version
        if not stored:
            self._complain("The database holds no personality of this shop; the built-in ones, or those known, serve.")
            return False
        self._tell_problems(stored)
        is_new = switches != self._switches
        self._switches = switches
        if is_new and self._pause:
            self._unwritten = ""  # that could not be written, and now somebody else has switched
        self.everyone = tuple(one.document.personality() for one in stored)
        by_id = {one.id: one for one in self.everyone}
        active = next(one.document.id for one in stored if one.active)
        if (self._unwritten or not is_new) and self.active.id in by_id:
            active = self.active.id  # nobody switched, or a customer's wake word did so later
        self.active = by_id[active]
        return is_new and at_once and not self._unwritten

    async def _write_switch(self) -> None:
        """Write down whom a wake word switched to."""
        who = self._unwritten
        if not who or self._store is None:
            return
        try:
            _, self._switches = await self._store.use(who)
        except PersonalityError:
            log.warning("The personality that a wake word switched to was removed meanwhile.")
        except StorageError as error:
            self._complain(f"The switch to {self.active.name} cannot be written, a restart would forget it: {error}")
            self._pause = RETRY_AFTER_LOOKS
            return
        if self._unwritten == who:  # else another wake word was heard meanwhile
            self._unwritten = ""

    def _tell_problems(self, stored: list[Stored]) -> None:
        for one in stored:
            if one.problems:
                self._complain(
                    f"The personality {one.document.name} ({one.document.id}) has mistakes; it speaks with the "
                    f"defaults in their place: {'; '.join(one.problems)}. Mend it: assistant personality show, set"
                )

    def _complain(self, text: str) -> None:
        """Once: the next look would find the same."""
        if text not in self._told:
            self._told.add(text)
            log.error("%s", text)
