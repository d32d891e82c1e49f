"""Sound devices come and go: what is lost is told, stood in for, looked for, and taken into use again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from assistant.device_place import Absence, Device, Place
from pipeline.errors import DeviceError
from pipeline.events import DeviceBack, DeviceLostEvent, Event
from providers.audio import portaudio

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.25
"""Seconds between two looks at whether a device in use is still there, whether anybody uses it or not."""

RETRY_S = (0.1, 0.2, 0.4, 0.7, 1.0)
"""Seconds between tries to open a lost device; the last one again and again: it is to be back within two seconds."""

STEADY_S = 4.0
"""Seconds in which a device that was opened must deliver: Bluetooth needs some."""

DEAF_S = 1.0
"""Seconds for which a microphone that gave zeros is listened to before it is opened anew, and at once: whoever speaks
to it just then is to be heard."""

REST_EVERY_S = 30.0
"""Seconds between two attempts that make the other device pause, for the sake of one that PortAudio does not know."""

MOST_STUCK = 6
"""Streams stuck in their drivers with which it ends: each holds a thread that only the end of the process frees."""


class DeviceRecovery:
    """Watches over all places. One task does it all, so that nothing is opened and closed at the same time."""

    def __init__(self, places: Sequence[Place], changing: asyncio.Lock) -> None:
        """``changing`` is held by whoever exchanges a device."""
        self._places = places
        self._changing = changing
        self._news = asyncio.Event()
        self._rested_s = 0.0

    def look(self) -> None:
        """Somebody misses a device."""
        self._news.set()

    async def run(self, tell: Callable[[Event], None]) -> None:
        """For ever, where there is any place. Raises ``DeviceError`` where only a new process can help."""
        self._rested_s = asyncio.get_running_loop().time()  # they have just been looked for
        portaudio.expect_changes()
        while self._places:
            async with self._changing:
                for place in self._places:  # first of all: while one is open PortAudio finds nothing new
                    await self._take_out(place, tell)
                for place in self._places:
                    await self._see_to(place, tell)
            self._news.clear()
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _see_to(self, place: Place, tell: Callable[[Event], None]) -> None:
        """Look for what is missing there."""
        absence = place.absence
        if absence is None:
            return
        if not absence.told:
            self._gone(absence, tell)
        if place.device is not None:  # somebody chose another one
            self._back(place, absence, place.device, tell)
        elif asyncio.get_running_loop().time() >= absence.next_s:
            await self._try(place, absence, tell)

    async def _take_out(self, place: Place, tell: Callable[[Event], None]) -> None:
        """Put a stand-in in the place of what has gone, if it has."""
        loss = place.device.loss if place.device is not None else None
        if loss is None:
            return
        if portaudio.stuck_streams() >= MOST_STUCK:
            raise DeviceError(f"{loss.message} Too many devices hang, so the assistant has to start again.")
        place.seen = True
        portaudio.expect_changes()
        self._gone(place.miss(loss), tell)
        await place.put(await place.stand_in().__aenter__())

    @staticmethod
    def _gone(absence: Absence, tell: Callable[[Event], None]) -> None:
        absence.told = True
        tell(DeviceLostEvent(absence.device))
        log.warning("%s The assistant looks for it and goes on as soon as it is there.", absence.error)

    async def _try(self, place: Place, absence: Absence, tell: Callable[[Event], None]) -> None:
        """Open whatever can be opened."""
        with portaudio.scanning_sparingly():
            device = await self._opened(place, absence)
        if device is None and self._worth_a_rest(absence.error):
            device = await self._opened_anew(place, absence)
        absence.tries += 1
        opens = device is None and absence.deaf and absence.error.code == "device_lost"
        wait_s = 0.0 if opens else RETRY_S[min(absence.tries, len(RETRY_S)) - 1]
        absence.next_s = asyncio.get_running_loop().time() + wait_s
        if device is not None:
            await place.put(device)
            self._back(place, absence, device, tell)

    @staticmethod
    def _back(place: Place, absence: Absence, device: Device, tell: Callable[[Event], None]) -> None:
        place.absence = None
        gap_s = asyncio.get_running_loop().time() - absence.since_s
        tell(DeviceBack(device.name, gap_s))
        log.warning("The %s is back after %.1f s.", device.name, gap_s)

    async def _opened(self, place: Place, absence: Absence) -> Device | None:
        for wanted in place.candidates():
            device: Device = place.make(wanted, deaf=absence.deaf)
            try:
                async with AsyncExitStack() as stack:
                    await stack.enter_async_context(device)
                    if await _delivers(device, DEAF_S if absence.deaf else STEADY_S):
                        stack.pop_all()  # from now on it is the assistant's
                        place.in_use = wanted
                        return device
            except DeviceError as error:
                absence.error = error
        return None

    def _worth_a_rest(self, error: DeviceError) -> bool:
        """Whether the devices should be looked for anew, for which all must be closed for a moment."""
        if not any(place.device is not None for place in self._places):
            return False  # nothing is open, so they just were
        now_s = asyncio.get_running_loop().time()
        if portaudio.surroundings_changed() or (
            error.code == "device_missing" and now_s - self._rested_s > REST_EVERY_S
        ):
            self._rested_s = now_s
            return True
        return False

    async def _opened_anew(self, place: Place, absence: Absence) -> Device | None:
        """With the other place at rest: its device is opened again after this one."""
        others = [one for one in self._places if one.device is not None]
        for other in others:
            other.seen = True
            await other.put(await other.stand_in().__aenter__())
        device = await self._opened(place, absence)
        for other in others:
            absence = other.miss(DeviceError(f"The {other.direction} has gone."))
            again = await self._opened(other, absence)
            if again is not None:
                other.absence = None
                await other.put(again)
        return device


async def _delivers(device: Device, within_s: float) -> bool:
    """Whether it does."""
    now = asyncio.get_running_loop().time
    until_s = now() + within_s
    while not device.works and now() < until_s:
        if device.loss is not None:
            return False
        await asyncio.sleep(0.02)  # its callback comes on a thread, which should do no more than it must
    return device.works
