"""Devices and providers: each is opened once, as the daemon would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from assistant.app import App
from assistant.checking.finding import Finding, State, failing
from pipeline.audio import SILENCE_DB
from pipeline.errors import AssistantError, ProviderTimeout
from pipeline.protocols import Capabilities, Provider, Synthesizer
from pipeline.routing import Cloud
from pipeline.speech import Voice
from providers import registry

ENGINE_START_S = 180.0
"""Seconds of the clock that an engine which clones may take to be started."""

MICROPHONE_S = 0.5
"""Audio seconds for which the microphone is listened to."""

MUTE_DB = -100.0
"""What is quieter came from no room: the smallest step of 16 bits has -90 dB."""


@dataclass
class Seen:
    """What the parts told about themselves."""

    programs: dict[str, str] = field(default_factory=dict)
    """Licences by name: of providers that bring their model along or need none."""
    remote: list[str] = field(default_factory=list)
    """Providers in use that send something off this machine."""
    recognisers: list[Capabilities] = field(default_factory=list)
    """Those that work."""


@asynccontextmanager
async def opened(app: App, provider: Provider, seen: Seen) -> AsyncIterator[Capabilities]:
    """A provider while it is open. Raises what entering raises."""
    if provider.capabilities.needs_network:
        seen.remote.append(provider.capabilities.name)
    asked = set(app.licensed.asked)
    async with provider:
        known = provider.capabilities
        if known.name in app.models.catalogue:  # a model that comes with a package
            app.licensed.asked.add(known.name)
        elif known.licence and asked == app.licensed.asked:
            seen.programs[known.name] = known.licence
        yield known


async def microphone(app: App) -> Finding:
    """Whether sound comes from it."""
    from providers.audio.sounddevice_microphone import SounddeviceMicrophone

    async with (
        SounddeviceMicrophone(app.settings.audio.microphone) as device,
        aclosing(device.chunks()) as chunks,
    ):
        loudest_db = SILENCE_DB
        async for chunk in chunks:
            loudest_db = max(loudest_db, chunk.level_db)
            if chunk.end_s >= MICROPHONE_S:
                break
        return heard(loudest_db)


def heard(loudest_db: float) -> Finding:
    """A microphone that delivers."""
    if loudest_db <= MUTE_DB:
        remedy = "Is it muted, or its level at zero? See: alsamixer"
        return Finding("microphone", State.WARNS, "delivers digital silence", remedy)
    return Finding("microphone", State.WORKS, f"delivers sound, at most {loudest_db:.0f} dB")


async def loudspeaker(app: App) -> Finding:
    """Whether it can be opened."""
    from providers.audio.sounddevice_speaker import SounddeviceSpeaker

    async with SounddeviceSpeaker(app.settings.audio.speaker):
        return Finding("loudspeaker", State.WORKS, "could be opened", "Hear it: assistant say hello")


async def provider(part: str, one: Provider, app: App, seen: Seen) -> Finding:
    """Load it."""
    async with opened(app, one, seen) as known:
        return described(part, known)


def described(part: str, known: Capabilities) -> Finding:
    """A provider that works; about some there is something to know."""
    if known.caution is None:
        return Finding(part, State.WORKS, f"{known.name} is loaded")
    return Finding(part, State.WARNS, f"{known.name}: {known.caution.message}", known.caution.remedy)


async def echo(app: App, seen: Seen) -> Finding:
    """What takes the assistant's own voice out of what it hears."""
    off, without = "is left to the microphone (echo.use)", "The assistant hears itself when it speaks."
    return await _dispensable("echo", app.provider("echo"), app, seen, off=off, without=without)


async def end_of_turn(app: App, seen: Seen) -> Finding:
    """What tells thinking from having finished."""
    off, without = "told by silence alone (end_of_turn.use)", "It is told by silence alone, so answers come later."
    return await _dispensable("end of turn", app.provider("end_of_turn"), app, seen, off=off, without=without)


