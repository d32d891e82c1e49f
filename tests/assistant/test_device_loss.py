"""The daemon on a sound system that comes late, dies in the middle of an answer, and comes again."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.audio import joined, level_db, silence
from tests.assistant.test_real_sound_system import PATIENCE_S, running, spoken
from tests.assistant.test_systemd import Systemd
from tests.conftest import ROOT
from tests.ports import free_port
from tests.sound_server import SoundServer, missing_parts

pytestmark = [pytest.mark.device, pytest.mark.long(1)]


@pytest.fixture
def late_server(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    """One of the test's own, not yet started."""
    if missing := missing_parts():
        pytest.skip(f"no sound system: install {' '.join(missing)}")
    server = SoundServer(tmp_path_factory.mktemp("s"))
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    yield server
    server.stop()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    end = Systemd(tmp_path)
    yield end
    end.close()


def served(address: str) -> dict[str, Any]:
    """What is answered, as soon as anybody does."""
    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(address, timeout=20) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.URLError:
            assert time.monotonic() < give_up_at
            time.sleep(0.05)  # another process: nothing to await


def test_a_sound_system_that_comes_goes_and_comes_again(
    late_server: SoundServer, systemd: Systemd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("NOTIFY_SOCKET", str(systemd.address))
    wake, question = spoken("hey jarvis!", tmp_path), spoken("where can I find the olive oil", tmp_path)
    customer = joined([wake, silence(0.3, wake.rate_hz), question, silence(1.0, wake.rate_hz)])
    agent = "{use: echo, echo: {prefix: 'You asked me this:'}}"
    config = f"models: {{folder: {ROOT / 'models'}}}\nhttp: {{port: {port}}}\nagent: {agent}\n"
    config += "conversation: {follow_up: off}\n"
    with running(tmp_path, config) as daemon:
        daemon.wait_for("device_lost", 2)
        told = " ".join(systemd.messages())
        assert "STATUS=Waiting for the microphone since" in told
        assert "READY=1" not in told
        assert served(f"http://127.0.0.1:{port}/healthz")["status"] == "ok"
        late_server.start()
        daemon.wait_for("device_back", 2)
        systemd.until("READY=1")

        speaking = late_server.say(customer)
        daemon.wait_for("speaking")
        assert late_server._daemon is not None
        late_server._daemon.kill()
        daemon.wait_for("device_lost", 4)
        assert "Waiting for the loudspeaker" in " ".join(systemd.messages())
        speaking.wait()
        late_server.stop()
        late_server.start()
        daemon.wait_for("device_back", 4)
        daemon.wait_for("turn_end")

        with late_server.record() as hearing:
            late_server.say(customer).wait()
            daemon.wait_for("turn_end", 2)
        assert [event["text"] for event in daemon.events() if event["event"] == "transcript"] == [
            "Where can I find the olive oil?"
        ] * 2
        assert level_db(hearing.sound.pcm) > -40
