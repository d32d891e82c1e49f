"""Microphone and loudspeaker that can be exchanged while they are in use."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from types import TracebackType
from typing import Self

from pipeline.audio import AudioChunk
from pipeline.errors import AssistantError, DeviceError
from pipeline.protocols import Capabilities, Microphone, Speaker

log = logging.getLogger(__name__)

GAP_S = 0.5
"""Audio seconds that are left out at an exchange: what is heard then does not go on from what was heard before."""

LEAVE_S = 1.0
"""Seconds of the clock to wait for the reader to leave the old microphone; a dead one delivers nothing to leave it
after."""


class SwitchableMicrophone:
    """A ``Microphone`` whose device can be exchanged."""

    def __init__(self, microphone: Microphone) -> None:
        self._current = microphone
        self._reading: Microphone | None = None
        self._left = asyncio.Event()
        """Set when the reader has left the device that it read."""
        self._offset_s = 0.0
        self._end_s = 0.0
        self._dropped_s = 0.0

    @property
    def capabilities(self) -> Capabilities:
        """As the device says."""
        return self._current.capabilities

    @property
    def dropped_s(self) -> float:
        """Of all devices so far."""
        return self._dropped_s + self._current.dropped_s

    async def __aenter__(self) -> Self:
        await self._current.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._current.__aexit__(kind, error, trace)

    async def switch(self, microphone: Microphone) -> None:
        """Go on with another device, not yet entered. Raises what entering it raises; then nothing has changed."""
        await microphone.__aenter__()
        old, self._current = self._current, microphone
        self._dropped_s += old.dropped_s
        self._offset_s = self._end_s + GAP_S
        if self._reading is old:
            self._left.clear()
            try:
                async with asyncio.timeout(LEAVE_S):
                    await self._left.wait()
            except TimeoutError:
                log.debug("The old microphone delivers nothing any more.")
        await _leave(old)

    async def chunks(self) -> AsyncGenerator[AudioChunk]:
        """As the device in use gives them, on one time line."""
        while True:
            current, ended = self._current, True
            self._reading = current
            try:
                async with aclosing(current.chunks()) as chunks:
                    async for chunk in chunks:
                        if current is not self._current:
                            ended = False
                            break
                        placed = chunk if not self._offset_s else replace(chunk, start_s=chunk.start_s + self._offset_s)
                        self._end_s = placed.end_s
                        yield placed
            except DeviceError:
                if current is self._current:
                    raise
            finally:
                self._reading = None
                self._left.set()
            if ended and current is self._current:
                return


class SwitchableSpeaker:
    """A ``Speaker`` whose device can be exchanged; what the old one has not played is lost."""

    def __init__(self, speaker: Speaker) -> None:
        self._current = speaker
        self._played_s = 0.0
        """Of the answer under way, by devices before this one."""

    @property
    def capabilities(self) -> Capabilities:
        """As the device says."""
        return self._current.capabilities

    @property
    def played_s(self) -> float:
        """Of the answer under way."""
        return self._played_s + self._current.played_s

    async def __aenter__(self) -> Self:
        await self._current.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._current.__aexit__(kind, error, trace)

    async def switch(self, speaker: Speaker) -> None:
        """Go on with another device, not yet entered. Raises what entering it raises; then nothing has changed."""
        await speaker.__aenter__()
        await speaker.start()
        old, self._current = self._current, speaker
        self._played_s += old.played_s
        old.stop()  # whoever is just handing something over to it goes on
        await _leave(old)

    async def start(self) -> None:
        """As the device does."""
        self._played_s = 0.0
        await self._current.start()

    async def play(self, chunk: AudioChunk) -> None:
        """As the device does."""
        await self._current.play(chunk)

    async def finish(self) -> None:
        """As the device does; at an exchange, as the new one does."""
        current = self._current
        await current.finish()
        if current is not self._current:
            await self._current.finish()

    def stop(self) -> None:
        """As the device does."""
        self._current.stop()


async def _leave(device: Microphone | Speaker) -> None:
    """One that cannot be closed is left alone: the new one serves already."""
    try:
        await device.__aexit__(None, None, None)
    except AssistantError as error:
        log.warning("The sound device that was in use before cannot be closed: %s", error)
