"""What a row of the database may hold: today's form, an older one, or somebody's mistakes."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from assistant.personalities import rows
from assistant.personalities.document import parse

pytestmark = pytest.mark.unit


def row(**columns: Any) -> dict[str, Any]:
    return rows.row_of(parse({"id": "0a1b2c3d", "name": "Robin", "greeting": "Hi"})) | columns


def voice_of(voice: object) -> rows.Stored:
    return rows.read(row(voice_config=voice if isinstance(voice, str) else json.dumps(voice)), active=False)


def test_what_was_written_is_read() -> None:
    document = parse({"id": "1", "name": "Lucía", "languages": ["en"], "voice_config": {"settings": {"speed": 1.5}}})
    found = rows.read(rows.row_of(document), active=True)
    assert (found.document, found.problems, found.active) == (document, (), True)


@pytest.mark.parametrize(
    ("older", "today"),
    [
        ({"provider": "xtts"}, {"provider": "xtts_v2"}),
        ({"provider": "XTTS-v2"}, {"provider": "xtts_v2"}),
        ({"provider": "google"}, {"provider": "google_tts"}),
        ({"provider": "espeak"}, {"provider": "espeak_ng"}),
        ({"provider": "eSpeak-NG"}, {"provider": "espeak_ng"}),
        ({"provider": "pocket"}, {"provider": "pocket_tts"}),
        ({"mode": "cloned"}, {"mode": "custom"}),
        ({"fallback": {"provider": "google", "voice_id": None}}, {"fallback": {"provider": "google_tts"}}),
        ({"fallback": "espeak"}, {"fallback": {"provider": "espeak_ng"}}),
        ({"speed": 1.2, "temperature": 0.5}, {"settings": {"speed": 1.2, "temperature": 0.5}}),
        ({"speed": 1.2, "settings": {"speed": 0.8, "top_k": 5}}, {"settings": {"speed": 0.8, "top_k": 5}}),
        ({"settings": None, "fallback": None, "stats": None, "mode": None, "provider": None}, {}),
        ({"settings": {"speed": None}}, {}),
    ],
)
def test_older_voices_are_read(older: dict[str, Any], today: dict[str, Any]) -> None:
    found = voice_of(older)
    assert found.problems == ()
    assert found.document.voice_config == parse({"id": "1", "name": "x", "voice_config": today}).voice_config


@pytest.mark.parametrize(
    ("voice", "problem"),
    [
        ("{", "voice_config is not valid JSON"),
        ("", "voice_config is not valid JSON"),
        ("[" * 100_000, "voice_config is not valid JSON"),
        ('{"a": ' + "9" * 5000 + "}", "voice_config is not valid JSON"),
        ([], "voice_config: "),
        ("null", ""),
        ({"provider": "pipr", "settings": {"speed": 1.5}}, "did you mean 'piper'"),
        ({"settings": {"speed": 1.5, "top_k": "many", "sped": 2}}, "did you mean 'speed'"),
        ('{"settings": {"speed": 1.5, "temperature": NaN, "top_p": Infinity}}', "temperature"),
        ({"settings": {"speed": 1.5}, "fallback": {"provider": 7}, "stats": [1]}, "voice_config.stats"),
    ],
)
def test_mistakes_cost_no_more_than_themselves(voice: object, problem: str) -> None:
    found = voice_of(voice)
    assert any(problem in told for told in found.problems) if problem else not found.problems
    assert (found.document.name, found.document.greeting) == ("Robin", "Hi")
    if "speed" in str(voice):
        assert found.document.voice_config.settings.speed == 1.5


def test_what_stands_there_is_not_changed_by_reading() -> None:
    voice = {"settings": {"speed": 9, "top_k": 5}, "unknown": {"deep": [1]}}
    found = voice_of(voice)
    assert found.raw["voice_config"] == voice
    assert len(found.problems) == 2


@pytest.mark.parametrize(
    "columns",
    [
        {"name": ""}, {"name": "x" * 100_000}, {"name": b"Robin"}, {"name": None}, {"id": ""}, {"id": "x" * 1000},
        {"language": "english"}, {"languages": "en,es"}, {"languages": '["en", 7, "xx"]'}, {"languages": None},
        {"languages": "{}"}, {"wake_word": "hey jarvis"}, {"created_at": "yesterday"}, {"updated_at": None},
        {"tenant": "Ü"}, {"system_prompt": "\x00"}, {"voice_config": b"\xff\xfe"}, {"voice_config": None},
    ],
)  # fmt: skip
def test_wrong_columns(columns: dict[str, Any]) -> None:
    found = rows.read(row(**columns), active=False)
    assert found.document.name
    assert found.document.personality().name


def test_what_is_right_in_a_list_stays() -> None:
    found = rows.read(row(languages='["fr", 7, "deutsch", "es", null]'), active=False)
    assert found.document.languages == ["fr", "es"]
    assert len(found.problems) == 3


def test_whatever_stands_there_somebody_speaks() -> None:
    """Random documents made of the right keys and wrong values, and the other way round."""
    draw = random.Random(7)
    keys = ["provider", "mode", "settings", "speed", "top_k", "fallback", "voice_id", "stats", "uploaded_at", "x", ""]
    plain = [None, True, -1, 0, 1.1, 1e308, "piper", "custom", "", "x" * 5000, "\u0000", "\u202e", [], {}, [[{}]]]

    def value(depth: int) -> Any:
        if depth and draw.random() < 0.6:
            return {draw.choice(keys): value(depth - 1) for _ in range(draw.randrange(6))}
        return draw.choice(plain)

    readable = 0
    for _ in range(500):
        found = rows.read(row(voice_config=json.dumps(value(3)), languages=json.dumps(value(2))), active=False)
        readable += not found.problems
        assert found.document.name == "Robin"
        found.document.personality()
    assert 0 < readable < 450
