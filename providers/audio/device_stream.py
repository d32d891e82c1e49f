"""An open stream to a sound device that knows when the device has gone."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from pydantic import Field

from pipeline.errors import DeviceError, DeviceLost
from pipeline.protocols import Capabilities
from providers.audio import portaudio
from providers.audio.devices import Direction, find_device
from providers.audio.priority import become_urgent
from providers.model_worker import Cancelled, ModelWorker
from providers.settings import ProviderSettings

log = logging.getLogger(__name__)

WAKE_UP_S = 4.0
"""Seconds a device may take after it was opened until it works steadily: Bluetooth and suspended cards need some."""

OPEN_S = 10.0
"""Seconds a device may take to open; a Bluetooth one needs a few, a broken driver may never return."""

CLOSE_S = 2.0
"""Seconds to wait for a device to close; a broken driver may never return."""


MOST_DELAY_S = 2.0
"""Seconds of delay that a device may tell of; some Bluetooth loudspeakers have half a second."""


class DeviceSettings(ProviderSettings):
    """What microphone and loudspeaker have in common."""

    device: str | int | None = None
    """A part of the device's name, or its number; ``null`` takes the system's default. ``assistant devices`` lists
    them."""

    rate_hz: int | None = Field(default=None, ge=8_000, le=192_000)
    """Samples per second to ask of the device; ``null`` takes its native rate, which is nearly always right."""

    lost_after_s: float = Field(default=1.0, ge=0.2, le=30.0)
    """Seconds without a sign of life until the device counts as lost. Short notices sooner, long endures
    hiccups."""


class DeviceStream:
    """A stream whose callback ``beat``s; ``wait`` tells the news from the callback, the loss of the device included."""

    def __init__(self, direction: Direction, settings: DeviceSettings) -> None:
        self.rate_hz = 0
        """The device's rate, known once it is open."""
        self.latency_s = 0.0
        """Seconds between the callback and the air, as the device tells it."""
        self.name = str(direction)
        self._direction = direction
        self._settings = settings
        self._stream: Any = None
        self._worker: ModelWorker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._ended = False
        self._alive_at = 0.0
        self._beats = False
        self._fault = ""
        self._urgent = False

    async def open(
        self, callback: Callable[..., None], *, channels: Callable[[int], int], block_s: float, latency_s: float
    ) -> None:
        """Open the device and start it. ``channels`` chooses from how many the device has.

        Raises ``DeviceMissing``, ``DeviceError`` (also where it takes longer than ``OPEN_S``) or ``ProviderMissing``.
        """
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._ended = self._beats = False
        self._fault = ""
        streams: list[Any] = []  # the open one; whoever takes it out closes it

        def opened(cancelled: Cancelled) -> None:
            device = find_device(portaudio.list_devices(), self._settings.device, self._direction)
            self.rate_hz = self._settings.rate_hz or device.rate_hz
            self.name = f"{self._direction} {device.name!r}"
            stream = portaudio.open_stream(
                device,
                self._direction,
                samplerate=self.rate_hz,
                channels=channels(device.channels(self._direction)),
                blocksize=round(block_s * self.rate_hz),
                latency=latency_s,
                callback=callback,
                finished_callback=self._finished,
            )
            streams.append(stream)
            if cancelled.is_set() and (unwanted := _taken(streams)):
                portaudio.close_stream(unwanted)

        self._alive_at = time.monotonic() + WAKE_UP_S
        self._urgent = False
        worker = ModelWorker(f"sound {self._direction}")
        try:
            async with asyncio.timeout(OPEN_S):
                await worker.run(opened)
        except BaseException as error:
            if unwanted := _taken(streams):  # it was opened just when nobody wanted it any more
                await self._shut(worker, unwanted)
            worker.close(wait_s=0)
            if isinstance(error, TimeoutError):
                raise self._stuck() from error
            raise
        self._worker, self._stream = worker, streams[0]
        self.latency_s = self._stream.latency

    async def close(self) -> None:
        """Close the device; gives up after ``CLOSE_S`` on one that does not let go.

        Whoever waits for news is let go at once: for them the device is lost.
        """
        stream, self._stream = self._stream, None
        worker, self._worker = self._worker, None
        self._end()
        if worker is not None:
            await self._shut(worker, stream)

    async def _shut(self, worker: ModelWorker, stream: Any) -> None:
        work = worker.run(lambda _: portaudio.close_stream(stream))
        closing = asyncio.ensure_future(work)  # noqa: TID251 - it may outlive whoever waits for it
        closing.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            async with asyncio.timeout(CLOSE_S):
                # Shielded: a stream left open would go on calling back into a loop that has ended.
                await asyncio.shield(closing)
        except TimeoutError:
            log.warning("The %s does not close. Restart the sound system if this lasts.", self.name)
        finally:
            worker.close(wait_s=0.1)

    def beat(self) -> None:
        """Called by the audio callback: the device is alive."""
        self._beats = True
        if not self._urgent:  # the thread is PortAudio's own, so this is where it can be had
            self._urgent = True
            become_urgent()
        # Never set back: until WAKE_UP_S is over, the time to come stands here.
        self._alive_at = max(self._alive_at, time.monotonic())

    def tell(self, news: Callable[..., None], *details: Any) -> None:
        """Called by the audio callback: run ``news(*details)`` on the loop, then let ``wait`` return."""

        def told() -> None:
            news(*details)
            self._news.set()

        assert self._loop is not None
        self._loop.call_soon_threadsafe(told)

    def notify(self) -> None:
        """Called on the loop: let ``wait`` return."""
        self._news.set()

    def fail(self, fault: str) -> None:
        """Called on the loop: the device counts as lost, for a reason that its callback cannot know."""
        self._fault = fault
        self._end()

    def recorded_at_s(self, time_info: Any) -> float:
        """Called by the audio callback: when the first sample of its block was in the air, on the monotonic clock."""
        return time.monotonic() - self._plausible(time_info.currentTime - time_info.inputBufferAdcTime)

    def heard_at_s(self, time_info: Any) -> float:
        """Called by the audio callback: when the first sample of its block will be in the air, on that clock."""
        return time.monotonic() + self._plausible(time_info.outputBufferDacTime - time_info.currentTime)

    def _plausible(self, delay_s: float) -> float:
        """PortAudio's own clock is not the same for all devices, and some leave these times out or tell nonsense."""
        return delay_s if 0.0 < delay_s < MOST_DELAY_S else self.latency_s

    @property
    def beats(self) -> bool:
        """Whether the device has called back since it was opened."""
        return self._beats

    @property
    def lost(self) -> bool:
        """Whether the device has gone."""
        return self._ended or time.monotonic() - self._alive_at > self._settings.lost_after_s

    async def wait(self) -> None:
        """Return when there is news. Raises ``DeviceLost`` when the device has gone."""
        self._news.clear()
        while not self._news.is_set():
            if self.lost:
                raise self.loss()
            try:
                async with asyncio.timeout(self._settings.lost_after_s / 2):
                    await self._news.wait()
            except TimeoutError:
                continue

    def loss(self) -> DeviceLost:
        """The error that tells of the loss."""
        remedy = "Check its cable and the sound system."
        return DeviceLost(f"The {self.name} {self._fault or 'has gone'}.", remedy=remedy, device=self.name)

    def _stuck(self) -> DeviceError:
        return DeviceError(
            f"The {self.name} has not opened within {OPEN_S:g} s.",
            remedy="Unplug it and plug it in again, or restart the sound system; then start this program again.",
        )

    def _finished(self) -> None:
        """PortAudio calls this from its thread when a stream ends, for whatever reason."""
        assert self._loop is not None
        if self._stream is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        self._ended = True
        self._news.set()


class StreamedDevice:
    """What microphone and loudspeaker tell of their stream."""

    def __init__(self, stream: DeviceStream) -> None:
        self._stream = stream

    @property
    def capabilities(self) -> Capabilities:
        """It is a device of this machine."""
        return Capabilities("sounddevice")

    @property
    def name(self) -> str:
        """What it is called in events; whole once it was opened."""
        return self._stream.name

    @property
    def loss(self) -> DeviceLost | None:
        """Why it is no longer there, None where it is."""
        return self._stream.loss() if self._stream.lost else None


def _taken(streams: list[Any]) -> Any:
    """The last one, taken out; None where another thread was quicker."""
    try:
        return streams.pop()
    except IndexError:
        return None
