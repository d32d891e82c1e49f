"""The benchmark's ruler: made questions, the room that listens from outside, and the figures."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers import room
from benchmarks.peers.line import RATE_HZ
from benchmarks.peers.room import Heard, Loudspeaker, assistant
from benchmarks.peers.wyoming_chain import FRAME_S, Segmenter
from benchmarks.voice_to_voice import CHAIN, OURS, REALTIME_NAME, Results, summary
from benchmarks.voice_to_voice_questions import PAUSED, PLAIN, Question, questions, spoken, spoken_with_pause
from tests.conftest import ROOT

pytestmark = pytest.mark.unit

TALKER = """
from benchmarks.peers.line import END_OF_TURN, MICROPHONE, READY, program_line
import struct
line = program_line()
print("what a library prints")
line.send(READY)
frames = 0
while (frame := line.receive()) is not None:
    frames += frame[0] == MICROPHONE
    if frames == {frames} and frame[0] == MICROPHONE:
        line.send(END_OF_TURN)
        line.play(bytes(2 * 1600) + struct.pack("<h", 9000) * 160, 16000)
"""
"""Answers after so many frames: a tenth of a second of silence, then sound."""


def test_there_are_enough_questions_of_each_kind() -> None:
    assert len(PLAIN) + len(PAUSED) >= 20
    assert sum(0.4 <= pause_s <= 1.2 for _, pause_s, _ in PAUSED) >= 8
    assert len({voice for _, voice in PLAIN}) >= 4


@pytest.mark.parametrize("voice", ["en-us", "piper"])
def test_the_last_sample_is_the_last_that_is_heard(voice: str) -> None:
    speech = spoken("Where is the milk?", voice)
    assert abs(speech[-1]) > np.abs(speech).max() * 10 ** (-46 / 20)
    assert 0.5 < len(speech) / RATE_HZ < 3


@pytest.mark.parametrize("voice", ["en-us+f4", "piper"])
def test_a_thinking_pause_is_silence_of_its_length_within_the_sentence(voice: str) -> None:
    speech = spoken_with_pause("What time do you | close on Sunday?", voice, 0.8)
    silent = np.flatnonzero(np.abs(speech) < 1e-9)
    runs = np.split(silent, np.flatnonzero(np.diff(silent) > 1) + 1)
    longest = max(runs, key=len)
    assert len(longest) / RATE_HZ == pytest.approx(0.8, abs=0.05)
    assert 0.3 < longest[0] / RATE_HZ < 1.5
    assert len(speech) - longest[-1] > 0.4 * RATE_HZ


def test_the_place_of_the_last_sample_counts_what_is_said_before() -> None:
    speech = np.full(1000, 3000.0)
    question = Question("Hello?", "en-us", 0.0, False, speech)
    sound, last, _ = question.sound(np.full(500, 3000.0))
    assert abs(int(sound[last])) > 2000
    assert len(sound) == last + 1
    assert last == (room.LEAD_IN_S + 0.5) * RATE_HZ + 1500 - 1


def test_an_answer_is_heard_when_its_first_audible_sample_sounds() -> None:
    loudspeaker = Loudspeaker()
    loudspeaker.play(np.zeros(1600, np.int16), 16_000, now=10.0)
    assert loudspeaker.audible_at is None
    loudspeaker.play(np.r_[np.zeros(800), 5000].astype(np.int16), 16_000, now=10.02)
    assert loudspeaker.audible_at == pytest.approx(10.15)  # the silence before it is played first


@pytest.mark.parametrize(("frames", "cut_off"), [(10, True), (40, False)])
def test_the_room_measures_from_outside(tmp_path: Path, frames: int, cut_off: bool) -> None:
    """The talker decides after so many frames of 32 ms; the customer's last sample is in the 20th."""
    program = tmp_path / "talker.py"
    program.write_text(TALKER.format(frames=frames), "utf-8")
    sound = np.full(512 * 20, 3000, np.int16)
    environment = {"PYTHONPATH": str(ROOT)}
    with assistant("talker", [sys.executable, program], tmp_path, ROOT, environment, wakes=False) as one:
        one.wait_until_ready()
        heard = one.ask(sound, len(sound) - 1, np.zeros(16_000, np.int16), "", 5.0)
    assert heard.cut_off is cut_off
    assert heard.decided_s is not None and heard.audible_s is not None
    assert heard.audible_s - heard.decided_s > 0.09
    assert heard.decided_s >= (frames - 20) * 0.032 - 0.001  # nothing comes before its sound has


def test_who_does_not_start_is_told_with_its_log(tmp_path: Path) -> None:
    broken = [sys.executable, "-c", "raise SystemExit('no such model')"]
    with (
        assistant("broken", broken, tmp_path, ROOT, {}, wakes=False) as one,
        pytest.raises(OSError, match="no such model"),
    ):
        one.wait_until_ready()


def test_home_assistants_rule_ends_a_command_after_its_silence() -> None:
    segmenter = Segmenter()
    speech = [0.9] * 20 + [0.1] * round(0.5 / FRAME_S) + [0.9] * 10
    assert all(segmenter.goes_on(one) for one in speech)
    silent = 0
    while segmenter.goes_on(0.1):
        silent += 1
    assert (silent + 1) * FRAME_S == pytest.approx(0.7, abs=FRAME_S)


def results() -> Results:
    plain = [Question("a", "v", 0.0, False, np.zeros(1)), Question("b", "v", 0.0, False, np.zeros(1))]
    paused = [Question("c", "v", 0.5, False, np.zeros(1)), Question("d", "v", 0.5, False, np.zeros(1))]
    ours = [Heard(0.3, 0.2, 0.25, "A."), Heard(0.4, 0.2, 0.25, "x"), Heard(-0.2, -0.3, -0.3, "c"), Heard(0.5, 0.2, 0.3)]
    chain = [Heard(0.9, 0.7, 0.8), Heard(0.8, 0.7, 0.75), Heard(0.2, -0.1, 0.1), Heard(None)]
    other = [Heard(1.5, 0.7, 0.8), Heard(1.8, 0.7, 0.75), Heard(1.2, 0.7, 1.0), Heard(1.2, 0.7, 1.0)]
    return Results([*plain, *paused], {OURS: ours, CHAIN: chain, REALTIME_NAME: other})


def test_the_figures_leave_out_who_was_cut_off_and_count_them() -> None:
    figures = summary(results())
    assert figures["response_ms_p50"] == 400.0
    assert figures["cut_off_share"] == 0.5
    assert figures["best_peer"] == CHAIN
    assert figures["ratio_to_best_peer_p50"] == pytest.approx((0.3 / 0.9 + 0.4 / 0.8) / 2, abs=1e-3)
    assert figures["right_share"] == 0.5


def test_a_turn_that_ends_in_the_pause_is_a_cut_off_however_late_its_answer_comes() -> None:
    assert results().cut_off_share(CHAIN) == 0.5
    assert results().cut_off_share(REALTIME_NAME) == 0.0


def test_a_quick_run_asks_with_and_without_pauses() -> None:
    asked = questions(quick=True)
    assert {bool(one.pause_s) for one in asked} == {True, False}
