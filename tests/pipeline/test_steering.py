"""Buttons: push to talk, stop, and sounds that are played in between. As the list of events."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pipeline.conversation import PUSH_TO_TALK, Conversation
from pipeline.earcons import listening
from pipeline.speech import Exchange
from tests.fakes.agent import FakeAgent
from tests.fakes.synthesizer import ScriptedSynthesizer
from tests.pipeline.scene import ROBIN, WAKE_S, Scene
from tests.pipeline.test_conversation import LONG, QUESTION, kinds, of

pytestmark = pytest.mark.unit

ANSWERED = [
    "wake_word", "speech_start", "speech_end", "transcript", "reply_text", "speaking", "reply_text", "turn_end",
    "listening",
]  # fmt: skip

CUT_OFF_S = 4.5
"""Somewhere in the long answer to QUESTION."""


def press(conversation: Conversation) -> None:
    conversation.listen_now()


def stop(conversation: Conversation) -> None:
    conversation.stop_now()


async def test_a_button_stands_for_the_wake_word(tmp_path: Path) -> None:
    customer = [(1.0, "silence"), (0.4, "silence"), (1.0, "speak"), (2.0, "silence")]
    events = await Scene(customer, tmp_path, cues=[(1.0, press)]).play()
    assert kinds(events) == ["listening", *ANSWERED]
    assert of(events, "wake_word")[0]["name"] == PUSH_TO_TALK
    assert of(events, "wake_word")[0]["score"] == 1.0


async def test_nothing_that_was_said_before_the_button_is_listened_to(tmp_path: Path) -> None:
    customer = [(1.0, "silence"), (1.0, "speak"), (1.0, "silence"), (1.0, "speak"), (2.0, "silence")]
    scene = Scene(customer, tmp_path, cues=[(2.5, press)])
    await scene.play()
    assert [one.speech_start_s for one in scene.transcriber.heard] == [pytest.approx(3.0, abs=0.1)]


async def test_a_button_interrupts_an_answer_and_the_next_question_is_heard(tmp_path: Path) -> None:
    customer = [*QUESTION, (1.0, "silence"), (1.0, "speak"), (12.0, "silence")]
    scene = Scene(customer, tmp_path, agent=FakeAgent([LONG]), cues=[(CUT_OFF_S, press)])
    events = await scene.play()
    first = kinds(events).index("interrupted")
    assert kinds(events)[first : first + 3] == ["interrupted", "turn_end", "wake_word"]
    assert LONG.startswith(events[first]["heard_text"]) and events[first]["heard_text"]
    assert [event["turn"] for event in of(events, "turn_end")] == [1, 2]


async def test_pressing_again_while_the_customer_speaks_does_nothing(tmp_path: Path) -> None:
    events = await Scene(QUESTION, tmp_path, cues=[(2.2, press), (2.5, press)]).play()
    assert kinds(events) == ["listening", *ANSWERED]


async def test_stopping_an_answer_keeps_what_was_heard_and_listens(tmp_path: Path) -> None:
    agent = FakeAgent([LONG])
    voice = ScriptedSynthesizer()
    customer = [*QUESTION, (2.0, "silence"), *QUESTION, (12.0, "silence")]
    scene = Scene(customer, tmp_path, agent=agent, voices=[voice], cues=[(CUT_OFF_S, stop)], lines=["One?", "Two?"])
    events = await scene.play()
    first = kinds(events).index("interrupted")
    assert kinds(events)[first : first + 3] == ["interrupted", "turn_end", "listening"]
    heard = events[first]["heard_text"]
    assert 0 < len(heard) < len(LONG)
    assert voice.cancelled == [LONG]
    assert agent.asked[1][2] == (Exchange("One?", heard),)


async def test_stopping_while_a_customer_is_listened_to(tmp_path: Path) -> None:
    events = await Scene(QUESTION, tmp_path, cues=[(2.5, stop)]).play()
    assert kinds(events) == ["listening", "wake_word", "speech_start", "turn_end", "listening"]


async def test_stopping_while_nothing_goes_on_does_nothing(tmp_path: Path) -> None:
    events = await Scene(QUESTION, tmp_path, cues=[(0.5, stop)]).play()
    assert kinds(events) == ["listening", *ANSWERED]


async def test_stopping_forgets_what_waits_to_be_said(tmp_path: Path) -> None:
    def announce_all(conversation: Conversation) -> None:
        for text in (LONG, LONG, LONG):
            conversation.announce(text, ROBIN)

    events = await Scene([(9.0, "silence")], tmp_path, cues=[(1.0, announce_all), (2.0, stop)]).play()
    assert kinds(events) == ["listening", "speaking", "interrupted", "turn_end", "listening"]


@pytest.mark.parametrize(
    ("cues", "end"),
    [
        ([], "heard"),
        ([(1.2, stop)], "stopped"),
        ([(1.2, press)], "pressed"),
    ],
)
async def test_a_sound_is_played_and_whoever_asked_for_it_waits(cues: list[Any], end: str, tmp_path: Path) -> None:
    over: list[str] = []

    async def play(conversation: Conversation) -> None:
        await conversation.play(listening())
        over.append("over")

    async with asyncio.TaskGroup() as group:

        def begin(conversation: Conversation) -> None:
            group.create_task(play(conversation))

        scene = Scene([(9.0, "silence")], tmp_path, cues=[(1.0, begin), *cues])
        events = await scene.play()
    assert over == ["over"]
    assert ("wake_word" in kinds(events)) is (end == "pressed")
    if end == "heard":
        assert kinds(events) == ["listening", "listening"]
        assert scene.replies_s() == pytest.approx(listening().duration_s, abs=0.01)


async def test_a_wake_word_ends_a_sound(tmp_path: Path) -> None:
    over: list[str] = []
    async with asyncio.TaskGroup() as group:

        async def play(conversation: Conversation) -> None:
            for _ in range(60):
                await conversation.play(listening())
            over.append("over")

        def begin(conversation: Conversation) -> None:
            group.create_task(play(conversation))

        customer = [(2.0, "silence"), (WAKE_S, "wake"), *QUESTION[2:], (60.0, "silence")]
        events = await Scene(customer, tmp_path, cues=[(0.5, begin)]).play()
    assert "transcript" in kinds(events)
    assert over == ["over"]
