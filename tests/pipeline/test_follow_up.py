"""Going on without a wake word, as a list of events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assistant.requests.section import RequestsSection
from pipeline.conversation_settings import ConversationSettings, FollowingUp
from pipeline.end_of_turn import EndOfTurn
from pipeline.loudness import STEP_DB, Loudness
from pipeline.request_handler import RequestHandler
from pipeline.speech import NoSpeechReason, Personality, VoiceConfig
from tests.fakes.agent import FakeAgent
from tests.fakes.end_of_turn import ScriptedEndOfTurnDetector
from tests.fakes.synthesizer import CHARACTER_S, ScriptedSynthesizer
from tests.pipeline.scene import WAKE_S, Scene
from tests.pipeline.test_conversation import QUESTION, kinds, of

pytestmark = pytest.mark.unit

ASKS = "Which day do you mean?"
ASKS_S = CHARACTER_S * sum(letter.isalnum() for letter in ASKS)
ALWAYS = ConversationSettings(follow_up=FollowingUp.ALWAYS)
AGAIN = [(ASKS_S + 0.5, "silence"), (1.0, "speak")]
"""What follows the first question: the answer, and the customer's next words."""


def requests(loudness: Loudness | None = None, *, staff: bool = False) -> RequestHandler:
    section = RequestsSection(staff_is_called=staff)
    return RequestHandler(
        section.spoken_requests(), section.replies(), loudness or Loudness(), lambda who, code: code in {"en", "es"}
    )


async def test_an_answer_that_asks_is_followed_up_without_a_wake_word(tmp_path: Path) -> None:
    agent = FakeAgent([ASKS])
    customer = [*QUESTION[:4], (0.7, "silence"), *AGAIN, (30.0, "silence")]
    events = await Scene(customer, tmp_path, agent=agent, lines=["When do you close?", "Sunday."]).play()
    first = kinds(events).index("follow_up")
    assert kinds(events)[first - 1 : first + 4] == ["turn_end", "follow_up", "speech_start", "speech_end", "transcript"]
    assert [event["text"] for event in of(events, "transcript")] == ["When do you close?", "Sunday."]
    assert len(of(events, "wake_word")) == 1
    assert agent.asked[1][2][0].heard_text == ASKS, "the agent knows what it asked"
    assert [event["turn"] for event in events[first - 1 : first + 2]] == [1, 1, 2]
    assert kinds(events)[-3:] == ["turn_end", "follow_up", "listening"], "silence ends it, and is no turn"


@pytest.mark.parametrize(
    ("wanted", "answer", "followed"),
    [
        (FollowingUp.OFF, ASKS, False),
        (FollowingUp.QUESTIONS, "At nine.", False),
        (FollowingUp.ALWAYS, "At nine.", True),
    ],
)
async def test_after_which_answers(wanted: FollowingUp, answer: str, followed: bool, tmp_path: Path) -> None:
    settings = ConversationSettings(follow_up=wanted)
    events = await Scene(QUESTION, tmp_path, agent=FakeAgent([answer]), settings=settings).play()
    assert ("follow_up" in kinds(events)) is followed


async def test_nobody_who_did_not_call_is_asked_to_say_it_again(tmp_path: Path) -> None:
    """Somebody else in the shop spoke."""
    customer = [*QUESTION[:4], (0.7, "silence"), *AGAIN, (9.0, "silence")]
    lines = ["When do you close?", NoSpeechReason.DOUBTFUL]
    events = await Scene(customer, tmp_path, agent=FakeAgent([ASKS]), lines=lines).play()
    assert [event["text"] for event in of(events, "speaking")] == [ASKS]
    assert of(events, "no_speech")[0]["reason"] == "doubtful"


async def test_a_wake_word_begins_anew_also_then(tmp_path: Path) -> None:
    customer = [*QUESTION[:4], (0.7 + ASKS_S + 1.0, "silence"), (WAKE_S, "wake"), *QUESTION[2:]]
    events = await Scene(customer, tmp_path, agent=FakeAgent([ASKS])).play()
    assert len(of(events, "wake_word")) == 2


async def test_an_answer_that_was_interrupted_is_not_followed_up(tmp_path: Path) -> None:
    customer = [*QUESTION[:4], (2.0, "silence"), (9.0, "silence")]
    agent = FakeAgent([ASKS * 4])
    events = await Scene(customer, tmp_path, agent=agent, cues=[(5.5, lambda talk: talk.stop_now())]).play()
    assert "follow_up" not in kinds(events)


def ask_again(words: str, folder: Path, handler: RequestHandler, **more: Any) -> Scene:
    """A question and, after its answer, a request without a wake word."""
    customer = [*QUESTION[:4], (0.7, "silence"), *AGAIN, (30.0, "silence")]
    settings = {"settings": ALWAYS, "agent": FakeAgent([ASKS])} | more
    return Scene(customer, folder, lines=["When do you close?", words], requests=handler, **settings)


async def test_repeat_that(tmp_path: Path) -> None:
    agent = FakeAgent([ASKS])
    events = await ask_again("Sorry, can you repeat that?", tmp_path, requests(), agent=agent).play()
    assert [event["text"] for event in of(events, "speaking")] == [ASKS, ASKS]
    assert len(agent.asked) == 1


async def test_louder_and_softer(tmp_path: Path) -> None:
    loudness = Loudness()
    events = await ask_again("Louder please.", tmp_path, requests(loudness)).play()
    assert of(events, "speaking")[-1]["text"] == "Is this better?"
    assert loudness.gain_db == STEP_DB
    await ask_again("Can you speak more quietly?", tmp_path, requests(loudness)).play()
    assert loudness.gain_db == 0.0


