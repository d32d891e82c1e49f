"""What works on this machine, what does not, and what to do: for the technician in the shop."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from assistant import settings
from assistant.app import App
from assistant.output import print_line
from pipeline.audio import SILENCE_DB
from pipeline.errors import AssistantError
from providers import registry

MICROPHONE_S = 0.5
"""Audio seconds for which the microphone is listened to."""

LEAST_FREE_GB = 1.0
"""Less free disk than this is worth a warning."""


class State(StrEnum):
    """How a part is."""

    WORKS = "works"
    """It was tried."""
    WARNS = "warns"
    """It works, but something about it should be known."""
    FAILS = "fails"
    """The assistant cannot do without it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one part."""

    part: str
    state: State
    reason: str
    """What was seen."""
    remedy: str = ""
    """What to do."""

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


async def findings(config: Path | None) -> list[Finding]:
    """Try every part once. Nothing is fetched and nothing is changed."""
    try:
        loaded, folder = settings.load(config)
    except AssistantError as error:
        return [Finding("settings", State.FAILS, error.message, error.remedy)]
    app = App(loaded, folder)
    tries: list[tuple[str, Callable[[App], Awaitable[Finding]]]] = [
        ("microphone", _microphone),
        ("loudspeaker", _loudspeaker),
        ("wake word", lambda app: _provider(app, "wake word", "wake_word")),
        ("voice activity", lambda app: _provider(app, "voice activity", "vad")),
        ("speech to text", lambda app: _provider(app, "speech to text", "stt")),
        ("agent", lambda app: _provider(app, "agent", "agent")),
    ]
    found = [Finding("settings", State.WORKS, f"read from {settings.config_path(config)}")]
    for part, attempt in tries:
        try:
            found.append(await attempt(app))
        except AssistantError as error:
            found.append(Finding(part, State.FAILS, error.message, error.remedy))
    found += await _voices(app)
    found += [_pronunciations(app), _licences(app), _disk(folder)]
    return found


async def _microphone(app: App) -> Finding:
    from providers.audio.sounddevice import SounddeviceMicrophone

    async with (
        SounddeviceMicrophone(app.settings.audio.microphone) as microphone,
        aclosing(microphone.chunks()) as chunks,
    ):
        loudest_db = SILENCE_DB
        async for chunk in chunks:
            loudest_db = max(loudest_db, chunk.level_db)
            if chunk.end_s >= MICROPHONE_S:
                break
        if loudest_db <= SILENCE_DB:
            remedy = "Is it muted, or its level at zero? See: alsamixer"
            return Finding("microphone", State.WARNS, "delivers digital silence", remedy)
        return Finding("microphone", State.WORKS, f"delivers sound, at most {loudest_db:.0f} dB")


async def _loudspeaker(app: App) -> Finding:
    from providers.audio.sounddevice import SounddeviceSpeaker

    async with SounddeviceSpeaker(app.settings.audio.speaker):
        return Finding("loudspeaker", State.WORKS, "could be opened", "Hear it: assistant say hello")


async def _provider(app: App, part: str, stage: str) -> Finding:
    """Load it, as the daemon would."""
    async with app.provider(stage) as provider:
        return _described(app, part, provider)


def _described(app: App, part: str, provider: Any) -> Finding:
    """A provider that works; about some there is something to know."""
    caution = provider.capabilities.caution
    name = provider.capabilities.name
    if caution is None:
        return Finding(part, State.WORKS, f"{name} is loaded")
    return Finding(part, State.WARNS, f"{name}: {caution.message}", caution.remedy)


async def _voices(app: App) -> list[Finding]:
    """Each voice; the assistant needs one of them."""
    found: list[Finding] = []
    for name, chosen in app.settings.tts.chosen():
        part = f"voice {name}"
        try:
            async with registry.create("tts", name, chosen, app.resources) as voice:
                found.append(_described(app, part, voice))
        except AssistantError as error:
            found.append(Finding(part, State.WARNS, error.message, error.remedy))
    if all(finding.state is State.WARNS for finding in found) and not any("is loaded" in one.reason for one in found):
        found = [Finding(one.part, State.FAILS, one.reason, one.remedy) for one in found]
    return found


def _pronunciations(app: App) -> Finding:
    try:
        app.speakable()
    except AssistantError as error:
        return Finding("pronunciations", State.FAILS, error.message, error.remedy)
    return Finding("pronunciations", State.WORKS, "can be read")


def _licences(app: App) -> Finding:
    """Models on this machine that a shop must not use."""
    present = [model for model in app.models.catalogue.models if app.models.state(model.name) == "present"]
    barred = [model for model in present if model.licence.commercial == "no"]
    if not barred:
        return Finding("licences", State.WORKS, "no model here is barred from commercial use")
    named = ", ".join(f"{model.name} ({model.licence.name})" for model in barred)
    notes = dict.fromkeys(model.licence.note for model in barred if model.licence.note)
    return Finding("licences", State.WARNS, f"not for commercial use: {named}", "; ".join(notes))


def _disk(folder: Path) -> Finding:
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb < LEAST_FREE_GB:
        return Finding("disk", State.WARNS, f"only {free_gb:.1f} GB free", "Remove what is not needed.")
    return Finding("disk", State.WORKS, f"{free_gb:.0f} GB free")


def print_table(findings: list[Finding]) -> None:
    """For people: one line each, the remedy below."""
    width = max(len(finding.part) for finding in findings)
    for finding in findings:
        print_line(f"{finding.state:<6} {finding.part:<{width}}  {finding.reason}")
        if finding.remedy and finding.state is not State.WORKS:
            print_line(f"{'':<{width + 9}}→ {finding.remedy}")
