"""The segmenter on frames made by hand; with real sound in noise it is tested next to the voice detector."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain, repeat

import pytest

from pipeline.audio import FRAME_S
from pipeline.segmenter import (
    NoUtterance,
    SegmenterSettings,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    Step,
    UtteranceSegmenter,
)
from pipeline.speech import NoSpeechReason, UtteranceEnd, VoiceFrame

pytestmark = pytest.mark.unit

Sound = tuple[float, float]
"""Speech probability and level in dB."""

SPEECH: Sound = (0.97, -25.0)
ROOM: Sound = (0.02, -54.0)
FLOOR_DB = -55.0
FOLLOW_UP = SegmenterSettings(wake_tail_s=0.0)


def lasting(seconds: float, sound: Sound) -> Iterable[Sound]:
    return repeat(sound, round(seconds / FRAME_S))


def steps(
    *sounds: Iterable[Sound], settings: SegmenterSettings = FOLLOW_UP, floor_db: float = FLOOR_DB, start_s: float = 0.0
) -> tuple[list[Step], float]:
    """What is decided until the first end, the stream's own included, and when."""
    segmenter = UtteranceSegmenter(settings)
    decided: list[Step] = []
    now_s = start_s
    for probability, level_db in chain(*sounds):
        frame = VoiceFrame(now_s, FRAME_S, probability, level_db, floor_db)
        now_s = frame.end_s
        if (step := segmenter.push(frame)) is not None:
            decided.append(step)
        if isinstance(step, SpeechEnded | NoUtterance):
            return decided, now_s
    return [*decided, segmenter.flush()], now_s


def test_speech_between_pauses() -> None:
    decided, now_s = steps(lasting(1.024, ROOM), lasting(1.28, SPEECH), lasting(3, ROOM), start_s=100.0)
    started, ended = decided
    assert isinstance(started, SpeechStarted)
    assert started.at_s == pytest.approx(101.024)
    assert isinstance(ended, SpeechEnded)
    assert (ended.start_s, ended.end_s) == (pytest.approx(101.024), pytest.approx(102.304))
    assert ended.speech_s == pytest.approx(1.28)
    assert ended.ended_by is UtteranceEnd.SILENCE
    assert now_s - ended.end_s == pytest.approx(0.7, abs=FRAME_S)


def test_a_pause_for_thought_belongs_to_the_utterance() -> None:
    decided, _ = steps(lasting(0.64, SPEECH), lasting(0.64, ROOM), lasting(0.64, SPEECH), lasting(2, ROOM))
    ended = decided[-1]
    assert isinstance(ended, SpeechEnded)
    assert ended.end_s == pytest.approx(60 * FRAME_S)
    assert ended.speech_s == pytest.approx(1.28)


def test_nobody_speaks() -> None:
    decided, now_s = steps(lasting(20, ROOM))
    assert decided == [NoUtterance(NoSpeechReason.TIMEOUT)]
    assert now_s == pytest.approx(6.0, abs=FRAME_S)


@pytest.mark.parametrize("length_s", [0.03, 0.1, 0.19])
def test_a_click_is_not_speech(length_s: float) -> None:
    decided, _ = steps(lasting(1, ROOM), lasting(length_s, SPEECH), lasting(9, ROOM))
    assert decided == [NoUtterance(NoSpeechReason.TIMEOUT)]


def test_a_row_of_clicks_is_not_speech() -> None:
    clicks = chain.from_iterable(chain(lasting(0.096, SPEECH), lasting(0.16, ROOM)) for _ in range(40))
    decided, _ = steps(clicks)
    assert decided == [NoUtterance(NoSpeechReason.TIMEOUT)]


def test_a_short_word_is_speech() -> None:
    decided, _ = steps(lasting(1, ROOM), lasting(0.256, SPEECH), lasting(2, ROOM))
    assert [type(step) for step in decided] == [SpeechStarted, SpeechEnded]


def test_the_end_of_the_wake_word_is_not_speech() -> None:
    tail = lasting(0.3, SPEECH), lasting(1.0, ROOM)
    decided, _ = steps(*tail, lasting(1, SPEECH), lasting(2, ROOM), settings=SegmenterSettings())
    assert decided[0] == SpeechStarted(pytest.approx(40 * FRAME_S))
    assert steps(*(lasting(0.3, SPEECH), lasting(1.0, ROOM)))[0][0] == SpeechStarted(0.0)  # in a follow-up it is


