"""Buttons: push to talk, stop, and sounds that are played in between. As the list of events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipeline.conversation import PUSH_TO_TALK, Conversation
from pipeline.conversation_settings import ConversationSettings
from pipeline.earcons import listening
from pipeline.errors import DeviceLost
from pipeline.speech import Exchange
from pipeline.turn import Turn
from tests.contracts.speaker import tone
from tests.fakes.agent import FakeAgent
from tests.fakes.audio import FakeSpeaker
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


def both(*acts: Callable[[Conversation], None]) -> Callable[[Conversation], None]:
    """One after another in the same instant."""

    def act(conversation: Conversation) -> None:
        for one in acts:
            one(conversation)

    return act


async def test_two_presses_in_the_same_instant_are_one(tmp_path: Path) -> None:
    customer = [(1.0, "silence"), (0.4, "silence"), (1.0, "speak"), (12.0, "silence")]
    events = await Scene(customer, tmp_path, cues=[(1.0, both(press, press))]).play()
    assert kinds(events) == ["listening", *ANSWERED]


async def test_a_press_just_when_the_wake_word_is_heard_begins_no_second_turn(tmp_path: Path) -> None:
    talks: list[Conversation] = []
    scene = Scene([*QUESTION, (12.0, "silence")], tmp_path, cues=[(0.1, talks.append)])
    listen = Conversation._something_to_do

    async def pressed_meanwhile(conversation: Conversation) -> Any:
        found = await listen(conversation)
        if found is not None and conversation._feed.turn == 0:
            press(conversation)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Conversation, "_something_to_do", pressed_meanwhile)
        events = await scene.play()
    assert kinds(events) == ["listening", *ANSWERED]


@pytest.mark.parametrize(
    ("act", "next_kind"),
    [(both(press, press), "wake_word"), (both(press, stop), "listening"), (both(stop, press), "wake_word")],
)
async def test_of_several_buttons_the_last_one_counts_and_the_answer_is_interrupted_once(
    act: Callable[[Conversation], None], next_kind: str, tmp_path: Path
) -> None:
    scene = Scene([*QUESTION, (12.0, "silence")], tmp_path, agent=FakeAgent([LONG]), cues=[(CUT_OFF_S, act)])
    events = await scene.play()
    first = kinds(events).index("interrupted")
    assert kinds(events)[first : first + 3] == ["interrupted", "turn_end", next_kind]
    assert len(of(events, "interrupted")) == 1


class AgentWithAButton(FakeAgent):
    """Somebody presses a button while it thinks about its first answer; it would think for ever."""

    def __init__(self, conversations: list[Conversation], act: Callable[[Conversation], None]) -> None:
        super().__init__()
        self._conversations, self._act = conversations, act

    def reply(self, *request: Any) -> Any:
        self.hang_after = None if self.asked else 0
        if not self.asked:
            self._act(self._conversations[0])
        return super().reply(*request)


@pytest.mark.parametrize(("act", "next_kind"), [(press, "wake_word"), (stop, "listening")])
async def test_a_button_ends_thinking(act: Callable[[Conversation], None], next_kind: str, tmp_path: Path) -> None:
    talks: list[Conversation] = []
    agent = AgentWithAButton(talks, act)
    events = await Scene([*QUESTION, (12.0, "silence")], tmp_path, agent=agent, cues=[(0.1, talks.append)]).play()
    first = kinds(events).index("interrupted")
    assert kinds(events)[first : first + 3] == ["interrupted", "turn_end", next_kind]
    assert of(events, "interrupted")[0]["heard_text"] == ""


@pytest.mark.parametrize("act", [press, stop])
async def test_a_turn_that_is_ended_in_the_instant_in_which_it_begins_tells_its_end(
    act: Callable[[Conversation], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its task has been made, but has not taken its first step."""
    talks: list[Conversation] = []
    begin = Conversation._begin

    def begun(conversation: Conversation, *details: Any, **more: Any) -> Turn:
        if conversation._feed.turn == 1:
            asyncio.get_running_loop().call_soon(act, conversation)
        return begin(conversation, *details, **more)

    monkeypatch.setattr(Conversation, "_begin", begun)
    events = await Scene([*QUESTION, (12.0, "silence")], tmp_path, cues=[(0.1, talks.append)]).play()
    assert [event["turn"] for event in of(events, "turn_end")] == [1, 2] if act is press else [1]
    assert kinds(events)[kinds(events).index("interrupted") + 1] == "turn_end"


