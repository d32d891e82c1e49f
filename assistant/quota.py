"""How much of a cloud voice was used this month, in the database: a crash never makes it spend twice."""

from __future__ import annotations

from assistant.storage.database import Database


class CloudQuota:
    """A ``CharacterQuota``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, provider: str, voice_class: str, characters: int, limit: int) -> None:
        """Count characters as spent. Raises ``QuotaExceeded``."""

    async def give_back(self, provider: str, voice_class: str, characters: int) -> None:
        """The call was certainly not billed."""