def test_a_question_right_after_the_wake_word_is_speech() -> None:
    decided, _ = steps(lasting(0.8, SPEECH), lasting(2, ROOM), settings=SegmenterSettings())
    assert decided[0] == SpeechStarted(0.0)


def test_blips_in_the_pause_do_not_keep_it_from_ending() -> None:
    blips = chain.from_iterable(chain(lasting(0.064, SPEECH), lasting(0.16, ROOM)) for _ in range(20))
    decided, _ = steps(lasting(0.96, SPEECH), blips)
    ended = decided[-1]
    assert isinstance(ended, SpeechEnded)
    assert ended.end_s == pytest.approx(0.96, abs=0.1)
    assert ended.speech_s == pytest.approx(0.96, abs=0.1)


def test_a_crowd_that_the_detector_takes_for_speech_ends_by_level() -> None:
    crowd = (0.9, FLOOR_DB + 5)
    decided, now_s = steps(lasting(1.28, SPEECH), lasting(10, crowd))
    ended = decided[-1]
    assert isinstance(ended, SpeechEnded)
    assert ended.end_s == pytest.approx(1.28)
    assert now_s < 2.1


def test_noise_that_is_half_believed_ends_by_probability() -> None:
    loud_noise = (0.5, -27.0)
    decided, _ = steps(lasting(1.28, SPEECH), lasting(10, loud_noise))
    assert decided[-1] == SpeechEnded(0.0, pytest.approx(1.28), pytest.approx(1.28), UtteranceEnd.SILENCE)


def test_half_believed_noise_at_the_floor_begins_nothing() -> None:
    assert steps(lasting(9, (0.6, FLOOR_DB + 1)))[0] == [NoUtterance(NoSpeechReason.TIMEOUT)]
    assert isinstance(steps(lasting(9, (0.6, FLOOR_DB + 4)))[0][0], SpeechStarted)


def test_a_sure_detector_is_believed_at_the_floor() -> None:
    assert isinstance(steps(lasting(1, (0.99, FLOOR_DB + 1)))[0][0], SpeechStarted)


def test_endless_speech_meets_the_hard_cap() -> None:
    decided, now_s = steps(lasting(60, SPEECH))
    ended = decided[-1]
    assert isinstance(ended, SpeechEnded)
    assert ended.ended_by is UtteranceEnd.HARD_CAP
    assert now_s == pytest.approx(15.0, abs=FRAME_S)


def test_the_stream_ends_in_speech() -> None:
    decided, now_s = steps(lasting(1, ROOM), lasting(1, SPEECH))
    ended = decided[-1]
    assert isinstance(ended, SpeechEnded)
    assert (ended.end_s, ended.ended_by) == (pytest.approx(now_s), UtteranceEnd.STREAM_END)


def test_the_stream_ends_before_speech() -> None:
    assert steps(lasting(1, ROOM))[0] == [NoUtterance(NoSpeechReason.TIMEOUT)]
    assert steps(lasting(1, ROOM), lasting(0.1, SPEECH))[0] == [NoUtterance(NoSpeechReason.TOO_SHORT)]
    assert steps()[0] == [NoUtterance(NoSpeechReason.TIMEOUT)]


def test_the_timeout_waits_for_speech_that_is_just_beginning() -> None:
    decided, _ = steps(lasting(5.9, ROOM), lasting(1, SPEECH), lasting(1, ROOM))
    assert [type(step) for step in decided] == [SpeechStarted, SpeechEnded]


def test_the_timeout_does_not_wait_for_ever() -> None:
    flicker = chain.from_iterable(chain(lasting(0.096, SPEECH), lasting(0.096, ROOM)) for _ in range(80))
    decided, now_s = steps(lasting(0.064, SPEECH), flicker)
    assert decided == [NoUtterance(NoSpeechReason.TIMEOUT)]
    assert now_s == pytest.approx(7.0, abs=FRAME_S)


