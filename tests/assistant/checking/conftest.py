"""An app on a folder of its own, with the bundled voice and the pieces of ``assistant check``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assistant import settings
from assistant.app import App
from assistant.checking import parts
from assistant.checking.finding import Finding
from assistant.checking.personalities import personalities
from assistant.checking.storage import stored
from assistant.personalities.store import PersonalityStore
from assistant.storage.database import Database
from pipeline.protocols import Capabilities
from tests.conftest import ROOT


@dataclass
class Shop:
    """One installation."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "data" / "assistant.db"

    def app(self, **document: Any) -> App:
        models = {"folder": str(document.pop("models", ROOT / "models"))}
        return App(settings.parse({"models": models, **document}, "here"), self.folder)

    def database(self) -> Database:
        return Database(self.file)

    async def change(self, who: str, **values: object) -> None:
        """Change a personality of the database, which is made where there is none."""
        async with self.database() as database:
            store = PersonalityStore(database, "default")
            await store.first()
            await store.change(who, lambda document: document | values)

    async def by_hand(self, query: str, *values: object) -> None:
        """Change the database as somebody does who knows SQL."""
        async with self.database() as database:
            await PersonalityStore(database, "default").first()
            await database.write(lambda db: db.execute(query, values) and None)

    async def told(self, app: App, *, understood: frozenset[str] = frozenset({"en"})) -> dict[str, Finding]:
        """What ``assistant check`` says about the personalities, where a recogniser knows these languages."""
        seen = parts.Seen(recognisers=[Capabilities("ears", understood)])
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(stored(app))
            voices = await parts.voices(app, stack, seen)
            found = await personalities(app, database, voices, seen)
            return {one.part: one for one in [*found, *voices.findings, database.finding]}


Told = Callable[..., Awaitable[dict[str, Finding]]]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)