async def _dispensable(part: str, one: Any, app: App, seen: Seen, *, off: str, without: str) -> Finding:
    """A provider that the assistant can do without: None where nobody wants one."""
    if one is None:
        return Finding(part, State.WORKS, off)
    try:
        return await provider(part, one, app, seen)
    except AssistantError as error:
        return Finding(part, State.WARNS, f"{error.message} {without}", error.remedy)


async def recognisers(app: App, seen: Seen) -> list[Finding]:
    """Each recogniser in use; the assistant needs one of them."""
    found: list[Finding] = []
    chosen = app.settings.stt.chosen()
    for name, settings in chosen:
        part = "speech to text" if len(chosen) == 1 else f"speech to text {name}"
        try:
            async with opened(app, registry.create("stt", name, settings, app.resources), seen) as known:
                seen.recognisers.append(known)
                found.append(described(part, known))
        except AssistantError as error:
            found.append(failing(part, error))
    return found if not seen.recognisers else stood_in_for(found)


@dataclass
class Voices:
    """The engines in use."""

    findings: list[Finding] = field(default_factory=list)
    engines: list[Synthesizer] = field(default_factory=list)
    """Those that may be used here, best first."""
    failures: dict[str, AssistantError] = field(default_factory=dict)
    """Why an engine cannot be used, by name."""
    forbidden: list[str] = field(default_factory=list)
    """Those that ``deployment.cloud`` forbids."""


async def voices(app: App, stack: AsyncExitStack, seen: Seen) -> Voices:
    """Each voice in use; the assistant needs one of them. Those that work stay open until ``stack`` closes."""
    result = Voices()
    for name, settings in app.settings.tts.chosen():
        part = f"voice {name}"
        try:
            voice: Synthesizer = registry.create("tts", name, settings, app.resources)
            if voice.capabilities.needs_network and app.settings.deployment.cloud is Cloud.NEVER:
                result.forbidden.append(name)
                result.findings.append(forbidden(name))
                continue
            result.engines.append(voice)
            known = await stack.enter_async_context(opened(app, voice, seen))
            result.findings.append(await cloning(part, voice) if known.clones else described(part, known))
        except AssistantError as error:
            result.failures[name] = error
            result.findings.append(failing(part, error))
    if len(result.failures) < len(result.engines):
        result.findings = stood_in_for(result.findings)
    return result


def forbidden(name: str) -> Finding:
    """A voice that is in use and may not be asked."""
    reason = "never speaks: it sends texts off this machine, which deployment.cloud: never forbids"
    return Finding(f"voice {name}", State.WARNS, reason, "Remove it from tts.use, or allow it.")


async def cloning(part: str, voice: Synthesizer) -> Finding:
    """Start an engine that speaks with the voices of samples, for only then its pace is known."""
    name, languages = voice.capabilities.name, voice.capabilities.languages
    try:
        async with asyncio.timeout(ENGINE_START_S):
            await voice.ready(Voice("", "en" if "en" in languages else min(languages, default="en")))
    except TimeoutError as error:
        raise ProviderTimeout(f"{name} was not ready within {ENGINE_START_S:.0f} s.") from error
    known = voice.capabilities
    if known.caution is not None or known.real_time_factor is None:
        return described(part, known)
    pace = f"{known.real_time_factor:.2f} s of work for a second of speech"
    return Finding(part, State.WORKS, f"{name} is loaded, {pace}")


def stood_in_for(found: list[Finding]) -> list[Finding]:
    """Where one of several works, the others are worth a warning only."""
    return [replace(one, state=State.WARNS) if one.state is State.FAILS else one for one in found]


def cloud(app: App, seen: Seen) -> Finding:
    """What leaves this machine."""
    policy, remote = app.settings.deployment.cloud, ", ".join(seen.remote)
    if policy is Cloud.NEVER:
        return Finding("cloud", State.WORKS, "never: nothing leaves this machine")
    if not remote:
        return Finding("cloud", State.WORKS, f"{policy}, but nothing in use sends anything off this machine")
    return Finding("cloud", State.WORKS, f"{policy}: {remote} may send texts off this machine")
