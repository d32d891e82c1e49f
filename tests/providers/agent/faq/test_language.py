from __future__ import annotations

import pytest

from providers.agent.faq.language import Language
from providers.agent.faq.words import Words, built_in

pytestmark = pytest.mark.unit


def language(code: str) -> Language:
    return Language(code, Words.model_validate(built_in(code)))


ENGLISH, SPANISH, OTHER = language("en"), language("es"), language("de")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What's the price?", "what is the PRICE"),
        ("whats the price", "what is the price"),
        ("Don’t you close?", "do not you close"),
        ("at twenty-five", "at 25"),
        ("forty five", "45"),
        ("one hundred and five", "105"),
        ("9pm", "9 p.m."),
        ("nine o'clock", "9 o'clock"),
        ("tomatoes, potatoes; batteries and boxes", "tomato potato battery and box"),
        ("cookies", "cookie"),
        ("Café!", "cafe"),
        ("ice-cream", "ice cream"),
        ("", " ... "),
    ],
)
def test_english_forms_that_mean_the_same(one: str, other: str) -> None:
    assert ENGLISH.tokens(one) == ENGLISH.tokens(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("¿Dónde están los panes?", "donde estan los pan"),
        ("tomates y luces", "tomate y luz"),
        ("treinta y cinco", "35"),
        ("dieciséis", "16"),
        ("al pasillo", "a el pasillo"),
    ],
)
def test_spanish_forms_that_mean_the_same(one: str, other: str) -> None:
    assert SPANISH.tokens(one) == SPANISH.tokens(other)


def test_digits_said_one_by_one_stay_apart() -> None:
    assert ENGLISH.tokens("three four five") == ("3", "4", "5")
    assert ENGLISH.tokens("nine thirty") == ("9", "30")


def test_other_words_stay_apart() -> None:
    pairs = [("beer", "bear"), ("glass", "glas"), ("bus", "bu"), ("open", "close"), ("13", "30"), ("milk", "silk")]
    assert not [pair for pair in pairs if ENGLISH.tokens(pair[0]) == ENGLISH.tokens(pair[1])]


def test_polite_phrases_go_unless_nothing_else_is_said() -> None:
    def bare(text: str) -> tuple[str, ...]:
        return ENGLISH.without_fillers(ENGLISH.tokens(text))

    assert bare("Excuse me, can you tell me the price, please?") == bare("the price")
    assert bare("Hello please") == ENGLISH.tokens("hello please")


def test_a_language_without_words_still_compares() -> None:
    assert OTHER.tokens("Wo ist die Milch?") == ("wo", "ist", "die", "milch")
    assert OTHER.tokens("fünfunddreißig") == ("35",)
    assert language("xx").tokens("seven") == ("seven",)
    assert built_in("../en") == {}
