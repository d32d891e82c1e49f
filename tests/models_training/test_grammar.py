"""The grammar of whisper-kiosk-en gives the very sentences the shipped weights were trained and tested on."""

from __future__ import annotations

import hashlib
import random

import pytest
from whisper_kiosk.grammar import FIXED, SLOTS, Sentences, drills, expand, normalise, sentences, styled, tellable

pytestmark = pytest.mark.unit


def digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def test_sentences_are_those_on_record() -> None:
    corpus = tellable(sentences())

    assert [len(part) for part in corpus] == [226, 5583, 293]
    assert [digest(part) for part in corpus] == ["8dc799507a0ce471", "d4e1534014291f7b", "d318ee8aafa75380"]


def test_drills_are_those_on_record() -> None:
    corpus = tellable(sentences())

    strings = drills(corpus.fixed, corpus.train, corpus.held, 2000)

    assert len(strings) == 1978
    assert digest(strings) == "2a002eec98632b2b"


def test_no_held_out_sentence_is_trained_on_and_none_has_a_new_word() -> None:
    corpus = tellable(sentences())
    trained = corpus.fixed + corpus.train
    words = {word for text in trained for word in normalise(text).split()}

    assert not set(corpus.held) & set(trained)
    assert {word for text in corpus.held for word in normalise(text).split()} <= words
    assert len(words) == 293


def test_a_held_out_sentence_with_a_new_word_is_dropped() -> None:
    corpus = Sentences(["Yes."], ["No."], ["Yes no.", "Maybe no."])

    assert tellable(corpus).held == ["Yes no."]


def test_another_seed_gives_other_sentences() -> None:
    assert sentences(seed=1, want=300).train != sentences(seed=2, want=300).train


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("are you open at five  p m on monday?", "Are you open at five PM on Monday?"),
        ("can i speak to a person?", "Can I speak to a person?"),
        ("are you open tomorrow?", "Are you open tomorrow?"),
        ("a m.", "AM."),
    ],
)
def test_styled_writes_as_whisper_would(spoken: str, written: str) -> None:
    assert styled(spoken) == written
    assert normalise(written) == " ".join(spoken[:-1].replace("p m", "pm").replace("a m", "am").split())


def test_two_slots_of_one_kind_never_hold_the_same_product() -> None:
    rng = random.Random(7)
    for _ in range(300):
        first, second = expand("{p} and {p2}.", rng)[:-1].split(" and ")
        assert first.lower() != second


def test_a_digit_may_follow_itself() -> None:
    rng = random.Random(7)
    drawn = {expand("{d1} {d1b}.", rng) for _ in range(300)}

    assert "Four four." in drawn


def test_core_commands_and_slot_words_end_as_sentences_do() -> None:
    assert all(text[-1] in ".?" for text in FIXED)
    assert all(word == word.lower() for words in SLOTS.values() for word in words)
