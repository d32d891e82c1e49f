"""Opening a device whose driver is wedged, or that nobody wants any more; without a sound system."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.errors import DeviceError, DeviceLost
from providers import model_worker
from providers.audio import device_stream, portaudio
from providers.audio.device_stream import DeviceSettings, DeviceStream
from providers.audio.devices import DeviceInfo, Direction

pytestmark = pytest.mark.unit

DEVICE = DeviceInfo(
    number=0, name="desk", system="fake", input_channels=1, output_channels=2, rate_hz=48_000,
    default_input=True, default_output=True,
)  # fmt: skip


class Driver:
    """PortAudio with a switch for a bad day."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        """Set: opening returns at once."""
        self.ready.set()
        self.closed = threading.Event()
        self.open_streams = 0

    def open_stream(self, device: DeviceInfo, direction: Direction, **options: Any) -> Any:
        self.ready.wait(20)
        self.open_streams += 1

        class Stream:
            latency = 0.05

        return Stream()

    def close_stream(self, stream: Any) -> None:
        assert stream is not None
        self.open_streams -= 1
        self.closed.set()


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    driver = Driver()
    monkeypatch.setattr(portaudio, "list_devices", lambda: [DEVICE])
    monkeypatch.setattr(portaudio, "open_stream", driver.open_stream)
    monkeypatch.setattr(portaudio, "close_stream", driver.close_stream)
    yield driver
    driver.ready.set()


async def open_(stream: DeviceStream) -> None:
    await stream.open(lambda *_: None, channels=lambda most: most, block_s=0.02, latency_s=0.1)


async def test_what_is_opened_is_closed(driver: Driver) -> None:
    stream = DeviceStream(Direction.OUTPUT, DeviceSettings())
    await open_(stream)
    assert (driver.open_streams, stream.latency_s, stream.rate_hz) == (1, 0.05, 48_000)
    await stream.close()
    assert driver.open_streams == 0


async def test_a_driver_that_never_returns_is_an_error_and_its_late_stream_is_closed(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_stream, "OPEN_S", 0.05)
    driver.ready.clear()
    stream = DeviceStream(Direction.INPUT, DeviceSettings())
    async with asyncio.timeout(10):
        with pytest.raises(DeviceError, match=r"microphone 'desk' has not opened within 0\.05 s.*Unplug"):
            await open_(stream)
    driver.ready.set()
    assert driver.closed.wait(10)
    assert driver.open_streams == 0


async def test_a_stream_opened_just_when_nobody_wants_it_any_more_is_closed(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread has finished, the loop has not heard of it yet, and the task is cancelled."""
    finished, cross = threading.Event(), model_worker._cross

    def crossed(*result: Any) -> None:
        cross(*result)
        finished.set()

    monkeypatch.setattr(model_worker, "_cross", crossed)
    stream = DeviceStream(Direction.INPUT, DeviceSettings())
    async with asyncio.TaskGroup() as group:
        opening = group.create_task(open_(stream), name="opening")
        await asyncio.sleep(0)
        assert finished.wait(10)
        opening.cancel()
    assert opening.cancelled()
    assert driver.open_streams == 0
    await stream.close()


async def test_closing_lets_go_whoever_waits_for_news_even_where_the_driver_does_not_close(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = DeviceStream(Direction.INPUT, DeviceSettings())
    await open_(stream)
    stuck = threading.Event()
    monkeypatch.setattr(portaudio, "close_stream", lambda _: stuck.wait(20))

    async def waits() -> None:
        with pytest.raises(DeviceLost):
            while True:
                await stream.wait()
        stuck.set()  # so it was let go before the device was closed

    async with asyncio.timeout(1.5), asyncio.TaskGroup() as group:
        group.create_task(waits(), name="reader")
        await asyncio.sleep(0)
        await stream.close()


class Module:
    """The library, counting how often it looks for devices."""

    scans = 0

    def _terminate(self) -> None: ...

    def _initialize(self) -> None:
        self.scans += 1


def test_whoever_tries_again_and_again_scans_only_with_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    now, around, module = [0.0], ["one card"], Module()
    monkeypatch.setattr(portaudio.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(portaudio, "_surroundings", lambda: around[0])
    library = portaudio._Library()
    library.module = module  # type: ignore[assignment]
    monkeypatch.setattr(portaudio, "_library", library)

    def scans(seconds: int) -> int:
        before = module.scans
        with portaudio.scanning_sparingly():
            for _ in range(seconds):
                now[0] += 1
                library.scanned()
        return module.scans - before

    assert scans(30) == 30, "something may follow"
    with portaudio.scanning_sparingly():
        library.scanned()
    assert module.scans == 30, "one scan serves both devices"
    assert scans(60) == 2, "then now and then"
    around[0] = "two cards"
    assert portaudio.surroundings_changed()
    assert scans(20) == 20
    assert not portaudio.surroundings_changed()
    scans(60)
    portaudio.expect_changes()
    assert scans(20) == 20
    scans(60)
    before = module.scans
    library.scanned()
    assert module.scans == before + 1, "others always"
