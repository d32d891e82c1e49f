"""When a customer has finished: what the model says, what the words say, and how long silence must be."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk, silence
from pipeline.end_of_turn import WAITING, EndOfTurn, EndOfTurnSettings, Patience
from pipeline.errors import ProviderError
from pipeline.speech import Transcript, Utterance
from tests.fakes.end_of_turn import ScriptedEndOfTurnDetector
from tests.pipeline.scene import WAKE_S, Clock, Scene

pytestmark = pytest.mark.unit

FIRST_S = 1.0 + WAKE_S + 0.4
"""Where the question begins."""

THINKING = [
    (1.0, "silence"), (WAKE_S, "wake"), (0.4, "silence"), (1.0, "speak"), (0.6, "silence"), (0.8, "speak"),
    (4.0, "silence"),
]  # fmt: skip
"""A question with a pause in its middle."""

THOUGHT_S, END_S = FIRST_S + 1.0, FIRST_S + 2.4
"""Where the pause begins, and the question's end."""


def of(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == kind]


def until(audio: AudioChunk) -> float:
    return audio.start_s + audio.duration_s


def knowing(end_s: float) -> ScriptedEndOfTurnDetector:
    """A model that is right: it is over once the sound reaches the true end."""
    return ScriptedEndOfTurnDetector(lambda audio: 0.95 if until(audio) > end_s else 0.05)


async def test_a_finished_question_is_answered_after_a_short_pause(tmp_path: Path) -> None:
    scene = Scene(THINKING[:4] + THINKING[6:], tmp_path, end_of_turn=EndOfTurn(detector=knowing(THOUGHT_S)))
    events = await scene.play()
    end = of(events, "turn_end")[0]
    assert end["stages_ms"]["end_of_turn"] == pytest.approx(200, abs=35)
    assert len(scene.transcriber.heard) == 1, "what was begun at the pause is what was used"
    assert of(events, "speech_end")[0]["at_s"] == pytest.approx(THOUGHT_S + 0.2, abs=0.07)


async def test_whoever_thinks_is_waited_for_and_what_was_begun_is_thrown_away(tmp_path: Path) -> None:
    detector = knowing(END_S)
    lines = ["What time do you", "What time do you close?"]
    scene = Scene(THINKING, tmp_path, lines=lines, end_of_turn=EndOfTurn(detector=detector))
    events = await scene.play()
    assert [event["text"] for event in of(events, "transcript")] == ["What time do you close?"]
    assert [until(audio) < END_S for audio in detector.asked] == [True, False]
    first, whole = scene.transcriber.heard
    assert first.speech_end_s == pytest.approx(THOUGHT_S, abs=0.05)
    assert (whole.speech_start_s, whole.speech_end_s) == pytest.approx((FIRST_S, END_S), abs=0.05)
    assert of(events, "turn_end")[0]["stages_ms"]["end_of_turn"] == pytest.approx(200, abs=35)


async def test_words_that_break_off_outvote_the_model(tmp_path: Path) -> None:
    policy = EndOfTurn(
        detector=ScriptedEndOfTurnDetector([1.0]),
        unfinished=lambda text, language: (text[-3:], language) == ("you", "en"),
    )
    lines = ["What time do you", "What time do you close?"]
    events = await Scene(THINKING, tmp_path, lines=lines, end_of_turn=policy).play()
    assert [event["text"] for event in of(events, "transcript")] == ["What time do you close?"]


@pytest.mark.parametrize("patience", list(Patience))
async def test_who_never_goes_on_is_answered_in_the_end(patience: Patience, tmp_path: Path) -> None:
    policy = EndOfTurn(EndOfTurnSettings(patience), ScriptedEndOfTurnDetector([0.0]), lambda text, language: True)
    events = await Scene(THINKING[:4] + THINKING[6:], tmp_path, end_of_turn=policy).play()
    waited_ms = of(events, "turn_end")[0]["stages_ms"]["end_of_turn"]
    assert waited_ms == pytest.approx(1000 * WAITING[patience].unfinished_s, abs=35)


async def test_the_more_patient_the_longer() -> None:
    longest = [WAITING[one].unfinished_s for one in (Patience.BRISK, Patience.NORMAL, Patience.PATIENT)]
    assert longest == sorted(longest)


async def test_without_a_model_silence_decides(tmp_path: Path) -> None:
    events = await Scene(THINKING, tmp_path, end_of_turn=EndOfTurn()).play()
    assert of(events, "turn_end")[0]["stages_ms"]["end_of_turn"] == pytest.approx(840, abs=70), "1.4 times the pause"
    events = await Scene(THINKING[:4] + THINKING[6:], tmp_path, end_of_turn=EndOfTurn()).play()
    assert of(events, "turn_end")[0]["stages_ms"]["end_of_turn"] == pytest.approx(700, abs=35)


