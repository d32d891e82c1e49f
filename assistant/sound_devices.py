"""Which microphone and loudspeaker are in use, chosen in the panel and remembered."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.settings import AudioSection
from pipeline.errors import DeviceError, SettingsError
from pipeline.protocols import Microphone, Speaker
from pipeline.switchable import SwitchableMicrophone, SwitchableSpeaker
from providers.audio.devices import DeviceInfo, Direction, find_device
from providers.audio.sounddevice import SounddeviceMicrophone, SounddeviceSpeaker, list_devices

log = logging.getLogger(__name__)

FILE = "audio-devices.json"
"""In the data folder; goes before the settings."""

KEEP: Any = object()
"""Stands for: leave it as it is."""


@dataclass(slots=True)
class _Choice:
    microphone: str | int | None
    speaker: str | int | None


class SoundDevices:
    """Makes both, and exchanges them while they are in use."""

    def __init__(
        self, audio: AudioSection, folder: Path, *, microphone: Microphone | None = None, speaker: Speaker | None = None
    ) -> None:
        """``folder`` is the data folder. What is given, such as a file, is used in place of a device."""
        self._audio = audio
        self._file = folder / FILE
        self._fixed = {"microphone": microphone is not None, "speaker": speaker is not None}
        self._choice = _Choice(audio.microphone.device, audio.speaker.device)
        self._remember()
        self.microphone = SwitchableMicrophone(microphone or self._microphone(self._choice.microphone))
        self.speaker = SwitchableSpeaker(speaker or self._speaker(self._choice.speaker))

    @property
    def chosen(self) -> dict[str, str | None]:
        """Names of both; None for the system's own choice."""
        return {
            name: "a file" if self._fixed[name] else None if value is None else str(value)
            for name, value in (("microphone", self._choice.microphone), ("speaker", self._choice.speaker))
        }

    def listed(self) -> dict[str, list[dict[str, Any]]]:
        """``microphones`` and ``speakers`` of this machine. Raises ``ProviderMissing`` without PortAudio."""
        devices = list_devices()
        return {
            name: [_told(one, direction) for one in devices if one.channels(direction)]
            for name, direction in (("microphones", Direction.INPUT), ("speakers", Direction.OUTPUT))
        }

    async def choose(self, *, microphone: str | None = KEEP, speaker: str | None = KEEP) -> None:
        """Use these from now on. Raises ``DeviceError`` where one cannot be opened (nothing changes then), and
        ``SettingsError`` where a file stands in its place or the choice cannot be kept."""
        for name, wanted in (("microphone", microphone), ("speaker", speaker)):
            if wanted is not KEEP and self._fixed[name]:
                raise SettingsError(
                    f"The {name} is a file in this run, so there is nothing to choose.",
                    remedy="Start the assistant without --input and --output.",
                )
        if microphone is not KEEP:
            await self.microphone.switch(self._microphone(microphone))
            self._choice.microphone = microphone
        if speaker is not KEEP:
            await self.speaker.switch(self._speaker(speaker))
            self._choice.speaker = speaker
        self._write()

    def _microphone(self, device: str | int | None) -> SounddeviceMicrophone:
        return SounddeviceMicrophone(self._audio.microphone.model_copy(update={"device": device}))

    def _speaker(self, device: str | int | None) -> SounddeviceSpeaker:
        return SounddeviceSpeaker(self._audio.speaker.model_copy(update={"device": device}))

    def _remember(self) -> None:
        """What was chosen before, as far as those devices are there."""
        try:
            document = json.loads(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            log.warning("%s cannot be read, the devices of config.yaml serve: %s", self._file, error)
            return
        for name, direction in (("microphone", Direction.INPUT), ("speaker", Direction.OUTPUT)):
            if self._fixed[name] or not isinstance(document, dict) or name not in document:
                continue
            wanted = document[name]
            if wanted is not None and not isinstance(wanted, str):
                continue
            try:
                find_device(list_devices(), wanted, direction)
            except DeviceError as error:
                log.warning("The %s that was chosen in the panel is not there: %s", direction, error)
            else:
                setattr(self._choice, name, wanted)

    def _write(self) -> None:
        """Raises ``SettingsError``."""
        kept = {
            name: value
            for name, value in (("microphone", self._choice.microphone), ("speaker", self._choice.speaker))
            if not self._fixed[name]
        }
        part = self._file.with_suffix(".part")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(kept, ensure_ascii=False, indent=2) + "\n", "utf-8")
            os.replace(part, self._file)  # noqa: PTH105 - the name says it
        except OSError as error:
            raise SettingsError(
                f"The devices are in use now, but the choice cannot be kept in {self._file}: {error.strerror}.",
                remedy="May this user write there, and is there room?",
            ) from error


def _told(device: DeviceInfo, direction: Direction) -> dict[str, Any]:
    return {
        "name": device.name,
        "system": device.system,
        "channels": device.channels(direction),
        "rate_hz": device.rate_hz,
        "default": device.is_default(direction),
    }
