"""What a caller is told when something cannot be done: problem details (RFC 9457), with a code and a remedy."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from assistant.http.speaking import NothingToSay
from assistant.personalities.errors import PersonalityConflict, PersonalityInvalid, PersonalityMissing
from assistant.problems import clipped
from assistant.samples.errors import ConsentMissing, SampleMissing, SampleRefused
from assistant.storage.errors import StorageError
from pipeline.errors import (
    AssistantError,
    DeviceError,
    DeviceMissing,
    LicenceRefused,
    ModelMissing,
    NotReady,
    ProviderError,
    SettingsError,
    without_words,
)

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

RETRY_AFTER_S = 2
"""Seconds after which to ask again for what is just being started."""


class Wrong(BaseModel):
    """One thing that is wrong with a request."""

    where: str
    """The key or parameter, such as ``voice_config.settings.speed``."""
    problem: str
    """What is wrong with it."""


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str = "about:blank"
    """A URI reference that names the kind of problem; ``code`` says it more precisely."""
    title: str = Field(examples=["Not Found"])
    """What the status means."""
    status: int = Field(examples=[404])
    """The HTTP status."""
    detail: str = Field(examples=["There is no personality 'Ana'."])
    """What happened."""
    code: str = Field(examples=["personality_missing"])
    """Stable name of the problem, for programs and translations."""
    remedy: str = Field("", examples=["Known are: Robin, Lucía."])
    """What to do next."""
    errors: list[Wrong] = []
    """All that is wrong with the request, where it can be told key by key."""


class Refused(Exception):
    """A request that is answered with a problem of HTTP's own kind."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        remedy: str = "",
        errors: Sequence[Wrong] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(
            title=HTTPStatus(status).phrase,
            status=status,
            detail=detail,
            code=code,
            remedy=remedy,
            errors=list(errors),
        )
        self.headers = dict(headers or {})


class Missing(Refused):
    """There is nothing of that name."""

    def __init__(self, detail: str, *, remedy: str = "") -> None:
        super().__init__(404, "not_found", detail, remedy=remedy)


_STATUS: list[tuple[type[AssistantError], int]] = [
    (PersonalityMissing, 404),
    (PersonalityInvalid, 422),
    (PersonalityConflict, 409),
    (SampleMissing, 404),
    (SampleRefused, 422),
    (ConsentMissing, 422),
    (StorageError, 503),
    (LicenceRefused, 403),
    (ModelMissing, 404),
    (NotReady, 503),
    (DeviceMissing, 422),
    (DeviceError, 503),
    (ProviderError, 503),
    (NothingToSay, 422),
    (SettingsError, 409),
    (AssistantError, 503),
]
"""Statuses of our errors; the first that fits counts."""


def problem_of(error: Exception) -> Problem:
    """What to tell of an error. One that is not ours tells nothing but that it happened."""
    if isinstance(error, Refused):
        return error.problem
    if not isinstance(error, AssistantError):
        return Problem(
            title=HTTPStatus(500).phrase,
            status=500,
            detail="This should not have happened.",
            code="defect",
            remedy="Please report it with the lines of the log.",
        )
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    if isinstance(error, SampleRefused) and error.reason == "too_large":
        status = 413
    return Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=error.message,
        code=error.code,
        remedy=error.remedy,
        errors=_of_keys(error) if isinstance(error, PersonalityInvalid) else [],
    )


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that carries a problem."""
    more = dict(headers or {})
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        more.setdefault("Retry-After", str(RETRY_AFTER_S))
    return JSONResponse(problem.model_dump(), problem.status, more, MEDIA_TYPE)


def tell_problems(app: FastAPI) -> None:
    """Have all errors answered as problems."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(AssistantError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _defect)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return problem_response(error.problem, error.headers)


async def _ours(_: Request, error: Exception) -> Response:
    return problem_response(problem_of(error))


async def _defect(request: Request, error: Exception) -> Response:
    """Starlette raises it again afterwards, for whoever serves."""
    log.error("%s %s failed: %s", request.method, request.scope.get("path", ""), without_words(error))
    return problem_response(problem_of(error))


async def _invalid(_: Request, error: Exception) -> Response:
    """A body or parameter that is not of the form that OpenAPI tells."""
    assert isinstance(error, RequestValidationError)
    return problem_response(invalid(error.errors()).problem)


def invalid(found: Sequence[Any]) -> Refused:
    """What pydantic found, told key by key and without the values, which may hold a secret."""
    wrong = [Wrong(where=_where(one["loc"]), problem=str(one["msg"])) for one in found]
    detail = "; ".join(f"{one.where}: {one.problem}" if one.where else one.problem for one in wrong[:5])
    return Refused(422, "invalid", f"{detail}.", remedy="See /openapi.json for what is expected.", errors=wrong[:50])


async def _of_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    known = {
        404: ("not_found", "There is nothing at this address.", "See /openapi.json for all addresses."),
        405: ("method", "This address does not take that method.", "See /openapi.json."),
        408: ("too_slow", "The request did not come to its end in time.", "Send it again, without pauses."),
        413: ("too_large", "The request is too large.", "Send less."),
        415: ("media_type", "That kind of content is not taken here.", "See /openapi.json."),
    }
    code, detail, remedy = known.get(status, ("invalid", str(error.detail), "See /openapi.json for what is expected."))
    return problem_response(Refused(status, code, detail, remedy=remedy).problem, error.headers)


def _where(place: Sequence[Any]) -> str:
    inner = place[1:] if place and place[0] in {"body", "query", "path", "header", "cookie"} else place
    return clipped(".".join(str(step) for step in inner))


def _of_keys(error: PersonalityInvalid) -> list[Wrong]:
    """The half sentences of a document's problems, each with its key."""
    told = []
    for part in error.message.rstrip(".").split("; "):
        where, colon, what = part.partition(": ")
        if colon and " " not in where:
            told.append(Wrong(where=where, problem=what))
    return told
