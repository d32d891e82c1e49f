"""Which microphone and loudspeaker are in use, chosen in the panel and remembered."""

from __future__ import annotations

import asyncio
import json
import logging
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

from assistant.device_place import Absence, Place, Wanted
from assistant.device_recovery import DeviceRecovery
from assistant.sections import AudioSection
from pipeline.echo_cancelling import EchoCancelling
from pipeline.errors import DeviceError, DeviceMissing, SettingsError
from pipeline.events import Event
from pipeline.protocols import EchoCanceller, Microphone, Speaker
from pipeline.switchable import SwitchableMicrophone, SwitchableSpeaker
from providers.audio import portaudio
from providers.audio.devices import DeviceInfo, Direction, find_device
from providers.audio.played_sound import PlayedSound
from providers.audio.sounddevice_microphone import SounddeviceMicrophone
from providers.audio.sounddevice_speaker import SounddeviceSpeaker
from providers.model_worker import ModelWorker

log = logging.getLogger(__name__)

FILE = "audio-devices.json"
"""In the data folder; goes before the settings."""

KEEP: Any = object()
"""Stands for: leave it as it is."""


class SoundDevices:
    """Makes both, and exchanges them while they are in use."""

    def __init__(
        self,
        audio: AudioSection,
        folder: Path,
        *,
        microphone: Microphone | None = None,
        speaker: Speaker | None = None,
        canceller: EchoCanceller | None = None,
    ) -> None:
        """``folder`` is the data folder. What is given, such as a file, is used in place of a device.

        ``canceller``, which must be entered before a microphone is, takes out what the loudspeaker plays.
        """
        played = None if canceller is None else PlayedSound()
        self._cancelling: weakref.WeakSet[EchoCancelling] = weakref.WeakSet()

        def a_microphone(device: Wanted, *, deaf: bool = False) -> SounddeviceMicrophone:
            cancelling = None
            if canceller is not None and played is not None:
                cancelling = EchoCancelling(canceller, played)
                self._cancelling.add(cancelling)
            settings = audio.microphone.model_copy(update={"device": device})
            return SounddeviceMicrophone(settings, cancelling, deaf=deaf)

        def a_speaker(device: Wanted, *, deaf: bool = False) -> SounddeviceSpeaker:
            return SounddeviceSpeaker(audio.speaker.model_copy(update={"device": device}), played)

        self._file = folder / FILE
        self._changing = asyncio.Lock()
        self._kept = self._read()
        ears = self._place(Direction.INPUT, audio.microphone.device, a_microphone, file=microphone is not None)
        mouth = self._place(Direction.OUTPUT, audio.speaker.device, a_speaker, file=speaker is not None)
        self._places = {"microphone": ears, "speaker": mouth}
        self._recovery: DeviceRecovery | None = None
        self.microphone = SwitchableMicrophone(
            microphone or a_microphone(ears.in_use), self._otherwise(ears), self._lost(ears)
        )
        self.speaker = SwitchableSpeaker(speaker or a_speaker(mouth.in_use), self._otherwise(mouth), self._lost(mouth))

    def recover(self) -> None:
        """From now on a device that is missing or lost is no error: ``keep`` sees to it."""
        self._recovery = DeviceRecovery([one for one in self._places.values() if not one.file], self._changing)

    async def keep(self, tell: Callable[[Event], None]) -> None:
        """Look for ever for devices that are not there, and tell of their going and coming.

        Raises ``DeviceError`` where only a new process can help.
        """
        assert self._recovery is not None
        await self._recovery.run(tell)

    @property
    def missing(self) -> dict[str, Absence]:
        """Why there is no ``microphone``, or no ``speaker``; empty where both are there."""
        return {name: one.absence for name, one in self._places.items() if one.absence is not None}

    @property
    def chosen(self) -> dict[str, str | None]:
        """Names of both, whole as in the list; None for the system's own choice."""
        return {name: _name_in_use(end) for name, end in self._places.items()}

    @contextmanager
    def echo_left_in(self) -> Iterator[None]:
        """The room as it is meanwhile: whoever measures the echo must hear it."""
        everyone = tuple(self._cancelling)
        for one in everyone:
            one.left_out = True
        try:
            yield
        finally:
            for one in everyone:
                one.left_out = False

    def listed(self) -> dict[str, list[dict[str, Any]]]:
        """``microphones`` and ``speakers`` of this machine. Raises ``ProviderMissing`` without PortAudio.

        While a device is open this is what was there when it was opened (docs/decisions/122), and nobody is waited for.
        """
        devices = (
            portaudio.list_devices() if all(end.file for end in self._places.values()) else portaudio.known_devices()
        )
        return {f"{name}s": _told(devices, end.direction) for name, end in self._places.items()}

    async def choose(self, *, microphone: str | None = KEEP, speaker: str | None = KEEP) -> None:
        """Use these from now on, and after the next start; None is the system's own choice.

        Raises ``DeviceError`` where one cannot be opened (then nothing changes), and ``SettingsError`` where a file
        stands in its place or the choice cannot be kept.
        """
        wanted = {
            name: device for name, device in (("microphone", microphone), ("speaker", speaker)) if device is not KEEP
        }
        for name in wanted:
            if self._places[name].file:
                raise SettingsError(
                    f"The {self._places[name].direction} is a file in this run, so there is nothing to choose.",
                    remedy="Start the assistant without --input and --output.",
                )
        async with self._changing:
            async with AsyncExitStack() as stack:
                opened = {
                    name: await stack.enter_async_context(self._places[name].make(device))
                    for name, device in wanted.items()
                    if not self._is_in_use(name, device)
                }
                stack.pop_all()  # from now on they are the assistant's
            for name, device in opened.items():
                await (self.microphone if name == "microphone" else self.speaker).switch(device)
            for name, device in wanted.items():
                self._places[name].in_use = device
                self._kept[name] = _lasting_name(device, self._places[name].direction)
            await self._write()

    def _place(self, direction: Direction, device: Wanted, make: Any, *, file: bool) -> Place:
        name = "microphone" if direction is Direction.INPUT else "speaker"
        chosen = self._kept.get(name, device)
        occupied: Callable[[], Any] = lambda: getattr(self, name)  # noqa: E731 - it is made a moment later
        return Place(direction, device, chosen, make, file, chosen, occupied)

    def _lost(self, place: Place) -> Callable[[DeviceError], None]:
        def lost(error: DeviceError) -> None:
            if self._recovery is None or place.file:
                raise error
            self._recovery.look()

        return lost

    def _otherwise(self, place: Place) -> Callable[[DeviceError], Any]:
        """What to open where a device refuses at the start: the one of the settings, else a stand-in."""

        def otherwise(error: DeviceError) -> Any:
            if not place.file and place.in_use != place.set:
                log.warning(
                    "The %s that was chosen in the panel cannot be used, so that of config.yaml serves. "
                    "Choose another one in the panel, or repair it and start again. %s",
                    place.direction, error,
                )  # fmt: skip
                place.in_use = place.set
                return place.make(place.set)
            if self._recovery is None or place.file or place.absence is not None:
                raise error
            place.miss(error)
            return place.stand_in()

        return otherwise

    def _is_in_use(self, name: str, device: Wanted) -> bool:
        """Some devices cannot be opened twice."""
        end = self._places[name]
        found = [_found(one, end.direction) for one in (device, end.in_use)]
        return found[0] is not None and found[0] == found[1]

    def _read(self) -> dict[str, str | None]:
        """What was chosen before."""
        try:
            document = json.loads(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning(
                "%s cannot be read (%s): the devices of config.yaml serve. Choose again in the panel.",
                self._file,
                error,
            )
            return {}
        found = document if isinstance(document, dict) else {}
        chosen = {name: found[name] for name in ("microphone", "speaker") if name in found}
        return {name: device for name, device in chosen.items() if device is None or isinstance(device, str)}

    async def _write(self) -> None:
        """Raises ``SettingsError``."""
        text = json.dumps(self._kept, ensure_ascii=False, indent=2) + "\n"
        part = self._file.with_suffix(".part")

        def write() -> None:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.write_text(text, "utf-8")
            part.replace(self._file)

        worker = ModelWorker("device choice")
        try:
            await worker.run(lambda _: write())
        except OSError as error:
            raise SettingsError(
                f"The devices are in use now, but the choice cannot be kept in {self._file}: {error.strerror}.",
                remedy="May this user write there, and is there room?",
            ) from error
        finally:
            worker.close()


def _found(device: Wanted, direction: Direction) -> DeviceInfo | None:
    try:
        return find_device(portaudio.known_devices(), device, direction)
    except DeviceMissing:
        return None


def _name_in_use(end: Place) -> str | None:
    if end.file:
        return "a file"
    if end.in_use is None:
        return None
    found = _found(end.in_use, end.direction)
    return str(end.in_use) if found is None else found.name


def _lasting_name(device: Wanted, direction: Direction) -> str | None:
    """A name that will still fit when the system numbers its sound cards anew, ``(hw:1,0)`` in ALSA's names."""
    found = _found(device, direction)
    if device is None or found is None:
        return None if device is None else str(device)
    stem = found.name.partition(" (hw:")[0]
    alike = [
        one for one in portaudio.known_devices() if one.channels(direction) and stem.casefold() in one.name.casefold()
    ]
    return stem if len(alike) == 1 else found.name


def _told(devices: Sequence[DeviceInfo], direction: Direction) -> list[dict[str, Any]]:
    return [
        {
            "name": device.name,
            "system": device.system,
            "channels": device.channels(direction),
            "rate_hz": device.rate_hz,
            "default": device.is_default(direction),
        }
        for device in devices
        if device.channels(direction)
    ]
