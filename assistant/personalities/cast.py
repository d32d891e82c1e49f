"""Who may speak, and who is active: what the conversation asks at the start of each turn."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from assistant.storage.database import Database
from pipeline.speech import Personality


class Cast:
    """The personalities as they were last read. Asking costs nothing and never fails.

    Where they cannot be read, the built-in ones serve, so that the daemon keeps talking.
    """

    def __init__(self, database: Database | None, tenant: str) -> None:
        self._database = database
        self._tenant = tenant
        self.active = Personality("Robin")
        """Who speaks."""
        self.everyone: tuple[Personality, ...] = (self.active,)
        """All personalities of this shop."""

    async def __aenter__(self) -> Self:
        """Read them; the first time, create the first three."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the last switch."""

    def personality_for(self, wake_word: str) -> Personality:
        """Who answers a wake word: the one it belongs to, who becomes active by that; else the active one."""
        return self.active

    def named(self, name: str) -> Personality:
        """The personality of that id or name. Raises ``SettingsError`` with the known names."""
        return self.active

    async def watch(self, switched: Callable[[Personality], None]) -> None:
        """Notice for ever what other processes change; ``switched`` is told of a switch that takes effect at once."""
