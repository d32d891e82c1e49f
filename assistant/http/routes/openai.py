"""OpenAI's audio API, so that programs written for it speak and listen with the shop's own voices.

Source: the API reference of OpenAI, Audio (speech, transcriptions) and Models.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse

from assistant.access.tokens import Caller
from assistant.http.bodies import MOST_CHARACTERS, Answer
from assistant.http.calling import CallerNow
from assistant.http.problem import Missing
from assistant.http.service import Service
from assistant.http.sound import Format
from assistant.http.wishes import dressed, piper_voices
from assistant.personalities.errors import PersonalityMissing
from assistant.transcription import Transcription, srt, vtt
from pipeline.speech import Personality

SPEECH_MODEL, LISTENING_MODEL = "shop-voice", "shop-ears"

ALIASES = {
    "tts-1": SPEECH_MODEL,
    "tts-1-hd": SPEECH_MODEL,
    "gpt-4o-mini-tts": SPEECH_MODEL,
    "whisper-1": LISTENING_MODEL,
    "gpt-4o-transcribe": LISTENING_MODEL,
    "gpt-4o-mini-transcribe": LISTENING_MODEL,
}
"""Names that programs have built in; what answers is this machine."""

BORN = 1767225600
"""When our models were made, as far as OpenAI's form wants to know (Unix seconds)."""

ACTIVE = frozenset({"alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse"})
"""Voices of OpenAI's that programs name by default: the personality that speaks here answers to them."""


class SpeechRequest(BaseModel):
    """OpenAI's request; keys that mean nothing here are ignored, for programs send them."""

    model_config = ConfigDict(extra="ignore", use_attribute_docstrings=True)

    model: str = Field(max_length=100, examples=[SPEECH_MODEL])
    """`shop-voice`, or one of OpenAI's names for a voice model."""
    input: Annotated[str, StringConstraints(min_length=1, max_length=MOST_CHARACTERS)]
    """The text, 1 to 5,000 characters."""
    voice: str | dict[str, Any] = Field("alloy", examples=["Robin", "en_US-ryan-medium"])
    """A personality's name or id, a Piper voice, or one of OpenAI's names, which stand for the active personality."""
    response_format: Format = "mp3"
    """`mp3`, `opus`, `aac`, `flac`, `wav`, `pcm` (s16le at the rate that the header `X-Sample-Rate` tells)."""
    speed: float | None = Field(None, ge=0.25, le=4)
    """Pace; what lies beyond 0.5 to 2 is taken for the nearer of them."""
    instructions: str | None = Field(None, max_length=4096)
    """Ignored: no engine here takes them."""
    stream_format: Literal["audio"] = "audio"
    """The sound is streamed as it is; `sse` is not offered."""


class ModelCard(Answer):
    """A model in OpenAI's form."""

    id: str
    object: Literal["model"] = "model"
    created: int = BORN
    owned_by: str = "shop-assistant"


class ModelList(Answer):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


def routes(service: Service) -> APIRouter:
    """``/v1``."""
    router = APIRouter(tags=["openai"])

    @router.get("/v1/models", summary="List models")
    async def models(_: CallerNow) -> ModelList:
        """What speaks, and what listens."""
        return ModelList(data=[ModelCard(id=SPEECH_MODEL), ModelCard(id=LISTENING_MODEL)])

    @router.get("/v1/models/{model}", summary="Show a model")
    async def model(model: str, _: CallerNow) -> ModelCard:
        """By its own name or one of OpenAI's."""
        return ModelCard(id=_known(model))

    @router.post(
        "/v1/audio/speech",
        summary="Speak",
        response_class=Response,
        responses={200: {"content": {"audio/mpeg": {"schema": {"type": "string", "format": "binary"}}}}},
    )
    async def speech(body: SpeechRequest, caller: CallerNow) -> Response:
        """The sound, streamed while it is made."""
        _known(body.model, SPEECH_MODEL)
        wanted = body.voice if isinstance(body.voice, str) else str(body.voice.get("id", ""))
        who = await _speaker(service, caller, wanted)
        if body.speed is not None:
            who = dressed(service, who, None, None, {"speed": min(2.0, max(0.5, body.speed))})
        recital = service.recitals.begin(service.speaking.text(body.input, who.language, who), caller.tenant)
        return await service.sound.spoken(recital, body.response_format, who)

    @router.post(
        "/v1/audio/transcriptions",
        summary="Write down",
        response_class=Response,
        responses={200: {"content": {"application/json": {"schema": {"type": "object"}}, "text/plain": {}}}},
    )
    async def transcriptions(
        _: CallerNow,
        file: Annotated[UploadFile, File(description="The recording, as for `/api/voice/transcribe`.")],
        model: Annotated[str, Form(max_length=100, description="`shop-ears`, or one of OpenAI's names.")],
        language: Annotated[str | None, Form(max_length=35, description="Ignored.")] = None,
        prompt: Annotated[str | None, Form(max_length=4096, description="Ignored.")] = None,
        response_format: Annotated[
            Literal["json", "text", "srt", "verbose_json", "vtt"], Form(description="In which form the text is wanted.")
        ] = "json",
        temperature: Annotated[float | None, Form(ge=0, le=1, description="Ignored.")] = None,
        stream: Annotated[bool, Form(description="True: Server-Sent Events in OpenAI's form.")] = False,
    ) -> Response:
        """`language`, `prompt` and `temperature` are ignored: the recogniser's settings decide."""
        del language, prompt, temperature
        _known(model, LISTENING_MODEL)
        found = await service.transcribe(file.file)
        if stream:
            return StreamingResponse(_events(found), media_type="text/event-stream")
        return _written(found, response_format)

    return router


def _known(name: str, wanted: str = "") -> str:
    """The model's own name. Raises ``Missing``."""
    own = ALIASES.get(name, name)
    if own not in {SPEECH_MODEL, LISTENING_MODEL} or (wanted and own != wanted):
        raise Missing(
            f"There is no model {name[:60]!r} for that.", remedy=f"Known are {SPEECH_MODEL}, {LISTENING_MODEL}."
        )
    return own


async def _speaker(service: Service, caller: Caller, voice: str) -> Personality:
    """Raises ``PersonalityMissing``."""
    try:
        return await service.personality(caller, voice)
    except PersonalityMissing:
        active = await service.personality(caller, None)
        if voice in piper_voices(service):
            return dressed(service, active, "piper", voice, None)
        if voice.lower() in ACTIVE:
            return active
        raise


def _written(found: Transcription, form: str) -> Response:
    match form:
        case "text":
            return PlainTextResponse(f"{found.text}\n")
        case "srt":
            return PlainTextResponse(srt(found))
        case "vtt":
            return PlainTextResponse(vtt(found), media_type="text/vtt")
        case "verbose_json":
            return JSONResponse(_verbose(found))
        case _:
            return JSONResponse({"text": found.text})


def _verbose(found: Transcription) -> dict[str, Any]:
    document = found.as_dict()
    segments = [
        {"id": number, "start": one["start_s"], "end": one["end_s"], "text": one["text"]}
        for number, one in enumerate(one for one in document["utterances"] if one.get("text"))
    ]
    return {
        "task": "transcribe",
        "language": document["language"] or "",
        "duration": document["duration_s"],
        "text": found.text,
        "segments": segments,
    }


async def _events(found: Transcription) -> AsyncGenerator[bytes]:
    """OpenAI's events; the recording is whole already, so they come at once."""
    if found.text:
        yield _event({"type": "transcript.text.delta", "delta": found.text})
    yield _event({"type": "transcript.text.done", "text": found.text})


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
