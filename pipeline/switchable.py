"""Microphone and loudspeaker whose device can be exchanged while they are in use."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from types import TracebackType
from typing import Generic, Self, TypeVar

from pipeline.audio import FRAME_S, AudioChunk
from pipeline.errors import AssistantError, DeviceError
from pipeline.protocols import Capabilities, Microphone, Provider, Speaker

log = logging.getLogger(__name__)

GAP_S = FRAME_S
"""Audio seconds left out at an exchange: whoever compares starts and ends sees that what is heard then does not go on
from what was heard before."""

Device = TypeVar("Device", bound=Provider)


class _Switchable(Generic[Device]):
    """The device in use, and how it becomes another one."""

    def __init__(
        self,
        device: Device,
        otherwise: Callable[[DeviceError], Device] | None = None,
        lost: Callable[[DeviceError], object] | None = None,
    ) -> None:
        """``otherwise`` gives the device to open where one refuses, until one opens; without it the refusal is raised.

        ``lost`` is told that the device in use has gone, and sees to another one or raises; whoever uses the device
        waits until then. Without it the loss is raised.
        """
        self._current: Device = device
        self._otherwise = otherwise
        self._lost = lost
        self._switched = asyncio.Event()

    @property
    def current(self) -> Device:
        """The device in use."""
        return self._current

    @property
    def capabilities(self) -> Capabilities:
        """As the device says."""
        return self._current.capabilities

    async def __aenter__(self) -> Self:
        while True:
            try:
                await self._current.__aenter__()
            except DeviceError as error:
                if self._otherwise is None:
                    raise
                self._current = self._otherwise(error)
            else:
                return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._current.__aexit__(kind, error, trace)

    def _exchange(self, device: Device) -> Device:
        """The device before."""
        old, self._current = self._current, device
        self._switched.set()
        self._switched = asyncio.Event()
        return old

    async def _after(self, device: Device, error: DeviceError) -> None:
        """Return when another device than the lost one is in use; raises ``error`` where nobody sees to that."""
        while device is self._current:
            if self._lost is None:
                raise error
            self._lost(error)
            await self._switched.wait()

    async def _leave(self, device: Device) -> None:
        """One that cannot be closed is left alone: the new one serves already."""
        try:
            await device.__aexit__(None, None, None)
        except AssistantError as error:
            log.warning("The sound device that was in use before cannot be closed: %s", error)


class SwitchableMicrophone(_Switchable[Microphone]):
    """A ``Microphone``. Its devices must let go whoever waits for sound when they are left (``DeviceError``)."""

    def __init__(
        self,
        microphone: Microphone,
        otherwise: Callable[[DeviceError], Microphone] | None = None,
        lost: Callable[[DeviceError], object] | None = None,
    ) -> None:
        super().__init__(microphone, otherwise, lost)
        self._offset_s = 0.0
        """Where the time line of the device in use begins on ours."""
        self._end_s = 0.0
        self._dropped_s = 0.0
        """Lost by devices before this one."""

    @property
    def dropped_s(self) -> float:
        """Of all devices so far."""
        return self._dropped_s + self._current.dropped_s

    async def switch(self, microphone: Microphone) -> None:
        """Go on with another device, which has been entered; the old one is left."""
        old = self._exchange(microphone)
        self._dropped_s += old.dropped_s
        self._offset_s = self._end_s + GAP_S
        await self._leave(old)

    async def chunks(self) -> AsyncGenerator[AudioChunk]:
        """As the device in use gives them, on one time line."""
        current = None
        while current is not self._current:
            current = self._current
            try:
                async with aclosing(current.chunks()) as chunks:
                    async for chunk in chunks:
                        if current is not self._current:
                            break
                        placed = replace(chunk, start_s=chunk.start_s + self._offset_s) if self._offset_s else chunk
                        self._end_s = placed.end_s
                        yield placed
            except DeviceError as error:
                await self._after(current, error)


class SwitchableSpeaker(_Switchable[Speaker]):
    """A ``Speaker``; what the old device has taken over of an answer and not played, the new one plays."""

    def __init__(
        self,
        speaker: Speaker,
        otherwise: Callable[[DeviceError], Speaker] | None = None,
        lost: Callable[[DeviceError], object] | None = None,
    ) -> None:
        super().__init__(speaker, otherwise, lost)
        self._played_s = 0.0
        """Of the answer under way, by devices before this one."""
        self._given: deque[AudioChunk] = deque()
        """What the device in use has taken over, without what it has played already."""
        self._given_from_s = 0.0
        """Where that begins on the device's own time line."""
        self._waiting: deque[AudioChunk] = deque()
        """What it has not taken over yet, or not all of it."""
        self._paused = False

    @property
    def played_s(self) -> float:
        """Of the answer under way."""
        return self._played_s + self._current.played_s

    async def switch(self, speaker: Speaker) -> None:
        """Go on with another device, which has been entered; the old one is silenced and left."""
        await speaker.start()
        old = self._exchange(speaker)
        heard_s = max(old.played_s, self._given_from_s)  # it may have gone back to what is no longer kept here
        unheard = self._unheard(heard_s)
        self._played_s += heard_s
        self._forget()
        self._waiting.extend(unheard)
        if self._paused:
            speaker.pause()
        old.stop()  # whoever is just handing something over to it goes on with the new one
        await self._leave(old)

    async def start(self) -> None:
        """As the device does."""
        self._played_s = 0.0
        self._paused = False
        self._forget()
        await self._current.start()

    async def play(self, chunk: AudioChunk) -> None:
        """As the device does."""
        self._waiting.append(chunk)
        await self._hand_over()

    async def finish(self) -> None:
        """As the device does; at an exchange, as the new one does."""
        current = None
        while current is not self._current:
            await self._hand_over()
            current = self._current
            try:
                await current.finish()
            except DeviceError as error:
                await self._after(current, error)

    def stop(self) -> None:
        """As the device does."""
        self._paused = False
        self._forget()
        self._current.stop()

    def pause(self) -> None:
        """As the device does; a new one is paused too."""
        self._paused = True
        self._current.pause()

    def resume(self, back_s: float = 0.0) -> None:
        """As the device does; a new one has kept nothing of what the old one played."""
        self._paused = False
        self._current.resume(back_s)

    async def _hand_over(self) -> None:
        """What waits, one after another, to whatever device is in use."""
        while self._waiting:
            current, chunk = self._current, self._waiting[0]
            try:
                await current.play(chunk)
            except DeviceError as error:
                await self._after(current, error)
            if current is self._current and self._waiting and self._waiting[0] is chunk:
                self._drop_heard()
                self._given.append(self._waiting.popleft())

    def _drop_heard(self) -> None:
        while self._given and self._given_from_s + self._given[0].duration_s <= self._current.played_s:
            self._given_from_s += self._given.popleft().duration_s

    def _unheard(self, heard_s: float) -> list[AudioChunk]:
        """What the device has not played, which has played ``heard_s``."""
        found, at_s = [], self._given_from_s
        for chunk in (*self._given, *self._waiting):
            rest = chunk.since(chunk.start_s + heard_s - at_s)
            at_s += chunk.duration_s
            if len(rest.pcm):
                found.append(rest)
        return found

    def _forget(self) -> None:
        self._given.clear()
        self._given_from_s = 0.0
        self._waiting.clear()
