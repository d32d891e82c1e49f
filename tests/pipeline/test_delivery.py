"""What is spoken, what counts as heard, and what happens where no voice can speak."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pipeline.delivery import Apology, Delivery
from pipeline.earcons import error
from pipeline.errors import DeviceLost
from pipeline.events import EventFeed
from pipeline.speech import Personality, VoiceChoice, VoiceConfig, VoiceSettings
from tests.fakes.audio import FakeSpeaker
from tests.fakes.synthesizer import CHARACTER_S, ScriptedSynthesizer
from tests.pipeline.scene import voice_of
from tests.virtual_time import in_virtual_time, now_s

pytestmark = pytest.mark.unit

ROBIN = Personality("Robin", voice=VoiceConfig("low"))
ALEX = Personality("Alex", voice=VoiceConfig("high"))
LONG = "one two three four five six seven eight nine ten"
LONG_S = CHARACTER_S * len(LONG.replace(" ", ""))
SPANISH = Apology(error(), "Perdón.", "es")
ENGLISH = Apology(error(), "Sorry.", "en")


class Stage:
    """One answer with scripted voices, in virtual time."""

    def __init__(self, *voices: ScriptedSynthesizer, sorry: dict[str, Apology] | None = None) -> None:
        self.voices = voices or (ScriptedSynthesizer("low"), ScriptedSynthesizer("high", pitch_hz=440.0))
        self.speaker = FakeSpeaker(slow=True)
        self.events: list[dict[str, Any]] = []
        feed = EventFeed()
        feed.subscribe(lambda record: self.events.append(record.as_dict()))
        recorded = sorry or {}
        self.delivery = Delivery(
            voice=voice_of(self.voices, feed, now_s),
            speaker=self.speaker,
            speakable=lambda text, _: text.replace("🙂", "").strip(),
            personality=ROBIN,
            sorry=recorded.get,
            feed=feed,
            clock=now_s,
        )

    async def say(self, *texts: str, language: str = "en", switches: dict[float, Personality] | None = None) -> None:
        """Say sentences; at a second of the clock somebody else takes over."""
        await self.speaker.start()
        async with asyncio.TaskGroup() as group:
            for at_s, who in (switches or {}).items():
                group.create_task(self._switch(at_s, who), name="switch")
            for text in texts:
                await self.delivery.say(text, language)

    async def _switch(self, at_s: float, who: Personality) -> None:
        await asyncio.sleep(at_s)
        self.delivery.switch(who)

    def speaking(self) -> list[tuple[str, str]]:
        told = [event for event in self.events if event["event"] == "speaking"]
        return [(event["provider"], event["text"]) for event in told]

    def heard_s(self) -> float:
        return sum(piece.duration_s for piece in self.speaker.heard)


@in_virtual_time
async def test_sentences_follow_each_other() -> None:
    stage = Stage()
    assert stage.delivery.silent
    await stage.say("One two.", "Three.")
    assert stage.speaking() == [("low", "One two."), ("low", "Three.")]
    assert stage.delivery.heard_text() == "One two. Three."
    assert not stage.delivery.silent


@in_virtual_time
async def test_what_has_no_words_is_not_said() -> None:
    stage = Stage()
    await stage.say("🙂", "Three.", "")
    assert stage.delivery.heard_text() == "Three."
    assert stage.voices[0].said == ["Three."]


@in_virtual_time
async def test_of_a_sentence_under_way_the_words_that_fit_were_heard() -> None:
    stage = Stage()
    async with asyncio.TaskGroup() as group:
        saying = group.create_task(stage.say(LONG), name="answer")
        await asyncio.sleep(LONG_S / 2)
        heard = stage.delivery.heard_text()
        saying.cancel()
    assert heard in {"one two three", "one two three four", "one two three four five"}, "its length is a guess so far"


@in_virtual_time
async def test_a_switch_in_the_middle_says_the_sentence_again_whole_in_the_other_voice() -> None:
    stage = Stage()
    await stage.say(LONG, "The end.", switches={1.05: ALEX})
    assert stage.speaking() == [("low", LONG), ("high", LONG), ("high", "The end.")]
    assert stage.voices[0].cancelled == [LONG], "the first voice does not go on behind its back"
    assert stage.heard_s() == pytest.approx(1.1 + LONG_S + CHARACTER_S * len("Theend"), abs=0.11)
    assert stage.delivery.heard_text() == f"{LONG} The end."


@in_virtual_time
async def test_of_a_sentence_begun_anew_only_the_new_voice_s_words_count_as_heard() -> None:
    stage = Stage()
    async with asyncio.TaskGroup() as group:
        saying = group.create_task(stage.say(LONG, switches={1.9: ALEX}), name="answer")
        await asyncio.sleep(1.9 + 0.6)
        heard = stage.delivery.heard_text()
        saying.cancel()
    assert heard in {"one", "one two"}, "0.5 s of 2.3 s"


@in_virtual_time
async def test_a_switch_between_two_sentences_repeats_none() -> None:
    stage = Stage()
    await stage.say("One.")
    stage.delivery.switch(ALEX)
    await stage.delivery.say("Two.", "en")
    assert stage.speaking() == [("low", "One."), ("high", "Two.")]


@in_virtual_time
async def test_a_switch_to_the_same_voice_repeats_nothing() -> None:
    stage = Stage()
    twin = Personality("Twin", prompt="Be kind.", voice=VoiceConfig("low"))
    await stage.say(LONG, switches={1.0: twin})
    assert stage.speaking() == [("low", LONG)]
    assert stage.heard_s() == pytest.approx(LONG_S, abs=0.01)


@in_virtual_time
async def test_there_and_back_again_before_a_chunk_was_played_repeats_nothing() -> None:
    stage = Stage()
    await stage.say(LONG, switches={1.01: ALEX, 1.02: ROBIN})
    assert stage.speaking() == [("low", LONG)]


@in_virtual_time
async def test_several_switches_in_one_sentence() -> None:
    stage = Stage()
    fast = Personality("Fast", voice=VoiceConfig("low", settings=VoiceSettings(speed=2.0)))
    await stage.say(LONG, switches={0.5: ALEX, 1.0: fast})
    assert [name for name, _ in stage.speaking()] == ["low", "high", "low"]
    assert stage.delivery.heard_text() == LONG


@in_virtual_time
async def test_a_switch_to_a_voice_that_fails_falls_back() -> None:
    stage = Stage()
    stage.voices[1].fails_after = 0
    alex = Personality("Alex", voice=VoiceConfig("high", fallback=VoiceChoice("low")))
    await stage.say(LONG, switches={1.0: alex})
    assert stage.speaking() == [("low", LONG), ("low", LONG)]
    assert stage.events[-1]["attempts"][0] == {"provider": "high", "error": "provider", "ms": 0.0}


def mute(name: str = "low", after: int = 0) -> ScriptedSynthesizer:
    voice = ScriptedSynthesizer(name, ("en", "es"))
    voice.fails_after = after
    return voice


@pytest.mark.parametrize(("language", "text"), [("en", "Sorry."), ("es", "Perdón.")])
@in_virtual_time
async def test_where_no_voice_can_speak_a_recording_says_sorry_and_the_trail_says_why(language: str, text: str) -> None:
    stage = Stage(mute(), sorry={"en": ENGLISH, "es": SPANISH})
    await stage.say("One.", "Two.", language=language)
    (told,) = [event for event in stage.events if event["event"] == "speaking"]
    assert (told["provider"], told["voice"], told["text"]) == ("recording", language, text)
    assert [(one["provider"], one["error"]) for one in told["attempts"]] == [("low", "provider"), ("recording", None)]
    assert stage.heard_s() == pytest.approx(error().duration_s)
    assert stage.delivery.apology is not None
    assert stage.delivery.heard_text() == ""


@in_virtual_time
async def test_after_the_apology_the_rest_is_dropped() -> None:
    """Sentences with a hole between them may say the opposite of what was meant."""
    stage = Stage(mute(), sorry={"en": ENGLISH})
    await stage.say("One.")
    stage.voices[0].fails_after = None
    await stage.delivery.say("Two.", "en")
    assert len(stage.speaking()) == 1


@in_virtual_time
async def test_what_was_said_before_it_stays_heard() -> None:
    voice = mute(after=100)
    stage = Stage(voice, sorry={"en": ENGLISH})
    await stage.say("One.")
    voice.fails_after = 2
    await stage.delivery.say(LONG, "en")
    assert stage.delivery.heard_text() == "One.", "half a sentence is no sentence"
    assert stage.speaking()[-1] == ("recording", "Sorry.")


@in_virtual_time
async def test_without_a_recording_a_tone() -> None:
    stage = Stage(mute(), sorry={"en": Apology(error())})
    await stage.say("One.")
    assert stage.speaking() == [("tone", "")]


@in_virtual_time
async def test_without_even_that_it_is_silent_and_says_so() -> None:
    stage = Stage(mute())
    await stage.say("One.")
    assert stage.speaking() == []
    assert stage.delivery.silent
    assert stage.delivery.apology is None


@in_virtual_time
async def test_the_first_audible_sample_of_a_late_voice() -> None:
    slow = ScriptedSynthesizer("low")
    slow.first_chunk_s = 1.5
    stage = Stage(slow)
    await stage.say("One.")
    assert stage.delivery.first_audible_s == pytest.approx(1.5, abs=0.01)


@in_virtual_time
async def test_a_lost_loudspeaker_is_no_failure_of_the_voice() -> None:
    stage = Stage()
    stage.speaker.lost_after = 1
    with pytest.raises(ExceptionGroup) as raised:
        await stage.say(LONG)
    assert raised.group_contains(DeviceLost)
    assert [event["event"] for event in stage.events] == ["speaking"]
