"""``assistant check`` on what cloud voices have spent."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.checking.finding import Finding, State
from assistant.checking.quota import quota
from assistant.checking.storage import stored
from assistant.quota import CloudQuota
from tests.assistant.checking.conftest import Shop

pytestmark = pytest.mark.unit

CLOUD = {"use": ["piper", "google_tts"], "google_tts": {"free_characters": 1000}}


async def finding(shop: Shop, **document: Any) -> Finding:
    app = shop.app(**document)
    async with stored(app) as database:
        return await quota(app, database)


async def spend(shop: Shop, voice_class: str, characters: int) -> None:
    async with shop.database() as database:
        await CloudQuota(database).reserve("google_tts", voice_class, characters, 1_000_000)


async def test_without_a_cloud_voice_nothing_is_counted(shop: Shop) -> None:
    found = await finding(shop)
    assert (found.state, found.reason, found.rows) == (State.WORKS, "no voice in use is counted", ())


async def test_before_anything_was_said(shop: Shop) -> None:
    found = await finding(shop, tts=CLOUD)
    assert found.state is State.WORKS
    assert found.reason.startswith("google_tts: 0 of 1000 characters in ")


@pytest.mark.parametrize(("characters", "state"), [(799, State.WORKS), (800, State.WARNS), (1000, State.WARNS)])
async def test_from_80_percent_it_warns(shop: Shop, characters: int, state: State) -> None:
    await spend(shop, "neural2", characters)
    found = await finding(shop, tts=CLOUD)
    assert found.state is state
    assert f"google_tts neural2: {characters} of 1000 characters" in found.reason
    assert bool(found.remedy) is (state is State.WARNS)


async def test_each_class_has_its_own_limit(shop: Shop) -> None:
    await spend(shop, "standard", 100)
    await spend(shop, "studio", 50)
    limits = {"free_characters": 1000, "free_characters_by_class": {"studio": 60}}
    found = await finding(shop, tts={**CLOUD, "google_tts": limits})
    assert [(row["voice_class"], row["characters"], row["limit"], row["share"]) for row in found.rows] == [
        ("standard", 100, 1000, 0.1),
        ("studio", 50, 60, 0.8333),
    ]
    assert found.state is State.WARNS


async def test_nothing_allowed_is_used_up(shop: Shop) -> None:
    found = await finding(shop, tts={**CLOUD, "google_tts": {"free_characters": 0}})
    assert (found.state, found.rows[0]["share"]) == (State.WARNS, 1.0)


async def test_what_cannot_be_counted_is_not_used(shop: Shop) -> None:
    shop.file.parent.mkdir()
    shop.file.write_bytes(b"no database" * 1000)
    found = await finding(shop, tts=CLOUD)
    assert found.state is State.WARNS
    assert "cannot be counted" in found.reason
