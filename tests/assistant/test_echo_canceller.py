"""Whether the assistant takes out its own voice: what settings, files and a missing package make of it."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from assistant import senses, settings
from assistant.app import App
from assistant.checking import parts
from assistant.checking.finding import State
from assistant.parts import Ends
from assistant.sections import AudioSection
from assistant.sound_devices import SoundDevices
from pipeline.echo_cancelling import EchoCancelling
from pipeline.protocols import EchoCanceller
from providers.audio.sounddevice_microphone import SounddeviceMicrophone
from tests.fakes.echo import FakeEchoCanceller

pytestmark = pytest.mark.unit


def app(folder: Path, **echo: Any) -> App:
    return App(settings.parse({"echo": echo} if echo else {}, "here"), folder)


async def canceller(of: App, ends: Ends) -> EchoCanceller | None:
    async with AsyncExitStack() as stack:
        return await senses.open_echo_canceller(stack, of.settings, of.resources, ends)


async def test_on_devices_the_echo_is_taken_out_where_that_is_wanted(tmp_path: Path) -> None:
    found = await canceller(app(tmp_path), Ends())
    assert found is not None
    assert found.capabilities.name == "webrtc"
    assert await canceller(app(tmp_path, use="none"), Ends()) is None


@pytest.mark.parametrize("ends", [Ends(input=Path("a.wav")), Ends(output=Path("b.wav"))], ids=["input", "output"])
async def test_a_file_has_no_echo(tmp_path: Path, ends: Ends) -> None:
    assert await canceller(app(tmp_path, use="webrtc"), ends) is None


async def test_without_its_package_the_assistant_works_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "livekit", None)
    assert await canceller(app(tmp_path, use="webrtc"), Ends()) is None
    assert "hears itself" in caplog.text
    finding = await parts.echo(app(tmp_path, use="webrtc"), parts.Seen())
    assert finding.state is State.WARNS
    assert "install.sh" in finding.remedy


async def test_the_check_tells_what_is_in_use(tmp_path: Path) -> None:
    seen = parts.Seen()
    assert (await parts.echo(app(tmp_path, use="webrtc"), seen)).reason == "webrtc is loaded"
    assert seen.programs == {"webrtc": "BSD-3-Clause"}
    assert (await parts.echo(app(tmp_path, use="none"), seen)).state is State.WORKS


async def test_whoever_measures_the_echo_hears_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[EchoCancelling] = []

    class Microphone(SounddeviceMicrophone):
        def __init__(self, settings: Any, echo: EchoCancelling | None = None, *, deaf: bool = False) -> None:
            super().__init__(settings, echo, deaf=deaf)
            assert echo is not None
            made.append(echo)

    monkeypatch.setattr("assistant.sound_devices.SounddeviceMicrophone", Microphone)
    async with FakeEchoCanceller() as fake:
        devices = SoundDevices(AudioSection(), tmp_path, canceller=fake)
        with devices.echo_left_in():
            assert [one.left_out for one in made] == [True]
        assert [one.left_out for one in made] == [False]
