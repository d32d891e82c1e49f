"""Figures and health: for people, for Prometheus, and for whoever restarts what does not live."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from starlette.responses import JSONResponse

from assistant.http.bodies import Answer
from assistant.http.calling import CallerNow
from assistant.http.service import Service
from assistant.usage_report import usage_report

SILENT_S = 5.0
"""Seconds without a frame from the microphone after which the assistant is deaf."""


class Alive(Answer):
    """It listens."""

    status: Literal["ok", "unhealthy"]
    reason: str = ""
    """Why it does not."""


class Incident(Answer):
    """Something that went wrong, or a start or an end."""

    id: int
    at: str
    """ISO 8601, when it happened last."""
    first_at: str
    """When it happened first in this row."""
    level: Literal["info", "warning", "error", "critical"]
    part: str
    """The module that told it."""
    message: str
    """What happened, what was done and what to do; it holds no words of customers."""
    times: int
    """How often in a row."""


class IncidentPage(Answer):
    """Some rows of the incident log."""

    incidents: list[Incident]
    """Newest first."""
    next: int | None
    """`before` of the page that follows; null where none does."""


def routes(service: Service) -> APIRouter:
    """``/api/stats``, ``/api/health``, ``/api/incidents``, ``/metrics``, ``/healthz``."""
    router = APIRouter(tags=["figures"])

    @router.get("/api/stats", summary="Usage and latency")
    async def stats(
        caller: CallerNow, days: Annotated[int, Query(ge=1, le=3650, description="Of so many last days.")] = 30
    ) -> dict[str, Any]:
        """By provider, personality and day, with what is left of free amounts and what the cache holds."""
        if service.memory.statistics is not None:
            await service.memory.statistics.write()
        found = await usage_report(service.app, service.database, caller.tenant, days)
        return found if caller.here else _of_the_shop(found)

    @router.get("/api/health", summary="What works, what does not, what to do")
    async def health(_: CallerNow) -> dict[str, Any]:
        """Parts, models, licences, disk and the last incidents."""
        return await service.health()

    @router.get("/api/incidents", summary="What went wrong, page by page")
    async def incidents(
        _: CallerNow,
        limit: Annotated[int, Query(ge=1, le=500, description="Rows of one page.")] = 50,
        before: Annotated[int | None, Query(ge=1, le=2**62, description="Rows older than this one.")] = None,
        level: Annotated[Literal["info", "warning", "error"] | None, Query(description="Only these.")] = None,
    ) -> IncidentPage:
        """Kept for 90 days, at most 2,000 rows; equal ones in a row are one."""
        await service.memory.incidents.write()
        found, following = await service.memory.incidents.page(limit=limit, before=before, level=level)
        return IncidentPage(incidents=[Incident(**one) for one in found], next=following)

    @router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
    async def metrics(_: CallerNow) -> Response:
        """In Prometheus' text format; send the token as bearer token."""
        await service.count()
        return Response(service.metrics.expose(), media_type=service.metrics.MEDIA_TYPE)

    @router.get("/healthz", summary="Whether it listens", responses={200: {"model": Alive}, 503: {"model": Alive}})
    async def healthz() -> Response:
        """503 where no frame came from the microphone for five seconds."""
        age_s = service.last_frame_s()
        if age_s is not None and age_s < SILENT_S:
            return JSONResponse(Alive(status="ok").model_dump())
        reason = "No sound has come from the microphone yet." if age_s is None else (
            f"No sound has come from the microphone for {age_s:.0f} s."
        )  # fmt: skip
        return JSONResponse(Alive(status="unhealthy", reason=reason).model_dump(), 503)

    return router


def _of_the_shop(found: dict[str, Any]) -> dict[str, Any]:
    """Without what is counted for this machine as a whole: that tells of the shop whose assistant runs here."""
    cache = found["cache"] | {"entries": 0, "audio_s": 0.0, "size_mb": 0.0, "oldest_s": None, "hit_rate": None}
    rows = {key: [row for row in found[key] if row["stage"] == "tts"] for key in ("providers", "days")}
    return found | rows | {"latency_now_ms": [], "cloud": [], "quota": [], "cache": cache}
