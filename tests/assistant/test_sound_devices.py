"""Choosing devices while they are in use: on a sound system of the test's own, and on a real one."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.sections import AudioSection
from assistant.sound_devices import SoundDevices
from pipeline.audio import level_db
from pipeline.errors import DeviceError, DeviceMissing, SettingsError
from providers.audio import portaudio
from providers.audio.devices import DeviceInfo, Direction
from providers.audio.wav import FastPace, WavMicrophone, WavSpeaker
from tests.contracts.microphone import fetched
from tests.contracts.speaker import tone
from tests.providers.audio.sounds import ramp, written
from tests.sound_server import SoundServer

pytestmark = pytest.mark.unit

BUILT_IN = DeviceInfo(0, "Built-in: ALC (hw:0,0)", "ALSA", 1, 2, 16_000, default_input=True, default_output=True)
DESK = DeviceInfo(1, "USB Desk: Audio (hw:1,0)", "ALSA", 1, 0, 16_000, default_input=False, default_output=False)
HORN = DeviceInfo(2, "USB Horn: Audio (hw:2,0)", "ALSA", 0, 2, 16_000, default_input=False, default_output=False)

DEFAULT = AudioSection()


class SoundSystem:
    """PortAudio as the program sees it. A device can be opened once, as ALSA's are."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.devices = [BUILT_IN, DESK, HORN]
        self.broken: set[str] = set()
        """Names of devices that refuse to be opened."""
        self.open: list[tuple[str, Direction]] = []
        self._callbacks: dict[str, Callable[..., None]] = {}
        patch.setattr(portaudio, "list_devices", lambda: self.devices)
        patch.setattr(portaudio, "known_devices", lambda: self.devices)
        patch.setattr(portaudio, "open_stream", self._open)
        patch.setattr(portaudio, "close_stream", lambda stream: self.open.remove(stream.what))

    def names(self, direction: Direction) -> list[str]:
        return [name for name, one in self.open if one is direction]

    def say(self, device: DeviceInfo, value: int, frames: int) -> None:
        """Sound comes from a microphone, one sample after another the same."""

        class Status:
            input_overflow = False

        for _ in range(frames):
            self._callbacks[device.name](np.full((512, 1), value, np.int16), 512, None, Status())

    def _open(self, device: DeviceInfo, direction: Direction, **options: Any) -> Any:
        if device.name in self.broken or (device.name, direction) in self.open:
            raise DeviceError(f"The {direction} {device.name!r} refuses.", remedy="Is another program using it?")
        self.open.append((device.name, direction))
        if direction is Direction.INPUT:
            self._callbacks[device.name] = options["callback"]

        class Stream:
            latency = 0.0
            what = (device.name, direction)

        return Stream()


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> SoundSystem:
    return SoundSystem(monkeypatch)


def kept(folder: Path) -> Any:
    return json.loads((folder / "audio-devices.json").read_text("utf-8"))


async def test_it_lists_both_and_what_is_in_use(system: SoundSystem, tmp_path: Path) -> None:
    devices = SoundDevices(DEFAULT, tmp_path)
    async with devices.microphone, devices.speaker:
        listed = devices.listed()
        assert [one["name"] for one in listed["microphones"]] == [BUILT_IN.name, DESK.name]
        assert [one["name"] for one in listed["speakers"]] == [BUILT_IN.name, HORN.name]
        assert listed["speakers"][0] == {
            "name": BUILT_IN.name, "system": "ALSA", "channels": 2, "rate_hz": 16_000, "default": True,
        }  # fmt: skip
        assert devices.chosen == {"microphone": None, "speaker": None}


async def test_a_part_of_a_name_in_the_settings_is_told_as_the_whole_name(system: SoundSystem, tmp_path: Path) -> None:
    devices = SoundDevices(
        AudioSection.model_validate({"microphone": {"device": "desk"}, "speaker": {"device": 2}}), tmp_path
    )
    assert devices.chosen == {"microphone": DESK.name, "speaker": HORN.name}


async def test_a_choice_takes_effect_at_once_and_at_the_next_start(system: SoundSystem, tmp_path: Path) -> None:
    devices = SoundDevices(DEFAULT, tmp_path / "data")
    async with devices.microphone, devices.speaker:
        await devices.choose(microphone=DESK.name, speaker=HORN.name)
        assert (system.names(Direction.INPUT), system.names(Direction.OUTPUT)) == ([DESK.name], [HORN.name])
        assert devices.chosen == {"microphone": DESK.name, "speaker": HORN.name}
    assert system.open == []
    again = SoundDevices(DEFAULT, tmp_path / "data")
    async with again.microphone, again.speaker:
        assert sorted(system.open) == [(DESK.name, Direction.INPUT), (HORN.name, Direction.OUTPUT)]
        await again.choose(microphone=None)
        assert again.chosen == {"microphone": None, "speaker": HORN.name}
        assert kept(tmp_path / "data")["microphone"] is None


