"""``assistant check``: what works, what does not, what to do."""

from __future__ import annotations

import json
import shutil
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from providers.model_worker import ModelWorker
from tests.assistant.test_real_sound_system import running
from tests.conftest import ROOT
from tests.fakes.web_server import Answering, Request, WebServer
from tests.ports import free_port
from tests.program import Ran, assistant
from tests.sound_server import SoundServer

PARTS = {
    "settings", "microphone", "loudspeaker", "echo", "wake word", "voice activity", "end of turn", "speech to text",
    "agent", "voice piper",
    "voice espeak_ng", "personalities", "personality Robin", "personality Mr Whitmore", "personality Lucía", "storage",
    "speech cache", "quota", "cloud", "pronunciations", "licences", "disk",
}  # fmt: skip


def states(ran: Ran) -> dict[str, str]:
    return {finding["part"]: finding["state"] for finding in json.loads(ran.out)}


@pytest.mark.device
def test_with_sound_everything_works(sound_server: SoundServer) -> None:
    ran = assistant("check", "--json")
    assert ran.code == 0, ran.out
    found = states(ran)
    assert set(found) == PARTS
    assert found["loudspeaker"] == "works"
    assert found["microphone"] == "warns", "nobody speaks into it: digital silence"
    assert found["speech to text"] == "warns", "the bundled recogniser is not for customers"
    assert found["licences"] == "warns"


@pytest.mark.model
def test_without_sound_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SERVER", "unix:/nonexistent")
    ran = assistant("check")
    assert ran.code == 1
    assert "parts do not work: microphone, loudspeaker" in ran.reason
    assert "fails  microphone" in ran.out
    assert "→" in ran.out


