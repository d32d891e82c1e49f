"""One turn: what the loudspeaker is told, what is heard when something fails, and what is counted."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.audio import AudioChunk, from_float, silence
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.earcons import error
from pipeline.errors import AssistantError, AudioFileError, DeviceLost, ProviderError
from pipeline.events import EventFeed
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.speech import Exchange, NoSpeechReason, Transcript, Utterance, Voice
from pipeline.turn import Turn, TurnParts
from providers.audio.absent import AbsentSpeaker
from tests.fakes.agent import FakeAgent
from tests.fakes.audio import FakeSpeaker
from tests.fakes.stt import ScriptedTranscriber
from tests.fakes.synthesizer import ScriptedSynthesizer
from tests.pipeline.scene import ROBIN, Clock, answered, voice_of

pytestmark = pytest.mark.unit

QUESTION = "Which secret cheese do you sell?"


class Stage:
    """A turn with everything scripted."""

    def __init__(self, **parts: Any) -> None:
        self.events: list[dict[str, Any]] = []
        self.feed = EventFeed()
        self.feed.subscribe(lambda record: self.events.append(record.as_dict()))
        self.clock = Clock()
        self.speaker = FakeSpeaker()
        self.transcriber = parts.get("transcriber") or ScriptedTranscriber(parts.get("lines", [QUESTION]))
        self.agent = parts.get("agent") or FakeAgent()
        self.voices = parts.get("voices") or [ScriptedSynthesizer()]
        self.turn = Turn(
            TurnParts(
                FallbackTranscriber([self.transcriber], CircuitBreaker(self.feed, self.clock), self.clock), self.agent,
                voice_of(self.voices, self.feed, self.clock), self.speaker,
                parts.get("speakable", lambda text, _: text),
                {"en": "Sorry.", "es": "Perdón."}, {"en": "Again please."},
                parts.get("recorded", {}), parts.get("error_tone"),
            ),
            self.feed, self.clock, ROBIN, (), 0.0,
        )  # fmt: skip

    async def answer(self) -> None:
        sound = from_float(0.3 * np.sin(np.arange(16_000)), 16_000)
        await answered(self.turn, Utterance(sound, 0.0, 1.0, 1.0, 1.7))

    def spoken(self) -> list[str]:
        return [event["text"] for event in self.events if event["event"] == "speaking"]

    def end(self) -> dict[str, Any]:
        return self.events[-1]


async def test_an_answer_that_nobody_could_hear_has_no_response_time() -> None:
    stage = Stage()
    await stage.answer()
    assert stage.end()["response_ms"] is not None
    stage = Stage()
    absent = AbsentSpeaker(patience_s=0.0)
    stage.turn = dataclasses.replace(
        stage.turn, parts=dataclasses.replace(stage.turn.parts, speaker=absent), _transcribed_s=0.0
    )
    async with absent:
        await stage.answer()
    assert stage.spoken()
    assert (stage.end()["event"], stage.end()["response_ms"], stage.end()["stages_ms"]) == ("turn_end", None, None)


async def test_the_loudspeaker_is_woken_first_and_heard_to_its_end() -> None:
    stage = Stage()
    await stage.answer()
    assert stage.speaker.calls[0] == "start"
    assert stage.speaker.calls[-2:] == ["finish", "stop"]
    assert set(stage.speaker.calls[1:-2]) == {"play"}


class Untidy(FakeAgent):
    """Raises what no agent should, with the customer's words in it."""

    async def _said(self) -> AsyncGenerator[str, None]:
        raise ValueError(f"bad request: {QUESTION}")
        yield ""


