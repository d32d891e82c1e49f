"""The places of microphone and loudspeaker in the assistant, and what stands there: a device, a file, or a stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, Self

from pipeline.errors import DeviceError
from pipeline.switchable import SwitchableMicrophone, SwitchableSpeaker
from providers.audio.absent import PATIENCE_S, AbsentMicrophone, AbsentSpeaker
from providers.audio.devices import Direction
from providers.audio.sounddevice_microphone import SounddeviceMicrophone
from providers.audio.sounddevice_speaker import SounddeviceSpeaker

Wanted = str | int | None
"""A part of a device's name, its number, or None for the system's own choice."""


class Device(Protocol):
    """A microphone or loudspeaker of this machine."""

    @property
    def name(self) -> str:
        """What it is called in events."""
        ...

    @property
    def works(self) -> bool:
        """Whether it has delivered since it was opened."""
        ...

    @property
    def loss(self) -> DeviceError | None:
        """Why it is no longer there, None where it is."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: Any) -> None: ...


class Maker(Protocol):
    """Makes a device, not yet opened."""

    def __call__(self, wanted: Wanted, *, deaf: bool = False) -> Any:
        """``deaf``: a microphone that gave nothing but zeros, which is there again when it gives something else."""
        ...


@dataclass(slots=True)
class Absence:
    """There is no device."""

    device: str
    """Its name, as events tell it."""
    error: DeviceError
    """The newest reason."""
    since: datetime
    since_s: float
    """The same by the loop's clock."""
    deaf: bool
    """It is there, and gives nothing but zeros."""
    told: bool = False
    """Whether observers know."""
    tries: int = 0
    next_s: float = 0.0
    """When to try again, by the loop's clock."""

    def __str__(self) -> str:
        return f"Waiting for the {self.device} since {self.since:%H:%M}. {self.error}"


@dataclass(slots=True)
class Place:
    """One of the two."""

    direction: Direction
    set: Wanted
    """What the settings say."""
    chosen: Wanted
    """What goes before them, the same where nothing was chosen."""
    make: Maker
    file: bool
    """A file stands there."""
    in_use: Wanted
    """Which device it is, or was until it was lost."""
    occupied: Callable[[], SwitchableMicrophone | SwitchableSpeaker]
    """Where devices are exchanged."""
    absence: Absence | None = None
    """Set while a stand-in is in use."""
    seen: bool = False
    """Whether a device went since the start: then that very one is waited for, and answers wait a little for it."""

    @property
    def device(self) -> Device | None:
        """The device in use; None for a file or a stand-in."""
        current = self.occupied().current
        return current if isinstance(current, SounddeviceMicrophone | SounddeviceSpeaker) else None

    def candidates(self) -> list[Wanted]:
        """What may be opened, best first: another one than that which was in use is a person's choice."""
        return [self.in_use] if self.seen else list(dict.fromkeys([self.chosen, self.set]))

    def miss(self, error: DeviceError) -> Absence:
        """There is no device from now on."""
        device, now_s = self.device, asyncio.get_running_loop().time()
        deaf = isinstance(device, SounddeviceMicrophone) and device.fell_silent
        name = error.device or str(self.direction)
        self.absence = Absence(name, error, datetime.now().astimezone(), now_s, deaf, next_s=now_s)
        return self.absence

    def stand_in(self) -> Any:
        """For the time without a device, not entered."""
        if self.direction is Direction.INPUT:
            return AbsentMicrophone()
        return AbsentSpeaker(PATIENCE_S if self.seen else 0.0)

    async def put(self, device: Any) -> None:
        """Have it in use; it has been entered, and what was in use is left."""
        await self.occupied().switch(device)
