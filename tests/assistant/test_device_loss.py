"""The daemon on a sound system that comes late, dies in the middle of an answer, and comes again."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.audio import joined, level_db, silence
from tests.assistant.http.test_steering import free_port
from tests.assistant.test_real_sound_system import running, spoken
from tests.assistant.test_systemd import Systemd
from tests.conftest import ROOT
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


def test_a_sound_system_that_comes_goes_and_comes_again(
    late_server: SoundServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, systemd = free_port(), Systemd(tmp_path)
    monkeypatch.setenv("NOTIFY_SOCKET", str(systemd.address))
    wake, question = spoken("hey jarvis!", tmp_path), spoken("where can I find the olive oil", tmp_path)
    customer = joined([wake, silence(0.3, wake.rate_hz), question, silence(1.0, wake.rate_hz)])
    agent = "{use: echo, echo: {prefix: 'This answer goes on and on, for as long as anybody would listen to it:'}}"
    config = f"models: {{folder: {ROOT / 'models'}}}\nhttp: {{port: {port}}}\nagent: {agent}\n"
    with running(tmp_path, config) as daemon:
        daemon.wait_for("device_lost", 2)
        told = " ".join(systemd.messages())
        assert "STATUS=Waiting for the microphone since" in told
        assert "READY=1" not in told
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=20) as answer:
            assert json.load(answer)["status"] == "ok"
        late_server.start()
        daemon.wait_for("device_back", 2)
        systemd.until("READY=1")

        late_server.say(customer)
        daemon.wait_for("speaking")
        assert late_server._daemon is not None
        late_server._daemon.kill()
        daemon.wait_for("device_lost", 4)
        assert "Waiting for the loudspeaker" in " ".join(systemd.messages())
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
    systemd.close()
