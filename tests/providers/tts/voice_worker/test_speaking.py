"""The worker program, asked as a daemon asks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from wyoming.info import Info

from providers.tts.voice_worker import messages
from tests.fakes.tone_engine import RATE_HZ
from tests.providers.tts.voice_worker.running import Connection, Worker, hum, name_of, wav, worker

pytestmark = pytest.mark.unit

VOICE = wav()
SENTENCE = "We close at eight in the evening."


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with worker(tmp_path_factory.mktemp("worker")) as started:
        yield started.loaded()


@pytest.fixture
def connection(running: Worker) -> Iterator[Connection]:
    with running.connect() as opened:
        yield opened


def test_it_says_how_it_is(connection: Connection) -> None:
    state = connection.state()
    assert (state.engine, state.version, state.loaded, state.failure) == ("tone", "tone 1", True, "")
    assert (state.rate_hz, state.languages, state.device, state.step_s) == (RATE_HZ, ("en", "es"), "cpu", 0.0)
    assert len(state.model) == 64
    assert state.real_time_factor is not None
    assert 0 < state.real_time_factor < 1
    assert 10 < state.memory_mb < 1000
    assert state.card_memory_mb == 0


def test_it_describes_itself_to_any_client_of_wyoming(connection: Connection) -> None:
    info = Info.from_event(connection.ask("describe"))
    (program,) = info.tts
    assert (program.name, program.installed) == ("tone", True)
    assert [voice.languages for voice in program.voices] == [["en", "es"]]


def test_a_ping_is_answered(connection: Connection) -> None:
    assert connection.ask("ping", {"text": "here"}).data == {"text": "here"}


def test_it_speaks_with_the_voice_of_a_sample(connection: Connection) -> None:
    name = name_of(VOICE)
    assert connection.ask(messages.SAMPLE, {"sample": name}).data["code"] == "unknown-voice"
    assert connection.introduce(VOICE).data == {"sample": name, "known": False}
    assert connection.introduce(VOICE).data == {"sample": name, "known": True}
    assert connection.ask(messages.SAMPLE, {"sample": name}).data == {"sample": name, "known": True}
    said = connection.say(SENTENCE, VOICE)
    assert said.sound == hum(SENTENCE)
    first, *chunks, last = said.events
    assert (first.type, first.data["rate"], first.data["width"], first.data["channels"]) == (
        "audio-start",
        RATE_HZ,
        2,
        1,
    )
    assert first.data["unused"] == []
    assert {len(chunk) for chunk in said.chunks[:-1]} == {RATE_HZ // 10 * 2}
    assert [event.data["timestamp"] for event in chunks] == [100 * number for number in range(len(chunks))]
    assert last.data["timestamp"] == len(hum(SENTENCE)) * 1000 // (2 * RATE_HZ)


def test_each_sample_has_its_own_voice_until_it_is_forgotten(connection: Connection) -> None:
    low, high = wav(220.0), wav(880.0)
    for file in (low, high):
        assert connection.introduce(file).type == messages.READY
    assert connection.say("Hello.", low).sound == hum("Hello.", 220.0)
    assert connection.say("Hello.", high).sound == hum("Hello.", 880.0)
    assert connection.ask(messages.FORGET, {"sample": name_of(low)}).data == {"sample": name_of(low), "known": True}
    assert connection.ask(messages.FORGET, {"sample": name_of(low)}).data == {"sample": name_of(low), "known": False}
    assert connection.say("Hello.", low).code == "unknown-voice"
    assert connection.say("Hello.", high).sound == hum("Hello.", 880.0)


def test_settings_and_language_arrive(connection: Connection) -> None:
    connection.introduce(VOICE)
    assert connection.say("Hello.", VOICE, speed=2).sound == hum("Hello.", speed=2.0)
    said = connection.say("Hola.", VOICE, "es-MX", emotion="merry", colour="blue")
    assert said.sound == hum("Hola.")
    assert said.events[0].data["unused"] == ["emotion"]
    refused = connection.say("Hallo.", VOICE, "de")
    assert refused.code == "bad-request"
    assert "'de'; it speaks en, es" in refused.reason


def test_a_text_with_nothing_to_say_has_a_beginning_and_an_end(connection: Connection) -> None:
    connection.introduce(VOICE)
    for text in ("", " ", "…"):
        assert [event.type for event in connection.say(text, VOICE).events] == ["audio-start", "audio-stop"]


def test_a_port_serves_as_well(tmp_path: Path) -> None:
    with worker(tmp_path, listen="tcp://127.0.0.1:0") as started:
        started.loaded()
        assert not started.address.endswith(":0")
        with started.connect() as connection:
            connection.introduce(VOICE)
            assert connection.say(SENTENCE, VOICE).sound == hum(SENTENCE)


def test_a_second_connection_waits_and_then_speaks_and_the_state_is_told_meanwhile(tmp_path: Path) -> None:
    with worker(tmp_path, "step=0.05") as started:
        started.loaded()
        with started.connect() as first, started.connect() as second:
            first.introduce(VOICE)
            first.request(SENTENCE, VOICE)
            assert first.next() is not None
            second.request("Hello.", VOICE)
            assert started.state().step_s < 5
            assert first.rest().sound == hum(SENTENCE), "nothing of the other's stands between"
            assert second.rest().sound == hum("Hello.")


def test_closing_a_connection_cancels_at_the_next_step(tmp_path: Path) -> None:
    """Each of the long texts has 480 steps; what is asked after them is said after them."""
    steps = tmp_path / "steps"
    with worker(tmp_path, f"step=0.02 steps={steps}") as started:
        started.loaded()
        with started.connect() as connection:
            connection.introduce(VOICE)
            with started.connect() as speaking, started.connect() as waiting:
                speaking.request("a" * 2000, VOICE)
                assert speaking.next() is not None
                waiting.request("a" * 2000, VOICE)
            assert connection.say("Hello.", VOICE).sound == hum("Hello.")
    assert len(steps.read_text()) < 300
