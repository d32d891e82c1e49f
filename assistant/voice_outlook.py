"""Who will speak for a personality that has a recording, and how quickly: told when the recording comes."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from assistant.app import App
from pipeline.errors import AssistantError
from pipeline.on_demand import OnDemandSynthesizer
from pipeline.routing import SpeechRouter
from pipeline.speech import Personality

ENGINES = "tts.use: [xtts_v2, piper, espeak_ng] in config.yaml, then ./install.sh xtts"
"""What to do where no engine in use clones."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a personality's voice meets here."""

    provider: str
    """The engine that will speak with the recording; "" where none can."""
    ready: bool
    reason: str
    """For people."""
    remedy: str = ""


async def outlook(app: App, who: Personality) -> Outlook:
    """Look which engine can take the recording, without starting it."""
    async with AsyncExitStack() as stack:
        engines = [one for one in app.synthesizers() if one.capabilities.clones]
        for engine in engines:
            await stack.enter_async_context(engine)
        return _judged(who, engines, app)


def _judged(who: Personality, engines: list[OnDemandSynthesizer], app: App) -> Outlook:
    routing = SpeechRouter(engines, app.settings.deployment.cloud).routes(who.voice, who.language)
    failures: list[tuple[str, AssistantError]] = []
    for route in routing.routes:
        engine = next(one for one in engines if one.capabilities.name == route.provider)
        if engine.failure is None:
            return Outlook(
                route.provider,
                ready=True,
                reason=f"{route.provider} speaks with it. How quickly on this machine: assistant check",
            )
        failures.append((route.provider, engine.failure))
    if failures:
        name, error = failures[0]
        return Outlook(
            "", ready=False, reason=f"{name} cannot speak here yet: {error.message} Until then the fallback speaks.",
            remedy=error.remedy,
        )  # fmt: skip
    return Outlook(
        "",
        ready=False,
        reason=f"No engine in use can speak {who.language} with it, so the fallback speaks.",
        remedy=f"Set {ENGINES}; a shop takes pocket_tts (docs/voices.md).",
    )
