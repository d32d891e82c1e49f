"""Which sound devices there are, and which one a setting means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz import fuzz, process, utils

from pipeline.errors import DeviceMissing

LIKELY = 60
"""Score, 0 to 100, from which a name is similar enough to be suggested."""


class Direction(StrEnum):
    """Which way sound goes."""

    INPUT = "microphone"
    """Into the program."""
    OUTPUT = "loudspeaker"
    """Out of it."""


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A sound device as the operating system tells it."""

    number: int
    """Its place in the list; may change when something is plugged in, so prefer the name in settings."""

    name: str
    """As the sound system calls it."""

    system: str
    """The sound system it belongs to, such as ``ALSA``."""

    input_channels: int
    """Most channels that can be recorded, 0 for a loudspeaker."""

    output_channels: int
    """Most channels that can be played, 0 for a microphone."""

    rate_hz: int
    """Its native rate."""

    default_input: bool
    """The microphone that is used when none is set."""

    default_output: bool
    """The loudspeaker that is used when none is set."""

    def channels(self, direction: Direction) -> int:
        """Most channels in one direction."""
        return self.input_channels if direction is Direction.INPUT else self.output_channels

    def is_default(self, direction: Direction) -> bool:
        """Whether it is used when none is set."""
        return self.default_input if direction is Direction.INPUT else self.default_output


def find_device(devices: Sequence[DeviceInfo], wanted: str | int | None, direction: Direction) -> DeviceInfo:
    """The device a setting means: a number, a part of a name (the whole name goes first), None for the default.

    Raises ``DeviceMissing`` with the devices there are.
    """
    able = [device for device in devices if device.channels(direction) > 0]
    if not able:
        raise DeviceMissing(f"There is no {direction} on this machine.", remedy="Connect one and try again.")
    if wanted is None:
        return next((device for device in able if device.is_default(direction)), able[0])
    if isinstance(wanted, int) or wanted.isdecimal():
        found = [device for device in able if device.number == int(wanted)]
    else:
        name = wanted.casefold()
        found = [device for device in able if device.name.casefold() == name]
        found = found or [device for device in able if name in device.name.casefold()]
    if not found:
        raise DeviceMissing(f"There is no {direction} {wanted!r}.", remedy=_remedy(able, str(wanted)))
    return found[0]


def _remedy(able: Sequence[DeviceInfo], wanted: str) -> str:
    listed = ", ".join(f"{device.number} {device.name!r}" for device in able)
    names = [device.name for device in able]
    similar = process.extractOne(
        wanted, names, scorer=fuzz.WRatio, processor=utils.default_process, score_cutoff=LIKELY
    )
    guess = f"Did you mean {similar[0]!r}? " if similar else ""
    return f"{guess}There are: {listed}."