@pytest.mark.parametrize("bad_day", ["fails", "hangs"])
async def test_a_model_that_cannot_answer_makes_nobody_wait_longer_than_silence(
    bad_day: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    detector = ScriptedEndOfTurnDetector()
    detector.fails = ProviderError("Out of memory.") if bad_day == "fails" else None
    detector.hangs = bad_day == "hangs"
    events = await Scene(THINKING[:4] + THINKING[6:], tmp_path, end_of_turn=EndOfTurn(detector=detector)).play()
    assert of(events, "turn_end")[0]["stages_ms"]["end_of_turn"] == pytest.approx(700, abs=35)
    assert "Silence decides about the end of a turn" in caplog.text


async def test_the_time_that_the_model_takes_is_told(tmp_path: Path) -> None:
    clock = Clock()

    def thinks(_: AudioChunk) -> float:
        clock.s += 0.05
        return 1.0

    policy = EndOfTurn(detector=ScriptedEndOfTurnDetector(thinks))
    scene = Scene(THINKING[:4] + THINKING[6:], tmp_path, clock=clock, end_of_turn=policy)
    end = of(await scene.play(), "turn_end")[0]
    assert end["response_ms"] == pytest.approx(sum(end["stages_ms"].values()), abs=0.01)
    assert end["response_ms"] - end["stages_ms"]["end_of_turn"] == pytest.approx(50, abs=1)


async def test_words_that_come_late_are_not_waited_for() -> None:
    """The recogniser is slow: the model decides alone."""
    audio = silence(1.0, LISTENING_RATE_HZ)
    policy = EndOfTurn(detector=ScriptedEndOfTurnDetector([1.0]), unfinished=lambda text, language: True)

    async def never() -> Transcript | None:
        await asyncio.Event().wait()
        return None

    async def known() -> Transcript | None:
        return Transcript("And the", "en", 1.0, "scripted", 1.0)

    so_far = Utterance(audio, 0.0, 0.8, 0.8, 1.0)
    assert await policy.silence_s(so_far, 0.0, never) == 0.0
    unsure = EndOfTurn(detector=ScriptedEndOfTurnDetector([0.1]))
    assert await unsure.silence_s(so_far, 0.0, never) == WAITING[Patience.NORMAL].unfinished_s
    assert await unsure.silence_s(so_far, 0.0, known) == EndOfTurnSettings().end_silence_s
    assert await policy.silence_s(so_far, 0.0, known) == WAITING[Patience.NORMAL].unfinished_s


@pytest.mark.parametrize("stammers", [3, 20])
async def test_a_stammer_keeps_the_machine_idle(stammers: int, tmp_path: Path) -> None:
    customer: Sequence[tuple[float, str]] = [
        (1.0, "silence"), (WAKE_S, "wake"), (0.4, "silence"), *[(0.3, "speak"), (0.2, "silence")] * stammers,
        (3.0, "silence"),
    ]  # fmt: skip
    scene = Scene(customer, tmp_path, end_of_turn=EndOfTurn())
    assert len(of(await scene.play(), "transcript")) == 1
    assert len(scene.transcriber.heard) == min(stammers, 7)


SO_FAR = Utterance(silence(1.7, LISTENING_RATE_HZ), 0.0, 1.5, 1.5, 1.7)
"""A second and a half of speech."""
QUICK, PLAIN, LONG_S = 0.0, EndOfTurnSettings().end_silence_s, WAITING[Patience.NORMAL].unfinished_s
HALFWAY = (PLAIN + LONG_S) / 2


@pytest.mark.parametrize(
    ("text", "sure", "sounds_finished", "waits_s"),
    [
        ("Where is the bread?", True, 0.1, QUICK), ("Where is the bread?", True, 0.9, QUICK),
        ("Where is the bread?", False, 0.1, LONG_S), ("Where is the bread?", False, 0.9, HALFWAY),
        ("Where is the bread?", None, 0.1, PLAIN), ("Where is the bread?", None, 0.9, QUICK),
        ("Where is the", True, 0.9, LONG_S),
        ("Where can I find the gluten free bread?", True, 0.1, LONG_S),
        ("Where can I find the gluten free bread?", True, 0.9, HALFWAY),
        ("Where can I find the gluten free bread?", None, 0.9, QUICK),
    ],
)  # fmt: skip
async def test_whose_word_counts(text: str, sure: bool | None, sounds_finished: float, waits_s: float) -> None:
    """A recogniser that is sure outvotes the model; one that may have completed the words, or wrote more of them than
    the time holds, is not believed."""

    async def words() -> Transcript:
        return Transcript(text, "en", 1.0, "scripted", 1.0, sure)

    policy = EndOfTurn(
        detector=ScriptedEndOfTurnDetector([sounds_finished]), unfinished=lambda text, language: text.endswith("the")
    )
    assert await policy.silence_s(SO_FAR, 0.0, words) == waits_s


async def test_the_patient_are_answered_at_once_only_where_all_agree() -> None:
    async def words() -> Transcript:
        return Transcript("Where is the bread?", "en", 1.0, "scripted", 1.0, sure=True)

    for finished, longer in ((0.5, True), (0.95, False)):
        policy = EndOfTurn(EndOfTurnSettings(Patience.PATIENT), ScriptedEndOfTurnDetector([finished]))
        assert (await policy.silence_s(SO_FAR, 0.0, words) > 0.0) is longer