async def test_a_reader_goes_on_with_the_chosen_microphone(system: SoundSystem, tmp_path: Path) -> None:
    devices = SoundDevices(DEFAULT, tmp_path)
    async with devices.microphone, asyncio.timeout(5), asyncio.TaskGroup() as group:
        reading = group.create_task(fetched(devices.microphone, 5), name="reader")
        system.say(BUILT_IN, 100, 2)
        while devices.microphone._end_s < 0.06:
            await asyncio.sleep(0)
        await devices.choose(microphone=DESK.name)
        system.say(DESK, 200, 3)
    assert [int(chunk.pcm[0]) for chunk in reading.result()] == [100, 100, 200, 200, 200]
    starts = [chunk.start_s for chunk in reading.result()]
    assert starts == sorted(starts)


async def test_settings_of_a_device_that_was_not_chosen_still_count(system: SoundSystem, tmp_path: Path) -> None:
    devices = SoundDevices(DEFAULT, tmp_path)
    async with devices.microphone, devices.speaker:
        await devices.choose(microphone="desk")
    assert kept(tmp_path) == {"microphone": "USB Desk: Audio"}
    assert (
        SoundDevices(AudioSection.model_validate({"speaker": {"device": "horn"}}), tmp_path).chosen["speaker"]
        == HORN.name
    )


async def test_the_choice_survives_when_sound_cards_are_numbered_anew(system: SoundSystem, tmp_path: Path) -> None:
    devices = SoundDevices(DEFAULT, tmp_path)
    async with devices.microphone:
        await devices.choose(microphone=DESK.name)
    system.devices = [BUILT_IN, replace(DESK, number=7, name="USB Desk: Audio (hw:3,0)")]
    assert SoundDevices(DEFAULT, tmp_path).chosen["microphone"] == "USB Desk: Audio (hw:3,0)"


async def test_of_two_equal_sound_cards_the_very_one_is_kept(system: SoundSystem, tmp_path: Path) -> None:
    twin = replace(DESK, number=3, name="USB Desk: Audio (hw:3,0)")
    system.devices = [BUILT_IN, DESK, twin]
    devices = SoundDevices(DEFAULT, tmp_path)
    async with devices.microphone:
        await devices.choose(microphone=twin.name)
    assert kept(tmp_path) == {"microphone": twin.name}


@pytest.mark.parametrize(("name", "kind"), [("nothing like it", DeviceMissing), (HORN.name, DeviceError)])
async def test_where_one_cannot_be_opened_nothing_changes(
    system: SoundSystem, tmp_path: Path, name: str, kind: type[DeviceError]
) -> None:
    system.broken = {HORN.name}
    devices = SoundDevices(DEFAULT, tmp_path)
    async with devices.microphone, devices.speaker:
        before = sorted(system.open)
        with pytest.raises(kind):
            await devices.choose(microphone=DESK.name, speaker=name)
        assert sorted(system.open) == before, "not even the one that could be opened"
        assert devices.chosen == {"microphone": None, "speaker": None}
        assert not list(tmp_path.iterdir())


async def test_the_device_in_use_is_not_opened_twice(system: SoundSystem, tmp_path: Path) -> None:
    devices = SoundDevices(DEFAULT, tmp_path)
    async with devices.microphone, devices.speaker:
        await devices.choose(microphone=BUILT_IN.name, speaker="built-in")
        assert devices.chosen == {"microphone": BUILT_IN.name, "speaker": BUILT_IN.name}
    assert kept(tmp_path) == {"microphone": "Built-in: ALC", "speaker": "Built-in: ALC"}


