"""The course of a conversation, as its list of events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.conversation import Conversation
from pipeline.conversation_settings import ConversationSettings
from pipeline.earcons import error, listening
from pipeline.ears import Ears
from pipeline.errors import DeviceLost, ProviderError
from pipeline.speech import NoSpeechReason, Personality, VoiceConfig, WakeWordHit
from tests.fakes.agent import FakeAgent
from tests.fakes.audio import FakeSpeaker
from tests.fakes.synthesizer import CHARACTER_S, ScriptedSynthesizer
from tests.pipeline.scene import WAKE_S, Clock, Scene

pytestmark = pytest.mark.unit

QUESTION = [(1.0, "silence"), (WAKE_S, "wake"), (0.4, "silence"), (1.0, "speak"), (1.0, "silence")]
LONG = "This answer is so long that nobody will hear the end of it, ever."


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in events]


def of(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == kind]


async def test_a_question_is_answered_and_it_listens_again(tmp_path: Path) -> None:
    scene = Scene(QUESTION, tmp_path)
    events = await scene.play()
    assert kinds(events) == [
        "listening", "wake_word", "speech_start", "speech_end", "transcript", "reply_text", "speaking", "reply_text",
        "turn_end", "listening",
    ]  # fmt: skip
    assert of(events, "speech_end")[0]["speech_s"] == pytest.approx(1.0, abs=0.1)
    assert of(events, "transcript")[0]["text"] == "What time do you close?"
    assert of(events, "reply_text")[-1] == {**of(events, "reply_text")[0], "final": True, "at_s": events[-3]["at_s"]}
    assert of(events, "speaking")[0]["attempts"] == [{"provider": "fake", "error": None, "ms": 0.0}]
    assert scene.replies_s() == pytest.approx(CHARACTER_S * len("Wecloseatnine"), abs=0.05)


async def test_words_right_after_the_wake_word_belong_to_the_question(tmp_path: Path) -> None:
    scene = Scene([(1.0, "silence"), (WAKE_S, "wake"), (1.0, "speak"), (1.0, "silence")], tmp_path)
    await scene.play()
    utterance = scene.transcriber.heard[0]
    assert utterance.speech_start_s == pytest.approx(1.6, abs=0.05)
    assert utterance.speech_end_s == pytest.approx(2.6, abs=0.05)
    before = utterance.audio.until(1.6 - 0.001)
    assert not before.pcm.any(), "nothing of the wake word is in the question"


async def test_response_time_counts_the_pause_and_the_thinking(tmp_path: Path) -> None:
    clock = Clock()
    scene = Scene(QUESTION, tmp_path, clock=clock)

    async def think(_: float) -> None:
        clock.s += 0.25

    scene.voices = [ScriptedSynthesizer(sleep=think)]
    end = of(await scene.play(), "turn_end")[0]
    assert end["stages_ms"]["end_of_turn"] == pytest.approx(700, abs=40)
    assert end["stages_ms"]["tts"] == pytest.approx(250, abs=2)
    assert end["response_ms"] == pytest.approx(sum(end["stages_ms"].values()), abs=0.01)


async def test_nobody_speaks(tmp_path: Path) -> None:
    events = await Scene([(1.0, "silence"), (WAKE_S, "wake"), (8.0, "silence")], tmp_path).play()
    assert kinds(events) == ["listening", "wake_word", "no_speech", "turn_end", "listening"]
    assert of(events, "no_speech")[0]["reason"] == "timeout"


async def test_noise_is_not_answered_but_mumbling_is(tmp_path: Path) -> None:
    events = await Scene(QUESTION, tmp_path, lines=[NoSpeechReason.NOT_SPEECH]).play()
    assert kinds(events)[-3:] == ["no_speech", "turn_end", "listening"]
    assert of(events, "turn_end")[0]["response_ms"] is None
    events = await Scene(QUESTION, tmp_path, lines=[NoSpeechReason.DOUBTFUL]).play()
    assert of(events, "speaking")[0]["text"] == "Again please."


async def test_who_says_the_wake_word_again_begins_anew(tmp_path: Path) -> None:
    """What was said before the second wake word is no part of the question, nor is the word itself."""
    customer = [(1.0, "silence"), (WAKE_S, "wake"), (2.0, "silence"), (WAKE_S, "wake"), *QUESTION[2:]]
    scene = Scene(customer, tmp_path)
    events = await scene.play()
    assert [event["turn"] for event in of(events, "wake_word")] == [1, 2]
    assert len(of(events, "transcript")) == 1
    assert scene.transcriber.heard[0].speech_start_s == pytest.approx(1.0 + WAKE_S + 2.0 + WAKE_S + 0.4, abs=0.05)


async def test_the_wake_word_interrupts_an_answer(tmp_path: Path) -> None:
    customer = [*QUESTION, (WAKE_S, "wake"), (0.4, "silence"), (1.0, "speak"), (9.0, "silence")]
    voice = ScriptedSynthesizer()
    scene = Scene(customer, tmp_path, agent=FakeAgent([LONG]), voices=[voice])
    events = await scene.play()
    first = kinds(events).index("interrupted")
    assert kinds(events)[first : first + 3] == ["interrupted", "turn_end", "wake_word"]
    heard = events[first]["heard_text"]
    assert heard
    assert LONG.startswith(heard)
    assert 0.15 < len(heard) / len(LONG) < 0.6, "about a quarter of it was played"
    assert voice.cancelled[0] == LONG
    assert [event["turn"] for event in of(events, "turn_end")] == [1, 2]


async def test_the_agent_is_told_what_was_heard_of_its_last_answer(tmp_path: Path) -> None:
    customer = [*QUESTION, (WAKE_S, "wake"), (0.4, "silence"), (1.0, "speak"), (9.0, "silence")]
    agent = FakeAgent([LONG])
    events = await Scene(customer, tmp_path, agent=agent).play()
    (_, _, first), (_, _, second) = agent.asked
    assert first == ()
    assert second[0].customer_text == "What time do you close?"
    assert second[0].heard_text == of(events, "interrupted")[0]["heard_text"]


async def test_the_end_of_the_file_does_not_cut_the_answer(tmp_path: Path) -> None:
    scene = Scene(QUESTION, tmp_path, agent=FakeAgent([LONG]))
    events = await scene.play()
    assert not of(events, "interrupted")
    assert scene.replies_s() == pytest.approx(CHARACTER_S * sum(map(str.isalpha, LONG)), abs=0.05)


async def test_the_next_customer_does_not_inherit_the_history(tmp_path: Path) -> None:
    agent = FakeAgent()
    customer = [*QUESTION, (20.0, "silence"), *QUESTION]
    await Scene(customer, tmp_path, agent=agent, settings=ConversationSettings(history_idle_s=10)).play()
    assert [len(history) for _, _, history in agent.asked] == [0, 0]
    agent = FakeAgent()
    await Scene(customer, tmp_path, agent=agent, settings=ConversationSettings(history_idle_s=60)).play()
    assert [len(history) for _, _, history in agent.asked] == [0, 1]


async def test_an_agent_that_fails_is_apologised_for(tmp_path: Path) -> None:
    agent = FakeAgent(["We close at nine. ", "And then"])
    agent.fail_after = 2
    events = await Scene(QUESTION, tmp_path, agent=agent).play()
    assert [event["text"] for event in of(events, "speaking")][-1] == "Sorry."
    assert of(events, "speaking")[0]["text"].startswith("We close at nine.")
    assert of(events, "reply_text")[-1]["text"].endswith("Sorry.")


async def test_a_recogniser_that_fails_is_apologised_for(tmp_path: Path) -> None:
    events = await Scene(QUESTION, tmp_path, recogniser_fails=[ProviderError("no")]).play()
    assert [event["text"] for event in of(events, "speaking")] == ["Sorry."]


async def test_when_no_voice_can_speak_a_tone_says_that_it_is_not_dead(tmp_path: Path) -> None:
    mute = ScriptedSynthesizer()
    mute.fails_after = 0
    scene = Scene(QUESTION, tmp_path, voices=[mute], error_tone=error())
    events = await scene.play()
    assert of(events, "reply_text")[-1]["text"] == "We close at nine."
    assert scene.replies_s() == pytest.approx(error().duration_s, abs=0.05)
    assert kinds(events)[-1] == "listening"


async def test_of_a_sentence_said_twice_only_the_whole_one_counts_as_heard(tmp_path: Path) -> None:
    """The first voice breaks off after 2 s; nearly as much of the second one is heard before the interruption."""
    broken, whole = ScriptedSynthesizer("broken"), ScriptedSynthesizer("whole")
    broken.fails_after = 20
    customer = [*QUESTION, (2.0, "silence"), (WAKE_S, "wake"), (9.0, "silence")]
    scene = Scene(customer, tmp_path, agent=FakeAgent([LONG]), voices=[broken, whole])
    heard = of(await scene.play(), "interrupted")[0]["heard_text"]
    assert LONG.startswith(heard)
    assert len(heard) < len(LONG) / 2


async def test_the_listening_tone_does_not_disturb_the_question(tmp_path: Path) -> None:
    scene = Scene(QUESTION, tmp_path, settings=ConversationSettings(listening_tone=listening()))
    events = await scene.play()
    assert len(of(events, "transcript")) == 1
    assert scene.replies_s() > CHARACTER_S * len("Wecloseatnine") + 0.9 * listening().duration_s


async def test_a_lost_loudspeaker_ends_the_conversation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class LostSpeaker(FakeSpeaker):
        def __init__(self, *_: object) -> None:
            super().__init__(lost_after=0)

    monkeypatch.setattr("tests.pipeline.scene.WavSpeaker", LostSpeaker)
    with pytest.raises(DeviceLost):
        await Scene(QUESTION, tmp_path).play()


async def test_a_defect_in_a_turn_does_not_end_the_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def defect(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("pipeline.turn.Turn._reply", defect)
    events = await Scene([*QUESTION, *QUESTION], tmp_path).play()
    assert len(of(events, "transcript")) == 2
    assert kinds(events)[-1] == "listening"
    assert "should not have happened" in caplog.text


ANA = Personality("Ana", greeting="Hello, I am Ana.", voice=VoiceConfig("high"))
BEN = Personality("Ben", greeting="Hello, I am Ben, and I say a little more.", voice=VoiceConfig("fake"))
ANSWERS_S = 4.0
"""Audio seconds at which the answer to ``QUESTION`` begins, about."""


def two_voices() -> list[ScriptedSynthesizer]:
    return [ScriptedSynthesizer(), ScriptedSynthesizer("high", pitch_hz=440.0)]


def spoken(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["provider"], event["text"]) for event in of(events, "speaking")]


async def test_a_switch_in_the_middle_of_an_answer_says_the_sentence_again_in_the_other_voice(tmp_path: Path) -> None:
    scene = Scene(
        [*QUESTION, (9.0, "silence")], tmp_path, agent=FakeAgent([LONG]), voices=two_voices(),
        cues=[(ANSWERS_S + 1.0, lambda talk: talk.switch(ANA))],
    )  # fmt: skip
    events = await scene.play()
    assert spoken(events) == [("fake", LONG), ("high", LONG)], "and no greeting: somebody asked something"
    whole_s = CHARACTER_S * sum(map(str.isalpha, LONG))
    assert whole_s + 0.8 < scene.replies_s() < whole_s + 1.6


async def test_who_interrupts_after_a_switch_has_heard_what_the_other_voice_said(tmp_path: Path) -> None:
    scene = Scene(
        [*QUESTION, (2.4, "silence"), (WAKE_S, "wake"), (9.0, "silence")], tmp_path,
        agent=FakeAgent([LONG]), voices=two_voices(), cues=[(ANSWERS_S + 2.0, lambda talk: talk.switch(ANA))],
    )  # fmt: skip
    heard = of(await scene.play(), "interrupted")[0]["heard_text"]
    assert LONG.startswith(heard)
    assert len(heard) < len(LONG) / 2


async def test_where_nobody_speaks_the_new_personality_greets(tmp_path: Path) -> None:
    scene = Scene([(9.0, "silence")], tmp_path, voices=two_voices(), cues=[(1.0, lambda talk: talk.switch(ANA))])
    events = await scene.play()
    assert kinds(events) == ["listening", "speaking", "turn_end", "listening"]
    assert spoken(events) == [("high", "Hello, I am Ana.")]
    assert of(events, "turn_end")[0]["response_ms"] is None, "nobody had asked"


async def test_one_without_a_greeting_takes_over_in_silence(tmp_path: Path) -> None:
    nameless = Personality("Nameless", voice=VoiceConfig("high"))
    scene = Scene([(2.0, "silence")], tmp_path, voices=two_voices(), cues=[(1.0, lambda talk: talk.switch(nameless))])
    assert kinds(await scene.play()) == ["listening"]


async def test_a_greeting_gives_way_to_that_of_the_next_one(tmp_path: Path) -> None:
    """Nobody else can say who it is."""
    cues = [(1.0, lambda talk: talk.switch(BEN)), (2.0, lambda talk: talk.switch(ANA))]
    scene = Scene([(9.0, "silence")], tmp_path, voices=two_voices(), cues=cues)
    events = await scene.play()
    assert spoken(events) == [("fake", BEN.greeting), ("high", ANA.greeting)]
    assert not of(events, "interrupted"), "no customer did"
    assert len(of(events, "turn_end")) == 2
    assert scene.replies_s() < 1.2 + CHARACTER_S * len("HelloIamAna")


async def test_of_switches_in_quick_succession_only_the_last_one_greets(tmp_path: Path) -> None:
    def hasty(talk: Conversation) -> None:
        for who in (ANA, BEN, ANA):
            talk.switch(who)

    scene = Scene([(9.0, "silence")], tmp_path, voices=two_voices(), cues=[(1.0, hasty)])
    assert spoken(await scene.play()) == [("high", ANA.greeting)]


async def test_while_a_customer_speaks_nobody_greets(tmp_path: Path) -> None:
    """The answer itself comes in the new voice, for whoever answers is asked when the question is complete."""
    scene = Scene([*QUESTION, (9.0, "silence")], tmp_path, voices=two_voices())

    def switch(talk: Conversation) -> None:
        scene.personality = ANA
        talk.switch(ANA)

    scene.cues = [(2.5, switch)]
    assert spoken(await scene.play()) == [("high", "We close at nine.")]


async def test_the_wake_word_interrupts_an_announcement(tmp_path: Path) -> None:
    scene = Scene(
        [(1.5, "silence"), (WAKE_S, "wake"), *QUESTION[2:], (9.0, "silence")], tmp_path,
        cues=[(0.5, lambda talk: talk.announce(LONG, talk._personality_for("")))],
    )  # fmt: skip
    events = await scene.play()
    first = kinds(events).index("interrupted")
    assert kinds(events)[:3] == ["listening", "speaking", "interrupted"]
    assert kinds(events)[first : first + 3] == ["interrupted", "turn_end", "wake_word"]
    assert LONG.startswith(events[first]["heard_text"])
    assert 0 < len(events[first]["heard_text"]) < len(LONG)
    assert spoken(events)[-1] == ("fake", "We close at nine.")
    assert [event["turn"] for event in of(events, "turn_end")] == [1, 2]


async def test_an_announcement_waits_until_the_customer_was_answered(tmp_path: Path) -> None:
    announce = [(2.5, lambda talk: talk.announce("We close soon.", talk._personality_for("")))]
    events = await Scene([*QUESTION, (9.0, "silence")], tmp_path, cues=announce).play()
    assert [text for _, text in spoken(events)] == ["We close at nine.", "We close soon."]


@pytest.mark.parametrize(("greets", "said"), [(False, ["We close at nine.", "Later."]), (True, ["We close at nine."])])
async def test_a_wake_word_and_an_announcement_in_the_same_instant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, greets: bool, said: list[str]
) -> None:
    """The customer comes first. An announcement is made afterwards; a greeting has missed its time."""
    scene = Scene([*QUESTION, (9.0, "silence")], tmp_path)
    talks: list[Conversation] = []
    scene.cues = [(0.1, talks.append)]
    listen = Ears.wake_word

    async def wake_word(ears: Ears) -> WakeWordHit | None:
        hit = await listen(ears)
        if hit is not None and hit.at_s < 3.0:
            if greets:
                talks[0].switch(Personality("Late", greeting="Later."))
            else:
                talks[0].announce("Later.", scene.personality)
        return hit

    monkeypatch.setattr(Ears, "wake_word", wake_word)
    events = await scene.play()
    assert [text for _, text in spoken(events)] == said
    assert len(of(events, "transcript")) == 1


async def test_it_is_idle_only_while_nobody_speaks(tmp_path: Path) -> None:
    seen: list[tuple[float, bool]] = []
    times = (0.5, 1.9, 2.5, 3.5, ANSWERS_S + 0.5, ANSWERS_S + 5.0)
    scene = Scene(
        [*QUESTION, (9.0, "silence")], tmp_path, agent=FakeAgent([LONG]),
        cues=[(at_s, lambda talk, at_s=at_s: seen.append((at_s, talk.idle.is_set()))) for at_s in times],
    )  # fmt: skip
    await scene.play()
    assert [idle for _, idle in seen] == [True, False, False, False, False, True]


async def test_when_all_voices_fail_a_recording_says_sorry_and_the_next_turn_works_again(tmp_path: Path) -> None:
    voice, clock = ScriptedSynthesizer(), Clock()
    voice.fails_after = 0
    scene = Scene(
        [*QUESTION, (4.0, "silence"), *QUESTION, (4.0, "silence")], tmp_path, voices=[voice], clock=clock,
        recorded_apologies={"en": error()}, cues=[(7.0, lambda _: setattr(voice, "fails_after", None))],
    )  # fmt: skip
    events = await scene.play()
    assert [provider for provider, _ in spoken(events)] == ["recording", "fake"]
    assert [event["state"] for event in of(events, "provider_state")] == ["failing", "ok"]
    assert all(end["response_ms"] is not None for end in of(events, "turn_end")), "something was heard each time"
