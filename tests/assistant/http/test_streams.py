"""What goes on for a while: events, answers as they arise, sound while it is made, and listeners who leave."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.assistant.http.daemon import Daemon, head
from tests.assistant.http.who_may import Route

pytestmark = pytest.mark.model


@dataclass
class Message:
    """One of a stream of Server-Sent Events."""

    event: str
    id: int | None
    data: Any


def messages(response: httpx.Response) -> Iterator[Message | str]:
    """Messages, and the text of comments between them."""
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    event, number, data = "message", None, None
    for line in response.iter_lines():
        name, _, value = line.partition(": ")
        match name:
            case "event":
                event = value
            case "id":
                number = int(value)
            case "data":
                data = json.loads(value)
            case "":
                if value:
                    yield value
                elif line == "" and data is not None:
                    yield Message(event, number, data)
                    event, number, data = "message", None, None
            case _:
                pytest.fail(f"not expected: {line}")


def say(daemon: Daemon, text: str) -> None:
    assert daemon.owner.post("/api/say", json={"text": text}).status_code == 202


def until(stream: Iterator[Message | str], kind: str) -> list[Message]:
    """All messages up to the event line of that kind."""
    found = []
    for one in stream:
        if isinstance(one, Message):
            found.append(one)
            if one.event == "message" and one.data["event"] == kind:
                return found
    pytest.fail(f"the stream ended without {kind}")


def test_events_come_as_they_happen_and_again_for_whoever_lost_them(daemon: Daemon) -> None:
    with daemon.owner.stream("GET", "/api/events") as response:
        stream = messages(response)
        first = next(stream)
        assert isinstance(first, Message)
        assert (first.event, first.data["state"], first.id) == ("state", "listening", None)
        assert set(first.data["personality"]) >= {"id", "name", "language"}
        say(daemon, "The bakery opens now.")
        heard = until(stream, "listening")
        states = [one.data["state"] for one in heard if one.event == "state"]
        last = next(stream)
    assert isinstance(last, Message)
    assert [*states, last.data["state"]] == ["speaking", "listening"]
    lines = [one for one in heard if one.event == "message"]
    ids = [one.id for one in lines]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert "speaking" in [one.data["event"] for one in lines]
    assert [one.data for one in lines] == daemon.events[-len(lines) :]

    with daemon.screen.stream("GET", "/api/events", headers={"Last-Event-ID": str(ids[0])}) as response:
        stream = messages(response)
        assert next(stream).event == "state"
        assert [next(stream) for _ in lines[1:]] == lines[1:]


@pytest.mark.parametrize("given", ["", "x", "-1", "1e9", "9" * 30, "9" * 5000, "²"])
def test_an_odd_last_event_id_is_as_good_as_none(daemon: Daemon, given: str) -> None:
    headers = {"Last-Event-ID": given.encode("latin-1")}
    with daemon.owner.stream("GET", "/api/events", headers=headers) as response:
        assert next(messages(response)).event == "state"


def test_levels_are_told_for_those_who_ask(daemon: Daemon) -> None:
    with daemon.owner.stream("GET", "/api/events?levels=1") as response:
        stream = messages(response)
        assert next(stream).event == "state"
        began_s, levels = time.monotonic(), []
        while len(levels) < 8:
            one = next(stream)
            if one.event == "level":
                levels.append(one.data)
        took_s = time.monotonic() - began_s
    assert 0.5 < took_s < 4
    assert all(set(one) == {"microphone_db", "speaker_db"} for one in levels)
    assert -80 < levels[-1]["microphone_db"] < -40  # the room of the recording
    assert levels[-1]["speaker_db"] == -100


@pytest.mark.long(2)
def test_a_quiet_stream_shows_that_it_lives(daemon: Daemon) -> None:
    with daemon.owner.stream("GET", "/api/events", timeout=25) as response:
        assert next(one for one in messages(response) if isinstance(one, str)) == "still here"


def sentences(count: int, topic: str) -> str:
    """Each another one, so that none lies in the cache."""
    return " ".join(f"Offer number {number} of the {topic} is bread with butter." for number in range(1, count + 1))


def test_an_answer_arises_in_order(echo: Daemon) -> None:
    asked = {"text": sentences(3, "morning"), "stream": True}
    with echo.owner.stream("POST", "/api/conversation", json=asked) as response:
        told = list(messages(response))
    names = [one.event for one in told]
    assert names[:2] == ["start", "transcript"]
    assert names[2:4] == ["text", "voice"]
    assert names[4:] == ["text"] * (len(names) - 5) + ["end"]
    start, transcript, *_ = (one.data for one in told)
    assert set(start) == {"conversation_id", "personality", "personality_id", "audio_url"}
    assert transcript == {"text": asked["text"], "language": "en"}
    texts = [one.data["text"] for one in told if one.event == "text"]
    assert len(texts) >= 3
    assert told[-1].data == {"text": " ".join(texts)}
    voice = next(one.data for one in told if one.event == "voice")
    assert (voice["provider"], voice["cached"]) == ("piper", False)
    assert voice["first_audio_ms"] > 0


def test_an_answer_is_heard_while_it_is_made_and_afterwards(echo: Daemon) -> None:
    asked = {"text": sentences(40, "evening"), "stream": True}
    early = b""
    with echo.owner.stream("POST", "/api/conversation", json=asked) as response:
        url = next(messages(response)).data["audio_url"]
        with echo.client(echo.admin).stream("GET", url) as sound:
            assert sound.status_code == 200
            assert sound.headers["content-type"] == "audio/wav"
            assert "etag" not in sound.headers  # it is not complete yet
            assert "content-length" not in sound.headers
            early = b"".join(sound.iter_bytes())
    whole = echo.owner.get(url)
    assert whole.headers["content-length"] == str(len(whole.content))
    assert whole.content[44:] == early[44:]
    assert len(whole.content) > 1_000_000
    tag = whole.headers["etag"]
    part = echo.owner.get(url, headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, whole.content[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(whole.content)}"
    assert echo.owner.get(url, headers={"Range": "bytes=99999999-"}).status_code == 416
    assert echo.owner.get(url, headers={"If-None-Match": tag}).status_code == 304
    assert echo.owner.get(url, headers={"Range": "bytes=0-9", "If-Range": '"old"'}).status_code == 200
    looked = echo.owner.head(url)
    assert (looked.headers["etag"], looked.headers["content-length"]) == (tag, str(len(whole.content)))
    mp3 = echo.owner.get(url, params={"format": "mp3"})
    assert mp3.headers["content-type"] == "audio/mpeg"
    assert len(mp3.content) < len(whole.content) / 3


def spoken(daemon: Daemon) -> int:
    """Characters that the voice has made so far, also of those sentences that were not wanted to their end."""
    return sum(row["characters"] for row in daemon.owner.get("/api/stats").json()["providers"] if row["stage"] == "tts")


def stopped(daemon: Daemon) -> int:
    """What was spoken, when nothing more is: a sentence takes much less than this looks on."""
    before, since_s = spoken(daemon), time.monotonic()
    while time.monotonic() - since_s < 1.5:
        now = spoken(daemon)
        if now != before:
            before, since_s = now, time.monotonic()
        time.sleep(0.05)
    return before


SPEAKING: dict[Route, dict[str, Any]] = {
    ("POST", "/api/voice/synthesize"): {"format": "wav"},
    ("POST", "/v1/audio/speech"): {"model": "tts-1", "response_format": "mp3"},
}


@pytest.mark.parametrize("route", SPEAKING, ids=" ".join)
def test_who_leaves_stops_the_engine(echo: Daemon, route: Route) -> None:
    text = sentences(60, re.sub(r"\W", " ", route[1]))
    before = stopped(echo)
    key = "input" if route[1].startswith("/v1") else "text"
    with echo.client(echo.admin).stream(*route, json={**SPEAKING[route], key: text}) as sound:
        assert sound.status_code == 200
        next(sound.iter_bytes())
    assert stopped(echo) - before < len(text) / 3


def test_who_leaves_at_once_stops_the_engine(echo: Daemon) -> None:
    text = sentences(60, "night")
    before = stopped(echo)
    body = json.dumps({"text": text})
    more = {"Authorization": f"Bearer {echo.admin}", "Content-Type": "application/json"}
    with echo.connect() as connection:
        connection.sendall(
            (head("POST", "/api/voice/synthesize", Content_Length=str(len(body)), **more) + body).encode()
        )
    assert stopped(echo) - before < len(text) / 3


def test_who_stays_hears_all_of_it(echo: Daemon) -> None:
    """So that the two before can fail."""
    text = sentences(60, "noon")
    before = stopped(echo)
    assert echo.owner.post("/api/voice/synthesize", json={"text": text}).status_code == 200
    assert stopped(echo) - before > len(text) * 0.9