@pytest.mark.parametrize("trouble", ["gone", "broken"])
async def test_a_choice_that_cannot_be_used_any_more_gives_way_to_the_settings(
    system: SoundSystem, tmp_path: Path, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    (tmp_path / "audio-devices.json").write_text('{"microphone": "USB Desk: Audio"}', "utf-8")
    if trouble == "gone":
        system.devices = [BUILT_IN, HORN]
    else:
        system.broken = {DESK.name}
    devices = SoundDevices(AudioSection.model_validate({"microphone": {"device": "built"}}), tmp_path)
    async with devices.microphone, devices.speaker:
        assert system.names(Direction.INPUT) == [BUILT_IN.name]
        assert devices.chosen["microphone"] == BUILT_IN.name
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
        assert "Choose another one in the panel" in caplog.text
        await devices.choose(speaker=HORN.name)
    assert kept(tmp_path)["microphone"] == "USB Desk: Audio", "it may come back"


async def test_where_the_settings_cannot_be_used_either_it_is_told(system: SoundSystem, tmp_path: Path) -> None:
    (tmp_path / "audio-devices.json").write_text('{"microphone": "USB Desk: Audio"}', "utf-8")
    system.broken = {DESK.name, BUILT_IN.name}
    with pytest.raises(DeviceError, match="Built-in"):
        await SoundDevices(DEFAULT, tmp_path).microphone.__aenter__()


@pytest.mark.parametrize("text", ["", "[1]", '{"microphone": 3, "speaker": ["x"]}', "\x00", '{"microphone"'])
async def test_a_file_that_makes_no_sense_is_passed_over(system: SoundSystem, tmp_path: Path, text: str) -> None:
    (tmp_path / "audio-devices.json").write_text(text, "utf-8")
    assert SoundDevices(DEFAULT, tmp_path).chosen == {"microphone": None, "speaker": None}


async def test_a_choice_that_cannot_be_kept_is_in_use_and_told(system: SoundSystem, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be", "utf-8")
    devices = SoundDevices(DEFAULT, tmp_path / "data")
    async with devices.microphone, devices.speaker:
        with pytest.raises(SettingsError, match=r"in use now, but .* cannot be kept"):
            await devices.choose(microphone=DESK.name)
        assert system.names(Direction.INPUT) == [DESK.name]


async def test_choices_at_the_same_time_come_one_after_another(system: SoundSystem, tmp_path: Path) -> None:
    devices = SoundDevices(DEFAULT, tmp_path)
    async with devices.microphone, devices.speaker:
        async with asyncio.TaskGroup() as group:
            for name in (DESK.name, BUILT_IN.name, DESK.name):
                group.create_task(devices.choose(microphone=name), name=name)
        assert system.names(Direction.INPUT) == [DESK.name]
    assert system.open == []


async def test_where_a_file_stands_in_its_place_there_is_nothing_to_choose(system: SoundSystem, tmp_path: Path) -> None:
    pace = FastPace()
    customer = WavMicrophone(written(tmp_path / "customer.wav", ramp(1.0)), pace)
    devices = SoundDevices(DEFAULT, tmp_path, microphone=customer)
    async with devices.microphone, devices.speaker:
        assert devices.chosen == {"microphone": "a file", "speaker": None}
        with pytest.raises(SettingsError, match="microphone is a file"):
            await devices.choose(microphone=DESK.name, speaker=HORN.name)
        assert system.open == [(BUILT_IN.name, Direction.OUTPUT)]
        await devices.choose(speaker=HORN.name)
        assert system.open == [(HORN.name, Direction.OUTPUT)]
    assert kept(tmp_path) == {"speaker": "USB Horn: Audio"}


async def test_with_files_at_both_ends_nobody_looks_at_the_devices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never() -> None:
        raise AssertionError("nobody asked for it")

    monkeypatch.setattr(portaudio, "list_devices", never)
    pace = FastPace()
    customer = WavMicrophone(written(tmp_path / "customer.wav", ramp(1.0)), pace)
    devices = SoundDevices(DEFAULT, tmp_path, microphone=customer, speaker=WavSpeaker(tmp_path / "heard.wav", pace))
    async with devices.microphone, devices.speaker:
        assert devices.chosen == {"microphone": "a file", "speaker": "a file"}


@pytest.mark.device
async def test_real_devices_are_exchanged_in_the_middle_of_sound(sound_server: SoundServer, tmp_path: Path) -> None:
    """ALSA's ``default`` and ``pulse`` are two devices that lead to the same sound server."""
    devices = SoundDevices(AudioSection.model_validate({"microphone": {"device": "default"}}), tmp_path)
    async with devices.microphone, devices.speaker, asyncio.timeout(30):
        assert {"default", "pulse"} <= {one["name"] for one in devices.listed()["microphones"]}
        with sound_server.record() as hearing:
            await devices.speaker.start()
            async with asyncio.TaskGroup() as group:
                customer = sound_server.say(tone(440, 4.0))
                reading = group.create_task(fetched(devices.microphone, 90), name="reader")
                playing = group.create_task(devices.speaker.play(tone(440, 1.0)), name="answer")
                await fetched_until(devices, 1.0)
                await devices.choose(microphone="pulse", speaker="pulse")
                await playing
                await devices.speaker.play(tone(440, 0.5))
                await devices.speaker.finish()
            customer.terminate()
            customer.wait()
        chunks = reading.result()
        assert devices.chosen == {"microphone": "pulse", "speaker": "pulse"}
    steps = np.diff([chunk.start_s for chunk in chunks])
    assert (steps > 0).all()
    assert (steps > 0.04).sum() == 1, "one gap"
    assert level_db(chunks[-1].pcm) > -20, "the new microphone hears the customer as well"
    assert level_db(hearing.sound.pcm) > -30


async def fetched_until(devices: SoundDevices, end_s: float) -> None:
    """Somebody else reads the microphone; return when they are so far."""
    while devices.microphone._end_s < end_s:
        await asyncio.sleep(0.01)  # a device's time: nothing to await