@pytest.mark.parametrize("agent", [Untidy(), FakeAgent([]), FakeAgent(["😀 😀"]), FakeAgent([" \n"])])
async def test_an_agent_that_gives_nothing_to_say_is_apologised_for(
    agent: FakeAgent, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(agent=agent, speakable=lambda text, _: text.replace("😀", "").strip())
    with caplog.at_level(logging.INFO):
        await stage.answer()
    assert stage.spoken() == ["Sorry."]
    assert stage.end()["response_ms"] is not None
    assert caplog.records
    assert "cheese" not in caplog.text, "what a customer said is in no log"


@pytest.mark.parametrize("gone", [DeviceLost("gone"), AudioFileError("disk full")])
async def test_where_nothing_can_be_heard_there_is_no_apology_but_an_end(gone: AssistantError) -> None:
    class Gone(FakeSpeaker):
        async def play(self, chunk: AudioChunk) -> None:
            raise gone

    stage = Stage()
    stage.speaker = Gone()
    stage.turn = dataclasses.replace(
        stage.turn, parts=dataclasses.replace(stage.turn.parts, speaker=stage.speaker), _transcribed_s=0.0
    )
    with pytest.raises(type(gone)):
        await stage.answer()
    assert stage.speaker.calls[-1] == "stop"
    assert "Sorry." not in stage.spoken()


async def test_a_recogniser_with_a_defect_is_apologised_for() -> None:
    class Broken(ScriptedTranscriber):
        async def transcribe(self, utterance: Utterance) -> Transcript:
            raise IndexError("list index out of range")

    stage = Stage(transcriber=Broken([]))
    await stage.answer()
    assert stage.spoken() == ["Sorry."]


@pytest.mark.parametrize(
    ("reason", "said"),
    [(NoSpeechReason.DOUBTFUL, ["Again please."]), (NoSpeechReason.REPETITION, ["Again please."]),
     (NoSpeechReason.EMPTY, []), (NoSpeechReason.NOT_SPEECH, [])],
)  # fmt: skip
async def test_who_was_not_understood_is_asked_again_and_noise_is_not(reason: NoSpeechReason, said: list[str]) -> None:
    stage = Stage(lines=[reason])
    await stage.answer()
    assert stage.spoken() == said
    assert not stage.agent.asked


async def test_leading_silence_is_waited_for_too() -> None:
    """Silence in chunks of its own is not played at all; what the first audible chunk begins with is."""

    class LateSound(ScriptedSynthesizer):
        async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
            for _ in range(5):
                yield silence(0.1, 16_000)
            tone = 0.5 * np.ones(8000)
            tone[:1600] = 0.0
            yield from_float(tone, 16_000)

    stage = Stage(voices=[LateSound()])
    await stage.answer()
    assert stage.end()["stages_ms"]["tts"] == pytest.approx(100, abs=1)
    assert stage.end()["response_ms"] == pytest.approx(700 + 100, abs=1)


async def test_after_a_sentence_that_no_voice_could_say_nothing_more_is_said() -> None:
    class Picky(ScriptedSynthesizer):
        async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
            if "first" in text:
                raise ProviderError("no")
            async for chunk in super().synthesize(text, voice):
                yield chunk

    stage = Stage(agent=FakeAgent(["The first one. ", "The other one."]), voices=[Picky()], error_tone=error())
    await stage.answer()
    assert stage.turn.heard_text() == ""
    assert stage.spoken() == [""], "a tone has no words"
    assert stage.speaker.played_s == pytest.approx(error().duration_s)


async def test_an_interrupted_answer_leaves_nobody_at_work() -> None:
    class Watched(FakeAgent):
        closed = False

        async def _said(self) -> AsyncGenerator[str, None]:
            try:
                while True:
                    yield "One more sentence. "
                    await asyncio.sleep(0)
            finally:
                self.closed = True

    agent, voice = Watched(), ScriptedSynthesizer()
    stage = Stage(agent=agent, voices=[voice])
    stage.speaker.hold = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        answering = group.create_task(stage.answer(), name="answer")
        while "play" not in stage.speaker.calls:
            await asyncio.sleep(0)
        answering.cancel()
    assert agent.closed
    assert voice.cancelled
    assert stage.speaker.calls[-1] == "stop"
    assert "finish" not in stage.speaker.calls
    assert stage.end()["event"] == "turn_end"
    assert len(asyncio.all_tasks()) == 1


async def test_the_apology_is_in_the_customers_language() -> None:
    stage = Stage(
        transcriber=ScriptedTranscriber(["¿Dónde está el queso?"], language="es"),
        agent=FakeAgent([]),
        voices=[ScriptedSynthesizer(languages=("en", "es"))],
    )
    await stage.answer()
    assert stage.spoken() == ["Perdón."]


async def test_a_slow_agent_is_heard_from_its_first_sentence_on(tmp_path: Path) -> None:
    """The first sentence is spoken while the agent still waits to write the second."""
    stage: Stage

    class Slow(FakeAgent):
        async def _said(self) -> AsyncGenerator[str, None]:
            yield "It is in aisle four. "
            yield "Anything "
            while not stage.spoken():
                await asyncio.sleep(0)
            yield "else?"

    stage = Stage(agent=Slow())
    await stage.answer()
    assert stage.spoken() == ["It is in aisle four.", "Anything else?"]


def test_history_reaches_the_agent() -> None:
    history: Sequence[Exchange] = (Exchange("Do you have milk?", "Yes."),)
    stage = Stage()
    stage.turn.history = history
    asyncio.run(stage.answer())
    assert stage.agent.asked[0][2] == tuple(history)


RECORDED = {"en": error(), "es": silence(0.5, 16_000)}


@pytest.mark.parametrize(
    ("language", "voice", "text", "length_s"),
    [("en", "en", "Sorry.", error().duration_s), ("es", "es", "Perdón.", 0.5), ("es-MX", "es", "Perdón.", 0.5),
     ("fr", "en", "Sorry.", error().duration_s)],
)  # fmt: skip
async def test_where_no_voice_can_speak_a_recording_does(language: str, voice: str, text: str, length_s: float) -> None:
    mute = ScriptedSynthesizer()
    mute.fails_after = 0
    transcriber = ScriptedTranscriber([QUESTION], language=language)
    stage = Stage(transcriber=transcriber, voices=[mute], recorded=RECORDED, error_tone=error())
    await stage.answer()
    told = next(event for event in stage.events if event["event"] == "speaking")
    assert (told["provider"], told["voice"], told["text"]) == ("recording", voice, text)
    assert stage.speaker.played_s == pytest.approx(length_s)
    final = [event for event in stage.events if event["event"] == "reply_text"][-1]
    assert final["text"] == f"We close at nine. {text}", "who reads along knows what was heard"


async def test_an_agent_and_voices_that_fail_together_say_sorry_once() -> None:
    mute, agent = ScriptedSynthesizer(), FakeAgent()
    mute.fails_after, agent.fail_after = 0, 1
    stage = Stage(voices=[mute], agent=agent, recorded=RECORDED)
    await stage.answer()
    assert stage.spoken() == ["Sorry."]
    assert stage.speaker.played_s == pytest.approx(error().duration_s)


async def test_an_announcement_is_said_in_the_personality_s_language() -> None:
    stage = Stage(voices=[ScriptedSynthesizer(languages=("en", "es"))])
    stage.turn.personality = dataclasses.replace(ROBIN, language="es")
    stage.turn._delivery.switch(stage.turn.personality)
    await stage.turn.announce("Buenos días. Soy Ana.")
    assert stage.spoken() == ["Buenos días.", "Soy Ana."]
    assert {event["voice"] for event in stage.events if event["event"] == "speaking"} == {"fake-es"}
    assert stage.end() == {"event": "turn_end", "at_s": 0.0, "turn": 0, "response_ms": None, "stages_ms": None}


async def test_a_switch_changes_the_voice_of_an_announcement_and_not_its_language() -> None:
    stage = Stage(voices=[ScriptedSynthesizer(languages=("en", "es"))])
    stage.speaker.hold = asyncio.Event()
    ana = dataclasses.replace(
        ROBIN, name="Ana", language="es", voice=dataclasses.replace(ROBIN.voice, voice_id="ana-en")
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(stage.turn.announce("We close soon. Please come to the till."), name="announcement")
        while "play" not in stage.speaker.calls:
            await asyncio.sleep(0)
        stage.turn.switch(ana)
        stage.speaker.hold.set()
    told = [(event["voice"], event["text"]) for event in stage.events if event["event"] == "speaking"]
    assert told == [
        ("fake-en", "We close soon."), ("ana-en", "We close soon."), ("ana-en", "Please come to the till."),
    ]  # fmt: skip
