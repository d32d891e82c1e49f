"""Echoes and interruptions. The shares of both over the whole shop are measured in docs/decisions."""

from __future__ import annotations

import pytest

from pipeline.own_words import likeness, resembles
from pipeline.phrase_patterns import comparable

pytestmark = pytest.mark.unit

SAID = (
    "The pharmacy is open from nine AM to seven PM on Monday. You will find olive oil in aisle three, next to the bus"
    " stop poster, for seven dollars and ninety cents a bottle."
)

ECHOES = [
    SAID,
    "The pharmacy is open from nine AM to seven PM.",
    "pharmacy is open from",
    "pharmacy is open from nine to seven",
    "will find a live oil in isle three",
    "You'll find olive oil in aisle three",
    "olive oil in aisle three next to the buzz stop poster for seven",
    "macy is open from nine AM to seven",
    "open from nine AM the seven P.M. on money you will find olive boil in aisle tree next to the",
    "is open from night I am to several pm and Monday you will fine olive all in I'll three next",
]
INTERRUPTIONS = [
    "",
    "Yes.",
    "Stop!",
    "No thanks.",
    "Aisle three?",
    "On Monday.",
    "The olive oil in three?",
    "Where is the bus stop?",
    "Is the pharmacy open on Sunday?",
    "How much is the olive oil?",
    "And where do I find the olive oil?",
    "Can I also find the bread in aisle three?",
    "Sorry, I meant the bakery, not the pharmacy.",
    "Monday on PM seven to AM nine from open is pharmacy the",
]


@pytest.mark.parametrize("heard", ECHOES)
def test_an_echo(heard: str) -> None:
    assert resembles(heard, SAID)


@pytest.mark.parametrize("heard", INTERRUPTIONS)
def test_a_customer_who_interrupts(heard: str) -> None:
    assert not resembles(heard, SAID)


def test_nothing_resembles_silence() -> None:
    assert not resembles("The pharmacy is open from nine", "")


def test_in_spanish() -> None:
    said = "Encontrará el aceite de oliva en el pasillo tres, a siete euros con noventa la botella."

    assert resembles("aceite de oliva en el pasillo tres", said)
    assert resembles("encontrara el aceite de olivo en pasillo tres a siete euros", said)
    assert not resembles("¿El aceite de oliva?", said)
    assert not resembles("¿Y cuánto cuesta el aceite de oliva?", said)


def test_likeness_is_the_share_of_letters_found_in_order() -> None:
    said = comparable("bread and butter are in aisle nine")

    assert likeness(comparable("butter are in aisle"), said) == 1
    assert likeness(comparable("fresh butter"), said) == pytest.approx(6 / 11)
    assert likeness(comparable("butter in aisle"), said) == pytest.approx(1 - 3 / 13)
    assert likeness(comparable("xx yy"), said) == 0
    assert likeness((), said) == 0
