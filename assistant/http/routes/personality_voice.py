"""A personality's voice: its recording, who speaks for it now, and phrases spoken beforehand."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, File, Form, Response, UploadFile
from pydantic import Field
from starlette.requests import Request

from assistant.http.bodies import Answer, Body
from assistant.http.calling import CallerNow
from assistant.http.engines import Prospect, prospect
from assistant.http.routes.personalities import PATH, PersonalityThere, told
from assistant.http.routes.upkeep import JobTold
from assistant.http.service import Service
from assistant.http.sound import in_parts
from assistant.samples.errors import SampleMissing
from assistant.samples.quality import Verdict
from assistant.voice_outlook import outlook


class Measure(Answer):
    """One measure of a recording."""

    name: str
    """`level`, `clipping`, `noise`, `speech`, `speakers`, `echo`, `file`."""
    value: float
    unit: str
    verdict: Verdict
    advice: str
    """For whoever recorded it."""


class QualityReport(Answer):
    """How well a recording will serve."""

    verdict: Verdict
    """The worst of all measures."""
    findings: list[Measure]


class OutlookTold(Answer):
    """Which engine will speak with the recording."""

    provider: str
    """Empty where none can here."""
    ready: bool
    reason: str
    remedy: str


class TracesDeleted(Answer):
    """What was deleted."""

    samples: int
    """Recordings."""
    latents: int
    """Files that engines had made of them."""
    sentences: int
    """Sentences that had been spoken with them."""


class VoiceUploaded(Answer):
    """A personality has a voice of its own."""

    personality: PersonalityThere
    duration_s: float
    """Length of the sample that was kept, seconds."""
    quality: QualityReport
    replaced: TracesDeleted
    """What was deleted of the recording before it."""
    outlook: OutlookTold


class VoiceRemoved(Answer):
    """A personality has no voice of its own any more."""

    personality: PersonalityThere
    deleted: TracesDeleted


class Phrases(Body):
    """Sentences to speak beforehand."""

    phrases: list[Annotated[str, Field(min_length=1, max_length=500)]] = Field(min_length=1, max_length=500)
    """Each of at most 500 characters."""


def routes(service: Service) -> APIRouter:
    """``/api/admin/ai-personalities/{id}/voice``."""
    router = APIRouter(tags=["personalities"])

    @router.post(f"{PATH}/{{id}}/voice/upload", summary="Give it the voice of a recording")
    async def upload(
        id: str,  # noqa: A002 - the path's word
        caller: CallerNow,
        file: Annotated[UploadFile, File(description="6 to 30 s of one person: WAV, MP3, M4A, AAC, FLAC, OGG, WebM.")],
        consent: Annotated[str, Form(description="Who agreed to be cloned, how and when.", max_length=1000)],
    ) -> VoiceUploaded:
        """The recording is trimmed, judged and kept; the one before it is deleted."""
        async with service.voices(caller) as changing:
            done = await changing.upload(id, file.file, consent)
        prospect_then = await outlook(service.app, done.personality.document.personality())
        return VoiceUploaded(
            personality=told(done.personality),
            duration_s=round(done.duration_s, 2),
            quality=QualityReport(
                verdict=done.quality.verdict,
                findings=[Measure(**asdict(one)) for one in done.quality.findings],
            ),
            replaced=TracesDeleted(**asdict(done.replaced)),
            outlook=OutlookTold(**asdict(prospect_then)),
        )

    @router.delete(f"{PATH}/{{id}}/voice/upload", summary="Take the recorded voice away")
    async def remove_voice(id: str, caller: CallerNow) -> VoiceRemoved:  # noqa: A002 - the path's word
        """Deletes the recording and all that was made of it; the note of who had agreed is kept."""
        async with service.voices(caller) as changing:
            done = await changing.remove(id)
        return VoiceRemoved(personality=told(done.personality), deleted=TracesDeleted(**asdict(done.traces)))

    @router.get(
        f"{PATH}/{{id}}/voice/sample",
        summary="Hear the recording",
        response_class=Response,
        responses={200: {"content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}}},
    )
    async def sample(id: str, caller: CallerNow, request: Request) -> Response:  # noqa: A002 - the path's word
        """As it is kept: WAV, 24 kHz, one channel."""
        stored = await service.store(caller).get(id)
        address = stored.document.voice_config.voice_sample_url
        if not address:
            raise SampleMissing(f"{stored.document.name} has no voice of its own.")
        content = await service.memory.samples.read(address)
        tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
        return in_parts(content, tag, "audio/wav", request.headers)

    @router.get(f"{PATH}/{{id}}/voice", summary="Who speaks for it now, and why")
    async def voice(id: str, caller: CallerNow) -> Prospect:  # noqa: A002 - the path's word
        """All engines in the order in which they are asked, each with its state."""
        return prospect(service, (await service.store(caller).get(id)).document.personality())

    @router.post(f"{PATH}/{{id}}/voice/render", status_code=202, summary="Speak phrases beforehand")
    async def render(id: str, body: Phrases, caller: CallerNow) -> JobTold:  # noqa: A002 - the path's word
        """A job: sentences are made with its own voice and lie in the cache from then on."""
        who = (await service.store(caller).get(id)).document.personality()
        return JobTold.model_validate((await service.start_rendering(caller, who, body.phrases)).as_dict())

    return router
