"""What works, what does not and what to do, told by the running parts: nothing is opened or loaded for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.app import App
from assistant.checking import parts as checks
from assistant.checking.finding import Finding, State, failing
from assistant.checking.licences import licences
from assistant.checking.quota import quota
from assistant.checking.storage import Stored, cache, disk
from assistant.models.catalogue import Model
from assistant.parts import Memory
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.errors import AssistantError
from pipeline.on_demand import OnDemand
from pipeline.protocols import Agent

SILENT_S = 5.0
"""Seconds without a frame after which the microphone is dead."""


@dataclass(frozen=True, slots=True)
class Running:
    """The parts that tell about themselves."""

    voices: Iterable[OnDemand[Any]]
    voice_health: CircuitBreaker
    recognisers: Iterable[OnDemand[Any]]
    agent: Agent
    last_frame_s: float | None
    """Seconds since sound came from the microphone; None before the first."""
    dropped_s: float
    """Seconds of sound that were lost."""


async def health(app: App, memory: Memory, running: Running, incidents: list[dict[str, Any]]) -> dict[str, Any]:
    """For ``GET /api/health``."""
    seen = checks.Seen()
    found = [_microphone(running), *_voices(running, seen), *_recognisers(running, seen), _agent(running, seen)]
    stored = _stored(memory)
    found.append(stored.finding)
    for attempt in (cache, quota):
        try:
            found.append(await attempt(app, stored))
        except AssistantError as error:
            found.append(failing(attempt.__name__, error))
    found += [checks.cloud(app, seen), licences(app, seen), disk(app)]
    return {
        "findings": [one.as_dict() for one in found],
        "models": [_model(app, model) for model in app.models.catalogue.models] + _own(app),
        "disk": _disk(app),
        "incidents": incidents,
    }


def _microphone(running: Running) -> Finding:
    age_s = running.last_frame_s
    if age_s is None or age_s > SILENT_S:
        since = "yet" if age_s is None else f"for {age_s:.0f} s"
        return Finding(
            "microphone", State.FAILS, f"no sound has come {since}", "Is it plugged in? See: assistant devices"
        )
    if running.dropped_s:
        reason = f"{running.dropped_s:.1f} s of sound were lost since the start: the machine was too busy to listen"
        return Finding("microphone", State.WARNS, reason, "What else runs on this machine?")
    return Finding("microphone", State.WORKS, "delivers sound")


def _voices(running: Running, seen: checks.Seen) -> list[Finding]:
    found = [_provider("voice", one, running.voice_health, seen) for one in running.voices]
    return found if all(one.state is State.FAILS for one in found) else checks.stood_in_for(found)


def _recognisers(running: Running, seen: checks.Seen) -> list[Finding]:
    found = [_provider("speech to text", one, None, seen) for one in running.recognisers]
    return found if all(one.state is State.FAILS for one in found) else checks.stood_in_for(found)


def _provider(part: str, one: OnDemand[Any], breaker: CircuitBreaker | None, seen: checks.Seen) -> Finding:
    known = one.capabilities
    part = f"{part} {known.name}"
    if known.needs_network:
        seen.remote.append(known.name)
    if one.failure is not None:
        return failing(part, one.failure)
    if breaker is not None and breaker.failing(known.name, None):
        return Finding(part, State.WARNS, "failed lately and rests; real use tries it again", "The incidents say why.")
    return checks.described(part, known)


def _agent(running: Running, seen: checks.Seen) -> Finding:
    known = running.agent.capabilities
    if known.needs_network:
        seen.remote.append(known.name)
    return checks.described("agent", known)


def _stored(memory: Memory) -> Stored:
    if memory.database is None:
        reason = "the database cannot be opened; the built-in personalities serve"
        return Stored(Finding("storage", State.FAILS, reason, "Run: assistant check"), None, exists=True)
    problem = memory.database.problem
    finding = failing("storage", problem) if problem is not None else Finding("storage", State.WORKS, "can be written")
    return Stored(finding, memory.database, exists=True)


def _model(app: App, model: Model) -> dict[str, Any]:
    judgement, state = app.licensed.judgement(model.name), app.models.state(model.name)
    comes_along = model.bundled or model.package is not None
    size = model.size_bytes
    return {
        "name": model.name,
        "kind": model.kind,
        "about": model.about,
        "state": ("bundled" if comes_along else "installed") if state == "present" else state,
        "size_mb": None if size is None else round(size / 1e6, 1),
        "licence": model.licence.name,
        "commercial": model.licence.commercial,
        "verdict": str(judgement.verdict),
        "note": judgement.reason or model.licence.note,
        "pullable": state != "present" and not (comes_along or judgement.refused),
    }


def _own(app: App) -> list[dict[str, Any]]:
    own = {"about": "", "state": "installed", "size_mb": None, "licence": "your own", "commercial": "unknown"}
    rest = {"verdict": "allowed", "note": "", "pullable": False}
    return [{"name": name, "kind": kind, **own, **rest} for name, kind in app.models.own().items()]


def _disk(app: App) -> dict[str, float]:
    usage = shutil.disk_usage(app.folder)
    return {
        "free_gb": round(usage.free / 1e9, 1),
        "total_gb": round(usage.total / 1e9, 1),
        "data_mb": _size_mb(app.folder / app.settings.storage.folder),
        "models_mb": _size_mb(app.models.folder),
    }


def _size_mb(folder: Path) -> float:
    """Of all files in it; links are followed once, as the models' folder may be one."""
    total = 0
    for path in folder.rglob("*"):
        try:
            if path.is_file() and not path.is_symlink():
                total += path.stat().st_size
        except OSError:
            continue  # it is just being removed
    return round(total / 1e6, 1)
