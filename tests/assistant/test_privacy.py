"""After whole conversations neither a customer's words nor their voice lie anywhere, unless somebody asked for that."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

from tests import sounds
from tests.assistant.http.daemon import SETTINGS, running
from tests.program import as_it_comes, assistant

pytestmark = pytest.mark.model

RATE_HZ = 16_000

QUESTION = "Where can I find the olive oil?"

WORDS = ("olive", "can I find")

COLD = "cache: {warm: false}\n"
"""Usual answers are spoken into the cache while nobody talks; they are no part of a conversation."""

OURS = {"speech"}
"""Folders of the data folder with sound: what the assistant said, kept for a day (``cache.keep_hours``)."""


def customer(file: Path, after_s: float) -> np.ndarray:
    """Wake word and question; the question's samples."""
    wake, question = (np.round(20_000 * sounds.piper(text)).astype(np.int16) for text in ("hey jarvis!", QUESTION))
    quiet = np.zeros(RATE_HZ, np.int16)
    parts = [quiet, quiet, quiet, wake, quiet[: RATE_HZ // 4], question, *([quiet] * round(after_s))]
    soundfile.write(file, np.concatenate(parts), RATE_HZ, subtype="PCM_16")
    return question


def holding(folder: Path, *needles: bytes) -> list[str]:
    """Files in which something stands."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sorted(path.name for path in files if any(one in path.read_bytes().lower() for one in needles))


def words() -> list[bytes]:
    return [form for word in WORDS for form in (word.lower().encode(), word.lower().encode("utf-16-le"))]


def sound_files(data: Path) -> list[str]:
    """Of any kind, by how they begin; not what the assistant said itself."""
    found = [path for path in data.rglob("*") if path.is_file() and path.relative_to(data).parts[0] not in OURS]
    return [
        one.name for one in found if one.read_bytes()[:4] in {b"RIFF", b"fLaC", b"OggS", b"ID3\x03", b"\x1aE\xdf\xa3"}
    ]


def samples(question: np.ndarray) -> list[bytes]:
    """A tenth of a second from the middle of it, as files might hold it (searched for in lower case)."""
    middle = question[len(question) // 2 :][: RATE_HZ // 10].astype(np.int16)
    return [middle.tobytes().lower(), (middle / np.float32(32768)).astype(np.float32).tobytes().lower()]


def run(folder: Path, config: str) -> tuple[np.ndarray, str, list[str]]:
    """A conversation from file to file: the question's samples, the log, and what was understood."""
    as_it_comes(folder)
    question = customer(folder / "in.wav", 12)
    ran = assistant(
        "run", "--input", folder / "in.wav", "--output", folder / "out.wav", "--fast", "--events", "-",
        config=config, folder=folder,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    return question, ran.err, [one["text"] for one in ran.of("transcript")]


def test_nothing_is_kept_of_a_conversation(tmp_path: Path) -> None:
    question, log, understood = run(tmp_path, "")
    assert understood == [QUESTION], "there is something that could have been kept"
    data = tmp_path / "data"
    assert holding(data, *words()) == []
    assert holding(data, *samples(question)) == []
    assert sound_files(data) == []
    assert [word for word in WORDS if word.lower() in log.lower()] == []
    assert holding(data, b"create table usage_by_day") != [], "the search reads the database"


def test_what_is_asked_for_is_kept_and_told(tmp_path: Path) -> None:
    question, log, _ = run(tmp_path, "recordings: {enabled: true}")
    (file,) = sound_files(tmp_path / "data")
    assert "Recording is on" in log
    recorded, rate_hz = soundfile.read(tmp_path / "data" / "recordings" / file, dtype="int16")
    assert rate_hz == RATE_HZ
    assert samples(question)[0] in recorded.tobytes().lower()
    assert holding(tmp_path / "data", *words()) == [], "sound only"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the daemon lives; its temporary files lie there too."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    yield tmp_path


@pytest.mark.slow
@pytest.mark.long(1)
def test_a_day_of_the_daemon(folder: Path) -> None:
    """Spoken and typed questions, a report, an erasure, a stop: with the panel's API, in real time."""
    question = customer(folder / "in.wav", 600)
    soundfile.write(folder / "question.wav", question, RATE_HZ, subtype="PCM_16")
    home = folder / "home"
    home.mkdir()
    with running(home, folder / "in.wav", SETTINGS + COLD) as daemon:
        owner = daemon.owner
        assert not owner.get("/api/status").json()["recording"]
        with (folder / "question.wav").open("rb") as file:
            assert owner.post("/api/voice/transcribe", files={"file": file}).json()["text"] == QUESTION
        assert owner.post("/api/conversation", json={"text": QUESTION}).is_success
        until(lambda: any(one["event"] == "turn_end" for one in daemon.events))
        assert owner.get("/api/turns").json()["turns"][0]["transcript"] == QUESTION
        report = assistant("doctor", config=SETTINGS.replace("port: 0", f"port: {daemon.port}"), folder=home)
        assert report.code == 0, report.err
        assert "nobody answers" not in report.out
        rows = owner.get("/api/incidents").json()["incidents"]
        assert "The assistant starts" in rows[-1]["message"]
        assert owner.get("/api/health").json()["incidents"][0]["message"] == rows[0]["message"]
        (home / "events").rename(folder / "events")  # it was asked for
        for secret in (daemon.admin, daemon.kiosk, QUESTION, *WORDS):
            assert secret not in report.out
        assert holding(home / "data", *words(), *samples(question)) == []
        assert holding(folder / "tmp", *words(), *samples(question)) == []
        assert sound_files(home / "data") == []

        forgotten = assistant("forget", "--all", "--json", config=SETTINGS, folder=home)
        assert json.loads(forgotten.out)["answers"] > 0
        until(lambda: owner.get("/api/turns").json()["turns"] == [])
        assert not list((home / "data" / "speech").glob("*/*"))
        log = daemon.log
    assert holding(home / "data", *words(), *samples(question)) == []
    assert [word for word in WORDS if word.lower() in log.lower()] == []
    with contextlib.closing(sqlite3.connect(home / "data" / "assistant.db")) as database:
        assert database.execute("SELECT ended FROM runs").fetchall() == [("was stopped",)]


def until(found: object) -> object:
    """What a question is answered with, as soon as it is true."""
    ends_s = time.monotonic() + 60
    while time.monotonic() < ends_s:
        with contextlib.suppress(httpx.TransportError):
            if value := found():  # type: ignore[operator]
                return value
        time.sleep(0.1)
    raise AssertionError("it did not come")
