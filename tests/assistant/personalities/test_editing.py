"""What is typed after ``personality set``."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.personalities.editing import apply, changes
from assistant.personalities.errors import PersonalityInvalid

pytestmark = pytest.mark.unit

BEFORE: dict[str, Any] = {
    "name": "Robin", "greeting": "Hi", "voice_config": {"provider": "piper", "settings": {"speed": 1.5, "sped": 3}},
}  # fmt: skip


def edited(*assignments: str) -> dict[str, Any]:
    return apply(changes(assignments), BEFORE)


def refused(*assignments: str) -> str:
    with pytest.raises(PersonalityInvalid) as raised:
        edited(*assignments)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("greeting=Good day: how are you?", "Good day: how are you?"),
        ('greeting="Good day"', "Good day"),
        ("greeting='It''s me'", "It's me"),
        ("greeting=a=b", "a=b"),
        ("greeting=", ""),
        ("greeting=7", "7"),
        ("greeting=no", "no"),
        ("greeting=[x", "[x"),
        ("greeting=Say null", "Say null"),
        ("system_prompt=One\nTwo", "One\nTwo"),
        ("language=no", "no"),
        ("languages=[es, no]", ["es", "no"]),
        ("languages=es, no", ["es", "no"]),
        ("languages=es", ["es"]),
        ("languages=", []),
    ],
)
def test_values(assignment: str, value: object) -> None:
    assert edited(assignment)[assignment.partition("=")[0]] == value


@pytest.mark.parametrize(
    ("text", "value"), [("1.1", 1.1), (" 1 ", 1.0), ("1e-1", 0.1), ("nan", pytest.approx(float("nan"), nan_ok=True))]
)
def test_numbers(text: str, value: float) -> None:
    assert edited(f"voice_config.settings.speed={text}")["voice_config"]["settings"]["speed"] == value


def test_whole_sections() -> None:
    found = edited("voice_config.fallback={provider: google_tts, voice_id: no}", "voice_config.settings={speed: 1.2}")
    assert found["voice_config"]["fallback"] == {"provider": "google_tts", "voice_id": "no"}
    assert found["voice_config"]["settings"] == {"speed": 1.2}


def test_null_is_the_default() -> None:
    found = edited("greeting=null", "voice_config.settings.speed=null", "voice_config.provider=~")
    assert found == {"name": "Robin", "voice_config": {"settings": {"sped": 3}}}
    assert edited("voice_config=null") == {"name": "Robin", "greeting": "Hi"}


def test_what_stands_there_by_mistake_can_be_taken_away() -> None:
    assert edited("voice_config.settings.sped=null")["voice_config"]["settings"] == {"speed": 1.5}


def test_the_document_itself_stays() -> None:
    edited("voice_config.settings.speed=2", "voice_config.fallback.provider=piper", "name=X")
    assert BEFORE["voice_config"]["settings"]["speed"] == 1.5
    assert "fallback" not in BEFORE["voice_config"]


@pytest.mark.parametrize(
    ("assignment", "hint"),
    [
        ("voice_config.settings.sped=1", "did you mean 'speed'"),
        ("voice_config.setings.speed=1", "unknown key 'voice_config.setings', did you mean 'settings'"),
        ("voice_config.settings.fast=null", "unknown key"),
        ("grating=x", "did you mean 'greeting'"),
        ("name.first=x", "name has no keys below it"),
        ("speed", "is not KEY=VALUE"), ("=1", "is not KEY=VALUE"), ("a..b=1", "is not KEY=VALUE"),
        ("voice_config.settings.speed=1,1", "did you mean 1.1"),
        ("voice_config.settings.speed=fast", "must be a number, not 'fast'"),
        ("voice_config.settings.speed=", "must be a number"),
        ("voice_config.settings.top_k=1.5", "must be a whole number"),
        ("voice_config.settings={speed", "is not valid YAML"),
        ("voice_config.settings={speed: x}", "must be a number"),
        ("languages=[es", "is not valid YAML"),
        ("id=1", "cannot be set"), ("tenant=x", "cannot be set"), ("created_at=null", "cannot be set"),
        ("voice_config.stats=null", "cannot be set"), ("voice_config.stats.total_seconds=1", "cannot be set"),
        ("x" * 1_000_000 + "=1", "unknown key"),
        ("voice_config.settings.speed=" + "9" * 1_000_000, "voice_config.settings.speed"),
    ],
)  # fmt: skip
def test_mistakes(assignment: str, hint: str) -> None:
    if assignment.endswith("9" * 100):
        assert edited(assignment)["voice_config"]["settings"]["speed"] == float("inf")  # refused when it is kept
        return
    text = refused(assignment)
    assert hint in text
    assert len(text) < 1000


def test_all_mistakes_are_named_at_once() -> None:
    text = refused("grating=x", "greeting=fine", "voice_config.settings.speed=1,1")
    assert "'greeting'" in text
    assert "1.1" in text


def test_a_voice_that_cannot_be_read_is_not_built_upon() -> None:
    broken = {**BEFORE, "voice_config": "{not json"}
    with pytest.raises(PersonalityInvalid, match="voice_config=null"):
        apply(changes(["voice_config.settings.speed=1"]), broken)
    found = apply(changes(["voice_config=null", "voice_config.settings.speed=1"]), broken)
    assert found["voice_config"] == {"settings": {"speed": 1.0}}
