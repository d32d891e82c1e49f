"""What a personality may hold, and what is said about what it may not."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from assistant.personalities.document import PersonalityDocument, parse
from assistant.personalities.errors import PersonalityInvalid
from pipeline.speech import VoiceConfig, VoiceMode, VoiceSettings

pytestmark = pytest.mark.unit

VOICE_KEYS = {
    "provider", "mode", "voice_sample_url", "voice_sample_duration", "uploaded_at", "settings", "fallback", "stats",
}  # fmt: skip


def document(**more: Any) -> PersonalityDocument:
    return parse({"id": "1", "name": "Robin", **more})


def voice(**more: Any) -> PersonalityDocument:
    return document(voice_config=more)


def refused(**more: Any) -> str:
    with pytest.raises(PersonalityInvalid) as raised:
        document(**more)
    text = str(raised.value)
    assert "\n" not in text
    assert len(text) < 2000
    return text


def test_json_of_a_voice_is_the_one_of_the_design() -> None:
    plain = document().model_dump(mode="json")["voice_config"]
    assert set(plain) == VOICE_KEYS
    assert set(plain["settings"]) == {
        "temperature", "length_penalty", "repetition_penalty", "top_k", "top_p", "speed", "emotion",
    }  # fmt: skip
    assert set(plain["fallback"]) == {"provider", "voice_id"}
    assert set(plain["stats"]) == {"total_generations", "total_seconds", "average_latency_ms", "cache_hit_rate"}


def test_voice_id_is_in_the_json_only_where_there_is_one() -> None:
    plain = voice(voice_id="en_US-joe-medium").model_dump(mode="json")["voice_config"]
    assert set(plain) == VOICE_KEYS | {"voice_id"}
    assert parse({"id": "1", "name": "R", "voice_config": plain}).voice_config.voice_id == "en_US-joe-medium"


def test_defaults_are_those_of_the_pipeline() -> None:
    found = document().voice_config.config()
    assert found.settings == VoiceSettings()
    assert (found.provider, found.mode, found.voice_id, found.sample) == (
        VoiceConfig().provider, VoiceMode.DEFAULT, "", "",
    )  # fmt: skip


def test_everything_reaches_the_pipeline() -> None:
    found = document(
        tenant="north", system_prompt="Be kind.\nBe short.", greeting="Hi", language="ES", languages=["en", "es", "en"],
        wake_word="alexa",
        voice_config={
            "provider": "xtts_v2", "mode": "custom",
            "voice_sample_url": "samples/abc.wav", "voice_sample_duration": 12.5,
            "settings": {"speed": 1.2, "top_k": 3},
            "fallback": {"provider": "google_tts", "voice_id": "es-ES-Neural2-A"},
        },
    ).personality()  # fmt: skip
    assert (found.id, found.tenant, found.prompt, found.greeting) == ("1", "north", "Be kind.\nBe short.", "Hi")
    assert (found.language, found.languages, found.wake_word) == ("es", ("en",), "alexa")
    assert (found.voice.mode, found.voice.sample) == (VoiceMode.CUSTOM, "samples/abc.wav")
    assert (found.voice.settings.speed, found.voice.settings.top_k) == (1.2, 3)
    assert found.voice.fallback is not None
    assert (found.voice.fallback.provider, found.voice.fallback.voice_id) == ("google_tts", "es-ES-Neural2-A")


def test_custom_voice_may_wait_for_its_sample() -> None:
    found = voice(provider="xtts_v2", mode="custom").voice_config.config()
    assert (found.mode, found.sample) == (VoiceMode.CUSTOM, "")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("speed", 0.49), ("speed", 2.01), ("speed", "1.1"), ("speed", True), ("speed", math.nan), ("speed", math.inf),
        ("speed", [1]), ("speed", {}), ("speed", 10**400),
        ("temperature", 0), ("temperature", -math.inf), ("top_k", 0), ("top_k", 1.5), ("top_k", "5"), ("top_k", True),
        ("top_p", 0), ("top_p", 1.1), ("repetition_penalty", 0.9), ("length_penalty", -1),
        ("emotion", ""), ("emotion", 3), ("emotion", "x" * 65), ("emotion", "a\x00b"),
    ],
)  # fmt: skip
def test_settings_out_of_range(key: str, value: object) -> None:
    assert f"voice_config.settings.{key}: " in refused(voice_config={"settings": {key: value}})


@pytest.mark.parametrize(
    ("more", "hint"),
    [
        ({"provider": "pipper"}, "did you mean 'piper'"),
        ({"mode": "costum"}, "did you mean 'custom'"),
        ({"providr": "piper"}, "did you mean 'provider'"),
        ({"settings": {"sped": 1}}, "unknown key 'voice_config.settings.sped', did you mean 'speed'"),
        ({"fallback": {"voice": "x"}}, "did you mean 'voice_id'"),
        ({"fallback": "piper"}, "voice_config.fallback: "),
        ({"stats": {"total_generations": -1}}, "voice_config.stats.total_generations: "),
        ({"stats": {"total_seconds": math.inf}}, "voice_config.stats.total_seconds: "),
        ({"stats": {"average_latency_ms": math.nan}}, "voice_config.stats.average_latency_ms: "),
        ({"stats": {"cache_hit_rate": 1.5}}, "voice_config.stats.cache_hit_rate: "),
        ({"voice_sample_duration": 5.9}, "voice_config.voice_sample_duration: "),
        ({"voice_sample_duration": 30.1}, "voice_config.voice_sample_duration: "),
        ({"voice_sample_duration": math.nan}, "voice_config.voice_sample_duration: "),
        ({"voice_sample_url": "../../etc/passwd"}, "must not leave its folder"),
        ({"voice_sample_url": "a/%2e%2e/b"}, "must not leave its folder"),
        ({"voice_id": "../secret"}, "must be the name of a voice"),
        ({"voice_id": "/etc/passwd"}, "must be the name of a voice"),
        ({"uploaded_at": "yesterday"}, "voice_config.uploaded_at: "),
        ([], "voice_config: "),
        ("piper", "voice_config: "),
    ],
)
def test_wrong_voices(more: object, hint: str) -> None:
    assert hint in refused(voice_config=more)


@pytest.mark.parametrize(
    ("more", "hint"),
    [
        ({"name": ""}, "name: "), ({"name": "  \t "}, "name: "), ({"name": "x" * 61}, "name: "),
        ({"name": "\u200b\u200d"}, "seen"), ({"name": "a\nb"}, "U+000A"), ({"name": "a\x1b[31m"}, "U+001B"),
        ({"name": "a\u202egnp.exe"}, "U+202E"), ({"name": "\ud800"}, "name"), ({"name": None}, "name: "),
        ({"name": 7}, "name: "), ({"name": ["Robin"]}, "name: "),
        ({"greeting": "x" * 501}, "greeting: "), ({"greeting": "a\x07"}, "U+0007"),
        ({"system_prompt": "x" * 8001}, "system_prompt: "), ({"system_prompt": "a\x00"}, "U+0000"),
        ({"language": "english"}, "such as 'en'"), ({"language": "jp"}, "such as 'en'"),
        ({"language": ""}, "such as 'en'"), ({"language": False}, "language: "),
        ({"languages": "en"}, "languages: "), ({"languages": ["en", "x"]}, "languages.1: "),
        ({"languages": ["en"] * 11}, "languages: "), ({"wake_word": "hey jarvis"}, "wake_word: "),
        ({"wake_word": "../x.onnx"}, "wake_word: "), ({"tenant": "North Side"}, "tenant: "),
        ({"wakeword": "alexa"}, "did you mean 'wake_word'"), ({"prompt": "x"}, "did you mean 'system_prompt'"),
        ({"x" * 1_000_000: 1}, "unknown key"), ({"name": "x" * 1_000_000}, "name: "),
        ({"system_prompt": "x" * 1_000_000}, "system_prompt: "), ({"wake_word": "x" * 1_000_000}, "wake_word: "),
        ({"language": "x" * 1_000_000}, "language: "), ({"voice_config": {"provider": "x" * 1_000_000}}, "provider"),
        ({"voice_config": {"voice_id": "x" * 1_000_000}}, "voice_id"),
    ],
)  # fmt: skip
def test_wrong_personalities(more: dict[str, object], hint: str) -> None:
    assert hint in refused(**more)


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "C:\\con",
        "Robert'); DROP TABLE ai_personalities;--",
        "🦜",
        "👩‍🔬 Dr. Ö",
        "محمد",
        "李",
        "%s {0}",
        "-x",
    ],
)
def test_strange_names_are_names(name: str) -> None:
    assert document(name=f"  {name} ").name == name


def test_a_name_is_composed_so_that_equal_ones_are_equal() -> None:
    assert document(name="Luci\u0301a").name == "Lucía"


def test_line_ends_of_windows() -> None:
    assert document(system_prompt="a\r\nb").system_prompt == "a\nb"


def test_times_have_a_zone() -> None:
    plain = document(created_at="2026-11-02T10:00:00+02:00", updated_at="2026-11-02T10:00:00").model_dump(mode="json")
    assert (plain["created_at"], plain["updated_at"]) == ("2026-11-02T08:00:00Z", "2026-11-02T10:00:00Z")


def test_json_and_back() -> None:
    first = document(name="🦜", languages=["es"], voice_config={"voice_id": "x", "uploaded_at": "2026-11-02T10:00:00Z"})
    assert PersonalityDocument.model_validate(json.loads(first.model_dump_json())) == first


def test_every_field_is_explained() -> None:
    def unexplained(model: Any) -> list[str]:
        from assistant.problems import section_type

        lacking = [name for name, field in model.model_fields.items() if not field.description]
        inner = [section_type(field.annotation) for field in model.model_fields.values()]
        return lacking + [name for section in inner if section is not None for name in unexplained(section)]

    assert unexplained(PersonalityDocument) == []
