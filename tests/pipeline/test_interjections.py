"""What becomes of an answer over which somebody speaks, as its list of events."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pipeline.audio import LISTENING_RATE_HZ, silence
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.conversation_settings import ConversationSettings, FollowingUp
from pipeline.end_of_turn import EndOfTurn
from pipeline.events import EventFeed
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.interjections import BACK_S
from pipeline.loudness import Loudness
from pipeline.overlap import LEAST_S, BargeIn, Overlap
from pipeline.preparation import Preparation, TurnTaking
from pipeline.request_handler import RequestHandler
from pipeline.speech import NoSpeechReason, Utterance
from pipeline.spoken_requests import ReplyKind, RequestKind, SpokenRequests
from tests.fakes.agent import FakeAgent
from tests.fakes.audio import FakeMicrophone
from tests.fakes.stt import ScriptedTranscriber
from tests.fakes.synthesizer import CHARACTER_S
from tests.pipeline.scene import WAKE_S, Clock, Scene
from tests.pipeline.test_conversation import LONG, QUESTION, kinds, of
from tests.pipeline.test_ears import chunks, ears

pytestmark = pytest.mark.unit

VOICE = ConversationSettings(barge_in=BargeIn.VOICE, follow_up=FollowingUp.OFF)
BEGINS_S = 1.0 + WAKE_S + 0.4 + 1.0 + 0.7
"""Where the answer begins, when silence alone decides."""


def over(*customer: tuple[float, str]) -> list[tuple[float, str]]:
    """A question, then silence until two seconds and a half into its answer, and what the customer does then."""
    return [*QUESTION[:4], (0.7 + 2.5, "silence"), *customer]


def scene(folder: Path, *customer: tuple[float, str], **more: Any) -> Scene:
    return Scene(over(*customer), folder, **({"settings": VOICE, "agent": FakeAgent([LONG])} | more))


def stop_words() -> RequestHandler:
    return RequestHandler(
        SpokenRequests({"en": {RequestKind.STOP: ["stop"]}}), {ReplyKind.STOP: {"en": "Okay."}}, Loudness()
    )


async def test_who_speaks_over_an_answer_is_answered_instead(tmp_path: Path) -> None:
    lines = ["What time do you close?", "And on Sunday?"]
    play = scene(tmp_path, (1.0, "speak"), (20.0, "silence"), lines=lines)
    events = await play.play()
    first = kinds(events).index("answer_paused")
    assert kinds(events)[first : first + 6] == [
        "answer_paused", "interrupted", "turn_end", "speech_start", "speech_end", "transcript",
    ]  # fmt: skip
    assert [event["turn"] for event in of(events, "transcript")] == [1, 2]
    assert [event["text"] for event in of(events, "transcript")] == lines
    assert len(of(events, "wake_word")) == 1
    heard = events[first + 1]["heard_text"]
    assert heard
    assert LONG.startswith(heard)
    assert 0.2 < len(heard) / len(LONG) < 0.9, "the history keeps what was heard"
    said = play.transcriber.heard[-1]
    assert said.speech_s == pytest.approx(1.0, abs=0.1)


async def test_half_a_second_of_speech_pauses_an_answer_and_nothing_more_is_heard_of_it(tmp_path: Path) -> None:
    play = scene(tmp_path, (1.0, "speak"), (20.0, "silence"), lines=["What time?", NoSpeechReason.NOT_SPEECH])
    paused = of(await play.play(), "answer_paused")[0]
    assert paused["at_s"] == pytest.approx(BEGINS_S + 2.5 + LEAST_S, abs=0.1)


@pytest.mark.parametrize("heard", list(NoSpeechReason))
async def test_a_false_alarm_lets_the_answer_go_on_where_it_paused(heard: NoSpeechReason, tmp_path: Path) -> None:
    play = scene(tmp_path, (1.0, "speak"), (20.0, "silence"), lines=["What time do you close?", heard])
    events = await play.play()
    first = kinds(events).index("answer_paused")
    assert kinds(events)[first:] == ["answer_paused", "answer_resumed", "reply_text", "turn_end", "listening"]
    whole_s = CHARACTER_S * sum(letter.isalnum() for letter in LONG)
    assert play.replies_s() == pytest.approx(whole_s + BACK_S, abs=0.1), "one word is heard twice, and none is lost"


async def test_a_cough_or_an_aha_does_not_even_pause_it(tmp_path: Path) -> None:
    events = await scene(tmp_path, (0.35, "speak"), (20.0, "silence"), requests=stop_words()).play()
    assert not {"answer_paused", "interrupted"} & set(kinds(events))


async def test_stop_is_obeyed_at_once_however_short(tmp_path: Path) -> None:
    play = scene(
        tmp_path, (0.35, "speak"), (20.0, "silence"), requests=stop_words(), lines=["What time do you close?", "Stop!"],
        end_of_turn=EndOfTurn(),
    )  # fmt: skip
    events = await play.play()
    first = kinds(events).index("answer_paused")
    assert kinds(events)[first:] == ["answer_paused", "interrupted", "turn_end", "listening"]
    assert events[first]["at_s"] == pytest.approx(BEGINS_S + 2.5 + 0.35 + 0.1, abs=0.1), "at the first short pause"


async def test_the_assistants_own_words_do_not_stop_it(tmp_path: Path) -> None:
    lines = ["What time do you close?", "so long that nobody will hear the end"]
    events = await scene(tmp_path, (1.0, "speak"), (20.0, "silence"), lines=lines).play()
    assert "answer_resumed" in kinds(events)
    assert "interrupted" not in kinds(events)


@pytest.mark.parametrize("mode", [BargeIn.OFF, BargeIn.WAKE_WORD])
async def test_speech_stops_an_answer_only_where_it_is_to(mode: BargeIn, tmp_path: Path) -> None:
    events = await scene(
        tmp_path, (1.0, "speak"), (20.0, "silence"), settings=ConversationSettings(barge_in=mode)
    ).play()
    assert not {"answer_paused", "interrupted"} & set(kinds(events))


async def test_nothing_stops_an_answer_where_nothing_is_to(tmp_path: Path) -> None:
    settings = ConversationSettings(barge_in=BargeIn.OFF)
    customer = [*QUESTION[:4], (0.7 + 1.0, "silence"), (WAKE_S, "wake"), (20.0, "silence")]
    events = await Scene(customer, tmp_path, settings=settings, agent=FakeAgent([LONG])).play()
    assert "interrupted" not in kinds(events)
    assert len(of(events, "turn_end")) == 1


async def test_who_goes_on_after_what_seemed_the_end_is_heard_whole(tmp_path: Path) -> None:
    """The answer has begun, and the customer had only paused to think."""
    lines = ["What time do you close?", "What time do you close on Sunday?"]
    customer = [*QUESTION[:4], (0.7 + 0.3, "silence"), (0.9, "speak"), (9.0, "silence")]
    agent = FakeAgent([LONG])
    play = Scene(customer, tmp_path, settings=VOICE, agent=agent, lines=lines)
    events = await play.play()
    assert [event["text"] for event in of(events, "transcript")] == lines
    first, whole = play.transcriber.heard
    assert whole.speech_start_s == first.speech_start_s
    assert whole.speech_s == pytest.approx(1.0 + 0.9, abs=0.1)
    assert whole.audio.duration_s > 1.0 + 1.0 + 0.9
    (_, _, history) = agent.asked[1]
    assert history == (), "the half of a question is no exchange of its own"


async def test_a_sound_after_the_question_does_not_have_it_answered_anew(tmp_path: Path) -> None:
    customer = [*QUESTION[:4], (0.7 + 0.3, "silence"), (0.9, "speak"), (20.0, "silence")]
    agent = FakeAgent([LONG])
    events = await Scene(customer, tmp_path, settings=VOICE, agent=agent, lines=["What time do you close?"]).play()
    assert len(agent.asked) == 1
    assert "answer_resumed" in kinds(events)


async def test_its_own_words_right_after_the_question_are_no_part_of_it(tmp_path: Path) -> None:
    """The canceller has not learnt the room yet when the first answer begins."""
    customer = [*QUESTION[:4], (0.7 + 0.3, "silence"), (0.9, "speak"), (20.0, "silence")]
    agent = FakeAgent([LONG])
    lines = ["What time do you close?", "What time do you close? This answer is so long"]
    events = await Scene(customer, tmp_path, settings=VOICE, agent=agent, lines=lines).play()
    assert len(agent.asked) == 1
    assert "answer_resumed" in kinds(events)


@pytest.mark.parametrize(("audible", "goes_on"), [(False, True), (True, False)])
async def test_until_the_answer_sounds_who_goes_on_is_heard_whole_in_every_mode(audible: bool, goes_on: bool) -> None:
    recogniser = ScriptedTranscriber(["What time do you close on Sunday?"])
    feed, clock, paused = EventFeed(), Clock(), list[bool]()
    listens = FallbackTranscriber([recogniser], CircuitBreaker(feed, clock), clock)
    listener = ears(FakeMicrophone(chunks((2.0, 3.0), until_s=5.0)))
    before = Utterance(silence(1.5, LISTENING_RATE_HZ), 0.3, 1.3, 1.0, 1.5)
    async with asyncio.TaskGroup() as group:
        overlap = Overlap(
            BargeIn.OFF,
            audible=lambda: audible,
            pause=lambda: paused.append(True),
            stops=lambda text, language: False,
            begin=lambda: TurnTaking(EndOfTurn(), lambda said: Preparation(said, listens, group), clock),
            settings=listener.settings,
            before=before,
        )
        heard = await listener.overlap(overlap)
        assert isinstance(heard, Utterance) is goes_on
        assert paused == [True] * goes_on
        if isinstance(heard, Utterance):
            whole = overlap.taking.question(heard).utterance
            assert (whole.speech_start_s, whole.speech_end_s) == pytest.approx((0.3, 3.0), abs=0.05)
            assert whole.speech_s == pytest.approx(2.0, abs=0.1)
