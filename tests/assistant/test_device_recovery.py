"""Sound devices come and go: on a sound system of the test's own, and on a real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant import device_recovery
from assistant.sections import AudioSection
from assistant.sound_devices import SoundDevices
from pipeline.audio import FRAME_S, AudioChunk, level_db
from pipeline.errors import DeviceError
from pipeline.events import DeviceBack, DeviceLostEvent, Event
from providers.audio import dead_silence, portaudio
from providers.audio.devices import DeviceInfo, Direction
from tests.assistant.test_sound_devices import BUILT_IN, DESK, HORN, SoundSystem
from tests.contracts.microphone import fetched
from tests.contracts.speaker import tone
from tests.sound_server import SoundServer

pytestmark = pytest.mark.unit

BOTH = AudioSection.model_validate({"microphone": {"device": "desk"}, "speaker": {"device": "horn"}})


class Status:
    input_overflow = False


class Plugs(SoundSystem):
    """Devices that are plugged in and pulled out. PortAudio learns of it when no stream is open."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        super().__init__(patch)
        self.there = list(self.devices)
        """What is plugged in; ``devices`` is what PortAudio knows."""
        self.mute: set[str] = set()
        """Names of devices that open and never call back."""
        self.opened = 0
        """How often any was."""
        self._ends: dict[tuple[str, Direction], Callable[[], None]] = {}
        patch.setattr(portaudio, "list_devices", self._list)
        patch.setattr(portaudio, "surroundings_changed", lambda: self.there != self.devices)

    def pull_out(self, *devices: DeviceInfo) -> None:
        """Their streams end."""
        self.there = [one for one in self.there if one not in devices]
        for key, end in list(self._ends.items()):
            if key[0] in {one.name for one in devices} and key in self.open:
                end()

    def plug_in(self, *devices: DeviceInfo) -> None:
        self.there += devices

    def take(self, device: DeviceInfo, seconds: float) -> np.ndarray:
        """What a loudspeaker takes."""
        block = np.zeros((round(seconds * device.rate_hz), 2), np.int16)
        self._callbacks[f"{device.name} out"](block, len(block), None, Status())
        return block[:, 0]

    def _list(self) -> list[DeviceInfo]:
        if not self.open:
            self.devices = list(self.there)
        return self.devices

    def _open(self, device: DeviceInfo, direction: Direction, **options: Any) -> Any:
        if device not in self.there:
            raise DeviceError(f"The {direction} {device.name!r} refuses.")
        stream = super()._open(device, direction, **options)
        self.opened += 1
        self._ends[device.name, direction] = options["finished_callback"]
        if direction is Direction.OUTPUT:
            self._callbacks[f"{device.name} out"] = options["callback"]
        if device.name not in self.mute:
            channels = 1 if direction is Direction.INPUT else 2
            options["callback"](np.zeros((16, channels), np.int16), 16, None, Status())
        return stream


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Plugs:
    return Plugs(monkeypatch)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What takes a second takes a moment."""
    monkeypatch.setattr(device_recovery, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(device_recovery, "RETRY_S", (0.01, 0.02))
    monkeypatch.setattr(device_recovery, "STEADY_S", 0.1)
    yield


class Kept:
    """Both devices with somebody who sees to them, and what they told."""

    def __init__(self, devices: SoundDevices) -> None:
        self.devices = devices
        self.told: list[Event] = []

    async def until(self, *kinds: str) -> None:
        """So many events came, of these kinds."""
        async with asyncio.timeout(5):
            while [one.kind for one in self.told] != list(kinds):
                await asyncio.sleep(0.01)  # devices open on threads: nothing to await

    def names(self) -> list[str]:
        return [one.device for one in self.told if isinstance(one, DeviceLostEvent | DeviceBack)]


@asynccontextmanager
async def kept(folder: Path, audio: AudioSection = BOTH) -> AsyncIterator[Kept]:
    devices = SoundDevices(audio, folder)
    devices.recover()
    shop = Kept(devices)
    async with devices.speaker, devices.microphone, asyncio.TaskGroup() as group:
        keeping = group.create_task(devices.keep(shop.told.append), name="keep")
        yield shop
        keeping.cancel()


async def test_without_any_device_it_starts_and_waits(system: Plugs, tmp_path: Path) -> None:
    system.there = []
    async with kept(tmp_path) as shop:
        await shop.until("device_lost", "device_lost")
        silence = await fetched(shop.devices.microphone, 3)
        assert not any(chunk.pcm.any() for chunk in silence)
        await shop.devices.speaker.start()
        await shop.devices.speaker.play(tone(440, 5.0))
        await shop.devices.speaker.finish()
        assert shop.devices.speaker.played_s == 0.0, "an answer passes unheard"
        missing = shop.devices.missing["microphone"]
        assert str(missing).startswith(f"Waiting for the microphone since {missing.since:%H:%M}. There is no micro")
        system.plug_in(DESK, HORN)
        await shop.until("device_lost", "device_lost", "device_back", "device_back")
        assert sorted(system.open) == [(DESK.name, Direction.INPUT), (HORN.name, Direction.OUTPUT)]
        assert shop.devices.missing == {}
        system.say(DESK, 7, 1)
        (chunk,) = await fetched(shop.devices.microphone, 1)
        assert chunk.pcm.max() == 7
        assert chunk.start_s > silence[-1].end_s
    assert system.open == []


async def test_a_microphone_that_is_pulled_out_is_silent_and_comes_back(system: Plugs, tmp_path: Path) -> None:
    async with kept(tmp_path) as shop:
        system.say(DESK, 7, 2)
        before = await fetched(shop.devices.microphone, 2)
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            reading = group.create_task(fetched(shop.devices.microphone, 3), name="reader")
            system.pull_out(DESK)
        assert not any(chunk.pcm.any() for chunk in reading.result())
        await shop.until("device_lost")
        system.plug_in(DESK)
        await shop.until("device_lost", "device_back")
        system.say(DESK, 9, 2)
        after = await fetched(shop.devices.microphone, 1)
        while not after[-1].pcm.any():
            after += await fetched(shop.devices.microphone, 1)
    assert shop.names() == [f"microphone {DESK.name!r}"] * 2
    starts = [chunk.start_s for chunk in (*before, *reading.result(), *after)]
    assert starts == sorted(set(starts))
    (back,) = [one for one in shop.told if isinstance(one, DeviceBack)]
    assert 0 < back.gap_s < 5


async def test_what_was_not_heard_of_an_answer_is_heard_when_the_loudspeaker_is_back(
    system: Plugs, tmp_path: Path
) -> None:
    async with kept(tmp_path) as shop, asyncio.timeout(5), asyncio.TaskGroup() as group:
        speaker = shop.devices.speaker
        await speaker.start()
        ramp = AudioChunk(np.arange(1, 16_001, dtype=np.int16), 16_000)
        group.create_task(answered(shop, ramp), name="answer")
        while not (first := system.take(HORN, 0.1)).all():
            await asyncio.sleep(0)
        system.pull_out(HORN)
        await shop.until("device_lost")
        assert speaker.played_s == pytest.approx(0.1, abs=0.02)
        system.plug_in(HORN)
        await shop.until("device_lost", "device_back")
        await asyncio.sleep(0.05)
        second = system.take(HORN, 0.1)
        assert second[0] == pytest.approx(first[-1] + 1, abs=2), "where it was broken off"
        while speaker.played_s < 0.99:
            system.take(HORN, 0.1)
            await asyncio.sleep(0)


async def answered(shop: Kept, sound: AudioChunk) -> None:
    await shop.devices.speaker.play(sound)
    await shop.devices.speaker.finish()


async def test_an_idle_loudspeaker_that_goes_is_noticed(system: Plugs, tmp_path: Path) -> None:
    async with kept(tmp_path) as shop:
        system.pull_out(HORN)
        await shop.until("device_lost")
        assert list(shop.devices.missing) == ["speaker"]
        assert system.names(Direction.INPUT) == [DESK.name], "the microphone works on"


async def test_both_are_closed_before_devices_are_looked_for(system: Plugs, tmp_path: Path) -> None:
    async with kept(tmp_path) as shop:
        system.pull_out(DESK, HORN)
        await shop.until("device_lost", "device_lost")
        assert system.open == []
        system.plug_in(DESK, HORN)
        await shop.until("device_lost", "device_lost", "device_back", "device_back")


async def test_a_card_that_portaudio_does_not_know_is_found_while_the_other_device_rests_a_moment(
    system: Plugs, tmp_path: Path
) -> None:
    system.there = [BUILT_IN, HORN]
    async with kept(tmp_path) as shop:
        await shop.until("device_lost")
        await asyncio.sleep(0.1)
        assert system.opened == 1, "the loudspeaker is left in peace"
        system.plug_in(DESK)
        await shop.until("device_lost", "device_back")
        await asyncio.sleep(0.1)
        assert sorted(system.open) == [(DESK.name, Direction.INPUT), (HORN.name, Direction.OUTPUT)]
        assert system.opened == 3
    assert shop.names() == ["microphone", f"microphone {DESK.name!r}"]


async def test_a_device_that_another_program_holds_is_told_and_waited_for(system: Plugs, tmp_path: Path) -> None:
    system.broken = {DESK.name}
    async with kept(tmp_path) as shop:
        await shop.until("device_lost")
        assert "Is another program using it?" in str(shop.devices.missing["microphone"])
        system.broken = set()
        await shop.until("device_lost", "device_back")


async def test_one_that_opens_and_gives_nothing_is_not_there(system: Plugs, tmp_path: Path) -> None:
    async with kept(tmp_path) as shop:
        system.mute = {DESK.name}
        system.pull_out(DESK)
        system.plug_in(DESK)
        await shop.until("device_lost")
        await asyncio.sleep(0.3)
        assert [one.kind for one in shop.told] == ["device_lost"]
        system.mute = set()
        await shop.until("device_lost", "device_back")


async def test_a_chosen_device_that_is_missing_at_the_start_is_taken_before_that_of_the_settings(
    system: Plugs, tmp_path: Path
) -> None:
    (tmp_path / "audio-devices.json").write_text('{"microphone": "USB Desk: Audio"}', "utf-8")
    system.there = []
    async with kept(tmp_path, AudioSection()) as shop:
        await shop.until("device_lost", "device_lost")
        async with shop.devices._changing:  # nobody is just looking
            system.plug_in(BUILT_IN, DESK)
        await shop.until("device_lost", "device_lost", "device_back", "device_back")
        assert system.names(Direction.INPUT) == [DESK.name]
        system.pull_out(DESK)
        await shop.until("device_lost", "device_lost", "device_back", "device_back", "device_lost")
        await asyncio.sleep(0.1)
        assert system.names(Direction.INPUT) == [], "no other one while it is away for a moment"


async def test_one_that_comes_back_with_another_rate_is_heard(system: Plugs, tmp_path: Path) -> None:
    async with kept(tmp_path) as shop, asyncio.timeout(5):
        system.pull_out(DESK)
        await shop.until("device_lost")
        system.plug_in(replace(DESK, number=5, rate_hz=48_000))
        await shop.until("device_lost", "device_back")
        system.say(DESK, 900, 40)
        found = (await fetched(shop.devices.microphone, 10))[1:]
        assert {round(int(chunk.pcm[100]), -2) for chunk in found} == {900}
        assert found[-1].end_s - found[0].start_s == pytest.approx(9 * FRAME_S)


async def test_where_the_system_chooses_its_new_choice_is_taken(system: Plugs, tmp_path: Path) -> None:
    async with kept(tmp_path, AudioSection()) as shop:
        assert system.names(Direction.INPUT) == [BUILT_IN.name]
        system.pull_out(BUILT_IN)
        await shop.until("device_lost", "device_lost", "device_back", "device_back")
        assert (system.names(Direction.INPUT), system.names(Direction.OUTPUT)) == ([DESK.name], [HORN.name])


async def test_another_one_may_be_chosen_meanwhile(system: Plugs, tmp_path: Path) -> None:
    async with kept(tmp_path) as shop:
        system.pull_out(DESK)
        await shop.until("device_lost")
        await shop.devices.choose(microphone=BUILT_IN.name)
        await shop.until("device_lost", "device_back")
        assert shop.names()[-1] == f"microphone {BUILT_IN.name!r}"
        assert system.names(Direction.INPUT) == [BUILT_IN.name]
        system.say(BUILT_IN, 5, 1)
        while not (await fetched(shop.devices.microphone, 1))[0].pcm.any():
            pass


async def test_a_microphone_that_gives_nothing_but_zeros_is_lost_until_it_gives_a_sound(
    system: Plugs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_silence, "REAL_S", 0.3)
    monkeypatch.setattr(dead_silence, "DEAD_S", 0.2)
    async with kept(tmp_path) as shop:
        system.say(DESK, 3, 12)
        system.say(DESK, 0, 8)
        await shop.until("device_lost")
        assert "digital silence" in str(shop.devices.missing["microphone"])
        while not system.names(Direction.INPUT):
            await asyncio.sleep(0)
        system.say(DESK, 0, 8)
        await asyncio.sleep(0.05)
        assert [one.kind for one in shop.told] == ["device_lost"]
        while not shop.told[1:]:
            if system.names(Direction.INPUT):
                system.say(DESK, 3, 1)
            await asyncio.sleep(0.01)
        await shop.until("device_lost", "device_back")


async def test_where_streams_hang_in_their_drivers_it_ends(
    system: Plugs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = SoundDevices(BOTH, tmp_path)
    devices.recover()
    async with devices.speaker, devices.microphone:
        monkeypatch.setattr(portaudio, "stuck_streams", lambda: device_recovery.MOST_STUCK)
        system.pull_out(DESK)
        with pytest.raises(DeviceError, match="has to start again"):
            await devices.keep(lambda _: None)


@pytest.mark.device
async def test_real_devices_are_back_when_all_is_plugged_in_again(
    sound_server: SoundServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with kept(tmp_path, AudioSection()) as shop, asyncio.timeout(30):
        await fetched(shop.devices.microphone, 3)
        sound_server.unplug()
        await shop.until("device_lost", "device_lost")
        sound_server.restore()
        await shop.until("device_lost", "device_lost", "device_back", "device_back")
        customer = sound_server.say(tone(440, 0.5))
        while level_db((await fetched(shop.devices.microphone, 1))[0].pcm) < -40:
            pass
        with sound_server.record() as hearing:
            await shop.devices.speaker.start()
            await answered(shop, tone(440, 0.5))
        assert level_db(hearing.sound.pcm) > -30
        customer.wait()
