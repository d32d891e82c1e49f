"""Who answers: from memory, at once, whatever happens to the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from assistant.personalities.cast import RETRY_AFTER_LOOKS, Cast
from assistant.personalities.editing import apply, changes
from assistant.personalities.errors import PersonalityMissing
from assistant.personalities.store import PersonalityStore
from assistant.storage.database import Database
from assistant.storage.errors import StorageFull, StorageNewer
from pipeline.speech import Personality
from tests.assistant.personalities.conftest import by_hand

pytestmark = pytest.mark.unit


class Looks:
    """A sleep that ends when the test says so."""

    def __init__(self) -> None:
        self._go = asyncio.Semaphore(0)
        self._asleep = asyncio.Event()

    async def sleep(self, _: float) -> None:
        self._asleep.set()
        await self._go.acquire()
        self._asleep.clear()

    async def one(self) -> None:
        """Have the cast look once."""
        await self._asleep.wait()
        self._asleep.clear()
        self._go.release()
        await self._asleep.wait()


class Watched:
    """A cast as the daemon has it."""

    def __init__(self, cast: Cast, looks: Looks) -> None:
        self.cast = cast
        self.look = looks.one
        self.switched: list[str] = []

    def on_switch(self, personality: Personality) -> None:
        self.switched.append(personality.name)


@asynccontextmanager
async def watched(database: Database | None) -> AsyncIterator[Watched]:
    looks = Looks()
    async with Cast(database, "default", looks.sleep) as cast, asyncio.TaskGroup() as group:
        one = Watched(cast, looks)
        task = group.create_task(cast.watch(one.on_switch), name="watch")
        try:
            yield one
        finally:
            task.cancel()


@pytest.fixture
async def elsewhere(file: Path, store: PersonalityStore) -> AsyncIterator[PersonalityStore]:
    """As the command line has it: another process, as far as SQLite can tell."""
    async with Database(file) as database:
        yield PersonalityStore(database, "default")


async def edit(store: PersonalityStore, who: str, *assignments: str) -> None:
    wanted = changes(assignments)
    await store.change(who, lambda raw: apply(wanted, raw))


async def active_name(store: PersonalityStore) -> str:
    one = await store.active()
    assert one is not None
    return one.document.name


async def test_first_start(database: Database) -> None:
    async with Cast(database, "default") as cast:
        assert [one.name for one in cast.everyone] == ["Robin", "Mr Whitmore", "Lucía"]
        assert cast.active.name == "Robin"
        assert all(one.id for one in cast.everyone)
        assert cast.personality_for("hey_jarvis") is cast.active


async def test_without_a_database_the_built_in_ones_serve() -> None:
    async with watched(None) as one:
        assert [who.name for who in one.cast.everyone] == ["Robin", "Mr Whitmore", "Lucía"]
        assert one.cast.personality_for("alexa").name == "Robin"
        assert one.cast.named("lucía").language == "es"
        await one.look()
        await one.look()


async def test_named(database: Database) -> None:
    async with Cast(database, "default") as cast:
        assert cast.named("LUCÍA").name == "Lucía"
        assert cast.named(cast.everyone[1].id[:6]).name == "Mr Whitmore"
        with pytest.raises(PersonalityMissing, match=r"Did you mean 'Robin'\? Known are: Robin"):
            cast.named("Robbin")


async def test_a_wake_word_switches_and_that_survives(
    database: Database, store: PersonalityStore, elsewhere: PersonalityStore
) -> None:
    await edit(store, "Lucía", "wake_word=alexa")
    async with watched(database) as one:
        assert one.cast.personality_for("hey_jarvis").name == "Robin"
        assert one.cast.personality_for("alexa").name == "Lucía"
        assert one.cast.active.name == "Lucía"
        assert one.cast.personality_for("hey_jarvis").name == "Lucía"
        await one.look()
        assert await active_name(elsewhere) == "Lucía"
        await one.look()
        assert one.cast.active.name == "Lucía"
        assert one.switched == []
    async with Cast(database, "default") as cast:
        assert cast.active.name == "Lucía"


async def test_a_switch_just_before_the_end_is_written(database: Database, store: PersonalityStore) -> None:
    await edit(store, "Lucía", "wake_word=alexa")
    async with Cast(database, "default") as cast:
        cast.personality_for("alexa")
    assert await active_name(store) == "Lucía"


async def test_what_others_change_counts_from_the_next_look(
    database: Database, store: PersonalityStore, elsewhere: PersonalityStore
) -> None:
    async with watched(database) as one:
        await edit(elsewhere, "Robin", "voice_config.settings.speed=1.3", "greeting=Hello")
        await elsewhere.add({"name": "Ada"})
        await one.look()
        assert (one.cast.active.voice.settings.speed, one.cast.active.greeting) == (1.3, "Hello")
        assert one.cast.everyone[-1].name == "Ada"
        await elsewhere.use("Ada")
        assert one.cast.active.name == "Robin"
        await one.look()
        assert one.cast.active.name == "Ada"
        assert one.switched == []
        await elsewhere.use("Lucía", at_once=True)
        await one.look()
        assert one.cast.active.name == "Lucía"
        await one.look()
        assert one.switched == ["Lucía"]
        await edit(elsewhere, "Lucía", "greeting=Buenas")
        await one.look()
        assert one.switched == ["Lucía"]
        await elsewhere.use("Robin")
        await elsewhere.remove("Lucía")
        await one.look()
        assert (one.cast.active.name, one.switched) == ("Robin", ["Lucía"])


async def test_a_wake_word_of_the_last_half_second_is_not_undone(
    database: Database, store: PersonalityStore, elsewhere: PersonalityStore
) -> None:
    await edit(store, "Lucía", "wake_word=alexa")
    async with watched(database) as one:
        await one.look()
        await elsewhere.use("Mr Whitmore", at_once=True)
        one.cast.personality_for("alexa")
        await one.look()
        assert one.cast.active.name == "Lucía"
        assert await active_name(elsewhere) == "Lucía"
        await elsewhere.use("Mr Whitmore", at_once=True)
        await one.look()
        assert (one.cast.active.name, one.switched) == ("Mr Whitmore", ["Mr Whitmore"])


async def test_a_wake_word_heard_while_it_looks(
    database: Database, store: PersonalityStore, elsewhere: PersonalityStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await edit(store, "Lucía", "wake_word=alexa")
    async with watched(database) as one:
        await elsewhere.use("Mr Whitmore", at_once=True)
        version = database.version

        async def heard_meanwhile() -> int:
            one.cast.personality_for("alexa")
            return await version()

        with monkeypatch.context() as patch:
            patch.setattr(database, "version", heard_meanwhile)
            await one.look()
        assert (one.cast.active.name, one.switched) == ("Lucía", [])
        await one.look()
        assert await active_name(elsewhere) == "Lucía"


async def test_nothing_is_read_while_nothing_changes(
    file: Path, database: Database, store: PersonalityStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    state = PersonalityStore.state

    async def counted(self: PersonalityStore) -> object:
        nonlocal reads
        reads += 1
        return await state(self)

    monkeypatch.setattr(PersonalityStore, "state", counted)
    async with watched(database) as one:
        for _ in range(5):
            await one.look()
        assert reads == 1
        by_hand(file, "UPDATE ai_personalities SET greeting = ''")
        await one.look()
        await one.look()
        assert reads == 2


async def test_the_one_a_wake_word_switched_to_is_removed(
    database: Database, store: PersonalityStore, elsewhere: PersonalityStore
) -> None:
    await edit(store, "Lucía", "wake_word=alexa")
    async with watched(database) as one:
        await elsewhere.remove("Lucía")
        assert one.cast.personality_for("alexa").name == "Lucía"
        await one.look()
        assert one.cast.active.name == "Robin"


async def test_full_disk(
    database: Database, store: PersonalityStore, elsewhere: PersonalityStore, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    await edit(store, "Lucía", "wake_word=alexa")
    tries = 0

    async def full(_: object) -> None:
        nonlocal tries
        tries += 1
        raise StorageFull("The disk is full.")

    async with watched(database) as one:
        await one.look()
        with monkeypatch.context() as patch:
            patch.setattr(database, "write", full)
            assert one.cast.personality_for("alexa").name == "Lucía"
            for _ in range(RETRY_AFTER_LOOKS // 2):
                await one.look()
            assert one.cast.active.name == "Lucía"
            assert tries == 1
            assert len([record for record in caplog.records if "cannot be written" in record.message]) == 1
            await elsewhere.use("Mr Whitmore")  # whoever can write is obeyed
            await one.look()
            assert one.cast.active.name == "Mr Whitmore"
            one.cast.personality_for("alexa")
        for _ in range(RETRY_AFTER_LOOKS):
            await one.look()
        assert await active_name(elsewhere) == "Lucía"


async def test_read_only_database(file: Path, store: PersonalityStore, caplog: pytest.LogCaptureFixture) -> None:
    await edit(store, "Lucía", "wake_word=alexa", "greeting=Buenas")
    async with Database(file) as database:
        database.problem = StorageNewer("A newer version made it.")
        async with watched(database) as one:
            assert one.cast.personality_for("alexa").greeting == "Buenas"
            await one.look()
            assert one.cast.active.name == "Lucía"
        assert any("a restart would forget it" in record.message for record in caplog.records)
    assert await active_name(store) == "Robin"


async def test_mistakes_by_hand_cost_their_own_value_only(
    file: Path, database: Database, store: PersonalityStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    wrong = '{"settings": {"speed": 1.5, "sped": 2}, "provider": "pipr"}'
    async with watched(database) as one:
        by_hand(file, "UPDATE ai_personalities SET voice_config = ? WHERE name = 'Robin'", wrong)
        for _ in range(3):
            await one.look()
            by_hand(file, "UPDATE ai_personalities SET greeting = greeting || '!' WHERE name = 'Lucía'")
        assert (one.cast.active.voice.settings.speed, one.cast.active.voice.provider) == (1.5, "piper")
        by_hand(file, "UPDATE ai_personalities SET voice_config = 'nonsense' WHERE name = 'Robin'")
        await one.look()
        assert one.cast.active.voice.settings.speed == 1.0
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert "did you mean 'piper'" in told[0]
    assert "is not valid JSON" in told[1]
    assert by_hand(file, "SELECT voice_config FROM ai_personalities WHERE name = 'Robin'") == [("nonsense",)]


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM ai_personalities",
        "DROP TABLE ai_personalities",
        "UPDATE ai_personalities SET name = CAST(x'ff' AS TEXT) WHERE name = 'Lucía'",
    ],
)
async def test_rows_that_vanish_silence_nobody(
    file: Path, database: Database, store: PersonalityStore, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    async with watched(database) as one:
        by_hand(file, damage)
        await one.look()
        await one.look()
        assert one.cast.active.name == "Robin"
        assert one.cast.personality_for("hey_jarvis").name == "Robin"
        assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1
    async with Database(file) as again, Cast(again, "default") as cast:
        assert cast.active.name == "Robin"


async def test_a_wake_word_that_two_personalities_have_by_hand(
    file: Path, database: Database, store: PersonalityStore
) -> None:
    by_hand(file, "UPDATE ai_personalities SET wake_word = 'alexa'")
    async with Cast(database, "default") as cast:
        assert cast.personality_for("alexa").name == "Robin"
        cast.active = cast.named("Lucía")
        assert cast.personality_for("alexa").name == "Lucía"
