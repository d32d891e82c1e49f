"""A real database in a folder of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assistant.personalities.store import PersonalityStore
from assistant.storage.database import Database


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "assistant.db"


@pytest.fixture
async def database(file: Path) -> AsyncIterator[Database]:
    async with Database(file) as database:
        yield database


@pytest.fixture
async def store(database: Database) -> PersonalityStore:
    store = PersonalityStore(database, "default")
    await store.first()
    return store


def by_hand(file: Path, sql: str, *values: object) -> list[tuple]:
    """What somebody does to the database with another program."""
    connection = sqlite3.connect(file, timeout=10)
    try:
        with connection:
            return connection.execute(sql, values).fetchall()
    finally:
        connection.close()
