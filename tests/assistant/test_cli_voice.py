"""``assistant voice …``: from a recording to a personality that speaks with it, and back."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest
import soundfile

from tests.assistant.cloning_shop import RATE_HZ, CloningShop, small_shop, speech, tone_shop

pytestmark = pytest.mark.model

CONSENT = "Ana Ruiz, in writing, 3 May 2026"


@pytest.fixture
def shop(tmp_path: Path) -> CloningShop:
    return tone_shop(tmp_path)


def test_a_recording_becomes_a_voice_that_answers(shop: CloningShop) -> None:
    uploaded = shop.facts("voice", "upload", "Robin", shop.recording(), "--consent", CONSENT)
    assert uploaded["voice_sample_duration"] == pytest.approx(len(speech()) / RATE_HZ, abs=0.8)
    assert (uploaded["provider"], uploaded["ready"]) == ("xtts_v2", True)
    (listed,) = shop.facts("voice", "list")
    assert listed["voice_sample_url"] == uploaded["voice_sample_url"]
    talk = shop.done("demo", "--say", "what time do you close", "--events", "-", "--output", "reply.wav")
    assert {event["provider"] for event in talk.of("speaking")} == {"xtts_v2"}
    assert shop.hum("reply.wav") == pytest.approx(shop.hum_of_the_voice(), abs=2)
    config = shop.facts("personality", "show", "Robin")["voice_config"]
    assert (config["provider"], config["mode"]) == ("xtts_v2", "custom")
    assert config["voice_sample_duration"] == uploaded["voice_sample_duration"]


def test_a_recording_that_replaces_another_never_speaks_with_the_old_voice(shop: CloningShop) -> None:
    shop.done("voice", "upload", "Robin", shop.recording(), "--consent", CONSENT)
    shop.done("say", "We close at nine.", "--output", "one.wav")
    old = shop.hum_of_the_voice()
    replaced = shop.facts("voice", "upload", "Robin", shop.recording("new.wav", 1.3), "--consent", CONSENT)["replaced"]
    assert replaced == {"samples": 1, "latents": 1, "sentences": 1}
    shop.done("say", "We close at nine.", "--output", "two.wav")
    assert shop.hum("one.wav") == pytest.approx(old, abs=2)
    assert shop.hum("two.wav") == pytest.approx(shop.hum_of_the_voice(), abs=2)
    assert abs(old - shop.hum_of_the_voice()) > 20


@pytest.mark.parametrize("how", [("voice", "remove", "Ada"), ("personality", "remove", "Ada")])
def test_removing_leaves_no_trace_on_the_disk(shop: CloningShop, how: tuple[str, str, str]) -> None:
    shop.done("personality", "add", "Ada", "--like", "Robin")
    before = shop.files()
    shop.done("voice", "upload", "Ada", shop.recording(), "--consent", CONSENT)
    shop.done("say", "We close at nine.", "--personality", "Ada", "--output", "one.wav")
    made = {name.partition("/")[0] for name in shop.files() - before}
    assert {"voices", "latents", "speech"} <= made
    ran = shop.done(*how)
    assert ran.out.startswith("Ada")
    assert shop.files() - before <= {"voices.lock"}
    assert list((shop.folder / "data" / "voices").rglob("*")) == []
    if how[0] == "voice":
        shop.done("say", "We close at nine.", "--personality", "Ada", "--output", "two.wav")
        assert shop.run("voice", "remove", "Ada").reason == "Ada has no voice of its own."


def test_phrases_are_made_once_and_then_spoken_at_once(shop: CloningShop) -> None:
    shop.done("voice", "upload", "Robin", shop.recording(), "--consent", CONSENT)
    phrases = shop.folder / "phrases.txt"
    phrases.write_text("# greetings\nGood morning!\nWe close at nine. Thank you.\n")
    first = shop.facts("voice", "render", "Robin", "--phrases", phrases)
    assert (first["provider"], first["made"], first["there"], first["failed"]) == ("xtts_v2", 3, 0, 0)
    assert "cannot be read" in shop.run("voice", "render", "Robin", "--phrases", "none.txt").reason
    phrases.write_text("Good morning!\nWe open at eight.\n")
    again = shop.facts("voice", "render", "Robin", "--phrases", phrases)
    assert (again["made"], again["there"]) == (1, 1)
    shop.done("say", "We open at eight.", "--output", "one.wav")
    assert shop.hum("one.wav") == pytest.approx(shop.hum_of_the_voice(), abs=2)


def test_settings_arrive_and_what_an_engine_does_not_know_is_told_once(shop: CloningShop) -> None:
    shop.done("voice", "upload", "Robin", shop.recording(), "--consent", CONSENT)
    ran = shop.done("say", "We close at nine. We open at eight.", "--output", "one.wav")
    assert "does not know" not in ran.err
    shop.done("personality", "set", "Robin", "voice_config.settings.speed=2.0", "voice_config.settings.emotion=happy")
    ran = shop.done("say", "We close at nine. We open at eight.", "--output", "two.wav")
    assert ran.err.count("emotion") == 1
    lengths = [soundfile.info(shop.folder / name).duration for name in ("one.wav", "two.wav")]
    assert lengths[1] == pytest.approx(lengths[0] / 2, rel=0.1)


def test_the_check_starts_the_engine_and_tells_its_pace(shop: CloningShop) -> None:
    findings = {one["part"]: one for one in json.loads(shop.run("check", "--json").out)}
    assert findings["voice xtts_v2"]["state"] == "works"
    assert "for a second of speech" in findings["voice xtts_v2"]["reason"]


def test_an_engine_that_is_not_installed_is_told_and_the_fallback_speaks(shop: CloningShop) -> None:
    (shop.folder / "python").unlink()
    uploaded = shop.facts("voice", "upload", "Robin", shop.recording(), "--consent", CONSENT)
    assert not uploaded["ready"]
    assert "not installed" in uploaded["reason"]
    talk = shop.done("demo", "--say", "what time do you close", "--events", "-", "--output", "reply.wav")
    speaking = talk.of("speaking")
    assert {event["provider"] for event in speaking} == {"piper"}
    assert ("xtts_v2", "provider_missing") in [(one["provider"], one["error"]) for one in speaking[0]["attempts"]]
    phrases = shop.folder / "phrases.txt"
    phrases.write_text("Good morning!\n")
    assert "./install.sh xtts" in shop.run("voice", "render", "Robin", "--phrases", phrases).reason


def test_in_a_shop_xtts_is_refused_and_what_may_be_used_is_named(tmp_path: Path) -> None:
    shop = CloningShop(tmp_path, "{use: [xtts_v2, piper, espeak_ng]}")
    uploaded = shop.facts(
        "voice", "upload", "Robin", shop.recording(), "--consent", CONSENT, more="deployment: {use: commercial}"
    )
    assert not uploaded["ready"]
    assert "does not allow commercial use" in uploaded["reason"]
    said = shop.done(
        "voice", "upload", "Robin", shop.recording(), "--consent", CONSENT, more="deployment: {use: commercial}"
    )
    assert "pocket-tts" in said.out


def test_coquis_terms_are_never_accepted_silently(tmp_path: Path) -> None:
    shop = CloningShop(tmp_path, "{use: [xtts_v2, piper, espeak_ng]}")
    uploaded = shop.facts("voice", "upload", "Robin", shop.recording(), "--consent", CONSENT)
    assert "only for those who accept" in uploaded["reason"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["voice", "upload", "Nobody", "voice.wav", "--consent", CONSENT], "Nobody"),
        (["voice", "upload", "Robin", "none.wav", "--consent", CONSENT], "cannot be read"),
        (["voice", "upload", "Robin", "short.wav", "--consent", CONSENT], "6 to 30"),
        (["voice", "upload", "Robin", "phrases.txt", "--consent", CONSENT], "none of WAV, MP3"),
        (["voice", "upload", "Robin", "voice.wav", "--consent", "  "], "consent"),
        (["voice", "remove", "Robin"], "has no voice of its own"),
        (["voice", "render", "Robin", "--phrases", "phrases.txt"], "has no voice of its own"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_nothing_changes(
    shop: CloningShop, arguments: list[str], reason: str
) -> None:
    shop.recording()
    soundfile.write(shop.folder / "short.wav", speech()[: 4 * RATE_HZ], RATE_HZ)
    (shop.folder / "phrases.txt").write_text("Good morning!\n")
    ran = shop.run(*arguments)
    assert ran.code == 1
    assert reason in ran.reason
    with sqlite3.connect(shop.folder / "data" / "assistant.db") as database:
        voices = [json.loads(row[0]) for row in database.execute("SELECT voice_config FROM ai_personalities")]
    database.close()
    assert [one["mode"] for one in voices] == ["default"] * 3
    assert not [name for name in shop.files() if name.startswith(("voices/", "latents/", "speech/"))]


def test_without_consent_it_is_wrong_usage(shop: CloningShop) -> None:
    ran = shop.run("voice", "upload", "Robin", shop.recording())
    assert ran.code == 2
    assert "--consent" in ran.err


@pytest.mark.parametrize("engine", ["xtts_v2", "pocket_tts"])
def test_the_engines_own_classes_speak_in_a_conversation(tmp_path: Path, cloning_python: Path, engine: str) -> None:
    """Upload, latents, worker, streamed chunks, loudspeaker: all real but for the weights, which are random."""
    shop = small_shop(tmp_path, cloning_python, engine)
    uploaded = shop.facts("voice", "upload", "Robin", shop.recording(), "--consent", CONSENT)
    assert (uploaded["provider"], uploaded["ready"]) == (engine, True)
    talk = shop.done("demo", "--say", "what time do you close", "--events", "-", "--output", "reply.wav")
    assert {event["provider"] for event in talk.of("speaking")} == {engine}
    sound, _ = soundfile.read(shop.folder / "reply.wav")
    assert abs(sound).max() > 0.03
    assert [name for name in shop.files() if name.startswith(f"latents/{engine}/")]
    assert shop.facts("personality", "show", "Robin")["voice_config"]["provider"] == engine, "the one that is in use"
    shop.done("voice", "remove", "Robin")
    assert not [name for name in shop.files() if name.startswith(("voices/", "latents/"))]
    assert shop.facts("personality", "show", "Robin")["voice_config"]["provider"] == "piper"


def test_no_worker_is_left_behind(shop: CloningShop) -> None:
    shop.done("voice", "upload", "Robin", shop.recording(), "--consent", CONSENT)
    shop.done("say", "We close at nine.", "--output", "one.wav")
    ours = str(shop.folder)
    left = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                command = (process / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            left += [command] if "voice_worker" in command and ours in command else []
    assert left == []


def test_what_a_change_by_hand_left_behind_goes_at_the_next_start(shop: CloningShop) -> None:
    shop.done("voice", "upload", "Robin", shop.recording(), "--consent", CONSENT)
    shop.done("say", "We close at nine.", "--output", "one.wav")
    shop.done("personality", "set", "Robin", "voice_config=null")
    assert [name for name in shop.files() if name.startswith(("voices/", "latents/"))]
    shop.done("demo", "--say", "what time do you close", "--output", "reply.wav")
    assert not [name for name in shop.files() if name.startswith("latents/")]


def test_the_check_tells_why_a_recording_elsewhere_cannot_be_had(shop: CloningShop) -> None:
    address = "https://voices.example.com/ann.wav"
    shop.done(
        "personality", "set", "Robin", "voice_config.provider=xtts_v2", "voice_config.mode=custom",
        f"voice_config.voice_sample_url={address}",
    )  # fmt: skip
    found = json.loads(shop.run("check", "--json").out)
    robin = next(one for one in found if one["part"] == "personality Robin")
    assert "may be fetched from there" in robin["reason"]
