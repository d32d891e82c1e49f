"""A microphone and a loudspeaker that pass everything on, for those that add something to one of their verbs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Generic, Self, TypeVar

from pipeline.audio import AudioChunk
from pipeline.protocols import Capabilities, Microphone, Provider, Speaker

Device = TypeVar("Device", bound=Provider)


class _Passing(Generic[Device]):
    def __init__(self, device: Device) -> None:
        self._device = device

    @property
    def capabilities(self) -> Capabilities:
        """As the device says."""
        return self._device.capabilities

    async def __aenter__(self) -> Self:
        await self._device.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._device.__aexit__(kind, error, trace)


class PassingMicrophone(_Passing[Microphone]):
    """A ``Microphone``."""

    @property
    def dropped_s(self) -> float:
        """As the microphone says."""
        return self._device.dropped_s

    def chunks(self) -> AsyncGenerator[AudioChunk]:
        """As the microphone gives them."""
        return self._device.chunks()


class PassingSpeaker(_Passing[Speaker]):
    """A ``Speaker``."""

    @property
    def played_s(self) -> float:
        """As the loudspeaker says."""
        return self._device.played_s

    async def start(self) -> None:
        """As the loudspeaker does."""
        await self._device.start()

    async def play(self, chunk: AudioChunk) -> None:
        """As the loudspeaker does."""
        await self._device.play(chunk)

    async def finish(self) -> None:
        """As the loudspeaker does."""
        await self._device.finish()

    def stop(self) -> None:
        """As the loudspeaker does."""
        self._device.stop()

    def pause(self) -> None:
        """As the loudspeaker does."""
        self._device.pause()

    def resume(self, back_s: float = 0.0) -> None:
        """As the loudspeaker does."""
        self._device.resume(back_s)