@pytest.mark.parametrize("end_silence_s", [0.3, 1.5])
def test_the_silence_that_ends_is_a_setting(end_silence_s: float) -> None:
    settings = replace(FOLLOW_UP, end_silence_s=end_silence_s)
    _, now_s = steps(lasting(0.96, SPEECH), lasting(5, ROOM), settings=settings)
    assert now_s == pytest.approx(0.96 + end_silence_s, abs=FRAME_S)


def test_probability_one_may_be_the_bar() -> None:
    settings = replace(FOLLOW_UP, start_probability=1.0)
    assert steps(lasting(9, SPEECH), settings=settings)[0] == [NoUtterance(NoSpeechReason.TIMEOUT)]
    assert isinstance(steps(lasting(1, (1.0, -25.0)), settings=settings)[0][0], SpeechStarted)


def test_a_voice_far_below_the_speakers_is_somebody_elses() -> None:
    decided, now_s = steps(lasting(1.28, (0.97, -15.0)), lasting(10, (0.97, -36.0)))
    assert decided[-1] == SpeechEnded(0.0, pytest.approx(1.28), pytest.approx(1.28), UtteranceEnd.SILENCE)
    assert now_s < 2.1


def test_a_crowd_that_the_noise_floor_leaves_out_is_learned_from_its_own_quiet_moments() -> None:
    crowd = [(0.9, FLOOR_DB + 20), (0.9, FLOOR_DB + 24)] * 10
    decided, _ = steps(crowd, lasting(1.28, SPEECH), crowd, crowd)
    ended = decided[-1]
    assert isinstance(ended, SpeechEnded)
    assert ended.ended_by is UtteranceEnd.SILENCE
    assert ended.end_s == pytest.approx(0.64 + 1.28)


def test_the_last_words_may_be_softer() -> None:
    decided, _ = steps(lasting(0.96, ROOM), lasting(0.64, SPEECH), lasting(0.64, (0.9, -40.0)), lasting(2, ROOM))
    assert decided[-1] == SpeechEnded(
        pytest.approx(0.96), pytest.approx(2.24), pytest.approx(1.28), UtteranceEnd.SILENCE
    )


def test_pauses_are_told_and_what_was_allowed_in_one_holds_for_that_one_only() -> None:
    segmenter = UtteranceSegmenter(FOLLOW_UP, pauses_s=(0.1, 0.2))
    told: list[tuple[float, Step]] = []
    sounds = chain(lasting(0.96, SPEECH), lasting(0.96, ROOM), lasting(0.96, SPEECH), lasting(3, ROOM))
    for number, (probability, level_db) in enumerate(sounds):
        step = segmenter.push(VoiceFrame(number * FRAME_S, FRAME_S, probability, level_db, FLOOR_DB))
        if isinstance(step, SpeechPaused):
            assert step.so_far.end_s == pytest.approx(0.96 if not segmenter.longest_pause_s else 2.88)
            if not segmenter.longest_pause_s:
                segmenter.allow_silence(2.0)
        if step is not None:
            told.append(((number + 1) * FRAME_S, step))
        if isinstance(step, SpeechEnded):
            break
    assert [type(step) for _, step in told] == [
        SpeechStarted, SpeechPaused, SpeechPaused, SpeechResumed, SpeechPaused, SpeechPaused, SpeechEnded,
    ]  # fmt: skip
    first, second = (step.silence_s for _, step in told[1:3] if isinstance(step, SpeechPaused))
    assert (first, second) == pytest.approx((0.128, 0.224))
    assert segmenter.longest_pause_s == pytest.approx(0.96, abs=FRAME_S)
    assert told[-1][0] - 2.88 == pytest.approx(0.7, abs=FRAME_S)


def test_blips_do_not_end_a_pause() -> None:
    segmenter = UtteranceSegmenter(FOLLOW_UP, pauses_s=(0.1,))
    sounds = chain(lasting(0.96, SPEECH), lasting(0.2, ROOM), lasting(0.064, SPEECH), lasting(0.2, ROOM))
    told = [
        segmenter.push(VoiceFrame(number * FRAME_S, FRAME_S, *sound, FLOOR_DB)) for number, sound in enumerate(sounds)
    ]
    assert [type(step) for step in told if step is not None] == [SpeechStarted, SpeechPaused]
