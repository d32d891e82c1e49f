"""The OpenAPI document: what FastAPI reads off the routes, and what it cannot know."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from assistant.http.problem import MEDIA_TYPE
from assistant.http.routes.personalities import PATH, TOLD_ONLY
from assistant.personalities.store import GIVEN_BY_PROGRAM
from assistant.personalities.voice_document import VoiceDocument

COMPONENTS = "#/components/schemas/"

NEEDS_NO_TOKEN = {("/api/session", "post"), ("/healthz", "get")}

PARAMETERS = {
    "key": "As `audio_url` of an answer has it.",
    "format": "How the sound is sent.",
    "model": "`shop-voice` or `shop-ears`, or one of OpenAI's names for such models.",
    "name": "A model's name, as `GET /api/health` lists them.",
    "if-match": "The ETag of what was read: the change is refused where somebody else made one meanwhile.",
    "last-event-id": "Number of the last line that was received: those after it are told first, as far as they are "
    "remembered.",
}
"""What they are, by name."""


OPENAI_ERROR = {
    "type": "object",
    "description": "An error in OpenAI's form.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string", "description": "What happened, and what to do."},
                "type": {"type": "string", "examples": ["invalid_request_error"]},
                "param": {"type": ["string", "null"], "description": "The key that is wrong."},
                "code": {"type": "string", "description": "The `code` of problems elsewhere."},
            },
        }
    },
}


def document(app: FastAPI) -> dict[str, Any]:
    """OpenAPI, with how callers prove who they are and the kind of errors there are."""
    found = app.openapi()
    found["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "assistant_session"},
    }
    found["security"] = [{"token": []}, {"session": []}]
    found["components"]["schemas"]["OpenAiError"] = OPENAI_ERROR
    _tell_personalities(found)
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            if (path, method) in NEEDS_NO_TOKEN:
                operation["security"] = []
            for parameter in operation.get("parameters", []):
                parameter.setdefault("description", _about(path, parameter["name"]))
            _as_problems(path, operation)
    return found


def _about(path: str, name: str) -> str:
    if name == "id":
        return "A job's id." if path.startswith("/api/jobs") else "Its id, the beginning of one, or its name."
    return PARAMETERS.get(name, "")


def _tell_personalities(found: dict[str, Any]) -> None:
    """Their documents are judged by their store and not by FastAPI, which therefore knows nothing of them."""
    schemas = found["components"]["schemas"]
    voice = VoiceDocument.model_json_schema(ref_template=f"{COMPONENTS}{{model}}")
    schemas |= voice.pop("$defs", {})
    schemas["VoiceDocument"] = voice
    there = schemas["PersonalityThere"]["properties"]
    properties = {key: value for key, value in there.items() if key not in {*GIVEN_BY_PROGRAM, *TOLD_ONLY}}
    new = {"type": "object", "properties": properties, "required": ["name"], "title": "NewPersonality"}
    change = {
        "type": "object",
        "properties": {key: {"anyOf": [value, {"type": "null"}]} for key, value in properties.items()},
        "title": "PersonalityChange",
    }
    for path, method, schema in ((PATH, "post", new), (f"{PATH}/{{id}}", "put", change)):
        found["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"] = schema


def _as_problems(path: str, operation: dict[str, Any]) -> None:
    """Errors of this API are problems; FastAPI's own form is not used."""
    responses = operation["responses"]
    if "422" in responses and "HTTPValidationError" in str(responses["422"]):
        del responses["422"]
    for status in ("4XX", "5XX"):
        schema = responses[status]["content"].pop("application/json", None)
        if path.startswith("/v1/"):
            responses[status]["content"]["application/json"] = {"schema": {"$ref": f"{COMPONENTS}OpenAiError"}}
        elif schema is not None:
            responses[status]["content"][MEDIA_TYPE] = schema
