"""Short windows: the same words for less, and the whole window where they are in doubt."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from pipeline.audio import from_float
from pipeline.speech import NoSpeechReason, Utterance
from providers.model_worker import ModelWorker
from providers.stt.faster_whisper_reader import WhisperReader, likeliest
from providers.stt.faster_whisper_settings import Settings
from providers.stt.window import PLAIN_WINDOW, STAND_IN_WINDOW, Window
from tests import sounds
from tests.conftest import ROOT
from tests.contracts.stt import spoken
from tests.providers.stt.tapped_model import TappedModel

pytestmark = pytest.mark.model

QUESTION = "Where can I find the milk?"


@pytest.fixture(scope="module")
def model() -> Any:
    from faster_whisper import WhisperModel

    folder = ROOT / "models" / "whisper-kiosk-en"
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)


def question(text: str = QUESTION) -> Utterance:
    return spoken(from_float(np.pad(sounds.piper(text), (4800, 4800)), 16000))


def reader(model: Any, window: Window | None = STAND_IN_WINDOW, **settings: Any) -> WhisperReader:
    return WhisperReader(TappedModel(model), Settings(**settings), window)


def text(found: Any) -> str:
    return " ".join(piece.text.strip() for piece in found.pieces)


def test_a_question_in_a_short_window(model: Any) -> None:
    one = reader(model)
    found = one.read(question(), threading.Event())
    assert (text(found), found.reason, one.repeats) == (QUESTION, None, 0)
    assert one.model.encoded == [300]


@pytest.mark.parametrize("silence_s", [0.2, 2.0, 5.0])
@pytest.mark.parametrize("window", [STAND_IN_WINDOW, PLAIN_WINDOW])
def test_what_follows_the_speech_changes_nothing(model: Any, window: Window, silence_s: float) -> None:
    """Transcription begins after a pause of 0.2 s, long before the end of the turn is certain."""
    padded = np.pad(sounds.piper(QUESTION), (4800, round(silence_s * 16000)))
    found = reader(model, window).read(spoken(from_float(padded, 16000)), threading.Event())
    assert (text(found), found.reason) == (QUESTION, None)


@pytest.mark.parametrize(
    ("window", "log_probability", "encoded"),
    [
        (STAND_IN_WINDOW, -0.04, [300]),
        (STAND_IN_WINDOW, -0.1, [300, 3000]),
        (PLAIN_WINDOW, -0.3, [500]),
        (PLAIN_WINDOW, -0.9, [500, 3000]),
        (None, -0.9, [3000]),
    ],
)
def test_doubt_asks_for_the_whole_window(
    model: Any, window: Window | None, log_probability: float, encoded: list[int]
) -> None:
    one = reader(model, window)
    one.model.log_probability = log_probability
    found = one.read(question(), threading.Event())
    assert (text(found), found.reason) == (QUESTION, None)
    assert one.model.encoded == encoded
    assert one.repeats == len(encoded) - 1


@pytest.mark.parametrize(("window", "encoded"), [(STAND_IN_WINDOW, [300]), (PLAIN_WINDOW, [500, 3000])])
def test_noise_is_read_twice_by_models_without_practice(model: Any, window: Window, encoded: list[int]) -> None:
    one = reader(model, window)
    assert one.read(spoken(from_float(sounds.white(2), 16000)), threading.Event()).reason is NoSpeechReason.EMPTY
    assert one.model.encoded == encoded


def test_long_ones_get_the_whole_window(model: Any) -> None:
    audio = from_float(np.pad(sounds.piper(QUESTION), (0, 17 * 16000)), 16000)
    one = reader(model)
    assert text(one.read(spoken(audio), threading.Event())) == QUESTION
    assert one.model.encoded == [3000, 3000], "this model looks at 10 s at a time, padded to the whole"


@pytest.mark.parametrize(
    "settings", [{}, {"beam_size": 4}, {"hotwords": "milk, bread"}, {"initial_prompt": "In the shop."}]
)
@pytest.mark.parametrize("sound", ["question", "noise", "long"])
def test_whole_windows_are_those_of_the_library(model: Any, sound: str, settings: dict[str, Any]) -> None:
    """Text, probabilities and tokens are those of ``transcribe``, hints and beams included."""
    long = np.concatenate([np.pad(sounds.piper(QUESTION), (0, 11 * 16000)), sounds.piper("What time do you close?")])
    made = {"question": sounds.piper(QUESTION), "noise": sounds.pink(3, -20), "long": long}
    utterance = spoken(from_float(made[sound], 16000))
    ours = reader(model, None, **settings).read(utterance, threading.Event())
    theirs, _ = model.transcribe(
        utterance.audio.as_float(), language="en", temperature=0.0, suppress_blank=False, without_timestamps=True,
        condition_on_previous_text=False, no_speech_threshold=None, log_prob_threshold=None,
        compression_ratio_threshold=None, max_new_tokens=100, **({"beam_size": 1} | settings),
    )  # fmt: skip
    expected = list(theirs)
    assert [piece.text for piece in ours.pieces] == [piece.text for piece in expected]
    for ours_piece, piece in zip(ours.pieces, expected, strict=True):
        assert ours_piece.tokens == len(piece.tokens)
        assert ours_piece.log_probability == pytest.approx(piece.avg_logprob, abs=1e-4)
        assert ours_piece.no_speech_probability == pytest.approx(piece.no_speech_prob, abs=1e-4)
        assert ours_piece.compression_ratio == pytest.approx(piece.compression_ratio)


@pytest.mark.parametrize("settings", [{"hotwords": "x" * 300}, {"hotwords": "x" * 300, "initial_prompt": "y" * 300}])
def test_the_longest_hints_fit(model: Any, settings: dict[str, Any]) -> None:
    reader(model, **settings).read(question(), threading.Event())


@pytest.mark.parametrize(
    ("probabilities", "language", "encoded"),
    [
        ([("cy", 0.5), ("es", 0.45), ("en", 0.05)], "es", [300]),
        ([("es", 0.55), ("en", 0.45)], "es", [300, 3000]),
        ([("cy", 1.0)], "en", [300, 3000]),
    ],
)
def test_language_from_the_same_encoding(
    model: Any, probabilities: list[tuple[str, float]], language: str, encoded: list[int]
) -> None:
    one = reader(model)
    one.model.languages = probabilities
    assert one.read(question(), threading.Event()).language == language
    assert one.model.encoded == encoded


def test_a_language_that_is_set_is_not_looked_for(model: Any) -> None:
    one = reader(model, language="es")
    one.model.languages = [("en", 1.0)]
    assert one.read(question(), threading.Event()).language == "es"


def test_likeliest_language() -> None:
    probabilities = [("cy", 0.6), ("en", 0.3), ("es", 0.1)]
    assert likeliest(probabilities, ("es", "en")) == "en"
    assert likeliest(probabilities, ()) == "cy"
    assert likeliest(probabilities, ("xx",)) == "xx"


@pytest.fixture
def worker() -> Iterator[ModelWorker]:
    made = ModelWorker("reader")
    yield made
    made.close(5)


async def test_an_abandoned_one_ends_with_its_encoding(model: Any, worker: ModelWorker) -> None:
    """No word is written for it, its whole window is never begun, and those behind it in the queue never run."""
    one = reader(model)
    one.model.encoding.clear()
    one.model.log_probability = -5.0
    tasks = [asyncio.ensure_future(worker.run(lambda flag: one.read(question(), flag))) for _ in range(4)]  # noqa: TID251
    while not one.model.encoded:
        await asyncio.sleep(0.001)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    one.model.encoding.set()
    await worker.run(lambda _: None)
    assert one.model.encoded == [300]
    assert one.model.generated == 0


def test_an_abandoned_one_is_not_read_again(model: Any) -> None:
    one, cancelled = reader(model), threading.Event()
    one.model.log_probability = -5.0
    generate = one.model.generate

    def give_up(*arguments: Any, **options: Any) -> Any:
        cancelled.set()
        return generate(*arguments, **options)

    one.model.generate = give_up
    assert one.read(question(), cancelled).pieces == ()
    assert one.model.encoded == [300]
