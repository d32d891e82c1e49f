"""A setting finds its device, or the technician gets the list."""

from __future__ import annotations

import pytest

from pipeline.errors import DeviceMissing
from providers.audio.devices import DeviceInfo, Direction, find_device

pytestmark = pytest.mark.unit

DEVICES = [
    DeviceInfo(0, "HDA Intel PCH: ALC257 (hw:0,0)", "ALSA", 2, 2, 44_100, False, False),
    DeviceInfo(1, "HDMI 0 (hw:0,3)", "ALSA", 0, 8, 48_000, False, False),
    DeviceInfo(2, "ReSpeaker 4 Mic Array (hw:1,0)", "ALSA", 6, 0, 16_000, False, False),
    DeviceInfo(3, "default", "ALSA", 32, 32, 44_100, True, True),
    DeviceInfo(4, "default-hdmi", "ALSA", 0, 2, 44_100, False, False),
]


@pytest.mark.parametrize(
    ("wanted", "direction", "number"),
    [
        (None, Direction.INPUT, 3),
        (2, Direction.INPUT, 2),
        ("2", Direction.INPUT, 2),
        ("respeaker", Direction.INPUT, 2),
        ("hdmi", Direction.OUTPUT, 1),
        ("DEFAULT", Direction.OUTPUT, 3),
        ("default-hdmi", Direction.OUTPUT, 4),
    ],
)
def test_a_setting_finds_its_device(wanted: str | int | None, direction: Direction, number: int) -> None:
    assert find_device(DEVICES, wanted, direction).number == number


def test_without_a_default_the_first_that_can() -> None:
    assert find_device(DEVICES[:3], None, Direction.OUTPUT).number == 0


def test_an_unknown_name_lists_the_devices_and_guesses() -> None:
    with pytest.raises(DeviceMissing) as caught:
        find_device(DEVICES, "ReSpaeker", Direction.INPUT)
    assert str(caught.value) == (
        "There is no microphone 'ReSpaeker'. Did you mean 'ReSpeaker 4 Mic Array (hw:1,0)'? There are: "
        "0 'HDA Intel PCH: ALC257 (hw:0,0)', 2 'ReSpeaker 4 Mic Array (hw:1,0)', 3 'default'."
    )


def test_a_loudspeaker_is_no_microphone() -> None:
    with pytest.raises(DeviceMissing, match="There is no microphone 1"):
        find_device(DEVICES, 1, Direction.INPUT)


def test_a_machine_without_sound_says_so() -> None:
    with pytest.raises(DeviceMissing, match="There is no loudspeaker on this machine"):
        find_device([DEVICES[2]], None, Direction.OUTPUT)