async def test_slower(tmp_path: Path) -> None:
    voice = ScriptedSynthesizer()
    handler = requests()
    scene = ask_again("Not so fast.", tmp_path, handler, voices=[voice])
    await scene.play()
    usual = Personality("Robin", voice=VoiceConfig(provider="fake"))
    assert handler.as_wished(usual).voice.settings.speed == pytest.approx(0.85)
    letters = sum(letter.isalnum() for letter in ASKS), sum(letter.isalnum() for letter in "Is this better?")
    assert scene.replies_s() == pytest.approx(CHARACTER_S * (letters[0] + letters[1]), abs=0.3)


async def test_a_goodbye_ends_it_and_the_customer_is_forgotten(tmp_path: Path) -> None:
    agent, loudness = FakeAgent([ASKS]), Loudness()
    loudness.louder()
    customer = [*QUESTION[:4], (0.7, "silence"), *AGAIN, (3.0, "silence"), (WAKE_S, "wake"), *QUESTION[2:]]
    scene = Scene(
        customer, tmp_path, agent=agent, lines=["When do you close?", "That is all, thanks. Bye!", "Who is there?"],
        requests=requests(loudness), settings=ALWAYS,
    )  # fmt: skip
    events = await scene.play()
    said = [event["text"] for event in of(events, "speaking")]
    assert said == [ASKS, "Goodbye!", ASKS]
    after = kinds(events).index("speaking", kinds(events).index("follow_up"))
    assert kinds(events)[after : after + 4] == ["speaking", "reply_text", "turn_end", "listening"]
    assert agent.asked[1][2] == ()
    assert loudness.gain_db == 0.0


async def test_speak_spanish(tmp_path: Path) -> None:
    handler = requests()
    voice = ScriptedSynthesizer(languages=("en", "es"))
    scene = ask_again("Do you speak Spanish?", tmp_path, handler, voices=[voice])
    events = await scene.play()
    assert of(events, "speaking")[-1]["text"] == "De acuerdo, sigo en español."
    assert of(events, "speaking")[-1]["voice"] == "fake-es"
    assert handler.language == "es"
    events = await ask_again("Can you speak French?", tmp_path, handler, voices=[voice]).play()
    assert of(events, "speaking")[-1]["text"] == "I am sorry, I do not speak that language."


async def test_the_language_that_was_asked_for_is_expected(tmp_path: Path) -> None:
    handler = requests()
    handler.language = "es"
    scene = Scene(QUESTION, tmp_path, requests=handler)
    scene.settings = ConversationSettings(history_idle_s=60)
    await scene.play()
    assert scene.transcriber.heard[0].language == "es"


@pytest.mark.parametrize("staff", [True, False])
async def test_a_person_is_promised_only_where_one_comes(staff: bool, tmp_path: Path) -> None:
    agent = FakeAgent([ASKS])
    handler = requests(staff=staff)
    events = await ask_again("Can I talk to a person?", tmp_path, handler, agent=agent).play()
    assert ("person_wanted" in kinds(events)) is staff
    assert len(agent.asked) == (1 if staff else 2)


async def test_a_request_is_no_exchange_that_the_agent_is_told_about(tmp_path: Path) -> None:
    agent = FakeAgent([ASKS])
    customer = [
        *QUESTION[:4], (0.7, "silence"), *AGAIN, (0.7 + 1.5, "silence"), (1.0, "speak"), (9.0, "silence"),
    ]  # fmt: skip
    lines = ["When do you close?", "Louder!", "On Sunday."]
    scene = Scene(customer, tmp_path, agent=agent, lines=lines, requests=requests(), settings=ALWAYS)
    await scene.play()
    assert [one.customer_text for one in agent.asked[1][2]] == ["When do you close?"]


async def test_a_wake_word_that_is_known_late_is_no_answer_to_the_question(tmp_path: Path) -> None:
    """It is known for one half a second after its end, when silence has long ended what seemed to be an answer."""
    customer = [*QUESTION[:4], (0.7 + ASKS_S + 1.0, "silence"), (WAKE_S, "wake"), (1.0, "silence"), *QUESTION[3:]]
    quick = EndOfTurn(detector=ScriptedEndOfTurnDetector([1.0]))
    scene = Scene(customer, tmp_path, agent=FakeAgent([ASKS]), end_of_turn=quick, wake_late_s=0.4)
    events = await scene.play()
    assert len(of(events, "wake_word")) == 2
    assert len(of(events, "transcript")) == 2


async def test_what_was_interrupted_can_be_repeated(tmp_path: Path) -> None:
    """ "Repeat that" means the answer that was broken off, not the one before it."""
    customer = [*QUESTION[:4], (0.7 + 2.0, "silence"), (WAKE_S, "wake"), *QUESTION[2:4], (9.0, "silence")]
    lines = ["When do you close?", "Sorry, can you repeat that?"]
    answer = "This answer is much longer than anybody would care to hear to its very end."
    scene = Scene(customer, tmp_path, agent=FakeAgent([answer]), lines=lines, requests=requests())
    events = await scene.play()
    assert len(of(events, "interrupted")) == 1
    assert [event["text"] for event in of(events, "speaking")] == [answer, answer]


async def test_who_is_asked_to_say_it_again_needs_no_wake_word_for_it(tmp_path: Path) -> None:
    asked_s = CHARACTER_S * len("Pleasesayitagain")
    customer = [*QUESTION[:4], (0.7 + asked_s + 0.5, "silence"), (1.0, "speak"), (9.0, "silence")]
    scene = Scene(customer, tmp_path, lines=[NoSpeechReason.DOUBTFUL, "When do you close?"])
    scene.repeat_requests = {"en": "Please say it again."}
    events = await scene.play()
    assert [event["text"] for event in of(events, "speaking")] == ["Please say it again.", "We close at nine."]
    assert len(of(events, "wake_word")) == 1
