"""Personalities in a real database, also with several processes at once."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assistant.personalities.editing import apply, changes
from assistant.personalities.errors import PersonalityConflict, PersonalityInvalid, PersonalityMissing
from assistant.personalities.store import PersonalityStore
from assistant.storage.database import Database
from assistant.storage.errors import StorageNewer
from tests.assistant.personalities.conftest import by_hand
from tests.conftest import ROOT

pytestmark = pytest.mark.unit


async def names(store: PersonalityStore) -> list[str]:
    return [one.document.name for one in await store.everyone()]


async def edit(store: PersonalityStore, who: str, *assignments: str) -> Any:
    wanted = changes(assignments)
    return await store.change(who, lambda raw: apply(wanted, raw))


async def test_first_start_makes_three_that_differ(store: PersonalityStore) -> None:
    everyone = await store.everyone()
    assert [one.document.language for one in everyone] == ["en", "en", "es"]
    assert [one.active for one in everyone] == [True, False, False]
    assert not any(one.problems for one in everyone)
    assert all(one.document.greeting and one.document.system_prompt for one in everyone)
    friendly, formal, _ = everyone
    assert friendly.document.voice_config != formal.document.voice_config
    assert len({one.document.id for one in everyone}) == 3


async def test_second_start_changes_nothing(file: Path, store: PersonalityStore) -> None:
    await store.use("Lucía")
    await store.remove("Robin")
    before = await store.everyone()
    async with Database(file) as other:
        again = PersonalityStore(other, "default")
        await again.first()
        assert await again.everyone() == before
        active = await again.active()
        assert active is not None
        assert active.document.name == "Lucía"


async def test_a_shop_does_not_see_another_one(database: Database, store: PersonalityStore) -> None:
    north = PersonalityStore(database, "north")
    assert await north.everyone() == []
    assert await north.active() is None
    await north.first()
    await north.use("Lucía")
    await edit(north, "Robin", "greeting=Up north")
    await north.remove("Mr Whitmore")
    assert await names(store) == ["Robin", "Mr Whitmore", "Lucía"]
    ours = await store.get("Robin")
    assert (ours.active, ours.document.tenant) == (True, "default")
    assert ours.document.greeting != "Up north"
    theirs = (await north.get("Robin")).document.id
    for work in (store.get(theirs), store.use(theirs), store.remove(theirs), edit(store, theirs, "greeting=x")):
        with pytest.raises(PersonalityMissing):
            await work


async def test_found_by_id_beginning_of_id_and_name(store: PersonalityStore) -> None:
    lucia = (await store.everyone())[2].document
    for wanted in (lucia.id, lucia.id[:6], lucia.id[:8].upper(), "Lucía", "LUCÍA", " luci\u0301a "):
        assert (await store.get(wanted)).document == lucia
    for wanted in ("", lucia.id[:3], "Lucia", "%", "_ucía", "' OR 1=1 --", "x" * 1_000_000, "\x00"):
        with pytest.raises(PersonalityMissing) as raised:
            await store.get(wanted)
        assert len(str(raised.value)) < 400
    with pytest.raises(PersonalityMissing, match="Did you mean 'Lucía'"):
        await store.get("Lucia")


@pytest.mark.parametrize(
    "name", ["'; DROP TABLE ai_personalities; --", "../../etc/passwd", "🦜", "%s {0} \\", "NULL", "-f", 'a"b']
)
async def test_strange_names_come_back(store: PersonalityStore, name: str) -> None:
    new = await store.add({"name": name})
    assert (await store.get(name)).document == new.document
    assert (await edit(store, name, "greeting=Hi")).document.greeting == "Hi"
    assert (await store.remove(name)).document.name == name
    assert await names(store) == ["Robin", "Mr Whitmore", "Lucía"]


@pytest.mark.parametrize("name", ["robin", "ROBIN", "LUCÍA", "Luci\u0301a", "  Robin "])
async def test_names_are_unique_whatever_their_capitals(store: PersonalityStore, name: str) -> None:
    with pytest.raises(PersonalityConflict):
        await store.add({"name": name})
    with pytest.raises(PersonalityConflict):
        await edit(store, "Mr Whitmore", f"name={name}")
    assert await names(store) == ["Robin", "Mr Whitmore", "Lucía"]


async def test_own_name_can_change_its_capitals(store: PersonalityStore) -> None:
    assert (await edit(store, "Robin", "name=ROBIN")).document.name == "ROBIN"


async def test_a_wake_word_belongs_to_one(store: PersonalityStore) -> None:
    await edit(store, "Lucía", "wake_word=alexa")
    with pytest.raises(PersonalityConflict, match="belongs to 'Lucía'"):
        await edit(store, "Robin", "wake_word=alexa")
    await edit(store, "Lucía", "wake_word=null")
    assert (await edit(store, "Robin", "wake_word=alexa")).document.wake_word == "alexa"


async def test_several_assignments_are_all_or_nothing(store: PersonalityStore) -> None:
    before = await store.everyone()
    with pytest.raises(PersonalityInvalid) as raised:
        await edit(store, "Robin", "greeting=Hello", "voice_config.settings.speed=9", "voice_config.provider=pipr")
    assert "speed" in str(raised.value)
    assert "did you mean 'piper'" in str(raised.value)
    assert await store.everyone() == before


async def test_neither_the_active_one_nor_the_last_one_can_go(store: PersonalityStore) -> None:
    with pytest.raises(PersonalityConflict, match="active"):
        await store.remove("Robin")
    await store.remove("Lucía")
    await store.remove("Mr Whitmore")
    with pytest.raises(PersonalityConflict, match="only"):
        await store.remove("Robin")
    assert await names(store) == ["Robin"]


async def test_what_the_program_writes_cannot_be_given(store: PersonalityStore) -> None:
    before = await store.get("Robin")
    forged = {"id": "1", "tenant": "x", "created_at": "2000-01-01T00:00:00Z", "greeting": "Hi"}
    after = await store.change("Robin", lambda raw: {**raw, **forged})
    assert after.document.greeting == "Hi"
    assert (after.document.id, after.document.tenant) == (before.document.id, "default")
    assert after.document.created_at == before.document.created_at
    assert after.document.updated_at > before.document.updated_at


STATS = {"total_generations": 41, "total_seconds": 98.5, "average_latency_ms": 12.25, "cache_hit_rate": 0.5}


def count(file: Path, who: str) -> None:
    """As the statistics are written: in the column, by another connection."""
    sql = "UPDATE ai_personalities SET voice_config = json_set(voice_config, '$.stats', json(?)) WHERE name = ?"
    by_hand(file, sql, json.dumps(STATS), who)


@pytest.mark.parametrize(
    "assignments",
    [
        ("greeting=Hi",),
        ("voice_config.settings.speed=1.1",),
        ("voice_config=null",),
        ("voice_config={provider: piper}",),
    ],
)
async def test_no_edit_touches_what_was_counted(file: Path, store: PersonalityStore, assignments: tuple[str]) -> None:
    count(file, "Robin")
    found = await edit(store, "Robin", *assignments)
    assert found.document.voice_config.stats.model_dump() == STATS
    forged = {"voice_config": {"stats": {"total_generations": 0}}}
    assert (
        await store.change("Robin", lambda raw: {**raw, **forged})
    ).document.voice_config.stats.total_generations == 41


async def test_counting_and_editing_at_once_lose_nothing(file: Path, store: PersonalityStore) -> None:
    sql = "UPDATE ai_personalities SET voice_config = json_set(voice_config, '$.stats.total_generations', " \
          "json_extract(voice_config, '$.stats.total_generations') + 1) WHERE name = 'Robin'"  # fmt: skip
    async with Database(file) as counting:
        for number in range(40):
            await asyncio.gather(
                counting.write(lambda db: db.execute(sql)),
                edit(store, "Robin", f"voice_config.settings.top_k={number + 1}"),
            )
    found = (await store.get("Robin")).document.voice_config
    assert (found.stats.total_generations, found.settings.top_k) == (40, 40)


async def test_mistakes_made_by_hand_stay_until_they_are_mended(file: Path, store: PersonalityStore) -> None:
    wrong = '{"provider": "piper", "settings": {"speed": 1.5, "sped": 3}, "stats": {"total_generations": 3}}'
    by_hand(file, "UPDATE ai_personalities SET voice_config = ? WHERE name = 'Robin'", wrong)
    found = await store.get("Robin")
    assert found.document.voice_config.settings.speed == 1.5
    assert len(found.problems) == 1
    await store.use("Lucía")
    await edit(store, "Robin", "greeting=Hi")
    assert by_hand(file, "SELECT voice_config FROM ai_personalities WHERE name = 'Robin'") == [(wrong,)]
    with pytest.raises(PersonalityInvalid, match="did you mean 'speed'"):
        await edit(store, "Robin", "voice_config.settings.top_k=5")
    mended = await edit(store, "Robin", "voice_config.settings.top_k=5", "voice_config.settings.sped=null")
    assert mended.problems == ()
    assert (mended.document.voice_config.settings.speed, mended.document.voice_config.settings.top_k) == (1.5, 5)
    assert mended.document.voice_config.stats.total_generations == 3


async def test_note_of_the_active_one_may_be_lost(file: Path, store: PersonalityStore) -> None:
    by_hand(file, "UPDATE active_personality SET personality_id = 'nobody'")
    assert [one.active for one in await store.everyone()] == [True, False, False]
    by_hand(file, "DELETE FROM active_personality")
    await store.first()
    assert [one.active for one in await store.everyone()] == [True, False, False]


async def test_switches_are_counted(store: PersonalityStore) -> None:
    _, first, at_once = await store.state()
    assert not at_once
    used, second = await store.use("Lucía", at_once=True)
    assert (used.document.name, used.active, second) == ("Lucía", True, first + 1)
    assert (await store.state())[1:] == (second, True)
    await store.use("Robin")
    assert (await store.state())[1:] == (second + 1, False)


async def test_import_is_all_or_nothing(store: PersonalityStore) -> None:
    before = await store.everyone()
    for bad in ({"name": "New", "speed": 1}, {"name": "robin"}, {"name": "Newer"}):
        with pytest.raises((PersonalityInvalid, PersonalityConflict)):
            await store.put_all([{"name": "Newer"}, bad], replace=False)
        assert await store.everyone() == before


async def test_replacing_keeps_id_sample_and_counts(file: Path, store: PersonalityStore) -> None:
    await edit(store, "Robin", "voice_config.mode=custom", "voice_config.voice_sample_url=samples/a.wav",
               "voice_config.voice_sample_duration=10", "system_prompt=Old")  # fmt: skip
    count(file, "Robin")
    before = (await store.get("Robin")).document
    voice = {"settings": {"speed": 1.2}, "stats": {"total_generations": 1}}
    ((found, is_new),) = await store.put_all([{"name": "ROBIN", "voice_config": voice}], replace=True)
    assert not is_new
    after = found.document
    assert (after.id, after.name, after.system_prompt) == (before.id, "ROBIN", "")
    assert (after.voice_config.voice_sample_url, after.voice_config.settings.speed) == ("samples/a.wav", 1.2)
    assert after.voice_config.stats.model_dump() == STATS


async def test_a_given_id_must_be_one_and_be_free(database: Database, store: PersonalityStore) -> None:
    robin = (await store.get("Robin")).document.id
    for wrong in ("1", "../x", robin):
        with pytest.raises((PersonalityInvalid, PersonalityConflict)):
            await store.add({"name": "New", "id": wrong})
    with pytest.raises(PersonalityConflict):
        await PersonalityStore(database, "north").add({"name": "New", "id": robin})


async def test_there_is_an_end_to_them(store: PersonalityStore) -> None:
    await store.put_all([{"name": f"Number {number}"} for number in range(97)], replace=False)
    with pytest.raises(PersonalityConflict, match="100"):
        await store.add({"name": "One more"})


async def test_read_only_database_is_read(file: Path) -> None:
    async with Database(file) as database:
        await PersonalityStore(database, "default").first()
    async with Database(file) as database:
        database.problem = StorageNewer("A newer version made it.")
        store = PersonalityStore(database, "default")
        assert len(await store.everyone()) == 3
        for work in (store.first(), store.use("Lucía"), edit(store, "Robin", "greeting=x"), store.remove("Lucía")):
            with pytest.raises(StorageNewer):
                await work


WRITER = """
import asyncio, sys
from pathlib import Path
from assistant.personalities.editing import apply, changes
from assistant.personalities.store import PersonalityStore
from assistant.storage.database import Database

async def main(file, who):
    async with Database(Path(file)) as database:
        store = PersonalityStore(database, "default")
        await store.first()
        for number in range(20):
            await store.add({"name": f"{who} {number}"})
            wanted = changes([f"voice_config.settings.{who}={number + 1}"])
            await store.change("Robin", lambda raw: apply(wanted, raw))

asyncio.run(main(*sys.argv[1:]))
"""


def test_two_processes_at_once_lose_nothing(file: Path) -> None:
    """Both begin on a database that is not there yet, make the first three, and edit different keys of one column."""
    command = [sys.executable, "-c", WRITER, str(file)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    both = [
        subprocess.Popen([*command, key], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        for key in ("top_k", "repetition_penalty")
    ]
    for process in both:
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told

    async def look() -> list[Any]:
        async with Database(file) as database:
            return await PersonalityStore(database, "default").everyone()

    everyone = asyncio.run(look())
    assert len(everyone) == 3 + 2 * 20
    assert [one.document.name for one in everyone if one.active] == ["Robin"]
    robin = next(one.document.voice_config.settings for one in everyone if one.document.name == "Robin")
    assert (robin.top_k, robin.repetition_penalty) == (20, 20)
