"""The published OpenAPI document: it tells everything, and what is answered is what it tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS
from schemathesis.schemas import APIOperation, BaseSchema

from tests.assistant.http.daemon import Daemon
from tests.assistant.http.who_may import ADMINISTER, ANYBODY, WATCH_AND_TALK, Route, routes

pytestmark = pytest.mark.model

LEFT_OUT = {("GET", "/api/events"), ("POST", "/api/soundcheck/echo"), ("POST", "/api/restart")}
"""The first never ends, the second takes three seconds, the third ends all; other tests ask them."""

TRIED = [one for one in routes(ANYBODY, WATCH_AND_TALK, ADMINISTER) if one not in LEFT_OUT]

NOT_CHECKED = ("ignored_auth", "not_a_server_error", "positive_data_acceptance")
"""Who is let in is tested by test_doors.py; 503 is a server's error that is documented; and what fits the schema may
still be refused: a text without words."""

PATH = "/api/admin/ai-personalities"


@pytest.fixture(scope="module")
def schema(echo: Daemon) -> BaseSchema:
    document = echo.anybody.get("/openapi.json").json()
    found = schemathesis.openapi.from_dict(document)
    found.config.update(base_url=echo.address)
    return found


@pytest.fixture(scope="module")
def guinea_pig(echo: Daemon) -> Iterator[str]:
    """Id of a personality that is there; in the end all is as it was."""
    before = echo.owner.get(PATH).json()["personalities"]
    made = echo.owner.post(PATH, json={"name": "Guinea Pig"})
    assert made.status_code == 201
    yield str(made.json()["id"])
    (active,) = (one["id"] for one in before if one["active"])
    assert echo.owner.post(f"{PATH}/{active}/activate", json={"at_once": False}).status_code == 200
    for one in echo.owner.get(PATH).json()["personalities"]:
        if one["id"] not in {other["id"] for other in before}:
            assert echo.owner.delete(f"{PATH}/{one['id']}").status_code == 204
    assert echo.owner.post("/api/stop").status_code == 202
    assert " failed: " not in echo.log, echo.log


def conforms(echo: Daemon, operation: APIOperation[Any], there: str, examples: int) -> None:
    """Whatever fits the document, and what does not quite, is answered as the document says."""
    headers = {"Authorization": f"Bearer {echo.admin}"}
    checks = [check for name in CHECKS.get_all_names() if name not in NOT_CHECKED for check in [CHECKS.get_one(name)]]

    @settings(
        max_examples=examples, derandomize=True, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(), known=st.booleans())
    def check(case: schemathesis.Case, known: bool) -> None:
        if known and "id" in (case.path_parameters or {}) and "jobs" not in operation.path:
            case.path_parameters["id"] = there
        answer = case.call(headers=headers, timeout=30)
        assert answer.elapsed < 5
        assert answer.status_code < 500 or (answer.status_code == 503 and answer.headers.get("retry-after"))
        case.validate_response(answer, checks=checks)

    check()


@pytest.mark.parametrize("route", TRIED, ids=" ".join)
def test_answers_are_as_documented(echo: Daemon, schema: BaseSchema, guinea_pig: str, route: Route) -> None:
    conforms(echo, schema[route[1]][route[0]], guinea_pig, examples=4)


@pytest.mark.long(2)
@pytest.mark.parametrize("route", TRIED, ids=" ".join)
def test_very_many_answers_are_as_documented(echo: Daemon, schema: BaseSchema, guinea_pig: str, route: Route) -> None:
    conforms(echo, schema[route[1]][route[0]], guinea_pig, examples=60)


class Document:
    """What is told of fields."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.paths: dict[str, dict[str, Any]] = document["paths"]
        self._schemas = document["components"]["schemas"]

    def whole(self, schema: dict[str, Any]) -> dict[str, Any]:
        """With what it refers to."""
        while "$ref" in schema:
            name = schema["$ref"].removeprefix("#/components/schemas/")
            schema = {**self._schemas[name], **{key: value for key, value in schema.items() if key != "$ref"}}
        return schema

    def untold(self, schema: dict[str, Any], where: str = "") -> Iterator[str]:
        """Fields of which nothing is told."""
        schema = self.whole(schema)
        for key, field in schema.get("properties", {}).items():
            found = self.whole(field)
            told = {"description", "examples", "const"} & {*found, *(key for one in found.get("anyOf", []) for key in
                                                                   self.whole(one))}  # fmt: skip
            if not told:
                yield f"{where}.{key}"
            yield from self.untold(field, f"{where}.{key}")
        for one in [*schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])]:
            yield from self.untold(one, where)
        if (
            schema.get("type") == "object"
            and not schema.get("properties")
            and not schema.get("description")
            and not where
        ):
            yield "everything"


@pytest.fixture(scope="module")
def document(echo: Daemon) -> Document:
    return Document(echo.anybody.get("/openapi.json").json())


