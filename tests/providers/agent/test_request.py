from __future__ import annotations

import json

import pytest

from pipeline.speech import Exchange, Personality, Transcript
from providers.agent.request import as_json, complaint

pytestmark = pytest.mark.unit

ASKED = Transcript("Call me at 5551234, señor", "en", 0.5, "fake", 1.0)
HISTORY = [Exchange("where is the milk", "In aisle 7.")]


def test_the_request_is_one_line_of_json() -> None:
    line = as_json(ASKED, Personality("Ava", "es", "Be kind.\nBe brief."), HISTORY)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert json.loads(line) == {
        "text": "Call me at 5551234, señor",
        "language": "en",
        "confidence": 0.5,
        "personality": {"name": "Ava", "language": "es", "prompt": "Be kind.\nBe brief."},
        "history": [{"customer": "where is the milk", "assistant": "In aisle 7."}],
    }


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("KeyError: 'milk'", "KeyError: '…'"),
        ("cannot CALL Señor 5551234", "cannot … … …"),
        ("two\nlines\tand \x1b[31mcolour", "two lines and [31mcolour"),
        ("connection refused", "connection refused"),
        ("x" * 500, "x" * 199 + "…"),
        ("", ""),
    ],
)
def test_complaints_are_short_and_without_the_customers_words(message: str, shown: str) -> None:
    assert complaint(message, ASKED, HISTORY) == shown


def test_complaints_about_nothing_said() -> None:
    assert complaint("no such file", Transcript("a b", "en", 1, "x", 0), []) == "no such file"
