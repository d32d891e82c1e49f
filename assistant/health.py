"""What works, what does not and what to do, told by the running parts: nothing is opened or loaded for it."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.app import App
from assistant.checking import parts as checks
from assistant.checking.finding import Finding, State, failing
from assistant.checking.licences import licences
from assistant.checking.quota import quota
from assistant.checking.storage import Stored, cache, disk, fullest
from assistant.device_place import Absence
from assistant.models.catalogue import Model
from assistant.parts import Memory
from assistant.recordings import recording_finding
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.errors import AssistantError
from pipeline.on_demand import OnDemand
from pipeline.protocols import Agent, Capabilities
from providers.model_worker import Cancelled, ModelWorker

DISK_S = 10.0
"""Seconds that a look at the files of models may take."""

SILENT_S = 5.0
"""Seconds without a frame after which the microphone is dead."""


@dataclass(frozen=True, slots=True)
class Running:
    """The parts that tell about themselves."""

    voices: Iterable[OnDemand[Any]]
    """Those that may be asked."""
    voice_health: CircuitBreaker
    recognisers: Iterable[OnDemand[Any]]
    agent: Agent
    last_frame_s: float | None
    """Seconds since sound came from the microphone; None before the first."""
    dropped_s: float
    """Seconds of sound that were lost."""
    level_db: float | None = None
    """Of what the microphone delivered last, dB relative to full scale; None where nobody measures."""
    speaker: str = ""
    """The loudspeaker's name."""
    recogniser_health: CircuitBreaker | None = None
    muted: bool = False
    """Nothing is heard because somebody wants it so."""
    missing: Mapping[str, Absence] = field(default_factory=dict)
    """``microphone`` or ``speaker``, where there is none."""


async def health(app: App, memory: Memory, running: Running, incidents: list[dict[str, Any]]) -> dict[str, Any]:
    """For ``GET /api/health``."""
    seen = checks.Seen()
    found = [
        _microphone(running),
        *_loudspeaker(running),
        *_voices(app, running, seen),
        *_recognisers(app, running, seen),
        _agent(app, running, seen),
    ]
    stored = _stored(memory)
    found.append(stored.finding)
    for part, attempt in (("speech cache", cache), ("quota", quota)):
        try:
            found.append(await attempt(app, stored))
        except AssistantError as error:
            found.append(failing(part, error))
    found.append(checks.cloud(app, seen))
    looked = await _looked(app, seen)
    return {
        "muted": running.muted,
        "findings": [one.as_dict() for one in (*found, *looked.findings)],
        "models": looked.models,
        "disk": looked.disk,
        "incidents": incidents,
    }


@dataclass(frozen=True, slots=True)
class _Looked:
    """What files tell."""

    findings: list[Finding]
    models: list[dict[str, Any]]
    disk: dict[str, float]


_looking: dict[ModelWorker, float] = {}
"""Threads that look at files just now, and since when on the monotonic clock: on a disk that does not answer they stay,
and no further ones follow.
"""


async def _looked(app: App, seen: checks.Seen) -> _Looked:
    """On a thread, for a slow disk must not stop the conversation; nothing where the disk does not answer."""
    reason = f"the disk has not answered for {DISK_S:g} s"
    dead = Finding("disk", State.FAILS, reason, "Is it a share that went away, or is it broken?")
    silent = _Looked([dead], [], dict.fromkeys(("free_gb", "total_gb", "data_mb", "models_mb"), 0.0))
    if any(time.monotonic() - since_s > DISK_S for since_s in _looking.values()):
        return silent
    worker = ModelWorker("health")
    _looking[worker] = time.monotonic()

    def look(_: Cancelled) -> _Looked:
        try:
            return _look(app, seen)
        finally:
            _looking.pop(worker, None)

    try:
        async with asyncio.timeout(DISK_S):
            return await worker.run(look)
    except TimeoutError:
        return silent
    finally:
        worker.close(wait_s=0)


def _look(app: App, seen: checks.Seen) -> _Looked:
    """Sizes are looked at, and no content is read."""
    models = [_model(app, model) for model in app.models.catalogue.models] + _own(app)
    section = app.settings.recordings
    recorded = recording_finding(app.recording_files(), on=section.enabled, keep_days=section.keep_days)
    return _Looked([*recorded, licences(app, seen), disk(app)], models, _disk(app))


