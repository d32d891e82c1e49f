"""The program's own phrases and replies, and the shop's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pytest
import yaml
from whisper_kiosk.grammar import sentences, tellable

from assistant import settings
from assistant.requests.section import RequestsSection, RequestWords, built_in
from pipeline.errors import SettingsError
from pipeline.phrase_patterns import forms
from pipeline.spoken_requests import ReplyKind, Request, RequestKind
from tests.conftest import ROOT

pytestmark = pytest.mark.unit

REQUESTS = RequestsSection().spoken_requests()

ENGLISH: dict[RequestKind | str | None, Sequence[str]] = {
    RequestKind.REPEAT: [
        "Repeat that.", "Say that again, please.", "Pardon?", "What did you say?", "Sorry, what was that?",
        "Could you please repeat that one more time?", "I didn't catch that.", "Um, again please.", "What?",
        "I'm sorry, could you say that again?", "Can you tell me again?",
    ],
    RequestKind.SLOWER: ["Slower, please.", "Can you speak a little more slowly?", "You're talking too fast."],
    RequestKind.LOUDER: [
        "Louder!", "Speak louder please.", "Could you speak up a bit?", "Turn it up.", "Turn the volume up, please.",
        "I can't hear you.", "Sorry, you're too quiet.",
    ],
    RequestKind.SOFTER: ["Softer.", "Please turn the volume down.", "Not so loud!", "It's too loud."],
    RequestKind.STOP: [
        "Stop.", "Be quiet!", "Never mind.", "That's enough, thank you.", "Cancel.", "Okay, stop talking now.",
        "No no, stop!", "Shut up.", "Forget it.",
    ],
    "es": [
        "Speak Spanish.", "Do you speak Spanish?", "In Spanish, please.", "Can we talk in Spanish?",
        "¿Habla español?", "Español, por favor.", "Could you switch to Spanish?",
    ],
    "en": ["In English please.", "English, please."],
    "fr": ["Sorry, I only speak French."],
    RequestKind.PERSON: [
        "Talk to a person.", "Can I speak to a person?", "Call somebody.", "I want a human.",
        "Call the manager please.",
        "Stop. I want to talk to a real person!", "Could somebody please help me?", "I'd like to speak with someone.",
    ],
    RequestKind.GOODBYE: [
        "Bye.", "Goodbye!", "Thanks, that's all.", "No, that is all, thank you.", "Thank you very much, bye bye.",
        "Nothing else, thanks.", "Okay, see you later.", "Have a nice day.",
    ],
    None: [
        "Do you have louder speakers?", "Where is the bus stop?", "When does the sale stop?",
        "Do you repair a repeat timer?", "How do I cancel my order?", "Can I cancel?", "Thank you.", "Please.",
        "Is the Spanish wine good?", "Spanish.", "I want Italian.", "Do you have French?", "Don't stop.",
        "Where can I find a quiet fan?", "What does it say on the label again?", "Can you speak to my wife?",
        "Are you a person?", "What is enough paint for a room?", "I do not want to talk to a person.",
        "How do you say bread in Spanish?", "What languages do you speak?", "No.", "Yes.", "No thanks.",
        "It is too low.",
        "I want to return this.", "Can you turn up the heating in here?", "What?! How much?", "Is that all you have?",
        "Stop by the bakery, then where?", "Do I have to speak to a person to return this?",
    ],
}  # fmt: skip
SPANISH: dict[RequestKind | str | None, Sequence[str]] = {
    RequestKind.REPEAT: ["¿Puede repetirlo, por favor?", "Repita.", "¿Cómo?", "¿Qué ha dicho?", "Perdón, ¿cómo dice?",
                         "No le he entendido bien.", "Otra vez, por favor."],
    RequestKind.SLOWER: ["Más despacio, por favor.", "¿Podría hablar un poco más despacio?"],
    RequestKind.LOUDER: ["Más alto.", "Suba el volumen, por favor.", "No le oigo.", "¿Puede hablar más fuerte?"],
    RequestKind.SOFTER: ["Más bajo.", "Baje el volumen.", "Habla muy alto."],
    RequestKind.STOP: ["Para.", "¡Silencio!", "Basta ya.", "Cállate.", "No importa, gracias.", "Bueno, ya está bien."],
    "en": ["¿Habla inglés?", "¿Habla usted inglés?", "En inglés, por favor.", "Speak English please.",
           "¿Podemos hablar en inglés?"],
    RequestKind.PERSON: ["Quiero hablar con una persona.", "Llame a alguien, por favor.", "¿Puede venir alguien?",
                         "¿Puedo hablar con el encargado?"],
    RequestKind.GOODBYE: ["Adiós.", "Muchas gracias, adiós.", "No, gracias, eso es todo.", "Hasta luego.", "Nada más."],
    None: ["¿Para qué sirve?", "¿Dónde está la parada?", "¿Tiene altavoces más fuertes?", "Gracias.", "Vale.", "Sí.",
           "¿Tienen vino español?", "¿Hay alguien en la caja?", "Quiero el francés.", "¿Cuándo para el autobús?",
           "¿Qué es esto?", "¿Cómo puedo pagar?", "Para mañana.", "¿Está más bajo el precio?", "¿Tiene algo más bajo?"],
}  # fmt: skip


def as_told(request: Request | None) -> RequestKind | str | None:
    return request and (request.language or request.kind)


@pytest.mark.parametrize(("language", "sayings"), [("en", ENGLISH), ("es", SPANISH)])
def test_what_customers_say(language: str, sayings: dict[RequestKind | str | None, Sequence[str]]) -> None:
    wrong = {
        text: told
        for wanted, texts in sayings.items()
        for text in texts
        if (told := as_told(REQUESTS.find(text, language))) != wanted
    }
    assert not wrong


def faq(language: str) -> Iterator[tuple[str, str]]:
    """Name of the question and one way to ask it, for each that the example shop knows."""
    file = "faq.yaml" if language == "en" else f"faq.{language}.yaml"
    document = yaml.load((ROOT / "shop" / file).read_text("utf-8"), yaml.BaseLoader)
    own = built_in()[language].names["es" if language == "en" else "en"]
    for name, question in document["questions"].items():
        asked = question["ask"] if isinstance(question["ask"], list) else [question["ask"]]
        for pattern in asked:
            things = re.sub(r"\{(?!language)(\w+)\}", r"\1", pattern)
            for words, _ in forms(things, {"language": own}):
                yield name, " ".join(words)


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_example_faq_means_the_same_by_the_same_words(language: str) -> None:
    same = {
        "person": RequestKind.PERSON, "goodbye": RequestKind.GOODBYE, "repeat": RequestKind.REPEAT,
        "stop": RequestKind.STOP, "just_looking": RequestKind.STOP, "languages": RequestKind.LANGUAGE,
    }  # fmt: skip
    volume = {RequestKind.LOUDER, RequestKind.SOFTER, RequestKind.SLOWER}
    found = {(name, text): REQUESTS.find(text, language) for name, text in faq(language)}

    contradictions = {
        asked: request.kind
        for asked, request in found.items()
        if request and request.kind not in ({same.get(asked[0])} if asked[0] != "volume" else volume)
    }
    assert len(found) > 500
    assert not contradictions
    assert {name for (name, _), request in found.items() if request} == {*same, "volume"}


def test_no_question_of_the_bundled_recogniser_is_taken_for_a_request() -> None:
    heard = tellable(sentences())
    found = {text: REQUESTS.find(text, "en") for text in heard.fixed + heard.train + heard.held}
    kinds = {text: request.kind for text, request in found.items() if request}

    assert {text for text, kind in kinds.items() if kind is not RequestKind.LANGUAGE} == {
        "Repeat that.", "Please repeat that.", "Say that again.", "Speak louder please.", "Turn it up.",
        "Turn the volume up.", "Turn it down.", "Turn the volume down.", "Speak slower please.", "Stop.", "Cancel.",
        "Be quiet.", "Mute.", "Never mind.", "Talk to a person.", "I want to talk to a person.",
        "Can I speak to a person?", "I want to speak to the manager.", "Call the manager.", "Call an employee.",
        "Goodbye.", "That is all.",
    }  # fmt: skip
    assert not [
        text
        for text, kind in kinds.items()
        if kind is RequestKind.LANGUAGE
        and not text.startswith(("Speak", "Please speak", "Do you speak", "Can you speak", "Switch", "Change", "In "))
        and text != "English."
    ]


def test_every_language_has_all_phrases_and_all_replies() -> None:
    for code, words in built_in().items():
        assert set(words.phrases) == set(RequestKind), code
        assert set(words.replies) == set(ReplyKind), code
        assert set(words.names) == set(built_in()["en"].names), code


def test_what_stops_an_answer_at_once() -> None:
    assert {"stop", "be quiet", "quiet", "shut up"} <= REQUESTS.stop_words("en")
    assert {"para", "silencio", "callate", "basta"} <= REQUESTS.stop_words("es-ES")


def test_nobody_is_promised_a_person_unless_the_shop_says_that_somebody_comes() -> None:
    assert not RequestsSection().replies()[ReplyKind.PERSON]
    assert set(RequestsSection(staff_is_called=True).replies()[ReplyKind.PERSON]) == {"en", "es"}


def test_the_shops_own_words() -> None:
    section = RequestsSection(
        words={
            "en": RequestWords(phrases={RequestKind.STOP: ["put a sock in it"]}, replies={ReplyKind.STOP: "Right."}),
            "fr": RequestWords(polite=["s'il vous plaît"], phrases={RequestKind.STOP: ["arrête"]}),
        }
    )
    requests = section.spoken_requests()

    assert requests.find("Please put a sock in it", "en") == requests.find("Stop!", "en") == Request(RequestKind.STOP)
    assert requests.find("Arrête, s'il vous plaît !", "fr") == Request(RequestKind.STOP)
    assert section.replies()[ReplyKind.STOP]["en"] == "Right."
    assert section.replies()[ReplyKind.GOODBYE] == RequestsSection().replies()[ReplyKind.GOODBYE]


def test_the_example_in_the_documentation() -> None:
    document = (ROOT / "docs" / "agents.md").read_text("utf-8")
    example = next(block for block in re.findall(r"```yaml\n(.*?)```", document, re.S) if "requests:" in block)
    section = settings.parse(yaml.safe_load(example), "docs/agents.md").requests

    assert section.spoken_requests().find("Please hold on", "en") == Request(RequestKind.STOP)
    assert section.replies()[ReplyKind.PERSON]


def test_what_is_left_to_the_agent_is_no_request() -> None:
    requests = RequestsSection(left_to_agent=[RequestKind.GOODBYE]).spoken_requests()

    assert requests.find("Goodbye", "en") is None
    assert requests.find("Stop", "en") is not None


def test_a_mistake_in_a_phrase_is_told_with_its_place() -> None:
    with pytest.raises(SettingsError, match=r"requests.*'say \(that' has a bracket without its partner"):
        settings.parse({"requests": {"words": {"en": {"phrases": {"repeat": ["say (that"]}}}}}, "config.yaml")
    with pytest.raises(SettingsError, match=r"requests.*reapeat.*did you mean 'repeat'"):
        settings.parse({"requests": {"words": {"en": {"phrases": {"reapeat": ["say that"]}}}}}, "config.yaml")
