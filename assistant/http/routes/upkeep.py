"""Models, long work, sound devices and the sound check."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from assistant.http.bodies import Answer, Body
from assistant.http.calling import CallerNow
from assistant.http.problem import Missing
from assistant.http.service import Service
from assistant.sound_check import measure_echo


class JobTold(Answer):
    """Long work."""

    id: str
    kind: str
    """`pull` or `render`."""
    what: str
    """A model's or a personality's name."""
    state: Literal["running", "done", "failed", "cancelled"]
    progress: float | None
    """0 to 1; null where it cannot be told."""
    said: str
    """What it does just now."""
    result: dict[str, Any] | None
    problem: dict[str, Any] | None
    """Why it failed: `code`, `detail`, `remedy`."""
    started_at: str
    """ISO 8601."""
    ended_at: str | None


class JobList(Answer):
    """Those of the caller's shop."""

    jobs: list[JobTold]
    """Newest first."""


class Devices(Answer):
    """Microphones and loudspeakers of this machine."""

    microphones: list[dict[str, Any]]
    """`name`, `system`, `channels`, `rate_hz`, `default` of each."""
    speakers: list[dict[str, Any]]
    chosen: dict[str, str | None]
    """`microphone` and `speaker` in use; null for the system's own choice."""


class DeviceChoice(Body):
    """Which to use from now on; what is left out stays."""

    microphone: str | None = Field(None, max_length=200)
    """A name of the list; null for the system's own choice."""
    speaker: str | None = Field(None, max_length=200)
    """As `microphone`."""


class EchoTold(Answer):
    """What comes back of a sound from the loudspeaker."""

    delay_ms: float | None
    """From the loudspeaker to the microphone's sound in the program; null where nothing was heard."""
    echo_db: float | None
    """Level of what came back, against what was played."""
    noise_db: float
    """The room's noise, dB relative to full scale."""
    heard: bool
    verdict: Literal["good", "fair", "poor"]
    advice: str


def routes(service: Service) -> APIRouter:
    """``/api/models``, ``/api/jobs``, ``/api/devices``, ``/api/soundcheck``."""
    router = APIRouter(tags=["upkeep"])
    jobs, devices = service.jobs, service.parts.devices

    @router.post("/api/models/{name}/pull", status_code=202, summary="Fetch a model")
    async def pull(name: str, caller: CallerNow) -> JobTold:
        """A job; only what is missing or damaged is fetched, and all of it is verified."""
        return JobTold.model_validate(service.start_pull(caller, name).as_dict())

    @router.get("/api/jobs", summary="Long work")
    async def everything(caller: CallerNow) -> JobList:
        """What goes on, and what has ended."""
        return JobList(jobs=[JobTold.model_validate(one.as_dict()) for one in jobs.of(caller.tenant)])

    @router.get("/api/jobs/{id}", summary="One piece of long work")
    async def one(id: str, caller: CallerNow) -> JobTold:  # noqa: A002 - the path's word
        """How far it is."""
        return JobTold.model_validate(_job(service, id, caller.tenant).as_dict())

    @router.delete("/api/jobs/{id}", status_code=202, summary="Stop long work")
    async def cancel(id: str, caller: CallerNow) -> JobTold:  # noqa: A002 - the path's word
        """What it has made so far stays."""
        job = _job(service, id, caller.tenant)
        job.cancel()
        return JobTold.model_validate(job.as_dict())

    @router.get("/api/devices", summary="Microphones and loudspeakers")
    async def listed(_: CallerNow) -> Devices:
        """Those of this machine, and which are in use."""
        return _devices(service)

    @router.put("/api/devices", summary="Choose microphone and loudspeaker")
    async def choose(body: DeviceChoice, _: CallerNow) -> Devices:
        """Takes effect at once, and is kept."""
        await devices.choose(**{name: getattr(body, name) for name in body.model_fields_set})
        return _devices(service)

    @router.post("/api/soundcheck/echo", summary="Measure echo and delay")
    async def echo(_: CallerNow) -> EchoTold:
        """Plays a short sound and listens to what comes back; takes about three seconds."""
        with devices.echo_left_in():
            found = await measure_echo(service.parts.conversation, service.parts.microphone)
        return EchoTold.model_validate(asdict(found))

    return router


def _job(service: Service, key: str, tenant: str) -> Any:
    job = service.jobs.find(key, tenant)
    if job is None:
        raise Missing("There is no such job, or not any more.", remedy="GET /api/jobs lists them.")
    return job


def _devices(service: Service) -> Devices:
    return Devices.model_validate({**service.parts.devices.listed(), "chosen": service.parts.devices.chosen})
