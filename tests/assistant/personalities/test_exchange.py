"""Personalities as a file."""

from __future__ import annotations

import pytest

from assistant.personalities.errors import PersonalityConflict, PersonalityInvalid
from assistant.personalities.exchange import exported, imported
from assistant.personalities.store import PersonalityStore
from assistant.storage.database import Database

pytestmark = pytest.mark.unit


async def test_there_and_back(database: Database, store: PersonalityStore) -> None:
    await store.add({"name": "🦜: no", "language": "no", "system_prompt": "One\n  two: #three\n", "greeting": "'\"{"})
    text = exported(await store.everyone(), full=False)
    assert text.startswith("# ")
    for private in ("stats", "uploaded_at", "created_at", "tenant", "id:", "voice_sample"):
        assert private not in text.replace("voice_id:", "")
    north = PersonalityStore(database, "north")
    put = await north.put_all(imported(text.encode(), "f"), replace=False)
    assert all(is_new for _, is_new in put)
    same = {"id", "tenant", "created_at", "updated_at"}
    ours, theirs = await store.everyone(), await north.everyone()
    assert [one.document.model_dump(exclude=same) for one in ours] == [
        one.document.model_dump(exclude=same) for one in theirs
    ]
    assert not {one.document.id for one in ours} & {one.document.id for one in theirs}


async def test_whole_copy_has_ids_and_counts(store: PersonalityStore) -> None:
    text = exported([await store.get("Robin")], full=True)
    (document,) = imported(text.encode(), "f")
    robin = (await store.get("Robin")).document
    assert document["id"] == robin.id
    assert document["voice_config"]["stats"]["total_generations"] == 0
    with pytest.raises(PersonalityConflict, match="--replace"):
        await store.put_all([document], replace=False)
    ((again, is_new),) = await store.put_all([document], replace=True)
    assert not is_new
    assert again.document.model_copy(update={"updated_at": robin.updated_at}) == robin


@pytest.mark.parametrize(
    "text",
    ["personalities:\n- name: A", "- name: A", "name: A", "\ufeffname: A\n", "name: A\nvoice_config:\nlanguages:"],
)
def test_forms_of_a_file(text: str) -> None:
    assert [one["name"] for one in imported(text.encode(), "f")] == ["A"]


def test_older_files_are_read() -> None:
    (found,) = imported(b"{name: A, voice_config: {provider: google, speed: 1.2}}", "f")
    assert found["voice_config"] == {"provider": "google_tts", "settings": {"speed": 1.2}}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"7", b"personalities:", b"personalities: {}", b"- 7", b"a: b", b"name: [", b"\xff\xfe\x00",
        b"- \x00", b"[" * 50_000, b"!!python/object/apply:os.system ['true']", b"x" * 2_000_001,
        b"name: 9" + b"9" * 9000,
    ],
)  # fmt: skip
async def test_files_that_hold_none(store: PersonalityStore, content: bytes) -> None:
    before = await store.everyone()
    with pytest.raises(PersonalityInvalid) as raised:
        await store.put_all(imported(content, "shop.yaml"), replace=True)
    assert len(str(raised.value)) < 500
    assert "\n" not in str(raised.value)
    assert await store.everyone() == before


async def test_a_file_that_grows_when_it_is_read(store: PersonalityStore) -> None:
    """Each line stands for ten of the one above: a billion texts at the end."""
    lines = ['a0: &a0 ["lol"]', *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10))]
    text = "\n".join([*lines, "name: A", "languages: *a9"])
    with pytest.raises(PersonalityInvalid):
        await store.put_all(imported(text.encode(), "f"), replace=False)


async def test_a_mistake_in_a_file_of_several_says_whose_it_is(store: PersonalityStore) -> None:
    text = "- name: Ann\n- name: Ben\n  voice_config: {settings: {sped: 1}}\n"
    with pytest.raises(PersonalityInvalid, match=r"^Ben: unknown key .*, did you mean 'speed'"):
        await store.put_all(imported(text.encode(), "f"), replace=False)
    with pytest.raises(PersonalityInvalid, match=r"^one without a name: name: field required"):
        await store.put_all(imported(b"- name: Ann\n- greeting: Hi\n", "f"), replace=False)


@pytest.mark.parametrize("second", ["Ann", "ANN", '"Ann"'])
def test_a_file_that_holds_one_twice_is_refused(second: str) -> None:
    """The second one would take the first one's place, and nobody would know."""
    with pytest.raises(PersonalityInvalid, match=r"f holds 'A.*' twice"):
        imported(f"- name: Ann\n- name: {second}\n".encode(), "f")