@pytest.mark.model
def test_each_broken_part_is_named_with_its_remedy(tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(ROOT / "models" / "whisper-kiosk-en", models / "whisper-kiosk-en")
    (models / "whisper-kiosk-en" / "model.bin").write_bytes(b"torn")
    ran = assistant(
        "check", "--json",
        config=f"models: {{folder: {models}}}\nwake_word: {{openwakeword: {{words: [hey_nobody]}}}}\n"
        "agent: {faq: {file: absent.yaml}}",
        folder=tmp_path,
    )  # fmt: skip
    assert ran.code == 1
    found = {finding["part"]: finding for finding in json.loads(ran.out)}
    for part in ("wake word", "speech to text", "agent"):
        assert found[part]["state"] == "fails", found[part]
        assert found[part]["reason"]
    assert "pull" in found["speech to text"]["remedy"]
    assert found["voice activity"]["state"] == "works"


@pytest.mark.model
def test_a_shop_is_told_what_it_must_not_use_and_what_instead(tmp_path: Path) -> None:
    shop = f"models: {{folder: {ROOT / 'models'}}}\nagent: {{use: echo}}\ndeployment: {{use: commercial}}\n"
    ran = assistant("check", "--json", config=shop, folder=tmp_path)
    found = {finding["part"]: finding for finding in json.loads(ran.out)}
    assert found["wake word"]["state"] == "fails"
    assert "wake_word.use to microwakeword" in found["wake word"]["remedy"]
    verdicts = {row["name"]: (row["state"], row["verdict"]) for row in found["licences"]["rows"]}
    assert verdicts["openwakeword-features"] == ("in use", "refused")
    assert verdicts["en_US-kiosk-low"] == ("in use", "allowed")

    ran = assistant("check", config=shop + "wake_word: {use: microwakeword}", folder=tmp_path)
    assert "works  wake word" in ran.out
    table = ran.out[ran.out.index("Licences, and what they say to commercial use") :].splitlines()
    assert table[1].split()[:4] == ["MODEL", "OR", "PROGRAM", "HERE"]
    assert any(line.split()[:6] == ["microwakeword", "in", "use", "Apache-2.0", "yes", "allowed"] for line in table)
    assert any(line.split()[:5] == ["hey_jarvis", "present", "CC-BY-NC-SA-4.0", "no", "refused"] for line in table)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["config.yaml"], "check makes nothing"


@pytest.mark.model
def test_what_cloud_never_forbids_is_told(tmp_path: Path) -> None:
    ran = assistant(
        "check", "--json",
        config=f"models: {{folder: {ROOT / 'models'}}}\ndeployment: {{cloud: never}}\n"
        "agent: {use: openai, openai: {model: m, base_url: 'https://api.example.org/v1'}}",
        folder=tmp_path,
    )  # fmt: skip
    found = {finding["part"]: finding for finding in json.loads(ran.out)}
    assert found["agent"]["state"] == "fails"
    assert "deployment.cloud: never" in found["agent"]["reason"]
    assert found["cloud"]["reason"] == "never: nothing leaves this machine"


@pytest.mark.model
def test_wrong_settings_are_a_finding(tmp_path: Path) -> None:
    ran = assistant("check", "--json", config="sst: {}", folder=tmp_path)
    assert ran.code == 1
    assert states(ran) == {"settings": "fails"}


@pytest.mark.device
def test_devices_are_listed(sound_server: SoundServer) -> None:
    ran = assistant("devices", "--json")
    assert ran.code == 0
    assert any(device["default_input"] for device in json.loads(ran.out))
    assert "default" in assistant("devices").out


@pytest.mark.device
def test_devices_that_the_running_assistant_holds_are_told_by_it(
    sound_server: SoundServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    config = f"models: {{folder: {ROOT / 'models'}}}\nagent: {{use: echo}}\nhttp: {{port: {port}}}\n"
    assert assistant("token", config=config, folder=tmp_path).code == 0
    with running(tmp_path, config) as daemon:
        daemon.wait_for("listening")
        until_it_answers(f"http://127.0.0.1:{port}/healthz")
        monkeypatch.setenv("PULSE_SERVER", "unix:/nonexistent")  # as of a sound card that one program has alone
        found = json.loads(assistant("check", "--json", config=config, folder=tmp_path).out)
    held = [one for one in found if one["part"] in {"microphone", "loudspeaker"}]
    assert [one["state"] for one in held] == ["warns", "works"]
    assert all("as the assistant says that is running" in one["reason"] for one in held), held
    gone = states(assistant("check", "--json", config=config, folder=tmp_path))
    assert (gone["microphone"], gone["loudspeaker"]) == ("fails", "fails")


@pytest.mark.model
@pytest.mark.parametrize("body", ["<html>It works!</html>", "[]", "{}"])
async def test_another_program_at_our_port_is_none_of_ours(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_SERVER", "unix:/nonexistent")

    async def answer(_: Request, answering: Answering) -> None:
        await answering.whole(body)

    async with WebServer(answer) as server:
        port = server.url.rpartition(":")[2]
        config = f"models: {{folder: {ROOT / 'models'}}}\nagent: {{use: echo}}\nhttp: {{port: {port}}}\n"
        assert assistant("token", config=config, folder=tmp_path).code == 0
        worker = ModelWorker("check-of-the-test")  # the server goes on beside it
        ran = await worker.run(lambda _: assistant("check", "--json", config=config, folder=tmp_path))
        worker.close()
    found = states(ran)
    assert [request.path for request in server.requests] == ["/api/health"]
    assert (found["microphone"], found["storage"]) == ("fails", "works"), ran.err


def until_it_answers(url: str) -> None:
    end_s = time.monotonic() + 20
    while time.monotonic() < end_s:
        with suppress(httpx.HTTPError):
            if httpx.get(url, trust_env=False).is_success:
                return
        time.sleep(0.05)
    pytest.fail(f"{url} does not answer")


@pytest.mark.device
def test_a_device_that_is_not_there_is_told_with_those_that_are(sound_server: SoundServer, tmp_path: Path) -> None:
    config = f"models: {{folder: {ROOT / 'models'}}}\nhttp: {{enabled: false}}\nagent: {{use: echo}}\n"
    with running(tmp_path, f"{config}audio: {{microphone: {{device: pluse}}}}") as daemon:
        daemon.wait_for("device_lost")
        daemon.process.terminate()
        _, log = daemon.process.communicate(timeout=20)
    assert daemon.process.returncode == 0
    assert "There is no microphone 'pluse'. Did you mean 'pulse'?" in log