async def test_stopping_silences_the_tone_that_invites_the_customer(tmp_path: Path) -> None:
    settings = ConversationSettings(listening_tone=listening())
    scene = Scene([(1.0, "silence"), (9.0, "silence")], tmp_path, settings=settings)
    scene.cues = [(1.0, press), (1.0 + listening().duration_s / 2, stop)]
    assert kinds(await scene.play()) == ["listening", "wake_word", "turn_end", "listening"]
    assert 0 < scene.replies_s() < listening().duration_s * 0.8


SOUND = tone(440, 1.0)


@dataclass
class Playing:
    """Somebody who has a sound played, and what came of it."""

    group: asyncio.TaskGroup
    begun: int = 0
    heard: list[bool] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    def begin(self, conversation: Conversation) -> None:
        self.task = self.group.create_task(self._play(conversation), name="sound")

    def leave(self, _: Conversation) -> None:
        assert self.task is not None
        self.task.cancel()

    async def _play(self, conversation: Conversation) -> None:
        self.heard.append(await conversation.play(SOUND, begins=self._begins))

    def _begins(self) -> None:
        self.begun += 1


async def test_a_sound_is_played_and_whoever_asked_for_it_waits(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        somebody = Playing(group)
        scene = Scene([(9.0, "silence")], tmp_path, cues=[(1.0, somebody.begin)])
        events = await scene.play()
    assert (somebody.begun, somebody.heard) == (1, [True])
    assert kinds(events) == ["listening", "listening"], "a sound is no turn"
    assert scene.replies_s() == pytest.approx(SOUND.duration_s, abs=0.01)


@pytest.mark.parametrize(("act", "following"), [(stop, []), (press, ["wake_word", "no_speech", "turn_end"])])
async def test_a_button_ends_a_sound(act: Callable[[Conversation], None], following: list[str], tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        somebody = Playing(group)
        scene = Scene([(19.0, "silence")], tmp_path, cues=[(1.0, somebody.begin), (1.0 + SOUND.duration_s / 2, act)])
        events = await scene.play()
    assert (somebody.begun, somebody.heard) == (1, [False])
    assert kinds(events) == ["listening", *following, "listening"]
    assert 0 < scene.replies_s() < SOUND.duration_s * 0.8


async def test_a_wake_word_ends_a_sound(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        somebody = Playing(group)
        begins_s = 1.0 + WAKE_S - SOUND.duration_s / 2
        events = await Scene([*QUESTION, (9.0, "silence")], tmp_path, cues=[(begins_s, somebody.begin)]).play()
    assert somebody.heard == [False]
    assert kinds(events) == ["listening", *ANSWERED]


async def test_a_sound_nobody_waits_for_any_more_ends(tmp_path: Path) -> None:
    leaves_s = 1.0 + SOUND.duration_s / 2
    async with asyncio.TaskGroup() as group:
        somebody = Playing(group)
        scene = Scene([(9.0, "silence")], tmp_path, cues=[(1.0, somebody.begin), (leaves_s, somebody.leave)])
        events = await scene.play()
    assert (somebody.begun, somebody.heard) == (1, [])
    assert kinds(events) == ["listening", "listening"]
    assert 0 < scene.replies_s() < SOUND.duration_s * 0.8


async def test_a_sound_nobody_waits_for_any_more_does_not_begin(tmp_path: Path) -> None:
    """It had to wait for the end of a question."""
    async with asyncio.TaskGroup() as group:
        somebody = Playing(group)
        cues = [(2.2, somebody.begin), (2.5, somebody.leave)]
        await Scene([*QUESTION, (9.0, "silence")], tmp_path, cues=cues).play()
    assert (somebody.begun, somebody.heard) == (0, [])


async def test_whoever_waits_for_a_sound_that_was_stopped_before_it_began_is_told(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        somebody = Playing(group)
        await Scene([*QUESTION, (9.0, "silence")], tmp_path, cues=[(2.2, somebody.begin), (2.5, stop)]).play()
    assert (somebody.begun, somebody.heard) == (0, [False])


async def test_whoever_waits_for_a_sound_is_told_when_the_conversation_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loudspeaker is lost in the answer before it."""

    class LostSpeaker(FakeSpeaker):
        def __init__(self, *_: object) -> None:
            super().__init__(lost_after=0)

    monkeypatch.setattr("tests.pipeline.scene.WavSpeaker", LostSpeaker)
    async with asyncio.TaskGroup() as group:
        somebody = Playing(group)
        with pytest.raises(DeviceLost):
            await Scene(QUESTION, tmp_path, cues=[(2.2, somebody.begin)]).play()
    assert (somebody.begun, somebody.heard) == (0, [False])
