"""Sentences out of pieces of text."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from pipeline.sentences import LONGEST_CHARACTERS, SentenceSplitter, sentences, split

pytestmark = pytest.mark.unit

CASES: dict[str, list[str]] = {
    "We close at nine. Anything else?": ["We close at nine.", "Anything else?"],
    "Mr. Smith and Mrs. Jones. They left.": ["Mr. Smith and Mrs. Jones.", "They left."],
    "Bread costs $4.50. Milk costs $1.20.": ["Bread costs $4.50.", "Milk costs $1.20."],
    "We open at 9 a.m. and close at 5 p.m. See you!": ["We open at 9 a.m. and close at 5 p.m.", "See you!"],
    "Use oil, e.g. olive oil, i.e. the good one. Fine.": ["Use oil, e.g. olive oil, i.e. the good one.", "Fine."],
    "The U.S. store is open. Yes.": ["The U.S. store is open.", "Yes."],
    "We ship to the U.S. We also ship to Spain.": ["We ship to the U.S.", "We also ship to Spain."],
    "The U.S. Army shop is closed.": ["The U.S. Army shop is closed."],
    "Nuts, bolts etc. are here. M. Ruiz sells jam, tea etc. Ask.": [
        "Nuts, bolts etc. are here.",
        "M. Ruiz sells jam, tea etc.",
        "Ask.",
    ],
    "Ask J. Smith about it. Or me.": ["Ask J. Smith about it.", "Or me."],
    "It is No. 5 on the list. No. We don't.": ["It is No. 5 on the list.", "No.", "We don't."],
    "Go to www.example.com. Or to shop.example.org/a.b?x=1. Bye.": [
        "Go to www.example.com.",
        "Or to shop.example.org/a.b?x=1.",
        "Bye.",
    ],
    "Well... maybe. Hm… Yes!": ["Well... maybe.", "Hm…", "Yes!"],
    "What?! Really?? Yes!!!": ["What?!", "Really??", "Yes!!!"],
    "Is it late? yes. come in.": ["Is it late?", "yes.", "come in."],
    'He said "stop." Then he left.': ['He said "stop."', "Then he left."],
    '"Really?" she asked. He nodded.': ['"Really?" she asked.', "He nodded."],
    "(We are open.) Come in.": ["(We are open.)", "Come in."],
    "**Yes.** We *do*. OK": ["**Yes.**", "We *do*.", "OK"],
    "¡Hola! ¿Qué tal? Bien.": ["¡Hola!", "¿Qué tal?", "Bien."],
    "La Sra. García y el Sr. López. Abren a las 9 a. m. y cierran.": [
        "La Sra. García y el Sr. López.",
        "Abren a las 9 a. m. y cierran.",
    ],
    "Fruta, p. ej. manzanas. Y EE. UU. también. Es el n.º 5.": [
        "Fruta, p. ej. manzanas.",
        "Y EE. UU. también.",
        "Es el n.º 5.",
    ],
    "You need:\n1. Go to aisle 3.\n2. Turn left.\n3. Ask.": [
        "You need:",
        "1. Go to aisle 3.",
        "2. Turn left.",
        "3. Ask.",
    ],
    "Hours:\n- Monday 9-5\n- Tuesday 9-5\n": ["Hours:", "- Monday 9-5", "- Tuesday 9-5"],
    "Monday: 9-5\nTuesday: 9-5": ["Monday: 9-5", "Tuesday: 9-5"],
    "This line goes on\nand on. Then it\nends.": ["This line goes on and on.", "Then it ends."],
    "# Opening hours\n\nEvery day.": ["# Opening hours", "Every day."],
    "我们九点关门。欢迎光临！": ["我们九点关门。", "欢迎光临！"],
    "Version 2.0 is out. It's 3.": ["Version 2.0 is out.", "It's 3."],
    "🙂 Hello. 🙂": ["🙂 Hello."],
    "": [],
    " \n . \n ... 🙂": [],
    "no end": ["no end"],
}


@pytest.mark.parametrize("text", CASES)
def test_cases(text: str) -> None:
    assert split(text) == CASES[text]


def in_pieces(text: str, cuts: list[int]) -> list[str]:
    splitter = SentenceSplitter()
    found: list[str] = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        found += splitter.feed(text[start:end])
    return [*found, *splitter.flush()]


def test_pieces_cut_anywhere_give_the_same_sentences() -> None:
    """All cases in a row after a short first sentence (so that no clause is given out early), cut 200 ways."""
    chance = random.Random(1)
    text = "Well. " + "\n".join(CASES)
    whole = split(text)
    assert len(whole) > len(CASES)
    assert in_pieces(text, list(range(1, len(text)))) == whole
    for _ in range(200):
        cuts = sorted(chance.sample(range(len(text)), chance.randrange(1, 60)))
        assert in_pieces(text, cuts) == whole


def test_any_characters_in_any_pieces() -> None:
    chance = random.Random(2)
    for _ in range(1500):
        text = "So. " + "".join(
            chance.choice("aB1 ..,!?\n\"'-:¿*a.m. U.S. Mr. 。") for _ in range(chance.randrange(90))
        )
        whole = split(text)
        assert in_pieces(text, sorted(chance.sample(range(len(text)), min(5, len(text))))) == whole, text
        assert all(len(sentence) <= LONGEST_CHARACTERS for sentence in whole)


def test_no_word_is_lost() -> None:
    text = " ".join(CASES) + " word" * 500 + " " + "x" * 2000 + ", and so on, and so on" * 50
    joined = "".join(split(text)).replace(" ", "")
    assert [c for c in joined if c.isalnum()] == [c for c in text if c.isalnum()]


def test_a_long_first_clause_is_given_out_before_its_sentence_ends() -> None:
    clause = "The olive oil that you are looking for is in aisle seven, on the left,"
    splitter = SentenceSplitter()
    assert list(splitter.feed(clause[:-1])) == []
    assert list(splitter.feed(", next to")) == [clause]
    assert list(splitter.feed(" the tomatoes and the tins and the jars and the rest of it, I think, and")) == []
    assert len(list(splitter.flush())) == 1


def test_a_first_sentence_is_whole_where_it_is_complete_and_not_long() -> None:
    sentence = "The olive oil that you are looking for is in aisle seven, on the left, by the jars."
    assert split(sentence) == [sentence]
    assert split(sentence[:-1] + " and the tins and the tomatoes and everything else.")[0].endswith("on the left,")


def test_text_without_an_end_is_cut_between_words() -> None:
    splitter = SentenceSplitter()
    found = [sentence for _ in range(300) for sentence in splitter.feed("word word ")]
    assert len(found) >= 8
    assert all(0 < len(sentence) <= LONGEST_CHARACTERS and sentence.endswith("word") for sentence in found)
    assert [len(sentence) for sentence in split("x" * 1000)] == [300, 300, 300, 100]


def test_the_splitter_can_be_used_again() -> None:
    splitter = SentenceSplitter()
    for _ in range(2):
        assert [*splitter.feed("One. Two"), *splitter.flush()] == ["One.", "Two"]


async def test_a_sentence_is_given_out_as_soon_as_it_is_complete() -> None:
    given: list[str] = []

    async def pieces() -> AsyncIterator[str]:
        for piece in ["We clo", "se at", " nine.", " An", "ything", " else?"]:
            yield piece
            given.append(piece)

    progress = [(sentence, len(given)) async for sentence in sentences(pieces())]
    assert progress == [("We close at nine.", 3), ("Anything else?", 6)]


async def test_a_huge_piece() -> None:
    async def pieces() -> AsyncIterator[str]:
        yield "All work and no play makes us dull. " * 3000

    found = [sentence async for sentence in sentences(pieces())]
    assert len(found) == 3000


async def test_closing_it_closes_the_pieces() -> None:
    closed: list[bool] = []

    async def pieces() -> AsyncIterator[str]:
        try:
            while True:
                yield "On and on. "
        finally:
            closed.append(True)

    async with aclosing(sentences(pieces())) as found:
        assert await anext(found) == "On and on."
    assert closed == [True]
