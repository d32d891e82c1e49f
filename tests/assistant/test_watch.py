"""Whoever watches sees the state, the turns and the event lines, and costs nothing once it is gone."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest

from assistant.watch import BEHIND, MOST_TURNS, Line, Watch
from pipeline.events import (
    AnswerPaused,
    AnswerResumed,
    Attempt,
    DeviceBack,
    DeviceLostEvent,
    Event,
    EventFeed,
    FollowUp,
    Interrupted,
    Listening,
    Muted,
    NoSpeechHeard,
    ReplyText,
    Speaking,
    SpeechEnd,
    SpeechStart,
    StagesMs,
    TranscriptReady,
    TurnEnd,
    WakeWord,
)
from pipeline.speech import Personality

pytestmark = pytest.mark.unit


@pytest.fixture
def feed() -> EventFeed:
    return EventFeed()


@pytest.fixture
def watch(feed: EventFeed) -> Watch:
    return Watch(feed, lambda: Personality("Alex", id="1"), lambda: datetime(2026, 1, 2, tzinfo=UTC))


TURN: list[tuple[Event, str]] = [
    (WakeWord("hey_jarvis", 0.9), "hearing"),
    (SpeechStart(), "hearing"),
    (SpeechEnd(1.0), "thinking"),
    (TranscriptReady("when do you close", "en", "faster_whisper", 100.0), "thinking"),
    (ReplyText("At eight.", final=False), "thinking"),
    (Speaking("piper", "ryan", False, "At eight.", 50.0, [Attempt("piper", None, 50.0)]), "speaking"),
    (ReplyText("At eight.", final=True), "speaking"),
    (TurnEnd(900.0, StagesMs(700.0, 100.0, 10.0, 90.0)), "speaking"),
    (Listening(), "listening"),
]


def test_the_state_follows_a_turn_and_the_turn_is_remembered(feed: EventFeed, watch: Watch) -> None:
    assert watch.state == "starting"
    feed.publish(Listening())
    feed.turn = 1
    for event, state in TURN:
        feed.publish(event)
        assert watch.state == state
    assert list(watch.turns) == [
        {
            "turn": 1,
            "at": "2026-01-02T00:00:00+00:00",
            "personality": "Alex",
            "wake_word": "hey_jarvis",
            "transcript": "when do you close",
            "language": "en",
            "reply": "At eight.",
            "no_speech": None,
            "interrupted": False,
            "voices": [
                {
                    "provider": "piper",
                    "voice": "ryan",
                    "cached": False,
                    "text": "At eight.",
                    "first_audio_ms": 50.0,
                    "attempts": [{"provider": "piper", "error": None, "ms": 50.0}],
                }
            ],
            "response_ms": 900.0,
            "stages_ms": {"end_of_turn": 700.0, "stt": 100.0, "agent": 10.0, "tts": 90.0},
        }
    ]


def test_interruptions_silence_and_lost_devices_are_told(feed: EventFeed, watch: Watch) -> None:
    feed.turn = 1
    feed.publish(Interrupted("At"))
    feed.turn = 2
    feed.publish(NoSpeechHeard("timeout"))
    assert [(one["interrupted"], one["no_speech"]) for one in watch.turns] == [(False, "timeout"), (True, None)]
    feed.publish(DeviceLostEvent("usb"))
    assert watch.state == "trouble"


def test_trouble_lasts_until_all_devices_are_back(feed: EventFeed, watch: Watch) -> None:
    feed.publish(DeviceLostEvent("microphone"))
    feed.publish(DeviceLostEvent("loudspeaker"))
    feed.publish(Listening())
    assert watch.snapshot()["state"] == "trouble"
    feed.publish(DeviceBack("microphone", 1.0))
    assert watch.snapshot()["state"] == "trouble"
    feed.publish(DeviceBack("loudspeaker", 1.0))
    assert watch.snapshot()["state"] == "listening"


def test_only_the_last_turns_are_remembered(feed: EventFeed, watch: Watch) -> None:
    for feed.turn in range(1, MOST_TURNS + 10):
        feed.publish(WakeWord("w", 1.0))
    assert len(watch.turns) == MOST_TURNS
    assert watch.turns[0]["turn"] == MOST_TURNS + 9


async def told(watch: Watch, count: int, after: int | None = None) -> list[Any]:
    found: list[Any] = []
    async with aclosing(watch.lines(after, 0.01)) as lines:
        async for line in lines:
            found.append(line.data["event"] if isinstance(line, Line) else line)
            if len(found) == count:
                break
    return found


def test_the_state_follows_whoever_speaks_over_an_answer_and_goes_on_after_it(feed: EventFeed, watch: Watch) -> None:
    for event, state in (
        (AnswerPaused(), "hearing"), (AnswerResumed(), "speaking"), (FollowUp(5.0), "hearing"),
        (Listening(), "listening"),
    ):  # fmt: skip
        feed.publish(event)
        assert watch.state == state


async def test_whoever_comes_is_told_the_state_and_then_nothing_new(feed: EventFeed, watch: Watch) -> None:
    feed.publish(Listening())
    first, then = await told(watch, 2)
    assert first["state"] == "listening"
    assert then is None


async def test_whoever_lost_the_connection_is_told_what_was_missed(feed: EventFeed, watch: Watch) -> None:
    for event in (Listening(), WakeWord("a", 1.0), SpeechStart()):
        feed.publish(event)
    assert (await told(watch, 3, after=1))[1:] == ["wake_word", "speech_start"]


async def test_a_change_of_state_comes_after_its_event(feed: EventFeed, watch: Watch) -> None:
    async with aclosing(watch.lines(None, 10.0)) as lines:
        await anext(lines)
        feed.publish(WakeWord("a", 1.0))
        line, state = await anext(lines), await anext(lines)
    assert isinstance(line, Line)
    assert isinstance(state, dict)
    assert state["state"] == "hearing"


async def test_who_is_far_behind_is_let_go(feed: EventFeed, watch: Watch) -> None:
    async with aclosing(watch.lines(None, 10.0)) as lines:
        await anext(lines)
        for _ in range(BEHIND + 1):
            feed.publish(SpeechStart())
        left = [line async for line in lines]
    assert len(left) <= BEHIND


async def test_closing_lets_all_go_and_observes_no_more(feed: EventFeed, watch: Watch) -> None:
    async with aclosing(watch.lines(None, 10.0)) as lines:
        await anext(lines)
        watch.close()
        assert [line async for line in lines] == []
    feed.publish(Listening())
    assert watch.state == "starting"


def test_muted_takes_the_place_of_listening_and_hides_nothing_else(feed: EventFeed, watch: Watch) -> None:
    feed.publish(Listening())
    feed.publish(Muted(muted=True))
    assert (watch.snapshot()["state"], watch.snapshot()["muted"]) == ("muted", True)
    feed.publish(WakeWord("push_to_talk", 1.0))
    assert (watch.snapshot()["state"], watch.snapshot()["muted"]) == ("hearing", True)
    feed.publish(Listening())
    feed.publish(Muted(muted=False))
    assert (watch.snapshot()["state"], watch.snapshot()["muted"]) == ("listening", False)