def _microphone(running: Running) -> Finding:
    if (absence := running.missing.get("microphone")) is not None:
        return _missing("microphone", absence)
    age_s = running.last_frame_s
    if age_s is None or age_s > SILENT_S:
        since = "yet" if age_s is None else f"for {age_s:.0f} s"
        return Finding(
            "microphone", State.FAILS, f"no sound has come {since}", "Is it plugged in? See: assistant devices"
        )
    if running.dropped_s:
        reason = f"{running.dropped_s:.1f} s of sound were lost since the start: the machine was too busy to listen"
        return Finding("microphone", State.WARNS, reason, "What else runs on this machine?")
    if running.level_db is not None:
        return checks.heard(running.level_db)
    return Finding("microphone", State.WORKS, "delivers sound")


def _loudspeaker(running: Running) -> list[Finding]:
    if (absence := running.missing.get("speaker")) is not None:
        return [_missing("loudspeaker", absence)]
    if not running.speaker:
        return []
    return [Finding("loudspeaker", State.WORKS, f"{running.speaker} is open", "Hear it: assistant say hello")]


def _missing(part: str, absence: Absence) -> Finding:
    reason = f"missing since {absence.since:%H:%M}, and looked for: {absence.error.message}"
    return Finding(part, State.FAILS, reason, absence.error.remedy)


def _voices(app: App, running: Running, seen: checks.Seen) -> list[Finding]:
    voices = list(running.voices)
    found = [_provider("voice", one, running.voice_health, app, seen) for one in voices]
    here = {one.capabilities.name for one in voices}
    never = [checks.forbidden(name) for name in app.settings.tts.use if name not in here]
    return [*_one_is_enough(found), *never]


def _recognisers(app: App, running: Running, seen: checks.Seen) -> list[Finding]:
    return _one_is_enough(
        [_provider("speech to text", one, running.recogniser_health, app, seen) for one in running.recognisers]
    )


def _one_is_enough(found: list[Finding]) -> list[Finding]:
    return found if all(one.state is State.FAILS for one in found) else checks.stood_in_for(found)


def _provider(part: str, one: OnDemand[Any], breaker: CircuitBreaker | None, app: App, seen: checks.Seen) -> Finding:
    known = one.capabilities
    part = f"{part} {known.name}"
    _note(known, app, seen)
    if one.failure is not None:
        return failing(part, one.failure)
    if breaker is not None and breaker.failing(known.name, None):
        return Finding(part, State.WARNS, "failed lately and rests; real use tries it again", "The incidents say why.")
    return checks.described(part, known)


def _agent(app: App, running: Running, seen: checks.Seen) -> Finding:
    known = running.agent.capabilities
    _note(known, app, seen)
    return checks.described("agent", known)


def _note(known: Capabilities, app: App, seen: checks.Seen) -> None:
    """What a provider means for cloud and licences."""
    if known.needs_network:
        seen.remote.append(known.name)
    # Of one with a model from the catalogue it is the model's licence, which stands in the table already.
    if known.licence and known.licence not in {app.licensed.licence(name) for name in tuple(app.licensed.asked)}:
        seen.programs[known.name] = known.licence


def _stored(memory: Memory) -> Stored:
    if memory.database is None:
        reason = "the database cannot be opened; the built-in personalities serve"
        return Stored(Finding("storage", State.FAILS, reason, "Run: assistant check"), None, exists=True)
    problem = memory.database.problem
    if problem is None:
        finding = Finding("storage", State.WORKS, "can be written")
    else:
        finding = Finding("storage", State.WARNS, problem.message, problem.remedy)
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
        "note": f"{judgement.reason} {judgement.remedy}".strip() or model.licence.note,
        "pullable": state != "present" and not (comes_along or judgement.refused),
    }


def _own(app: App) -> list[dict[str, Any]]:
    own = {"about": "", "state": "installed", "size_mb": None, "licence": "your own", "commercial": "unknown"}
    rest = {"verdict": "allowed", "note": "", "pullable": False}
    return [{"name": name, "kind": kind, **own, **rest} for name, kind in app.models.own().items()]


def _disk(app: App) -> dict[str, float]:
    usage = shutil.disk_usage(fullest(app))
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
