"""The engines in use and their voices: what they can do, and in which state they are."""

from __future__ import annotations

from typing import Literal

from assistant.http.bodies import Answer
from assistant.http.service import Service
from assistant.http.wishes import language_of, piper_voices
from pipeline.fallback import RESTING, TOO_SLOW
from pipeline.on_demand import OnDemandSynthesizer
from pipeline.routing import Route
from pipeline.speech import Personality

EngineState = Literal["works", "failing", "unavailable", "forbidden"]


class EngineFacts(Answer):
    """An engine in use."""

    name: str
    languages: list[str]
    """ISO 639-1 codes; empty means any."""
    clones: bool
    """Speaks with the voice of a recording."""
    streams: bool
    """Its first sound comes before the whole sentence is made."""
    needs_network: bool
    """Sends texts off this machine."""
    local: bool
    """Nothing leaves the house."""
    licence: str
    """Of the model in use, where it is known."""
    state: EngineState
    """`works`, `failing` (it rests and is tried again by real use), `unavailable` (something is missing), `forbidden`
    (by `deployment.cloud`)."""
    reason: str
    """Why it is in that state."""
    remedy: str
    """What to do about it."""
    real_time_factor: float | None
    """Seconds of work for a second of sound, as measured here; above 1 a listener would hear gaps."""


class VoiceFacts(Answer):
    """A voice of an engine that has voices of its own."""

    provider: str
    voice: str
    """The engine's name for it."""
    language: str
    """ISO 639-1."""
    installed: bool
    licence: str
    commercial: Literal["yes", "no", "unknown"]
    """Whether a shop may use it."""


class RouteFacts(Answer):
    """A way in which a personality can speak."""

    provider: str
    voice: str
    state: Literal["speaks", "stands_by", "resting", "unavailable", "too_slow"]
    """`speaks`: the next sentence is its; `stands_by`: it is asked where those before it fail."""
    reason: str


class PassedOver(Answer):
    """What a personality asks for and cannot have."""

    provider: str
    error: str
    """`not_in_use`, `no_sample`, `no_cloning`, `cloud_never`, `cloud_in_emergency_only`, or an engine's own code."""


class SpeaksNow(Answer):
    """Who will say the next sentence."""

    provider: str
    voice: str
    reason: str


class Prospect(Answer):
    """Who speaks for a personality now, and why."""

    speaks_now: SpeaksNow | None
    """None where no voice can speak; then a recording says sorry."""
    routes: list[RouteFacts]
    """All ways, in the order in which they are asked."""
    passed_over: list[PassedOver]


WHY = {
    "not_in_use": "{0} is not in use here (tts.use)",
    "no_sample": "there is no recording yet",
    "no_cloning": "{0} cannot speak with a recording",
    "cloud_never": "deployment.cloud: never forbids {0}",
    "cloud_in_emergency_only": "{0} is kept for emergencies (deployment.cloud)",
}


def engine_facts(service: Service) -> list[EngineFacts]:
    """Those in use, best first, and those that the settings forbid."""
    found = [_engine(service, one) for one in service.parts.engines]
    there = {one.name for one in found}
    for name in service.settings.tts.use:
        if name not in there:
            found.append(
                EngineFacts(
                    name=name,
                    languages=[],
                    clones=False,
                    streams=False,
                    needs_network=True,
                    local=False,
                    licence="",
                    state="forbidden",
                    reason="It sends texts off this machine, which deployment.cloud: never forbids.",
                    remedy="Remove it from tts.use, or allow it.",
                    real_time_factor=None,
                )
            )
    return found


def voice_facts(service: Service) -> list[VoiceFacts]:
    """Voices of Piper (those of the catalogue and the owner's own) and of engines that are always there."""
    models = service.app.models
    found = []
    for name in piper_voices(service):
        catalogued = models.catalogue.get(name) if name in models.catalogue else None
        found.append(
            VoiceFacts(
                provider="piper",
                voice=name,
                language=language_of(name),
                installed=catalogued is None or models.state(name) != "missing",
                licence=catalogued.licence.name if catalogued is not None else "your own",
                commercial=catalogued.licence.commercial if catalogued is not None else "unknown",
            )
        )
    return found


def prospect(service: Service, who: Personality) -> Prospect:
    """Who speaks for a personality now, and why. Nothing is started for it."""
    voice = service.parts.voice
    routing = voice.router.routes(who.voice, who.language)
    told = [(route, *_state(service, route)) for route in routing.routes]
    first = next((route for route, state, _ in told if state == "stands_by"), None)
    if first is None:  # those that rest are asked where nobody else can
        first = next((route for route, state, _ in told if state in {"resting", "too_slow"}), None)
    passed = [PassedOver(provider=one.provider, error=one.error or "") for one in routing.passed_over]
    return Prospect(
        speaks_now=None if first is None else _speaks(first, who, passed, told),
        routes=[
            RouteFacts(
                provider=route.provider,
                voice=route.voice.name or ("recording" if route.voice.sample else ""),
                state="speaks" if route is first else state,
                reason=reason,
            )
            for route, state, reason in told
        ],
        passed_over=passed,
    )


def _speaks(
    route: Route, who: Personality, passed: list[PassedOver], told: list[tuple[Route, _State, str]]
) -> SpeaksNow:
    reasons = [WHY.get(one.error, f"{{0}}: {one.error}").format(one.provider) for one in passed]
    for other, state, reason in told:
        if other is route:
            break
        reasons.append(f"{other.provider} {_WORDS[state]}{f' ({reason})' if reason else ''}")
    if route.voice.sample:
        wanted = "It speaks with the recording"
    elif route.provider == who.voice.provider and not reasons:
        wanted = "It is the personality's own voice"
    else:
        wanted = "It stands in"
    why = "; ".join(dict.fromkeys(reasons))
    reason = f"{wanted}: {why}." if why else f"{wanted}."
    return SpeaksNow(provider=route.provider, voice=route.voice.name, reason=reason)


_State = Literal["stands_by", "resting", "unavailable", "too_slow"]

_WORDS: dict[_State, str] = {
    "stands_by": "stands by",
    "resting": "has failed and rests",
    "unavailable": "is not available",
    "too_slow": "is slower than speech on this machine",
}


def _state(service: Service, route: Route) -> tuple[_State, str]:
    engine = next((one for one in service.parts.engines if one.capabilities.name == route.provider), None)
    if engine is not None and engine.failure is not None:
        return "unavailable", engine.failure.message
    if service.parts.voice.health.resting(route.provider, route.part):
        return RESTING, ""  # type: ignore[return-value]
    if service.parts.voice.too_slow(route):
        return TOO_SLOW, ""  # type: ignore[return-value]
    return "stands_by", ""


def _engine(service: Service, engine: OnDemandSynthesizer) -> EngineFacts:
    known, failure = engine.capabilities, engine.failure
    state: EngineState = "works"
    reason = remedy = ""
    if failure is not None:
        state, reason, remedy = "unavailable", failure.message, failure.remedy
    elif service.parts.voice.health.failing(known.name, None):
        state, reason = "failing", "It failed and rests; real use tries it again."
    elif known.caution is not None:
        reason, remedy = known.caution.message, known.caution.remedy
    return EngineFacts(
        name=known.name,
        languages=sorted(known.languages),
        clones=known.clones,
        streams=known.streams,
        needs_network=known.needs_network,
        local=not known.cloud,
        licence=known.licence,
        state=state,
        reason=reason,
        remedy=remedy,
        real_time_factor=known.real_time_factor,
    )
