"""Whatever comes, the worker answers or hangs up, and speaks for the next one."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.tts.voice_worker import messages
from tests.providers.tts.voice_worker.running import Connection, Worker, head, hum, name_of, wav, worker

pytestmark = pytest.mark.unit

VOICE = wav()
NAME = name_of(VOICE)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with worker(tmp_path_factory.mktemp("worker"), "say_aloud") as started:
        yield started.loaded()


@pytest.fixture
def connection(running: Worker) -> Iterator[Connection]:
    with running.connect() as opened:
        yield opened
    with running.connect() as after:
        assert after.introduce(VOICE).type == messages.READY
        assert after.say("Hello.", VOICE).sound == hum("Hello."), "it speaks for the next one"


NO_EVENTS: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"GET / HTTP/1.1\r\n", "no JSON"),
    "half of JSON": (b'{"type": "describe"\n', "no JSON"),
    "nothing": (b"\n", "no JSON"),
    "no Unicode": (b'{"type": "\xff\xfe"}\n', "no JSON"),
    "zeros": (b"\0" * 100 + b"\n", "no JSON"),
    "a list": (b"[1, 2]\n", "no JSON object"),
    "a number": (b"7\n", "no JSON object"),
    "no type": (b"{}\n", "no type"),
    "a type that is none": (head(7), "no type"),
    "data that is a list": (head("describe", [1]), "no JSON object"),
    "data that is a text": (head("describe", "x"), "no JSON object"),
    "deep": (b'{"type":' + b"[" * 30_000 + b"\n", "no JSON"),
    "deep and closed": (head("ping", json.loads("[" * 900 + "]" * 900)), "no JSON object"),
    "a long number": (b'{"type": "ping", "data": {"a": ' + b"9" * 10_000 + b"}}\n", "no JSON"),
    "a long line": (b"x" * 100_000 + b"\n", "too long"),
    "a long line of JSON": (head("ping", {"text": "x" * 70_000}), "too long"),
    "a line that does not end": (b'{"type": "' + b"x" * 70_000, "too long"),
    "negative data": (head("describe", data_length=-1), "data_length"),
    "negative payload": (head("describe", payload_length=-5), "payload_length"),
    "huge data": (head("describe", data_length=10**12), "data_length"),
    "huge payload": (head(messages.SAMPLE, payload_length=10**15), "payload_length"),
    "a little too large payload": (head(messages.SAMPLE, payload_length=messages.MOST_SAMPLE_BYTES + 1), "payload_"),
    "half a byte of data": (head("describe", data_length=0.5), "data_length"),
    "a length that is a text": (head("describe", data_length="5"), "data_length"),
    "a length that is true": (head("describe", payload_length=True), "payload_length"),
    "infinite": (b'{"type": "describe", "data_length": Infinity}\n', "data_length"),
    "data that is no JSON": (head("describe", data_length=5) + b"{{{{{", "no JSON"),
    "data that is a list behind": (head("describe", data_length=2) + b"[]", "no JSON object"),
}


@pytest.mark.parametrize("what", NO_EVENTS)
def test_what_is_no_event_ends_the_connection(connection: Connection, what: str) -> None:
    content, said = NO_EVENTS[what]
    connection.raw(content)
    answer = connection.next()
    assert answer is not None
    assert (answer.type, answer.data["code"]) == ("error", "bad-request")
    assert said in answer.data["text"]
    assert connection.next() is None


@pytest.mark.parametrize(
    "cut", [b'{"type": "desc', head("describe", data_length=50) + b"{", head("x", payload_length=9)]
)
def test_a_connection_may_end_in_the_middle(connection: Connection, cut: bytes) -> None:
    connection.raw(cut)
    connection.socket.shutdown(1)
    answer = connection.next()
    assert answer is None or answer.data["code"] == "bad-request"


def test_unknown_events_are_passed_over(connection: Connection) -> None:
    connection.raw(head("transcribe", {"name": "x"}) + head("weather", payload_length=3) + b"abc" + head("no.data"))
    assert connection.state().loaded


def asked(**changes: Any) -> dict[str, Any]:
    return {"text": "Hello.", "voice": {"name": NAME}, "context": {"language": "en", "settings": {}}, **changes}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no text": ({"voice": {"name": NAME}}, "text"),
    "a number for a text": (asked(text=7), "text"),
    "a list for a text": (asked(text=["Hello."]), "text"),
    "a long text": (asked(text="a" * (messages.LONGEST_TEXT + 1)), "2000 characters"),
    "no voice": ({"text": "Hello."}, "SHA-256"),
    "a text for a voice": (asked(voice=NAME), "voice and context"),
    "a path for a voice": (asked(voice={"name": "../../etc/passwd"}), "SHA-256"),
    "a voice that is almost a hash": (asked(voice={"name": NAME + "\n"}), "SHA-256"),
    "a hash in capitals": (asked(voice={"name": "A" * 64}), "SHA-256"),
    "a list for a context": (asked(context=[1]), "voice and context"),
    "a number for a language": (asked(context={"language": 7}), "language"),
    "nothing for a language": (asked(context={"language": None}), "language"),
    "a long language": (asked(context={"language": "x" * 5000}), "speaks en, es"),
    "a list for settings": (asked(context={"settings": [1]}), "settings must be"),
    "a text for a speed": (asked(context={"settings": {"speed": "fast"}}), "settings.speed must be a number"),
    "true for a speed": (asked(context={"settings": {"speed": True}}), "settings.speed"),
    "infinite speed": (asked(context={"settings": {"speed": float("inf")}}), "settings.speed"),
    "no number for a speed": (asked(context={"settings": {"speed": float("nan")}}), "settings.speed"),
    "a number of 400 digits": (asked(context={"settings": {"temperature": 10**400}}), "settings.temperature"),
    "a broken whole number": (asked(context={"settings": {"top_k": 1.5}}), "settings.top_k must be a whole number"),
    "a number for a mood": (asked(context={"settings": {"emotion": 1}}), "settings.emotion must be a text"),
    "a deep mood": (asked(context={"settings": {"emotion": json.loads("[" * 800 + "]" * 800)}}), "settings.emotion"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_said_is_refused_with_the_reason(connection: Connection, what: str) -> None:
    data, said = WRONG[what]
    connection.introduce(VOICE)
    answer = connection.ask("synthesize", data)
    assert (answer.type, answer.data["code"]) == ("error", "bad-request")
    assert said in answer.data["text"]
    assert len(answer.data["text"]) < 200
    assert connection.say("Hello.", VOICE).sound == hum("Hello."), "the connection goes on"


def test_what_json_can_bring_and_nothing_can_carry(connection: Connection) -> None:
    """Halves of surrogate pairs."""
    connection.introduce(VOICE)
    assert connection.ask("ping", {}).data == {"text": None}
    connection.raw(b'{"type": "ping", "data": {"text": "\\ud800"}}\n')
    answer = connection.next()
    assert answer is not None
    assert answer.data == {"text": "?"}
    connection.raw(json.dumps({"type": "synthesize", "data": asked(text="Hello \ud83d.")}).encode() + b"\n")
    assert connection.rest().sound == hum("Hello.")


def header(**changes: int) -> bytes:
    """A WAV file whose header lies."""
    fields = {"riff": 36 + 48_000, "channels": 1, "rate": 24_000, "align": 2, "bits": 16, "data": 48_000, "kind": 1}
    fields |= changes
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, fields["kind"], fields["channels"], fields["rate"], 48_000,
                       fields["align"], fields["bits"])  # fmt: skip
    data = struct.pack("<4sI", b"data", fields["data"]) + b"\1\0" * 24_000
    return struct.pack("<4sI4s", b"RIFF", fields["riff"], b"WAVE") + form + data


BAD_SAMPLES: dict[str, tuple[bytes, str]] = {
    "no WAV": (b"not a sound at all" * 100, "no WAV"),
    "a zip": (b"PK\3\4" + bytes(5000), "no WAV"),
    "the first half of a header": (wav()[:20], "no WAV"),
    "stereo": (wav(channels=2), "one channel of 16 bits"),
    "8 bits": (wav(width=1), "one channel of 16 bits"),
    "32 bits": (wav(width=4), "one channel of 16 bits"),
    "compressed": (header(kind=2), "no WAV"),
    "no channels": (header(channels=0), "no WAV"),
    "no bits": (header(bits=0), "no WAV"),
    "no rate": (header(rate=0), "0 Hz"),
    "a telephone's rate": (wav(rate_hz=8000), "8000 Hz"),
    "a rate of bats": (header(rate=4_000_000_000), "Hz"),
    "nothing in it": (wav(seconds=0), "must last 1 to 60 s"),
    "a blink": (wav(seconds=0.9), "must last 1 to 60 s"),
    "too long": (wav(seconds=61, rate_hz=16_000), "must last 1 to 60 s"),
}


@pytest.mark.parametrize("what", BAD_SAMPLES)
def test_a_sample_that_is_none_is_refused_with_the_reason(connection: Connection, what: str) -> None:
    file, said = BAD_SAMPLES[what]
    answer = connection.introduce(file)
    assert (answer.type, answer.data["code"]) == ("error", "bad-sample")
    assert said in answer.data["text"]
    assert connection.ask(messages.SAMPLE, {"sample": name_of(file)}).data["code"] == "unknown-voice"


def test_a_header_that_promises_more_than_there_is(connection: Connection) -> None:
    """What is there counts."""
    assert connection.introduce(header(data=0xFFFFFFF0, riff=0xFFFFFFFF)).type == messages.READY


def test_a_sample_that_is_not_the_one_its_hash_promises(connection: Connection) -> None:
    other = hashlib.sha256(b"another").hexdigest()
    answer = connection.ask(messages.SAMPLE, {"sample": other}, VOICE)
    assert (answer.data["code"], "promises" in answer.data["text"]) == ("bad-sample", True)
    assert connection.ask(messages.SAMPLE, {"sample": other}).data["code"] == "unknown-voice"


@pytest.mark.parametrize("sample", [None, "", 7, "x" * 64, "../" + "a" * 61, ["a" * 64]])
@pytest.mark.parametrize("kind", [messages.SAMPLE, messages.FORGET])
def test_a_sample_without_a_proper_name(connection: Connection, kind: str, sample: Any) -> None:
    assert connection.ask(kind, {"sample": sample}).data["code"] == "bad-request"


def test_who_does_not_wait_for_answers_is_sent_away(tmp_path: Path) -> None:
    with worker(tmp_path, "step=0.2") as started:
        started.loaded()
        with started.connect() as connection:
            connection.introduce(VOICE)
            connection.request("a" * 500, VOICE)
            next_of(connection, "audio-start")
            connection.raw(head("ping") * 8)
            next_of(connection, "audio-chunk")
            connection.raw(head("ping"))
            answer = next_of(connection, "error")
            assert "more than 8 events" in answer["text"]
            assert connection.next() is None
        with started.connect() as connection:
            connection.introduce(VOICE)
            connection.request("a" * 500, VOICE)
            next_of(connection, "audio-start")
            for _ in range(2):
                connection.send(messages.SAMPLE, {"sample": NAME}, VOICE)
            assert "second sample" in next_of(connection, "error")["text"]


def next_of(connection: Connection, kind: str) -> dict[str, Any]:
    while (event := connection.next()) is not None:
        if event.type == kind:
            return dict(event.data)
    raise AssertionError(f"no {kind} came")


def test_many_connections_are_served_and_too_many_are_told(running: Worker) -> None:
    held = [running.connect() for _ in range(64)]
    try:
        assert all(connection.state().loaded for connection in held)
        with running.connect() as late:
            answer = late.next()
            assert answer is not None
            assert "more than 64 connections" in answer.data["text"]
            assert late.next() is None
        held.pop().close()
        wait_for_a_place(running)
    finally:
        for connection in held:
            connection.close()


def wait_for_a_place(running: Worker) -> None:
    """The worker learns of the end of a connection a moment later."""
    while True:
        with running.connect() as connection:
            connection.send(messages.STATE)
            answer = connection.next()
            assert answer is not None
            if answer.type == messages.STATE:
                return


def test_who_does_not_listen_costs_no_more_than_the_text(tmp_path: Path) -> None:
    """The longest text has 120 s of sound, 5.8 MB; more of it wait for their turn until it was taken."""
    with worker(tmp_path) as started:
        started.loaded()
        with started.connect() as deaf, started.connect() as other:
            other.introduce(VOICE)
            other.say("a" * 2000, VOICE)
            before_mb = started.memory_mb()
            for _ in range(4):
                deaf.request("a" * 2000, VOICE)
            assert other.say("Hello.", VOICE).sound == hum("Hello."), "nobody else has to wait"
            assert started.memory_mb() < before_mb + 15
            for _ in range(4):
                assert len(deaf.rest().sound) == len(hum("a" * 2000))


def test_repeated_use_needs_no_more_memory(tmp_path: Path) -> None:
    with worker(tmp_path) as started:
        started.loaded()

        def use(times: int) -> float:
            for number in range(times):
                file = wav(300.0 + number, seconds=2.0)
                with started.connect() as connection:
                    connection.introduce(file)
                    connection.say("Hello, can I help you?", file)
                    connection.ask(messages.FORGET, {"sample": name_of(file)})
                    connection.raw(b"nonsense\n")
            return started.memory_mb()

        before_mb = use(30)
        assert use(120) < before_mb + 4


def test_what_is_said_stands_in_no_line_for_the_log(running: Worker) -> None:
    """Also where an engine prints it and the text tries to look like such a line."""
    with running.connect() as connection:
        connection.introduce(VOICE)
        connection.say(f"My card\n{messages.LOG_MARK}has the number 4711.", VOICE)
        connection.say("That was it.", VOICE)
    line = running.until("That was it.")
    assert "4711" in "".join(running.lines), "the engine did print it"
    assert line
    assert "4711" not in running.log
    assert "card" not in running.log
