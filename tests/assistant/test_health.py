"""What the running parts tell about themselves, with a real app and its bundled models."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from assistant import health as module
from assistant import settings
from assistant.app import App, Memory
from assistant.device_place import Absence
from assistant.health import Running, health
from assistant.quota import CloudQuota
from assistant.storage.errors import StorageFull
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.errors import DeviceMissing, ProviderError, ProviderMissing
from pipeline.on_demand import OnDemandSynthesizer
from providers import registry
from tests.conftest import ROOT
from tests.fakes.synthesizer import ScriptedSynthesizer

pytestmark = pytest.mark.model

Findings = dict[str, dict[str, Any]]


@dataclass
class Shop:
    """An app whose parts run."""

    app: App
    memory: Memory
    running: Running

    async def told(self, **running: Any) -> dict[str, Any]:
        return await health(self.app, self.memory, replace(self.running, **running), [])

    async def findings(self, **running: Any) -> Findings:
        return {one["part"]: one for one in (await self.told(**running))["findings"]}

    async def models(self) -> Findings:
        return {one["name"]: one for one in (await self.told())["models"]}


@asynccontextmanager
async def opened(folder: Path, **document: Any) -> AsyncIterator[Shop]:
    if not (folder / "shop").exists():
        (folder / "shop").symlink_to(ROOT / "shop")
    app = App(settings.parse(document, "here"), folder)
    async with AsyncExitStack() as stack:
        memory = await stack.enter_async_context(app.memory())
        voice = await stack.enter_async_context(app.voice(memory))
        transcriber = await stack.enter_async_context(app.transcriber(memory))
        agent = await stack.enter_async_context(app.agent())
        running = Running(
            voice.router.synthesizers,
            voice.health,
            transcriber.transcribers,
            agent,
            0.03,
            0.0,
            -42.0,
            "USB Speaker",
            CircuitBreaker(app.feed, app.clock, what="recogniser"),
        )
        yield Shop(app, memory, running)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened(tmp_path) as one:
        yield one


def states(findings: Findings, *parts: str) -> list[str]:
    return [findings[part]["state"] for part in parts]


async def test_all_that_runs_is_told_and_nothing_is_opened_for_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a part is made anew")

    monkeypatch.setattr(registry, "create", refuse)
    incident = {"at": "2026-11-26T01:00:00", "level": "error", "part": "app", "message": "x", "times": 1}
    told = await health(shop.app, shop.memory, shop.running, [incident])
    assert [one["part"] for one in told["findings"]] == [
        "microphone", "loudspeaker", "voice piper", "voice espeak_ng", "speech to text faster_whisper", "agent",
        "storage", "speech cache", "quota", "cloud", "licences", "disk",
    ]  # fmt: skip
    found = {one["part"]: one for one in told["findings"]}
    assert states(found, "microphone", "loudspeaker", "voice espeak_ng", "agent", "storage", "quota") == ["works"] * 6
    assert found["microphone"]["reason"] == "delivers sound, at most -42 dB"
    assert "USB Speaker" in found["loudspeaker"]["reason"]
    assert "sounds artificial" in found["voice piper"]["reason"], "its caution"
    assert "models pull" in found["voice piper"]["remedy"]
    assert told["incidents"] == [incident]
    in_use = {row["name"] for row in found["licences"]["rows"] if row["state"] == "in use"}
    assert in_use == {"en_US-kiosk-low", "whisper-kiosk-en", "espeak_ng"}


@pytest.mark.parametrize(
    ("running", "state", "words"),
    [
        ({"last_frame_s": None}, "fails", "no sound has come yet"),
        ({"last_frame_s": 9.4}, "fails", "for 9 s"),
        ({"dropped_s": 1.25}, "warns", "1.2 s of sound were lost"),
        ({"level_db": -100.0}, "warns", "digital silence"),
        ({"level_db": None}, "works", "delivers sound"),
    ],
)
async def test_the_microphone(shop: Shop, running: dict[str, Any], state: str, words: str) -> None:
    found = (await shop.findings(**running))["microphone"]
    assert found["state"] == state
    assert words in found["reason"]
    assert found["remedy"] or state == "works"


async def test_devices_that_are_missing(shop: Shop) -> None:
    error = DeviceMissing("There is no microphone 'desk'.", remedy="Connect it.")
    absence = Absence("microphone", error, datetime(2026, 11, 26, 10, 32), 0.0, deaf=False)
    found = await shop.findings(missing={"microphone": absence, "speaker": absence}, last_frame_s=0.03)
    assert states(found, "microphone", "loudspeaker") == ["fails", "fails"]
    assert found["microphone"]["reason"] == "missing since 10:32, and looked for: There is no microphone 'desk'."
    assert found["microphone"]["remedy"] == "Connect it."


async def test_who_failed_lately_rests(shop: Shop) -> None:
    health_of_recognisers = shop.running.recogniser_health
    assert health_of_recognisers is not None
    shop.running.voice_health.failed("espeak_ng", ProviderError("It broke."))
    health_of_recognisers.failed("faster_whisper", ProviderError("It broke."))
    found = await shop.findings()
    for part in ("voice espeak_ng", "speech to text faster_whisper"):
        assert found[part]["state"] == "warns"
        assert "rests" in found[part]["reason"]
    shop.running.voice_health.worked("espeak_ng")
    assert states(await shop.findings(), "voice espeak_ng") == ["works"]


async def test_an_engine_that_cannot_be_used_says_what_to_do(tmp_path: Path) -> None:
    async with opened(tmp_path, tts={"use": ["xtts_v2", "piper"]}) as shop:
        found = await shop.findings()
        assert found["voice xtts_v2"]["state"] == "warns", "another one speaks"
        assert "only for those who accept" in found["voice xtts_v2"]["reason"]
        assert "coqui_terms_accepted" in found["voice xtts_v2"]["remedy"]


async def voiceless(stack: AsyncExitStack, names: Iterable[str]) -> list[OnDemandSynthesizer]:
    engines = []
    for name in names:
        engine = ScriptedSynthesizer(name)
        engine.refuses = ProviderMissing(f"{name} is not installed.", remedy="Install it.")
        engines.append(await stack.enter_async_context(OnDemandSynthesizer(engine)))
    return engines


async def test_where_none_can_speak_it_fails(shop: Shop) -> None:
    async with AsyncExitStack() as stack:
        engines = await voiceless(stack, ["piper", "espeak_ng"])
        found = await shop.findings(voices=engines)
    assert states(found, "voice piper", "voice espeak_ng") == ["fails"] * 2
    assert found["voice piper"]["remedy"] == "Install it."


async def test_what_cloud_never_forbids_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path, deployment={"cloud": "never"}, tts={"use": ["piper", "google_tts"]}) as shop:
        found = await shop.findings()
        assert found["voice google_tts"]["state"] == "warns"
        assert "cloud: never forbids" in found["voice google_tts"]["reason"]
        assert found["cloud"]["reason"] == "never: nothing leaves this machine"


async def test_what_leaves_the_machine_and_what_it_has_cost(tmp_path: Path) -> None:
    tts = {"use": ["piper", "google_tts"], "google_tts": {"free_characters": 1000}}
    async with opened(tmp_path, tts=tts) as shop:
        assert shop.memory.database is not None
        await CloudQuota(shop.memory.database).reserve("google_tts", "neural2", 900, 1000)
        found = await shop.findings()
        assert "google_tts may send texts" in found["cloud"]["reason"]
        assert found["quota"]["state"] == "warns"
        assert [row["characters"] for row in found["quota"]["rows"]] == [900]


async def test_a_database_that_cannot_be_written_or_opened(shop: Shop) -> None:
    database = shop.memory.database
    assert database is not None
    database.problem = StorageFull("The disk is full.", remedy="Make room.")
    found = (await shop.findings())["storage"]
    assert (found["state"], found["reason"], found["remedy"]) == ("warns", "The disk is full.", "Make room.")
    database.problem = None
    shop.memory = replace(shop.memory, database=None)
    found = await shop.findings()
    assert states(found, "storage", "speech cache", "quota") == ["fails", "warns", "works"]


async def test_models_and_what_can_be_done_about_them(tmp_path: Path) -> None:
    torn = tmp_path / "models" / "en_US-joe-medium"
    torn.mkdir(parents=True)
    for suffix in ("onnx", "onnx.json"):
        (torn / f"en_US-joe-medium.{suffix}").write_text("torn by a power cut")
    own = tmp_path / "models" / "our-voice"
    own.mkdir()
    (own / "our-voice.onnx").touch()
    (own / "our-voice.onnx.json").touch()
    wake = {"wake_word": {"use": "microwakeword"}}
    async with opened(tmp_path, deployment={"use": "commercial"}, **wake) as shop:
        models = await shop.models()
    facts = {name: (one["state"], one["verdict"], one["pullable"]) for name, one in models.items()}
    assert facts["en_US-kiosk-low"] == ("bundled", "allowed", False)
    assert facts["en_US-joe-medium"] == ("damaged", "allowed", True)
    assert facts["en_US-ryan-medium"] == ("missing", "refused", False)
    assert facts["our-voice"] == ("installed", "allowed", False)
    assert "licences_held" in models["en_US-ryan-medium"]["note"]
    assert models["en_US-joe-medium"]["size_mb"] == pytest.approx(63, abs=3)
    keys = {"name", "kind", "about", "state", "size_mb", "licence", "commercial", "verdict", "note", "pullable"}
    assert all(set(one) == keys for one in models.values())


async def test_the_disk(shop: Shop) -> None:
    before = (await shop.told())["disk"]
    (shop.app.folder / "data" / "speech" / "big").write_bytes(bytes(2_000_000))
    after = (await shop.told())["disk"]
    assert after["data_mb"] == pytest.approx(before["data_mb"] + 2, abs=0.3)
    assert 0 < after["free_gb"] < after["total_gb"]
    assert after["models_mb"] == 0


async def test_a_slow_disk_stops_nobody(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    look, begun, go_on = module._look, threading.Event(), threading.Event()

    def slow(*arguments: Any) -> Any:
        begun.set()
        assert go_on.wait(10), "the loop stands"
        return look(*arguments)

    monkeypatch.setattr(module, "_look", slow)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        asked = group.create_task(shop.told())
        while not begun.is_set():
            await asyncio.sleep(0.005)
        go_on.set()
    assert asked.result()["models"]


async def test_that_it_is_muted_is_told(shop: Shop) -> None:
    assert (await shop.told())["muted"] is False
    assert (await shop.told(muted=True))["muted"] is True


async def test_a_dead_disk_is_told_and_costs_one_thread(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, go_on = [], threading.Event()

    def dead(*_: Any) -> Any:
        looks.append(1)
        go_on.wait()
        raise OSError

    monkeypatch.setattr(module, "_look", dead)
    monkeypatch.setattr(module, "DISK_S", 0.01)
    for _ in range(5):
        told = await shop.told()
        assert "has not answered" in next(one for one in told["findings"] if one["part"] == "disk")["reason"]
    assert len(looks) == 1
    go_on.set()
