"""Personalities: who can speak, and who does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response

from assistant.http.bodies import Answer, Body, Document
from assistant.http.calling import CallerNow
from assistant.http.choices import Choices, choices
from assistant.http.problem import Refused
from assistant.http.recordings import check_recording
from assistant.http.service import Service
from assistant.personalities.document import PersonalityDocument
from assistant.personalities.rows import Stored
from assistant.personalities.store import GIVEN_BY_PROGRAM
from assistant.personalities.upgrade import upgrade_document

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


class Activation(Body):
    """How to switch."""

    at_once: bool = True
    """True: an answer that is being spoken goes on in the new voice, and an idle assistant greets. False: from the
    next turn."""


def routes(service: Service) -> APIRouter:
    """``/api/admin/ai-personalities`` and what its forms can offer."""
    router = APIRouter(tags=["personalities"])
    _to_look_at(router, service)
    _to_change(router, service)
    _to_have_speak(router, service)
    return router


def _to_look_at(router: APIRouter, service: Service) -> None:
    @router.get("/api/admin/choices", summary="What a personality's form can offer")
    async def form_choices(_: CallerNow) -> Choices:
        """Languages, wake words, engines, and the range of every voice setting."""
        return choices(service)

    @router.get(PATH, summary="List personalities")
    async def everyone(caller: CallerNow) -> Everyone:
        """All of the caller's shop."""
        store = service.store(caller)
        await store.first()
        return Everyone(personalities=[told(one) for one in await store.everyone()])

    @router.get(f"{PATH}/{{id}}", summary="Show a personality")
    async def show(id: str, caller: CallerNow, response: Response) -> PersonalityThere:  # noqa: A002 - the path's word
        """By id, the beginning of one, or name. Its ETag goes with changes as `If-Match`."""
        return _with_tag(await service.store(caller).get(id), response)


def _to_change(router: APIRouter, service: Service) -> None:
    @router.post(PATH, status_code=201, summary="Make a personality")
    async def add(body: Document, caller: CallerNow, response: Response) -> PersonalityThere:
        """A document without `id`; whatever is left out has its default, only `name` is needed."""
        check_recording(body, service.memory.samples.folder.name, caller.tenant)
        document = upgrade_document({key: body[key] for key in body if key not in {*GIVEN_BY_PROGRAM, *TOLD_ONLY}})
        if isinstance(document.get("voice_config"), dict):
            document["voice_config"].pop("stats", None)  # it has not spoken yet, whatever a copy says
        async with service.changing(caller) as store:
            await store.first()
            new = await store.add(document)
        response.headers["Location"] = f"{PATH}/{new.document.id}"
        return _with_tag(new, response)

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

        async with service.changing(caller) as store:
            changed = await store.change(id, edit, unchanged)
        return _with_tag(changed, response)

    @router.delete(f"{PATH}/{{id}}", status_code=204, summary="Remove a personality")
    async def remove(id: str, caller: CallerNow) -> None:  # noqa: A002 - the path's word
        """With its recording and all that was made of it. The active one and the last one cannot be removed."""
        async with service.voices(caller) as changing:
            gone = await service.store(caller).remove(id)
            await changing.forget(gone)  # who agreed to be cloned agreed to it for this one


def _to_have_speak(router: APIRouter, service: Service) -> None:
    @router.post(f"{PATH}/{{id}}/activate", summary="Have a personality speak")
    async def activate(
        id: str,  # noqa: A002 - the path's word
        caller: CallerNow,
        body: Activation | None = None,
    ) -> PersonalityThere:
        """It speaks from now on."""
        at_once = (body or Activation()).at_once
        async with service.changing(caller) as store:
            used, _ = await store.use(id, at_once=at_once)
        return told(used)


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
    return told(one)


def told(one: Stored) -> PersonalityThere:
    """As callers see it."""
    document = one.document.model_dump(mode="json")
    return PersonalityThere(**document, active=one.active, problems=list(one.problems))
