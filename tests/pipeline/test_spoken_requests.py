"""Requests among questions, with phrases of the test's own; the program's are tested in tests/assistant/requests."""

from __future__ import annotations

import pytest

from pipeline.spoken_requests import HESITATION, POLITE, Request, RequestKind, SpokenRequests

pytestmark = pytest.mark.unit

PHRASES = {
    "en": {
        POLITE: ["please", "(could|can) you", "thanks", "sorry", "no"],
        HESITATION: ["um"],
        RequestKind.REPEAT: ["repeat that", "sorry"],
        RequestKind.STOP: ["stop [it]", "that's enough"],
        RequestKind.PERSON: ["a person"],
        RequestKind.GOODBYE: ["bye", "that's all"],
        RequestKind.LANGUAGE: ["(speak|in) {language}", "[in] {own}"],
    },
    "es": {RequestKind.STOP: ["para"], RequestKind.LANGUAGE: ["en {language}", "{own}"]},
}
NAMES = {"en": {"es": ["Spanish"], "en": ["English"]}, "es": {"es": ["español"], "en": ["inglés"]}}
REQUESTS = SpokenRequests(PHRASES, NAMES)


def found(text: str, language: str = "en", name: str = "") -> RequestKind | None:
    request = REQUESTS.find(text, language, name)
    return request.kind if request else None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Repeat that.", RequestKind.REPEAT),
        ("Um, could you please... repeat that, please? Thanks!", RequestKind.REPEAT),
        ("Stop. Stop! STOP IT!", RequestKind.STOP),
        ("Sorry, repeat that! Please repeat that!", RequestKind.REPEAT),
        ("Repeat that number.", None),
        ("Where is the bus stop?", None),
        ("Please stop the bus.", None),
        ("Please, thanks.", None),
        ("Um.", None),
        ("", None),
        ("stop " * 17, None),
    ],
)
def test_a_request_is_all_that_was_said_with_courtesies(text: str, kind: RequestKind | None) -> None:
    assert found(text) == kind


def test_the_assistants_name_is_a_courtesy() -> None:
    assert found("Hey Mona, stop", name="Hey Mona") == RequestKind.STOP
    assert found("Hey Mona, stop", name="Ava") is None


def test_stop_goes_with_another_request_and_others_do_not_go_together() -> None:
    assert found("Stop, a person please") == found("A person. Stop!") == RequestKind.PERSON
    assert found("That's enough, bye") == RequestKind.GOODBYE
    assert found("Repeat that, bye") is None


def test_a_courtesy_that_is_a_request_by_itself_is_a_courtesy_beside_another() -> None:
    assert found("Sorry?") == RequestKind.REPEAT
    assert found("Sorry, a person please.") == RequestKind.PERSON
    assert found("Sorry, stop.") == RequestKind.STOP


def test_the_language_wanted() -> None:
    assert REQUESTS.find("Please speak Spanish", "en") == Request(RequestKind.LANGUAGE, "es")
    assert REQUESTS.find("en inglés", "es-MX") == Request(RequestKind.LANGUAGE, "en")
    assert found("Spanish") is None


def test_a_language_is_asked_for_in_itself_too_but_nothing_else_is() -> None:
    assert REQUESTS.find("¿Español, por favor?", "en") is None
    assert REQUESTS.find("¡Español!", "en") == Request(RequestKind.LANGUAGE, "es")
    assert REQUESTS.find("In English, please", "fr") == Request(RequestKind.LANGUAGE, "en")
    assert found("para", "en") is None
    assert found("stop", "fr") is None


def test_stop_words() -> None:
    assert REQUESTS.stop_words("en") == {"stop", "stop it", "thats enough"}
    assert REQUESTS.stop_words("es") == {"para"}
    assert REQUESTS.stop_words("fr") == {"stop", "stop it", "thats enough", "para"}


def test_a_language_must_be_named() -> None:
    with pytest.raises(ValueError, match=r"names no language; write \{language\} or \{own\}"):
        SpokenRequests({"en": {RequestKind.LANGUAGE: ["speak Spanish"]}})
