"""Texts that the model's tokenizer cannot read as they are."""

from __future__ import annotations

import re

import pytest

from providers.tts.voice_worker.xtts_text import reading

pytestmark = pytest.mark.unit


class Tokenizer:
    """Reads letters; refuses texts in which ``refused`` is found."""

    def __init__(self, refused: str = r"$^", error: type[Exception] = NotImplementedError) -> None:
        self._refused = re.compile(refused)
        self._error = error

    def preprocess_text(self, text: str, language: str) -> str:
        if self._refused.search(text):
            raise self._error
        return " ".join(text.split())

    def encode(self, text: str, lang: str) -> list[int]:
        return [1, *map(ord, self.preprocess_text(text, lang))]


def read(text: str, refused: str = r"$^", language: str = "en", error: type[Exception] = NotImplementedError) -> str:
    found = reading(Tokenizer(refused, error), text, language)
    return found.read if found else ""


def test_most_texts_are_read_as_they_are() -> None:
    assert read(" We close at 9.30. ") == "we close at 9.30."
    found = reading(Tokenizer(), "Hi", "en")
    assert found is not None
    assert found.tokens == [1, ord("h"), ord("i")]


def test_a_number_that_cannot_be_an_ordinal_is_a_number() -> None:
    assert read("Přijďte 1. května, stojí to 2,5 nebo 14.", r"\d\.") == "přijďte 1 května, stojí to 2,5 nebo 14 ."


@pytest.mark.parametrize("error", [NotImplementedError, OverflowError, KeyError, IndexError, TypeError, ValueError])
def test_numbers_are_read_digit_by_digit_where_need_be(error: type[Exception]) -> None:
    assert read("call 4711 now", r"\d\d", error=error) == "call 4 7 1 1 now"


def test_digits_of_other_scripts_are_digits() -> None:
    assert read("٣٤ كتاب") == "34 كتاب"


def test_hindi_digits_have_names() -> None:
    assert read("मेरे पास 14% है", r"\d", "hi") == "मेरे पास एक चार % है"


def test_what_cannot_be_read_at_all_is_left_out() -> None:
    assert read("aisle 7 & 8, left", r"\d") == "aisle left"


def test_nothing_to_say() -> None:
    assert reading(Tokenizer(), "...", "en") is None
    assert reading(Tokenizer(r"."), "hello", "en") is None
