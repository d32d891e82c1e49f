"""Personalities by HTTP: made, shown, changed key by key, and never overwritten unseen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.assistant.http.daemon import Daemon

pytestmark = pytest.mark.model

PATH = "/api/admin/ai-personalities"


@pytest.fixture
def olive(daemon: Daemon) -> Iterator[dict[str, Any]]:
    """A personality that is gone after the test."""
    document = {
        "name": "Olive",
        "system_prompt": "Be kind.",
        "greeting": "Good day!",
        "languages": ["es"],
        "voice_config": {
            "settings": {"speed": 1.2, "top_k": 30},
            "stats": {"total_generations": 99},
            "fallback": {"provider": "espeak_ng"},
        },
    }
    made = daemon.owner.post(PATH, json=document)
    assert made.status_code == 201, made.text
    yield made.json()
    daemon.owner.delete(f"{PATH}/{made.json()['id']}")


def change(daemon: Daemon, who: dict[str, Any], document: dict[str, Any], **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return daemon.owner.put(f"{PATH}/{who['id']}", json=document, headers=named)


def test_what_is_made_has_what_was_sent_and_defaults_and_has_not_spoken_yet(olive: dict[str, Any]) -> None:
    voice = olive["voice_config"]
    assert (olive["greeting"], olive["language"], olive["active"], olive["problems"]) == ("Good day!", "en", False, [])
    assert (voice["settings"]["speed"], voice["settings"]["temperature"]) == (1.2, 0.75)
    assert voice["stats"]["total_generations"] == 0


def test_what_is_left_out_stays_and_null_takes_the_default(daemon: Daemon, olive: dict[str, Any]) -> None:
    changed = change(daemon, olive, {"greeting": "Hello!", "voice_config": {"settings": {"speed": None}}}).json()
    assert (changed["greeting"], changed["system_prompt"], changed["languages"]) == ("Hello!", "Be kind.", ["es"])
    assert changed["voice_config"]["settings"] | {"speed": 1.0, "top_k": 30} == changed["voice_config"]["settings"]
    assert changed["voice_config"]["fallback"]["provider"] == "espeak_ng"


def test_what_was_just_changed_counts_for_the_next_question(daemon: Daemon, olive: dict[str, Any]) -> None:
    path = f"{PATH}/{olive['id']}"
    for name in ("Olive Green", "Olive Brown", olive["name"]):
        assert daemon.owner.put(path, json={"name": name}).status_code == 200
        asked = daemon.owner.post("/api/conversation", json={"text": "What time do you close?", "personality": name})
        assert asked.status_code == 200, asked.text
        assert asked.json()["personality"] == name


def test_what_the_panel_was_told_can_be_sent_back_whole(daemon: Daemon, olive: dict[str, Any]) -> None:
    again = change(daemon, olive, olive)
    assert again.status_code == 200, again.text
    assert {**again.json(), "updated_at": ""} == {**olive, "updated_at": ""}


def test_whoever_saw_an_older_one_overwrites_nothing(daemon: Daemon, olive: dict[str, Any]) -> None:
    tag = daemon.owner.get(f"{PATH}/{olive['id']}").headers["etag"]
    first = change(daemon, olive, {"greeting": "One"}, if_match=tag)
    assert first.status_code == 200
    second = change(daemon, olive, {"greeting": "Two"}, if_match=tag)
    assert (second.status_code, second.json()["code"]) == (412, "precondition")
    assert second.json()["remedy"]
    assert daemon.owner.get(f"{PATH}/{olive['id']}").json()["greeting"] == "One"
    assert change(daemon, olive, {"greeting": "Two"}, if_match=first.headers["etag"]).status_code == 200


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"voice_config": {"settings": {"speed": 9}}}, "voice_config.settings.speed"),
        ({"voice_config": {"settings": {"sped": 1}}}, "sped"),
        ({"language": "xx"}, "language"),
        ({"name": " "}, "name"),
    ],
)
def test_what_is_wrong_is_told_with_its_key(
    document: dict[str, Any], where: str, daemon: Daemon, olive: dict[str, Any]
) -> None:
    refused = change(daemon, olive, document)
    assert refused.status_code == 422
    assert where in refused.json()["detail"]
    assert daemon.owner.get(f"{PATH}/{olive['id']}").json()["updated_at"] == olive["updated_at"]


def test_a_taken_name_and_the_active_one_are_conflicts(daemon: Daemon, olive: dict[str, Any]) -> None:
    everyone = daemon.owner.get(PATH).json()["personalities"]
    active = next(one for one in everyone if one["active"])
    taken = change(daemon, olive, {"name": active["name"]})
    assert (taken.status_code, taken.json()["code"]) == (409, "personality_conflict")
    assert daemon.owner.delete(f"{PATH}/{active['id']}").status_code == 409


def test_who_speaks_now_is_told_with_the_reason(daemon: Daemon, olive: dict[str, Any]) -> None:
    own = daemon.owner.get(f"{PATH}/{olive['id']}/voice").json()
    assert own["speaks_now"]["provider"] == "piper"
    assert own["routes"][0]["state"] == "speaks"
    change(daemon, olive, {"voice_config": {"provider": "xtts_v2", "mode": "custom"}})
    cloned = daemon.owner.get(f"{PATH}/{olive['id']}/voice").json()
    assert cloned["speaks_now"]["provider"] == "piper"
    assert "xtts_v2 is not in use here" in cloned["speaks_now"]["reason"]
    assert {"not_in_use", "no_sample"} & {one["error"] for one in cloned["passed_over"]}


def test_a_switch_is_heard_of_and_undone(daemon: Daemon, olive: dict[str, Any]) -> None:
    before = daemon.owner.get("/api/status").json()["personality"]["id"]
    assert daemon.owner.post(f"{PATH}/{olive['id']}/activate", json={"at_once": False}).json()["active"]
    try:
        everyone = daemon.owner.get(PATH).json()["personalities"]
        assert [one["id"] for one in everyone if one["active"]] == [olive["id"]]
    finally:
        assert daemon.owner.post(f"{PATH}/{before}/activate").status_code == 200
