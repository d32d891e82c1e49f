"""The commands of docs/http.md, as they stand there, against the daemon."""

from __future__ import annotations

import json
import os
import re
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import soundfile

from pipeline.audio import LISTENING_RATE_HZ
from tests import sounds
from tests.assistant.http.daemon import Daemon
from tests.assistant.http.test_tenants import PATH, reading
from tests.conftest import ROOT

pytestmark = pytest.mark.model

DOCUMENT = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")

ADDRESS = "http://127.0.0.1:8420"

QUESTION = "Where can I find the olive oil?"

TIMED_OUT = 28
"""curl's exit code where it was told to end."""


def commands() -> list[str]:
    """All that begin with curl, each on one line."""
    lines = DOCUMENT.replace("\\\n", " ").split("\n")
    return [" ".join(line.split()) for line in lines if line.startswith("    curl ")]


@dataclass
class Shell:
    """Where a reader of the page would be."""

    folder: Path
    daemon: Daemon

    def run(self, command: str, ends: tuple[int, ...] = (0,)) -> str:
        environment = {**os.environ, "CURL_HOME": str(self.folder), "TOKEN": self.daemon.admin}
        done = subprocess.run(
            ["bash", "-c", command.replace(ADDRESS, self.daemon.address)],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode in ends, f"{command}: {done.stdout} {done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def shell(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("reader")
    (folder / ".curlrc").write_text("silent\nshow-error\nfail-with-body\nmax-time = 30\n")
    (folder / "ana.wav").write_bytes(reading())
    soundfile.write(folder / "question.wav", sounds.piper(QUESTION), LISTENING_RATE_HZ, subtype="PCM_16")
    yield Shell(folder, daemon)
    for one in daemon.owner.get(PATH).json()["personalities"]:
        if one["voice_config"]["voice_sample_url"]:
            assert daemon.owner.delete(f"{PATH}/{one['id']}/voice/upload").status_code == 200


def status(shell: Shell, command: str) -> None:
    told = json.loads(shell.run(command))
    assert told["state"] == "listening"
    assert told["trouble"] == []


def synthesize(shell: Shell, command: str) -> None:
    assert shell.run(command) == ""
    assert soundfile.info(shell.folder / "closing.mp3").duration > 0.5


def transcribe(shell: Shell, command: str) -> None:
    assert json.loads(shell.run(command))["text"] == QUESTION


def ask(shell: Shell, command: str) -> None:
    told = json.loads(shell.run(command))
    assert told["transcript"] == "what time do you close"
    assert "close" in told["text"]
    sound = shell.run(f'curl -H "Authorization: Bearer $TOKEN" {ADDRESS}{told["audio_url"]} -o answer.wav')
    assert sound == ""
    assert soundfile.info(shell.folder / "answer.wav").duration > 0.5


def say(shell: Shell, command: str) -> None:
    with shell.daemon.owner.stream("GET", "/api/events") as events:
        lines = events.iter_lines()
        next(lines)
        assert json.loads(shell.run(command)) == {"accepted": True}
        assert next(line for line in lines if '"event": "speaking"' in line and "We close in ten minutes" in line)
        assert next(line for line in lines if '"event": "listening"' in line)


def events(shell: Shell, command: str) -> None:
    told = shell.run(command.replace("curl ", "curl --max-time 1 "), ends=(TIMED_OUT,))
    assert told.startswith('event: state\ndata: {"state": "listening"')


def upload(shell: Shell, command: str) -> None:
    told = json.loads(shell.run(command))
    assert told["personality"]["voice_config"]["mode"] == "custom"
    assert told["duration_s"] >= 6
    assert told["quality"]["verdict"] in {"good", "fair", "poor"}


def mute(shell: Shell, command: str) -> None:
    assert json.loads(shell.run(command)) == {"muted": True}
    try:
        assert shell.daemon.owner.get("/api/status").json()["muted"] is True
    finally:
        assert shell.daemon.owner.put("/api/mute", json={"muted": False}).json() == {"muted": False}


def volume(shell: Shell, command: str) -> None:
    try:
        assert json.loads(shell.run(command))["volume_db"] == -6
    finally:
        assert shell.daemon.owner.put("/api/volume", json={"volume_db": 0}).is_success


def incidents(shell: Shell, command: str) -> None:
    told = json.loads(shell.run(command))
    assert "The assistant starts, version" in told["incidents"][-1]["message"]
    assert told["next"] is None


DOES: dict[str, Callable[[Shell, str], None]] = {
    "/api/status": status,
    "/api/voice/synthesize": synthesize,
    "/api/voice/transcribe": transcribe,
    "/api/conversation": ask,
    "/api/say": say,
    "/api/events": events,
    "/voice/upload": upload,
    "/api/volume": volume,
    "/api/mute": mute,
    "/api/incidents": incidents,
}
"""By the end of its address."""

ELSEWHERE = ("/api/restart",)
"""Tried by test_steering.py: here it would take the daemon of all other tests away."""


@pytest.mark.parametrize("end", DOES)
def test_a_command_does_what_is_said(shell: Shell, end: str) -> None:
    found = [command for command in commands() if command.endswith(end)]
    assert found
    for command in found:
        DOES[end](shell, command)


def test_every_command_is_tried() -> None:
    assert [one for one in commands() if not one.endswith((*DOES, *ELSEWHERE))] == []


def test_the_program_for_openai_s_api_runs(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = re.findall(r"(?:^    .*\n)*^    from openai.*\n(?:^    .*\n)*", DOCUMENT, re.MULTILINE)
    program = textwrap.dedent(block).replace(ADDRESS, shell.daemon.address).replace("sa_…", shell.daemon.admin)
    monkeypatch.chdir(shell.folder)
    names: dict[str, object] = {}
    *before, last = program.strip().split("\n")
    last = last.replace('open("question.wav", "rb")', "question")
    with (shell.folder / "question.wav").open("rb") as question:
        names["question"] = question
        exec("\n".join([*before, f"text = {last}", "client.close()"]), names)
    assert names["text"] == QUESTION
    assert soundfile.info(shell.folder / "hello.mp3").duration > 0.3
