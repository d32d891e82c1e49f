"""Two shops that share a database: neither sees anything of the other, and only one owns the machine."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import numpy as np
import pytest
import soundfile

from pipeline.audio import LISTENING_RATE_HZ
from tests import sounds
from tests.assistant.http.daemon import OTHER_TENANT, Daemon
from tests.assistant.http.test_doors import refused
from tests.assistant.http.who_may import ADMINISTER, ANYBODY, THIS_MACHINE, WATCH_AND_TALK, Route, filled, routes

pytestmark = pytest.mark.model

PATH = "/api/admin/ai-personalities"

READING = (
    "Good morning, and welcome to our shop. The bakery is to the right of the entrance, and fresh bread comes out of "
    "the oven every hour. If you are looking for something, please ask me."
)

NAME = "Confidential Florence"
"""Of a personality that the other shop must not hear of."""


def reading() -> bytes:
    """Somebody reads for some seconds (WAV)."""
    file = io.BytesIO()
    noisy = 0.5 * np.pad(sounds.piper(READING), 3200)
    noisy += sounds.pink(len(noisy) / LISTENING_RATE_HZ, -70.0)
    soundfile.write(file, noisy, LISTENING_RATE_HZ, format="WAV", subtype="PCM_16")
    return file.getvalue()


@dataclass
class Possessions:
    """What the shop whose assistant runs here has."""

    personality: str
    """Id."""
    audio_url: str
    conversation: str
    job: str

    @property
    def secrets(self) -> list[str]:
        return [self.personality, self.audio_url, self.conversation, self.job, NAME]


@pytest.fixture(scope="module")
def ours(daemon: Daemon) -> Iterator[Possessions]:
    owner = daemon.owner
    made = owner.post(PATH, json={"name": NAME, "greeting": "You found me."})
    assert made.status_code == 201
    path = made.headers["location"]
    sent = owner.post(
        f"{path}/voice/upload", files={"file": ("a.wav", reading())}, data={"consent": "Florence agreed."}
    )
    assert sent.status_code == 200, sent.text
    asked = owner.post("/api/conversation", json={"text": "What time do you close?", "personality": NAME})
    assert asked.status_code == 200, f"{asked.text}\n{daemon.log[-3000:]}"
    answered = asked.json()
    job = owner.post("/api/models/whisper-kiosk-en/pull").json()["id"]
    yield Possessions(made.json()["id"], answered["audio_url"], answered["conversation_id"], job)
    assert owner.delete(path).status_code == 204


def test_it_is_all_there_for_its_owner(daemon: Daemon, ours: Possessions) -> None:
    owner = daemon.owner
    assert NAME in owner.get(PATH).text
    assert owner.get(f"{PATH}/{ours.personality}/voice/sample").content.startswith(b"RIFF")
    assert owner.get(ours.audio_url).content.startswith(b"RIFF")
    assert owner.get(f"/api/jobs/{ours.job}").status_code == 200
    assert NAME in owner.get("/api/stats").text
    again = {"text": "And what is that?", "conversation_id": ours.conversation}
    assert owner.post("/api/conversation", json=again).status_code == 200


@pytest.mark.parametrize("route", [one for one in routes(ADMINISTER, WATCH_AND_TALK) if "{id}" in one[1]], ids=" ".join)
@pytest.mark.parametrize("called", ["id", "name", "beginning"])
def test_nothing_of_another_shop_is_found(daemon: Daemon, ours: Possessions, route: Route, called: str) -> None:
    method, path = route
    which = {"id": ours.personality, "name": NAME, "beginning": ours.personality[:8]}[called]
    bodies: dict[str, dict[str, object]] = {
        "voice/upload": {"files": {"file": ("a.wav", b"RIFF")}, "data": {"consent": "Nobody agreed."}},
        "voice/render": {"json": {"phrases": ["Hello."]}},
        "{id}": {"json": {"greeting": "Taken over."}} if method == "PUT" else {},
    }
    body = next((body for end, body in bodies.items() if path.endswith(end) and method in {"POST", "PUT"}), {})
    found = daemon.baker.request(method, filled(path, ours.job if "jobs" in path else which), **body)
    assert found.status_code == 404
    assert found.json()["code"] in {"personality_missing", "not_found"}
    assert "You found me" not in found.text
    assert "Florence" not in found.json()["remedy"]
    assert ours.personality not in found.json()["remedy"]


def test_it_is_still_all_there(daemon: Daemon, ours: Possessions) -> None:
    test_it_is_all_there_for_its_owner(daemon, ours)
    there = daemon.owner.get(f"{PATH}/{ours.personality}").json()
    assert (there["greeting"], there["tenant"], there["active"]) == ("You found me.", "default", False)


def test_another_shop_s_sounds_and_conversations_are_not_there(daemon: Daemon, ours: Possessions) -> None:
    refused(daemon.baker.get(ours.audio_url), 404, "not_found")
    assert daemon.baker.head(ours.audio_url).status_code == 404
    for more in ({}, {"stream": True}):
        asked = {"text": "What did she ask?", "conversation_id": ours.conversation, **more}
        refused(daemon.baker.post("/api/conversation", json=asked), 404, "conversation_over")
    for path, body in (
        ("/api/conversation", {"text": "Hello."}),
        ("/api/voice/synthesize", {"text": "Hello."}),
        ("/v1/audio/speech", {"model": "shop-voice", "input": "Hello."}),
    ):
        for who in (ours.personality, NAME):
            key = "voice" if path.startswith("/v1") else "personality"
            refused(daemon.baker.post(path, json={**body, key: who}), 404, "personality_missing", path)


def test_lists_have_nothing_of_another_shop(daemon: Daemon, ours: Possessions) -> None:
    for method, path in routes(ADMINISTER, WATCH_AND_TALK, ANYBODY):
        if method == "GET" and "{" not in path and (method, path) not in routes(THIS_MACHINE):
            text = daemon.baker.get(path).text
            assert not [secret for secret in ours.secrets if secret in text], path
    assert daemon.baker.get("/api/jobs").json() == {"jobs": []}
    for one in daemon.baker.get(PATH).json()["personalities"]:
        assert one["tenant"] == OTHER_TENANT


def test_figures_are_those_of_the_shop(daemon: Daemon, ours: Possessions) -> None:
    word = {"file": ("a.wav", reading())}
    assert daemon.owner.post("/api/voice/transcribe", files=word).json()["text"]
    sound = daemon.baker.post("/api/voice/synthesize", json={"text": "Fresh rolls."})
    assert sound.status_code == 200
    theirs = daemon.baker.get("/api/stats").json()
    assert [row["personality"] for row in theirs["personalities"]] == [
        one["name"] for one in daemon.baker.get(PATH).json()["personalities"] if one["active"]
    ]
    assert [(row["stage"], row["requests"], row["characters"]) for row in theirs["providers"]] == [("tts", 1, 12)]
    assert (theirs["latency_now_ms"], theirs["cloud"], theirs["quota"]) == ([], [], [])
    assert (theirs["cache"]["entries"], theirs["cache"]["hit_rate"]) == (0, None)
    mine = daemon.owner.get("/api/stats").json()
    assert {row["stage"] for row in mine["providers"]} == {"stt", "tts"}
    assert mine["cache"]["entries"] > 0


@pytest.mark.parametrize("route", routes(THIS_MACHINE), ids=" ".join)
def test_this_machine_belongs_to_one_shop(daemon: Daemon, route: Route) -> None:
    method, path = route
    for name in ("whisper-kiosk-en", "a%0ab", "%0a"):
        refused(daemon.baker.request(method, filled(path, name)), 403, "other_tenant")


def test_another_shop_has_personalities_of_its_own(daemon: Daemon, ours: Possessions) -> None:
    """With the same name, and nobody else's document is in the way."""
    made = daemon.baker.post(PATH, json={"name": NAME, "tenant": "default"})
    assert made.status_code == 201
    document = made.json()
    assert document["tenant"] == OTHER_TENANT
    path = made.headers["location"]
    try:
        assert document["id"] != ours.personality
        found = daemon.baker.post("/api/conversation", json={"text": "What time do you close?", "personality": NAME})
        assert found.json()["personality_id"] == document["id"]
        assert daemon.baker.get(found.json()["audio_url"]).content.startswith(b"RIFF")
        refused(daemon.owner.get(found.json()["audio_url"]), 404, "not_found")
        refused(daemon.owner.get(path), 404, "personality_missing")
        before = daemon.owner.get("/api/status").json()["personality"]
        assert daemon.baker.post(f"{path}/activate").status_code == 200
        assert daemon.owner.get("/api/status").json()["personality"] == before
        others = [one for one in daemon.baker.get(PATH).json()["personalities"] if one["id"] != document["id"]]
        assert daemon.baker.post(f"{PATH}/{others[0]['id']}/activate").status_code == 200
    finally:
        assert daemon.baker.delete(path).status_code == 204


