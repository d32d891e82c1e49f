"""``assistant check`` on the personalities: voices, languages, wake words, mistakes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from assistant.checking.finding import State
from assistant.models.catalogue import load_catalogue
from tests.assistant.checking.conftest import Shop
from tests.conftest import ROOT

pytestmark = pytest.mark.model


async def test_the_first_three_before_the_first_start(shop: Shop) -> None:
    told = await shop.told(shop.app())
    whole = told["personalities"]
    assert whole.state is State.WORKS
    assert "3 of the shop 'default', Robin speaks (as the first start will make them)" in whole.reason
    robin = [row for row in whole.rows if row["personality"] == "Robin"]
    assert [(row["language"], row["provider"], row["voice"], row["understood"]) for row in robin] == [
        ("en", "piper", "en_US-kiosk-low", True)
    ]
    assert told["personality Robin"].state is State.WORKS
    assert told["personality Robin"].reason.startswith("active; en: piper en_US-kiosk-low")
    assert not shop.file.exists()


async def test_a_language_that_nobody_understands_or_speaks_well(shop: Shop) -> None:
    lucia = (await shop.told(shop.app()))["personality Lucía"]
    assert lucia.state is State.WORKS, "nobody can come to speak with her as things are"
    await shop.by_hand("UPDATE active_personality SET personality_id = (SELECT id FROM ai_personalities"
                       " WHERE name = 'Lucía')")  # fmt: skip
    lucia = (await shop.told(shop.app()))["personality Lucía"]
    assert lucia.state is State.WARNS
    assert "only the plain voice of espeak_ng speaks es" in lucia.reason
    assert "no recogniser in use understands es" in lucia.reason
    assert "pull es_ES-davefx-medium" in lucia.remedy
    assert "pull whisper-base" in lucia.remedy
    knowing = (await shop.told(shop.app(), understood=frozenset()))["personality Lucía"]
    assert "recogniser" not in knowing.reason, "one that knows all languages"


async def test_a_language_without_any_voice(shop: Shop) -> None:
    await shop.by_hand("UPDATE active_personality SET personality_id = (SELECT id FROM ai_personalities"
                       " WHERE name = 'Lucía')")  # fmt: skip
    told = await shop.told(shop.app(tts={"use": ["piper"]}))
    assert re.search("no voice in use speaks es|nothing here can speak es", told["personality Lucía"].reason)


async def test_a_voice_config_written_by_hand_with_errors_is_named(shop: Shop) -> None:
    await shop.by_hand("UPDATE ai_personalities SET voice_config = '{\"provider\": ' WHERE name = 'Mr Whitmore'")
    told = await shop.told(shop.app())
    broken = told["personality Mr Whitmore"]
    assert broken.state is State.WARNS
    assert "voice_config is not valid JSON" in broken.reason
    assert "assistant personality show" in broken.remedy
    assert "en: piper en_US-kiosk-low" in broken.reason, "it speaks all the same"
    assert told["personality Robin"].state is State.WORKS


async def test_the_voice_that_is_wanted_and_cannot_be_had_is_told(shop: Shop) -> None:
    await shop.change("Robin", voice_config={"provider": "xtts_v2", "mode": "custom"})
    robin = (await shop.told(shop.app()))["personality Robin"]
    assert robin.state is State.WARNS
    assert "xtts_v2" in robin.reason
    assert "en: piper en_US-kiosk-low" in robin.reason


async def test_a_voice_that_a_shop_may_not_use_is_told_with_another(shop: Shop) -> None:
    models = shop.folder / "models"
    ryan = load_catalogue().get("en_US-ryan-medium")
    (models / ryan.name).mkdir(parents=True)
    for file in ryan.files:
        with (models / ryan.name / file.path).open("wb") as stream:
            stream.truncate(file.size or 1)
    await shop.change("Robin", voice_config={"provider": "piper", "voice_id": ryan.name})
    robin = (await shop.told(shop.app(models=models, deployment={"use": "commercial"})))["personality Robin"]
    assert robin.state is State.WARNS
    assert "does not allow commercial use" in robin.reason
    assert "en_US-joe-medium" in robin.remedy
    assert "en: piper en_US-kiosk-low" in robin.reason


async def test_a_voice_that_is_named_and_is_not_there_is_told(shop: Shop) -> None:
    """Another one speaks in its place, so that a slip would never be noticed."""
    fallback = {"provider": "espeak_ng", "voice_id": "klingon"}
    await shop.change("Robin", voice_config={"provider": "piper", "voice_id": "ryan", "fallback": fallback})
    await shop.change("Mr Whitmore", voice_config={"provider": "piper", "voice_id": "en_US-kiosk-low"})
    told = await shop.told(shop.app())
    robin = told["personality Robin"]
    assert robin.state is State.WARNS
    assert "piper has no voice ryan that speaks en" in robin.reason
    assert "espeak_ng has no voice klingon" in robin.reason
    assert "en: piper en_US-kiosk-low" in robin.reason
    assert "voice_config.voice_id" in robin.remedy
    assert "has no voice" not in told["personality Mr Whitmore"].reason
    await shop.change("Robin", voice_config={"provider": "piper", "voice_id": "es_ES-davefx-medium"})
    robin = (await shop.told(shop.app()))["personality Robin"]
    assert "piper has no voice es_ES-davefx-medium that speaks en" in robin.reason
    assert "another language" in robin.remedy


async def test_wake_words_of_personalities_are_tried(shop: Shop) -> None:
    await shop.change("Lucía", wake_word="hey_mycroft")
    told = await shop.told(shop.app())
    assert "called by hey_mycroft" in told["personality Lucía"].reason
    assert told["personality Lucía"].state is State.WARNS, "now a customer can come to speak with her"
    refused = (await shop.told(shop.app(deployment={"use": "commercial"})))["personality Lucía"]
    assert "its wake word hey_mycroft is not heard: The licence of" in refused.reason
    await shop.by_hand("UPDATE ai_personalities SET wake_word = 'hey_nobody' WHERE name = 'Lucía'")
    told = await shop.told(shop.app())
    assert "its wake word hey_nobody is not heard" in told["personality Lucía"].reason
    assert "hey_nobody" in told["personality Lucía"].reason


async def test_when_the_database_cannot_be_read_the_built_in_ones_are_told(shop: Shop) -> None:
    shop.file.parent.mkdir()
    shop.file.write_bytes(b"no database" * 1000)
    told = await shop.told(shop.app())
    assert told["storage"].state is State.FAILS
    assert told["personalities"].state is State.WARNS
    assert "built-in" in told["personalities"].reason
    assert "piper" in told["personality Robin"].reason


async def test_without_the_voice_that_is_broken(shop: Shop, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(ROOT / "models" / "en_US-kiosk-low", models / "en_US-kiosk-low")
    (models / "en_US-kiosk-low" / "en_US-kiosk-low.onnx").write_bytes(b"torn")
    told = await shop.told(shop.app(models=models, tts={"piper": {"voice": "en_US-kiosk-low"}}))
    assert told["voice piper"].state is State.WARNS
    assert "damaged" in told["voice piper"].reason
    assert "en: espeak_ng" in told["personality Robin"].reason


async def test_a_personality_with_a_cloud_voice_hears_what_the_settings_say_to_that(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    await shop.change("Robin", voice_config={"provider": "google_tts"})
    cloud = {"use": ["piper", "espeak_ng", "google_tts"]}
    told = await shop.told(shop.app(tts=cloud, deployment={"cloud": "never"}))
    assert "never speaks" in told["voice google_tts"].reason
    assert "google_tts cannot be had (cloud_never)" in told["personality Robin"].reason
    assert "deployment.cloud" in told["personality Robin"].remedy
    told = await shop.told(shop.app(tts=cloud))
    assert "credentials" in told["voice google_tts"].reason
    assert "cloud_in_emergency_only" in told["personality Robin"].reason
    assert "deployment.cloud: allowed" in told["personality Robin"].remedy
