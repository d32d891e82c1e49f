"""Muting, restarting and the volume of the real daemon."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from pipeline.audio import LISTENING_RATE_HZ
from tests import sounds
from tests.assistant.http.daemon import Daemon, quiet, running
from tests.assistant.http.test_doors import refused
from tests.ports import free_port

pytestmark = pytest.mark.model

ROUND_S = 5.0
"""After so many seconds the customer calls again."""

PATIENCE_S = 60.0

JSON = {"Content-Type": "application/json"}


def until(true: Callable[[], Any]) -> Any:
    """What ``true`` gives as soon as it is."""
    give_up_s = time.monotonic() + PATIENCE_S
    while not (found := true()):
        assert time.monotonic() < give_up_s
        time.sleep(0.03)  # another process: nothing to await
    return found


def count(daemon: Daemon, kind: str) -> int:
    return sum(one["event"] == kind for one in daemon.events)


@pytest.fixture
def unmuted(daemon: Daemon) -> Iterator[None]:
    yield
    daemon.owner.put("/api/mute", json={"muted": False})


@pytest.mark.usefixtures("unmuted")
def test_muted_is_told_everywhere_and_nobody_is_listened_to_by_button(daemon: Daemon) -> None:
    until(lambda: daemon.owner.get("/api/status").json()["state"] == "listening")
    assert daemon.owner.put("/api/mute", json={"muted": True}).json() == {"muted": True}
    now = daemon.owner.get("/api/status").json()
    assert (now["state"], now["muted"]) == ("muted", True)
    refused(daemon.screen.post("/api/listen"), 409, "muted")
    assert daemon.events[-1]["event"] == "muted"
    assert daemon.anybody.get("/healthz").is_success
    daemon.owner.put("/api/mute", json={"muted": False})
    now = daemon.owner.get("/api/status").json()
    assert (now["state"], now["muted"]) == ("listening", False)


@pytest.mark.usefixtures("unmuted")
def test_a_customer_who_is_being_listened_to_is_let_go(daemon: Daemon) -> None:
    until(lambda: daemon.owner.get("/api/status").json()["state"] == "listening")
    daemon.owner.post("/api/listen")
    until(lambda: daemon.owner.get("/api/status").json()["state"] == "hearing")
    daemon.owner.put("/api/mute", json={"muted": True})
    until(lambda: daemon.owner.get("/api/status").json()["state"] == "muted")
    kinds = [one["event"] for one in daemon.events]
    assert kinds[-3:] == ["muted", "turn_end", "listening"]


@pytest.fixture
def preset(daemon: Daemon) -> Iterator[None]:
    yield
    daemon.owner.put("/api/volume", json={"volume_db": 0.0})


@pytest.mark.usefixtures("preset")
def test_the_volume_is_set_within_its_range_and_kept(daemon: Daemon) -> None:
    found = daemon.owner.get("/api/volume").json()
    assert (found["volume_db"], found["lowest_db"], found["highest_db"], found["preset_db"]) == (0.0, -30.0, 12.0, 0.0)
    set_to = daemon.owner.put("/api/volume", json={"volume_db": -7.5}).json()
    assert (set_to["volume_db"], set_to["gain_db"]) == (-7.5, -7.5)
    assert (daemon.folder / "data" / "volume").read_text() == "-7.5\n"
    for wrong in (b"12.1", b"-31", b"NaN", b'"loud"'):
        refused(daemon.owner.put("/api/volume", content=b'{"volume_db": ' + wrong + b"}", headers=JSON), 422, "invalid")
    assert daemon.owner.get("/api/volume").json() == set_to


@pytest.mark.long(1)
@pytest.mark.usefixtures("preset")
def test_what_is_said_has_the_volume(daemon: Daemon) -> None:
    loudest_db = []
    for volume_db in (0.0, -20.0):
        until(lambda: daemon.owner.get("/api/status").json()["state"] == "listening")
        daemon.owner.put("/api/volume", json={"volume_db": volume_db})
        before, levels = count(daemon, "turn_end"), [-100.0]
        daemon.owner.post("/api/say", json={"text": "We close in ten minutes."})
        while count(daemon, "turn_end") == before:
            levels.append(daemon.owner.get("/api/status").json()["speaker"]["level_db"])
            time.sleep(0.02)  # another process: nothing to await
        loudest_db.append(max(levels))
    assert loudest_db[0] - loudest_db[1] == pytest.approx(20, abs=3)


def customers(file: Path) -> Path:
    """Somebody calls it again and again."""
    called = 0.5 * sounds.piper("hey jarvis")
    one = np.pad(called, (0, round(ROUND_S * LISTENING_RATE_HZ) - len(called)))
    noisy = np.tile(one, 40) + sounds.pink(40 * ROUND_S, -62.0)
    soundfile.write(file, noisy, LISTENING_RATE_HZ, subtype="PCM_16")
    return file


@pytest.mark.long(1)
def test_nothing_is_heard_until_it_is_unmuted(tmp_path: Path) -> None:
    with running(tmp_path, customers(tmp_path / "customers.wav")) as daemon:
        until(lambda: count(daemon, "wake_word"))
        daemon.owner.put("/api/mute", json={"muted": True})
        before, from_s = count(daemon, "wake_word"), daemon.events[-1]["at_s"]
        until(lambda: daemon.owner.get("/api/status").json()["microphone"]["level_db"] == -100)
        time.sleep(1.5 * ROUND_S)  # the customer speaks in real time
        assert count(daemon, "wake_word") == before
        daemon.owner.put("/api/mute", json={"muted": False})
        until(lambda: count(daemon, "wake_word") > before)
        assert daemon.events[-1]["at_s"] - from_s > 1.5 * ROUND_S  # time went on


@pytest.mark.long(1)
def test_a_restart_is_the_same_process_and_still_muted(tmp_path: Path) -> None:
    settings = f"http: {{port: {free_port()}}}\n"
    with running(tmp_path, quiet(tmp_path / "quiet.wav"), settings) as daemon:
        daemon.owner.put("/api/mute", json={"muted": True})
        assert daemon.owner.post("/api/restart").status_code == 202
        until(lambda: daemon.log.count("the API are at") == 2)
        until(lambda: httpx.get(f"{daemon.address}/healthz").is_success)
        assert daemon.process.poll() is None
        assert daemon.owner.get("/api/status").json()["state"] == "muted"
        assert daemon.owner.get("/api/status").json()["uptime_s"] < 20