@pytest.mark.parametrize("route", routes(ANYBODY, WATCH_AND_TALK, ADMINISTER), ids=" ".join)
def test_an_operation_tells_all_that_a_caller_needs(document: Document, route: Route) -> None:
    operation = document.paths[route[1]][route[0].lower()]
    assert operation["summary"]
    assert operation["description"]
    assert [one["name"] for one in operation.get("parameters", []) if not one.get("description")] == []
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        assert list(document.untold(content["schema"])) == [], media
    kind = "application/json" if route[1].startswith("/v1/") else "application/problem+json"
    for status in ("4XX", "5XX"):
        assert operation["responses"][status]["description"]
        assert "properties" in document.whole(operation["responses"][status]["content"][kind]["schema"])


MANY = {f"k{number}": number for number in range(50_000)}

ODD = [
    b"", b"null", b"[]", b'""', b"0", b"{", b"[" * 100_000, b'{"text":' * 50_000, b"\xff\xfe", b"\x00",
    b'{"text": NaN}',
    b'{"text": "\\ud800"}', b'{"name": "\\ud800"}', b'{"phrases": ["\\ud800"]}', b'{"token": "\\udfff"}',
    b'{"voice": "\\ud800", "model": "\\ud800", "input": "\\ud800"}', b'{"\\ud800": 1}', b'{"text": "\\u0000"}',
    b'{"text": 1e400}', b'{"text": ' + b"9" * 10_000 + b"}", b'{"name": ' + b"9" * 10_000 + b"}",
    b'{"text": "a", "text": "b"}', b'{"name": {"a": {"b": []}}}', b'{"voice_config": [1]}', b'{"voice_config": "x"}',
    b'{"voice_config": {"settings": {"speed": NaN}}}', b'{"voice_config": {"settings": {"top_k": 1e30}}}',
    b'{"languages": [[]], "name": "x"}', b'{"name": "' + b"x" * 900_000 + b'"}', b'{"' + b"x" * 900_000 + b'": 1}',
    b'{"text": "a", "personality": "\\ud800"}',
    b'{"text": "a", "settings": {"speed": "\\ud800", "emotion": "\\ud800"}}',
    b'{"text": "a", "settings": {"speed": NaN}}', b'{"text": "a", "voice": "\\ud800"}', b'{"microphone": "\\ud800"}',
    json.dumps({"model": "tts-1", "input": "a", "voice": "x" * 900_000}).encode(),
    json.dumps({"model": "tts-1", "input": "a", "voice": {"id": {"a": "b"}}}).encode(),
    json.dumps(MANY).encode(), json.dumps({"name": "x", "voice_config": MANY}).encode(),
    json.dumps({"text": "x", "settings": MANY}).encode(), json.dumps({"name": "x", "languages": [MANY]}).encode(),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ODD)))
def test_odd_bodies_are_refused_in_no_time(echo: Daemon, guinea_pig: str, number: int) -> None:
    """Neither a server's error nor a loop that is kept from listening."""
    for method, path in TRIED:
        if method not in {"POST", "PUT"} or path.endswith(("/listen", "/stop", "/pull")):
            continue
        answer = echo.owner.request(  # the client waits for seconds only
            method, path.replace("{id}", guinea_pig), content=ODD[number],
            headers={"Content-Type": "application/json"},
        )  # fmt: skip
        assert answer.status_code < 500, f"{path}: {answer.text}"
        if answer.status_code >= 400:
            told = answer.json()
            assert told.get("code") or told["error"]["code"]
            assert len(answer.content) < 20_000


KINDS = [
    "", "multipart/form-data", "multipart/form-data; boundary=", "text/html", "application/json; charset=utf-7",
    "multipart/form-data; boundary=x; charset=nonsense", "a" * 5000, "multipart/form-data; boundary=" + "x" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=range(len(KINDS)))
def test_odd_kinds_of_bodies_are_refused(echo: Daemon, guinea_pig: str, kind: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\na\r\n--x\r\nnonsense'
    for method, path in TRIED:
        if method not in {"POST", "PUT"} or path.endswith(("/listen", "/stop", "/pull", "/activate")):
            continue
        answer = echo.owner.request(
            method, path.replace("{id}", guinea_pig), content=body, headers={"Content-Type": kind}
        )
        assert 400 <= answer.status_code < 500, f"{path}: {answer.text}"
        told = answer.json()
        assert told.get("code") or told["error"]["code"]


def test_many_parts_and_fields_are_refused(echo: Daemon, guinea_pig: str) -> None:
    many = [(f"field{number}", (None, b"x")) for number in range(2000)]
    files = [("file", ("a.wav", b"x")) for _ in range(50)]
    for path in ("/api/voice/transcribe", "/api/conversation", "/v1/audio/transcriptions",
                 f"/api/admin/ai-personalities/{guinea_pig}/voice/upload"):  # fmt: skip
        for parts in (many, files):
            answer = echo.owner.post(path, files=parts)
            assert 400 <= answer.status_code < 500
    assert httpx.get(f"{echo.address}/healthz").is_success
