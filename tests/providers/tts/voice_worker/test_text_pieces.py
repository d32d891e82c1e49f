"""Texts cut for a model."""

from __future__ import annotations

import pytest

from providers.tts.voice_worker.text_pieces import pieces

pytestmark = pytest.mark.unit


def test_sentences_stay_whole() -> None:
    text = "The olive oil is in aisle seven. It stands next to the vinegar."
    assert pieces(text, 250) == ["The olive oil is in aisle seven.", "It stands next to the vinegar."]


def test_a_short_sentence_is_said_with_the_next() -> None:
    assert pieces("Yes. It is in aisle seven, on the left.", 250) == ["Yes. It is in aisle seven, on the left."]
    assert pieces("Yes.", 250) == ["Yes."]
    assert pieces("Yes. It is in aisle seven.", 20) == ["Yes.", "It is in", "aisle seven."]


def test_a_long_sentence_is_cut_at_the_mark_nearest_its_middle() -> None:
    text = "First of all we have oil, then we have the vinegar, and in the end the bread"
    assert pieces(text, 60) == ["First of all we have oil,", "then we have the vinegar, and in the end the bread"]


@pytest.mark.parametrize(
    "text",
    [
        "word " * 400,
        "字" * 500,
        "一，二，三。" * 60,
        "x" * 900,
        "a, b; c: d " * 80,
        "यह एक वाक्य है। " * 40,
        "1 000 " * 300,
    ],
)
@pytest.mark.parametrize("longest", [71, 250])
def test_nothing_is_lost_or_too_long(text: str, longest: int) -> None:
    found = pieces(text, longest)
    assert max(map(len, found)) <= longest
    assert "".join("".join(found).split()) == "".join(text.split())
    assert sum(len(piece) < 5 for piece in found) <= 1


def test_what_does_not_fit_is_cut_further() -> None:
    found = pieces("9" * 100, 250, lambda piece: piece.count("9") < 20)
    assert "".join(found) == "9" * 100
    assert max(map(len, found)) < 20


def test_nothing_that_fits_is_still_given() -> None:
    assert "".join(pieces("abcdef", 250, lambda piece: False)) == "abcdef"


def test_no_words_no_pieces() -> None:
    assert pieces(" ... !\n", 250) == []
