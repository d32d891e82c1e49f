"""Personalities and their voices."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Header, Response, UploadFile
from pydantic import Field
from starlette.requests import Request

from assistant.http.bodies import Answer, Body, Document
from assistant.http.calling import CallerNow
from assistant.http.choices import Choices, choices
from assistant.http.engines import Prospect, prospect
from assistant.http.problem import Refused
from assistant.http.recordings import check_recording
from assistant.http.routes.upkeep import JobTold
from assistant.http.service import Service
from assistant.http.sound import in_parts
from assistant.personalities.document import PersonalityDocument
from assistant.personalities.rows import Stored
from assistant.personalities.store import GIVEN_BY_PROGRAM
from assistant.personalities.upgrade import upgrade_document
from assistant.samples.errors import SampleMissing
from assistant.samples.quality import Verdict
from assistant.voice_outlook import outlook

PATH = "/api/admin/ai-personalities"


class PersonalityThere(PersonalityDocument):
    """A personality as it is stored."""

    active: bool
    """Whether it is the one who speaks."""
    problems: list[str]
    """What is wrong with what is stored; defaults serve in its place."""


class Everyone(Answer):
    """All personalities of a shop."""

    personalities: list[PersonalityThere]
    """The oldest first."""


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


class Activation(Body):
    """How to switch."""

    at_once: bool = True
    """True: an answer that is being spoken goes on in the new voice, and an idle assistant greets. False: from the
    next turn."""


class Phrases(Body):
    """Sentences to speak beforehand."""

    phrases: list[Annotated[str, Field(min_length=1, max_length=500)]] = Field(min_length=1, max_length=500)
    """Each of at most 500 characters."""


def routes(service: Service) -> APIRouter:  # noqa: PLR0915 - a list of routes
    """``/api/admin/ai-personalities`` and what its forms can offer."""
    router = APIRouter(tags=["personalities"])

    @router.get("/api/admin/choices", summary="What a personality's form can offer")
    async def form_choices(_: CallerNow) -> Choices:
        """Languages, wake words, engines, and the range of every voice setting."""
        return choices(service)

    @router.get(PATH, summary="List personalities")
    async def everyone(caller: CallerNow) -> Everyone:
        """All of the caller's shop."""
        store = service.store(caller)
        await store.first()
        return Everyone(personalities=[_told(one) for one in await store.everyone()])

    @router.post(PATH, status_code=201, summary="Make a personality")
    async def add(body: Document, caller: CallerNow, response: Response) -> PersonalityThere:
        """A document without `id`; whatever is left out has its default, only `name` is needed."""
        check_recording(body, service.memory.samples.folder.name, caller.tenant)
        store = service.store(caller)
        await store.first()
        document = upgrade_document({key: body[key] for key in body if key not in {*GIVEN_BY_PROGRAM, *TOLD_ONLY}})
        if isinstance(document.get("voice_config"), dict):
            document["voice_config"].pop("stats", None)  # it has not spoken yet, whatever a copy says
        new = await store.add(document)
        response.headers["Location"] = f"{PATH}/{new.document.id}"
        return _with_tag(new, response)

    @router.get(f"{PATH}/{{id}}", summary="Show a personality")
    async def show(id: str, caller: CallerNow, response: Response) -> PersonalityThere:  # noqa: A002 - the path's word
        """By id, the beginning of one, or name. Its ETag goes with changes as `If-Match`."""
        return _with_tag(await service.store(caller).get(id), response)

    @router.put(f"{PATH}/{{id}}", summary="Change a personality")
    async def change(
        id: str,  # noqa: A002 - the path's word
        body: Document,
        caller: CallerNow,
        response: Response,
        if_match: Annotated[str | None, Header()] = None,
    ) -> PersonalityThere:
        """Keys that are left out stay as they are, `null` takes the default. With `If-Match` it is refused where
        somebody else changed the personality meanwhile."""

        def edit(raw: dict[str, Any]) -> dict[str, Any]:
            check_recording(body, service.memory.samples.folder.name, caller.tenant, str(raw["id"]))
            return merged(raw, {key: body[key] for key in body if key not in {*GIVEN_BY_PROGRAM, *TOLD_ONLY}})

        def unchanged(_: Any, before: Stored) -> None:
            if if_match is not None and if_match.strip() not in {"*", etag(before)}:
                raise Refused(
                    412,
                    "precondition",
                    f"{before.document.name} was changed by somebody else meanwhile.",
                    remedy="Load it again, then make your change.",
                )

        return _with_tag(await service.store(caller).change(id, edit, unchanged), response)

    @router.delete(f"{PATH}/{{id}}", status_code=204, summary="Remove a personality")
    async def remove(id: str, caller: CallerNow) -> None:  # noqa: A002 - the path's word
        """With its recording and all that was made of it. The active one and the last one cannot be removed."""
        async with service.voices(caller) as changing:
            gone = await service.store(caller).remove(id)
            await changing.forget(gone)  # who agreed to be cloned agreed to it for this one

    @router.post(f"{PATH}/{{id}}/activate", summary="Have a personality speak")
    async def activate(
        id: str,  # noqa: A002 - the path's word
        caller: CallerNow,
        body: Activation | None = None,
    ) -> PersonalityThere:
        """It speaks from now on."""
        at_once = (body or Activation()).at_once
        used, _ = await service.store(caller).use(id, at_once=at_once)
        return _told(used)

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
            personality=_told(done.personality),
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
        return VoiceRemoved(personality=_told(done.personality), deleted=TracesDeleted(**asdict(done.traces)))

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


TOLD_ONLY = ("active", "problems")
"""Keys that are told with a document and belong to none."""


def merged(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A document with what is wanted in its place, section by section; ``None`` takes the default."""
    new = dict(before)
    for key, value in wanted.items():
        old = before.get(key)
        if value is None:
            new.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(old, Mapping):
            new[key] = merged(old, value)
        else:
            new[key] = value
    return new


def etag(one: Stored) -> str:
    """Changes when somebody changes the personality; what the program counts does not change it."""
    document = one.document.model_dump(mode="json")
    document["voice_config"].pop("stats", None)
    document.pop("updated_at", None)
    return f'"{hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:24]}"'


def _with_tag(one: Stored, response: Response) -> PersonalityThere:
    response.headers["ETag"] = etag(one)
    return _told(one)


def _told(one: Stored) -> PersonalityThere:
    document = one.document.model_dump(mode="json")
    return PersonalityThere(**document, active=one.active, problems=list(one.problems))
