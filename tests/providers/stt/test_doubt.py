"""When not to believe a Whisper model, with numbers such as published models give."""

from __future__ import annotations

import math

import pytest

from pipeline.speech import NoSpeechReason, Utterance
from providers.stt.doubt import Decoded, Thresholds, doubt, mean_log_probability, repeats, without_speech
from tests.contracts.stt import quiet, spoken

pytestmark = pytest.mark.unit

TWO_SECONDS = spoken(quiet(2.0))


def piece(
    text: str = "What time do you close?",
    log_probability: float = -0.2,
    no_speech: float = 0.05,
    compression: float = 0.9,
) -> Decoded:
    return Decoded(text, log_probability, no_speech, compression, len(text) // 4)


def reason(*pieces: Decoded, utterance: Utterance = TWO_SECONDS) -> NoSpeechReason | None:
    return doubt(pieces, utterance, Thresholds())


def test_plain_words_are_believed() -> None:
    assert reason(piece()) is None


def test_several_pieces_are_believed() -> None:
    assert reason(piece("What time"), piece("do you close?")) is None


@pytest.mark.parametrize("text", ["", "  ", ".", "...", "♪♪"])
def test_text_without_words_is_empty(text: str) -> None:
    assert reason(piece(text)) is NoSpeechReason.EMPTY
    assert reason() is NoSpeechReason.EMPTY


def test_unsure_words_over_noise_are_not_speech() -> None:
    assert reason(piece("Thank you.", -0.7, no_speech=0.8)) is NoSpeechReason.NOT_SPEECH


def test_sure_words_stand_against_a_no_speech_probability() -> None:
    assert reason(piece("Yes.", -0.2, no_speech=0.8)) is None


def test_improbable_words_are_doubtful() -> None:
    assert reason(piece(log_probability=-1.3)) is NoSpeechReason.DOUBTFUL


def test_one_bad_piece_weighs_by_its_length() -> None:
    long, short = piece("x" * 40, -0.1), piece("x" * 4, -2.0)
    assert mean_log_probability([long, short]) == pytest.approx((11 * -0.1 + 2 * -2.0) / 13)
    assert mean_log_probability([]) == -math.inf


def test_more_text_than_can_be_said_is_doubtful() -> None:
    text = "Thank you for watching and do not forget to subscribe."
    cough = spoken(quiet(0.4))
    assert reason(piece(text), utterance=cough) is NoSpeechReason.DOUBTFUL
    assert reason(piece(text), utterance=spoken(quiet(3.0))) is None
    assert reason(piece("Yes please."), utterance=cough) is None


def test_text_that_compresses_well_is_a_repetition() -> None:
    assert reason(piece(compression=2.6)) is NoSpeechReason.REPETITION


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry. I'm sorry. I'm sorry. I'm sorry.",
        "so I went to the shop to the shop to the shop to the shop",
        "the the the the the the the",
        "No no no no no no no no",
        "gracias por ver gracias por ver gracias por ver gracias por ver",
    ],
)
def test_a_phrase_again_and_again_is_a_repetition(text: str) -> None:
    assert repeats(text)
    assert reason(piece(text)) is NoSpeechReason.REPETITION


@pytest.mark.parametrize(
    "text",
    [
        "nine nine nine nine",
        "seven seven four four seven seven",
        "thank you, thank you, thank you",
        "no, no, no, I want the blue one",
        "where is the milk and where is the bread and where is the butter",
        "yes",
        "",
    ],
)
def test_what_people_repeat_is_none(text: str) -> None:
    assert not repeats(text)


def test_repetition_is_found_across_pieces() -> None:
    assert reason(*[piece("Thank you.")] * 4) is NoSpeechReason.REPETITION


def test_without_speech_nothing_is_decoded() -> None:
    thresholds = Thresholds()
    assert without_speech(spoken(quiet(0.0)), 0.0, thresholds) is NoSpeechReason.TOO_SHORT
    assert without_speech(spoken(quiet(2.0), 0.05), 0.1, thresholds) is NoSpeechReason.TOO_SHORT
    assert without_speech(spoken(quiet(10.0), 0.5), 0.1, thresholds) is NoSpeechReason.NOT_SPEECH
    assert without_speech(spoken(quiet(1.0), 0.3), 0.1, thresholds) is None
