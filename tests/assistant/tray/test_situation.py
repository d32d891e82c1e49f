"""What the icon shows, and the words beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assistant.tray.situation import LONGEST_TOOLTIP, Mode, Person, Situation, Trouble, deaf
from assistant.tray.wording import Wording, session_language

pytestmark = pytest.mark.unit

SAY = Wording("en")

ROBIN = Person("1", "Robin")

ONLINE = Situation("http://shop", online=True, state="listening", person=ROBIN)

GONE = Trouble("loudspeaker", "It is gone.", "Plug it in.")


@pytest.mark.parametrize(
    ("changes", "mode"),
    [
        ({"online": False, "state": "speaking"}, "offline"),
        ({"state": "starting", "deaf": True}, "starting"),
        ({}, "listening"),
        ({"state": "hearing"}, "hearing"),
        ({"state": "thinking", "trouble": (GONE,)}, "thinking"),
        ({"state": "speaking", "muted": True}, "speaking"),
        ({"state": "speaking", "deaf": True}, "trouble"),
        ({"state": "muted", "muted": True}, "muted"),
        ({"state": "muted", "muted": True, "trouble": (GONE,)}, "trouble"),
        ({"state": "trouble"}, "trouble"),
        ({"deaf": True}, "trouble"),
    ],
)
def test_the_icon_shows_what_matters_most(changes: dict[str, Any], mode: Mode) -> None:
    assert replace(ONLINE, **changes).mode == mode


def test_the_tooltip_tells_who_and_what_is_wrong() -> None:
    assert ONLINE.tooltip(SAY) == "Shop assistant: waiting for the wake word · Robin"
    wrong = replace(ONLINE, muted=True, deaf=True, trouble=(GONE,)).tooltip(SAY).split("\n")
    assert wrong == [
        "Shop assistant: trouble · Robin",
        "Muted",
        "No sound comes from the microphone. Is it plugged in, and does another program hold it?",
        "loudspeaker: It is gone. Plug it in.",
    ]
    away = replace(ONLINE, online=False, offline_reason="It does not answer.").tooltip(SAY)
    assert away == "Shop assistant: not reachable\nIt does not answer."


def test_no_panel_cuts_the_tooltip_without_a_sign() -> None:
    text = replace(ONLINE, trouble=(GONE,) * 40).tooltip(SAY)
    assert len(text) == LONGEST_TOOLTIP
    assert text.endswith("…")


@pytest.mark.parametrize(("age_s", "is_deaf"), [(None, True), (0.03, False), (5.0, False), (5.1, True)])
def test_a_microphone_without_frames_is_deaf(age_s: float | None, *, is_deaf: bool) -> None:
    assert deaf({"microphone": {"last_frame_s": age_s}}) is is_deaf


def test_both_languages_say_everything() -> None:
    english, spanish = Wording("en")._texts, Wording("es")._texts
    assert english.keys() == spanish.keys()
    for key, text in english.items():
        assert gaps(text) == gaps(spanish[key]), key
    assert Wording("de").language == "en"


def gaps(text: str) -> list[str]:
    return sorted(part.split("}")[0] for part in text.split("{")[1:])


def test_it_speaks_as_the_session_does() -> None:
    assert session_language({"LANG": "es_ES.UTF-8"}) == "es"
    assert session_language({"LC_ALL": "C", "LANG": "es_ES.UTF-8"}) == "en"
    assert session_language({"LANG": "de_DE.UTF-8"}) == "en"
    assert session_language({}) == "en"
