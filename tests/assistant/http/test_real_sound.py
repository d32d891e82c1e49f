"""The daemon on a real sound system, steered by HTTP: what goes in at its microphones and comes out of its
loudspeakers.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk, from_float, joined, silence
from tests import sounds
from tests.assistant.http.daemon import Daemon
from tests.conftest import ROOT
from tests.ports import free_port
from tests.program import as_it_comes, assistant
from tests.sound_server import Hearing, SoundServer

pytestmark = [pytest.mark.device, pytest.mark.long(1)]

PATIENCE_S = 30.0

WAKE_WORD = "hey jarvis!"
QUESTION = "where can I find the olive oil"
ANSWER = "Where can I find the olive oil?"
"""It repeats what it has understood."""

SHORT_QUESTION = "what time do you close"
SHORT_ANSWER = "What time do you close?"
AUDIBLE_DB = -50.0
SPEECH_DB = -30.0

LOST_S = 0.4
"""At an exchange what lies in the device's and the sound server's buffers is not heard; and no two sentences of the
voice are quite as long."""

BLOCK_S = 0.02


@contextmanager
def running(folder: Path, environment: dict[str, str], settings: str = "") -> Iterator[Daemon]:
    """The daemon on the system's devices; it is killed at the end where it has not ended before."""
    port = free_port()
    config = f"http: {{port: {port}}}\nagent: {{use: echo}}\n{settings}"
    token = assistant("token", config=config, folder=folder).out.strip()
    command = [sys.executable, "-m", "assistant", "run", "--events", folder / "events"]
    environment = {**os.environ, **environment, "OMP_NUM_THREADS": "1", "ASSISTANT_CONFIG": f"{folder}/config.yaml"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    daemon = Daemon(folder, f"http://127.0.0.1:{port}", token, "", "", process)
    try:
        until(lambda: "Listening." in daemon.log and healthy(daemon), daemon)
        yield daemon
        assert "Traceback" not in daemon.log, daemon.log
    finally:
        process.kill()
        daemon.close()


def healthy(daemon: Daemon) -> bool:
    try:
        return httpx.get(f"{daemon.address}/healthz").is_success
    except httpx.TransportError:
        return False


def until(true: Callable[[], Any], daemon: Daemon) -> Any:
    """What ``true`` gives as soon as it is."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not (found := true()):
        assert daemon.process.poll() is None, daemon.log
        assert time.monotonic() < give_up_at, f"{daemon.log}\n{[one['event'] for one in daemon.events]}"
        time.sleep(0.03)  # another process: nothing to await
    return found


class Visit:
    """One customer at the daemon: only what happens from now on counts."""

    def __init__(self, daemon: Daemon, server: SoundServer) -> None:
        self.daemon = daemon
        self.server = server
        self._before = len(daemon.events)

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.daemon.events[self._before :]

    def event(self, kind: str) -> dict[str, Any]:
        """The first one of a kind, when it comes."""
        found = until(lambda: [one for one in self.events if one["event"] == kind], self.daemon)
        return dict(found[0])

    def post(self, path: str, body: Any = None) -> Any:
        answer = self.daemon.owner.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def status(self) -> dict[str, Any]:
        return dict(self.daemon.owner.get("/api/status").json())

    def choose(self, **devices: str | None) -> dict[str, Any]:
        answer = self.daemon.owner.put("/api/devices", json=devices)
        assert answer.is_success, answer.text
        return dict(answer.json()["chosen"])

    def understood(self, sound: AudioChunk) -> str:
        """What a recording of a loudspeaker says."""
        file = io.BytesIO()
        soundfile.write(file, sound.pcm, sound.rate_hz, format="wav")
        answer = self.daemon.owner.post("/api/voice/transcribe", files={"file": ("heard.wav", file.getvalue())})
        assert answer.is_success, answer.text
        return str(answer.json()["text"])


def spoken(*sentences: str) -> AudioChunk:
    """A customer's words."""
    pause = silence(0.3, LISTENING_RATE_HZ)
    return joined([part for text in sentences for part in (pause, from_float(sounds.piper(text), LISTENING_RATE_HZ))])


def audible(sound: AudioChunk) -> AudioChunk:
    """A recording from its first sound to its last; empty where all is silent."""
    block = round(BLOCK_S * sound.rate_hz)
    blocks = sound.as_float()[: len(sound.pcm) // block * block].reshape(-1, block)
    loud = np.nonzero(np.sqrt(np.mean(np.square(blocks), axis=1)) > 10 ** (AUDIBLE_DB / 20))[0]
    first, last = (int(loud[0]), int(loud[-1])) if len(loud) else (0, -1)
    return sound.since(first * BLOCK_S).until((last + 1) * BLOCK_S)


def sounds_for(hearing: Hearing, duration_s: float) -> bool:
    """Whether so much has been heard already."""
    return audible(hearing.sound).duration_s >= duration_s


@pytest.fixture(scope="module")
def environment(running_sound_server: SoundServer) -> Iterator[dict[str, str]]:
    running_sound_server.restore()
    yield running_sound_server.plug_in_further()
    running_sound_server.restore()


@pytest.fixture(scope="module")
def daemon(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("shop")
    as_it_comes(folder)
    with running(folder, environment) as daemon:
        yield daemon


@pytest.fixture
def visit(daemon: Daemon, running_sound_server: SoundServer) -> Iterator[Visit]:
    """It listens by the system's own devices."""
    daemon.owner.put("/api/devices", json={"microphone": None, "speaker": None})
    visit = Visit(daemon, running_sound_server)
    until(lambda: visit.status()["state"] == "listening", daemon)
    yield visit
    daemon.owner.post("/api/stop")


def test_the_devices_of_the_sound_system_are_listed(visit: Visit) -> None:
    listed = visit.daemon.owner.get("/api/devices").json()
    for kind, own in (("microphones", "desk"), ("speakers", "horn")):
        assert {one["name"] for one in listed[kind]} == {"default", "pulse", own}
        assert [one["name"] for one in listed[kind] if one["default"]] == ["default"]
    assert listed["chosen"] == {"microphone": None, "speaker": None}


def test_levels_move_when_a_customer_speaks(visit: Visit) -> None:
    def microphone() -> dict[str, Any]:
        return dict(visit.status()["microphone"])

    until(lambda: microphone()["level_db"] < AUDIBLE_DB, visit.daemon)
    customer = visit.server.say(spoken(QUESTION))
    until(lambda: microphone()["level_db"] > SPEECH_DB, visit.daemon)
    customer.wait()
    until(lambda: microphone()["level_db"] < AUDIBLE_DB, visit.daemon)
    told = microphone()
    assert told["name"] == "default"
    assert told["last_frame_s"] < 1
    assert told["dropped_s"] == 0


def test_what_it_is_told_to_say_is_heard(visit: Visit) -> None:
    with visit.server.record() as hearing:
        visit.post("/api/say", {"text": SHORT_ANSWER})
        until(lambda: visit.status()["speaker"]["level_db"] > SPEECH_DB, visit.daemon)
        visit.event("turn_end")
    assert visit.understood(hearing.sound) == SHORT_ANSWER
    assert visit.status()["speaker"] == {"name": "default", "level_db": -100}


def test_push_to_talk(visit: Visit) -> None:
    with visit.server.record() as hearing:
        visit.post("/api/listen")
        assert visit.event("wake_word")["name"] == "push_to_talk"
        visit.server.say(spoken(SHORT_QUESTION)).wait()
        visit.event("turn_end")
    assert visit.event("transcript")["text"] == SHORT_ANSWER
    assert visit.understood(hearing.sound) == SHORT_ANSWER


def test_it_falls_silent_at_once(visit: Visit) -> None:
    with visit.server.record() as hearing:
        visit.post("/api/say", {"text": f"{ANSWER} {SHORT_ANSWER}"})
        until(lambda: sounds_for(hearing, 0.5), visit.daemon)
        pressed_s = hearing.duration_s
        visit.post("/api/stop")
        visit.event("turn_end")
        hearing.wait_for(pressed_s + 1.0)
    assert audible(hearing.sound).end_s - pressed_s < 0.3
    assert visit.event("interrupted")["heard_text"] != f"{ANSWER} {SHORT_ANSWER}"


def test_devices_are_exchanged_while_it_listens(visit: Visit) -> None:
    assert visit.choose(microphone="desk", speaker="horn") == {"microphone": "desk", "speaker": "horn"}
    status = visit.status()
    assert (status["microphone"]["name"], status["speaker"]["name"]) == ("desk", "horn")
    with visit.server.record("horn") as horn, visit.server.record() as loudspeaker:
        visit.server.say(spoken(WAKE_WORD, SHORT_QUESTION), "till").wait()
        visit.event("turn_end")
    assert visit.event("transcript")["text"] == SHORT_ANSWER
    assert visit.understood(horn.sound) == SHORT_ANSWER
    assert not len(audible(loudspeaker.sound).pcm)


def test_devices_are_exchanged_in_the_middle_of_an_answer(visit: Visit) -> None:
    with visit.server.record("horn") as horn, visit.server.record() as loudspeaker:
        visit.server.say(spoken(WAKE_WORD, QUESTION)).wait()
        until(lambda: sounds_for(loudspeaker, 0.5), visit.daemon)
        visit.choose(microphone="desk", speaker="horn")
        visit.event("turn_end")
    parts = [audible(one.sound) for one in (loudspeaker, horn)]
    assert all(part.duration_s > 0.4 for part in parts)
    whole_s = len(sounds.piper(ANSWER)) / LISTENING_RATE_HZ
    assert sum(part.duration_s for part in parts) == pytest.approx(whole_s, abs=LOST_S)
    assert visit.understood(joined(parts)) == ANSWER
    visit.server.say(spoken(WAKE_WORD), "till").wait()
    until(lambda: [one["event"] for one in visit.events].count("wake_word") == 2, visit.daemon)


def test_a_device_that_does_not_exist_is_refused_and_nothing_changes(visit: Visit) -> None:
    for choice in ({"speaker": "horm"}, {"microphone": "desk", "speaker": "nothing like it"}):
        refused = visit.daemon.owner.put("/api/devices", json=choice)
        assert refused.is_error
        assert refused.json()["code"] == "device_missing"
        assert "'horn'" in refused.json()["remedy"]
        assert visit.daemon.owner.get("/api/devices").json()["chosen"] == {"microphone": None, "speaker": None}
    visit.server.say(spoken(WAKE_WORD)).wait()
    visit.event("wake_word")


def test_delay_and_level_of_the_echo(visit: Visit) -> None:
    """PulseAudio's loop keeps its delay within some 40 ms only, so the middle one of three counts."""
    delays_ms = []
    for delay_ms, level_db in ((60, -20.0), (260, -35.0)):
        with visit.server.echo(delay_ms=delay_ms, level_db=level_db):
            found = [visit.post("/api/soundcheck/echo") for _ in range(3)]
        assert [one["heard"] for one in found] == [True] * 3
        assert [one["echo_db"] for one in found] == pytest.approx([level_db] * 3, abs=3)
        delays_ms.append(statistics.median(one["delay_ms"] for one in found))
    assert delays_ms[1] - delays_ms[0] == pytest.approx(200, abs=40)


def test_without_an_echo_nothing_is_heard(visit: Visit) -> None:
    found = visit.post("/api/soundcheck/echo")
    assert (found["heard"], found["delay_ms"], found["echo_db"]) == (False, None, None)
    assert found["verdict"] == "poor"


def test_a_choice_outlives_the_daemon(visit: Visit, environment: dict[str, str], tmp_path: Path) -> None:
    chosen = visit.choose(microphone="desk", speaker="horn")
    kept = (visit.daemon.folder / "data" / "audio-devices.json").read_text("utf-8")
    assert json.loads(kept) == chosen
    as_it_comes(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "audio-devices.json").write_text(kept, "utf-8")
    with running(tmp_path, environment) as daemon:
        again = Visit(daemon, visit.server)
        with visit.server.record("horn") as horn:
            again.post("/api/say", {"text": SHORT_ANSWER})
            again.event("turn_end")
        visit.server.say(spoken(WAKE_WORD), "till").wait()
        again.event("wake_word")
        assert again.understood(horn.sound) == SHORT_ANSWER


def test_health_tells_of_a_sound_system_that_hangs(
    environment: dict[str, str], running_sound_server: SoundServer, tmp_path: Path
) -> None:
    """Where the settings give the devices that long; otherwise the daemon has ended before."""
    as_it_comes(tmp_path)
    patient = "audio: {microphone: {lost_after_s: 25}, speaker: {lost_after_s: 25}}"
    with running(tmp_path, environment, patient) as daemon:
        running_sound_server.freeze()
        try:
            until(lambda: not healthy(daemon), daemon)
            answer = httpx.get(f"{daemon.address}/healthz")
        finally:
            running_sound_server.thaw()
        assert answer.status_code == 503
        assert "No sound has come from the microphone for" in answer.json()["reason"]
        until(lambda: healthy(daemon), daemon)


def test_it_lives_without_devices_and_takes_them_when_they_come_back(
    environment: dict[str, str], running_sound_server: SoundServer, tmp_path: Path
) -> None:
    """PulseAudio gives it another microphone; without any it waits, and says so."""
    as_it_comes(tmp_path)
    with running(tmp_path, environment) as daemon:
        visit = Visit(daemon, running_sound_server)
        running_sound_server.pull_out("microphone")
        running_sound_server.say(spoken(WAKE_WORD), "till").wait()
        visit.event("wake_word")
        running_sound_server.unplug()
        until(lambda: visit.status()["state"] == "trouble", daemon)
        running_sound_server.plug_in()
        until(lambda: visit.status()["state"] == "listening", daemon)
        later = Visit(daemon, running_sound_server)
        running_sound_server.say(spoken(WAKE_WORD)).wait()
        later.event("wake_word")
        assert {"device_lost", "device_back"} <= {one["event"] for one in visit.events}