def test_a_document_cannot_move_to_another_shop(daemon: Daemon, ours: Possessions) -> None:
    path = f"{PATH}/{ours.personality}"
    for key, value in (("tenant", OTHER_TENANT), ("id", "12345678-1234-1234-1234-123456789abc"), ("active", True)):
        changed = daemon.owner.put(path, json={key: value})
        assert changed.status_code in {200, 422}
    there = daemon.owner.get(path).json()
    assert (there["tenant"], there["id"], there["active"]) == ("default", ours.personality, False)


def test_a_recording_cannot_be_taken_over(daemon: Daemon, ours: Possessions) -> None:
    """A document that names the recording of another shop, or of another personality, is refused."""
    own = daemon.owner.get(f"{PATH}/{ours.personality}").json()
    sample = own["voice_config"]["voice_sample_url"]
    assert sample
    thief = {"name": "Thief", "voice_config": {"mode": "custom", "voice_sample_url": sample}}
    for who in (daemon.baker, daemon.owner):
        refused(who.post(PATH, json=thief), 422, "personality_invalid")
        for one in who.get(PATH).json()["personalities"]:
            if one["id"] != ours.personality:
                refused(who.put(f"{PATH}/{one['id']}", json={**thief, "name": one["name"]}), 422, "personality_invalid")
    again = daemon.owner.put(f"{PATH}/{ours.personality}", json=own)  # the panel sends all of a document
    assert again.status_code == 200
    assert again.json()["voice_config"]["voice_sample_url"] == sample
    assert daemon.owner.get(f"{PATH}/{ours.personality}/voice/sample").status_code == 200


def test_a_session_is_its_token_s_shop(daemon: Daemon) -> None:
    with httpx.Client(base_url=daemon.address) as client:
        told = client.post("/api/session", json={"token": daemon.other}).json()
        assert (told["tenant"], told["here"], told["role"]) == (OTHER_TENANT, False, "admin")
        refused(client.get("/api/turns"), 403, "other_tenant")
        assert re.search(OTHER_TENANT, client.get(PATH).text)
