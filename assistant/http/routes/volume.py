"""How loud the assistant of this machine speaks."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from assistant.http.bodies import Answer, Body
from assistant.http.calling import CallerNow
from assistant.http.service import Service
from pipeline.loudness import HIGHEST_DB, LOWEST_DB


class VolumeWanted(Body):
    """How loud."""

    volume_db: float = Field(ge=LOWEST_DB, le=HIGHEST_DB, allow_inf_nan=False, examples=[-6.0])
    """Decibels, -30 to 12; 0 leaves the voices as they are. A restart does not end it."""


class Volume(Answer):
    """How loud."""

    volume_db: float
    """As it was set."""
    gain_db: float
    """Of what is said next: with what the customer asked for and what the room's noise adds."""
    preset_db: float
    """What the settings say."""
    lowest_db: float
    highest_db: float


def routes(service: Service) -> APIRouter:
    """``/api/volume``."""
    router = APIRouter(tags=["machine"])
    volume = service.parts.volume

    def told() -> Volume:
        loudness = volume.loudness
        return Volume(
            volume_db=loudness.volume_db,
            gain_db=round(loudness.gain_db, 1),
            preset_db=service.settings.audio.loudness.volume_db,
            lowest_db=LOWEST_DB,
            highest_db=HIGHEST_DB,
        )

    @router.get("/api/volume", summary="How loud it speaks")
    async def how_loud(_: CallerNow) -> Volume:
        """In decibels; ten more sound about twice as loud."""
        return told()

    @router.put("/api/volume", summary="Speak louder or softer")
    async def speak(body: VolumeWanted, _: CallerNow) -> Volume:
        """Heard within half a second, also in an answer that is being spoken. It is never clipped."""
        volume.set(body.volume_db)
        return told()

    return router
