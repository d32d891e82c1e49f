"""Questions by HTTP, typed or recorded, and the sound of their answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError
from starlette.datastructures import FormData, UploadFile

from assistant.access.tokens import Caller
from assistant.http import server_sent_events
from assistant.http.bodies import Answer, Body, Text, Who
from assistant.http.calling import CallerNow
from assistant.http.problem import Missing, Refused, problem_of
from assistant.http.service import Service
from assistant.http.sound import Format
from assistant.http.talks import Answer as Answering
from assistant.personalities.kinds import Language
from pipeline.errors import AssistantError
from pipeline.fallback import Rendering
from pipeline.speech import NoSpeechReason, Personality, Transcript

TYPED = "typed"
"""What stands for the recogniser where a question was typed."""


class Question(Body):
    """What a customer asks."""

    text: Text = Field(examples=["What time do you close?"])
    """1 to 5,000 characters."""
    personality: Who | None = None
    """Who answers: id or name; the active one where it is left out."""
    language: Language | None = None
    """ISO 639-1 code of the question; the personality's where it is left out."""
    conversation_id: str | None = Field(None, max_length=64)
    """Of an earlier answer, so that the agent knows what was said before; a new conversation where it is left out."""
    stream: bool = False
    """True: Server-Sent Events `start`, `transcript`, `text`, `voice`, `end` as the answer arises."""


class RecordedQuestion(Body):
    """The fields beside the ``file`` of a recorded question; they mean what they do in a typed one."""

    personality: Who | None = None
    """Who answers: id or name."""
    language: Language | None = None
    """ISO 639-1 code of the question."""
    conversation_id: str | None = Field(None, max_length=64)
    """Of an earlier answer."""
    stream: bool = False
    """True: Server-Sent Events as the answer arises."""


class Answered(Answer):
    """An answer."""

    text: str
    """All of it."""
    audio_url: str
    """Where its sound is (WAV), also while it is still being made; kept until newer ones take its place."""
    personality: str
    """Name of who answered."""
    personality_id: str
    voice_provider: str
    """The engine that speaks."""
    voice: str
    """Its name for the voice."""
    cached: bool
    """Whether the first sentence had been spoken before."""
    language: str
    """ISO 639-1."""
    conversation_id: str
    """To be sent with the next question."""
    transcript: str
    """The question, as it was understood."""
    first_audio_ms: float
    """Milliseconds from the first sentence's text to its first sound."""


BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": Question.model_json_schema()},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "The spoken question."},
                        **RecordedQuestion.model_json_schema()["properties"],
                    },
                }
            },
        },
    }
}


def routes(service: Service) -> APIRouter:
    """``/api/conversation`` and ``/api/audio``."""
    router = APIRouter(tags=["conversation"])

    @router.post(
        "/api/conversation",
        summary="Ask",
        response_model=Answered,
        openapi_extra=BODY,
        responses={200: {"content": {"text/event-stream": {"schema": server_sent_events.SCHEMA}}}},
    )
    async def ask(request: Request, caller: CallerNow) -> Any:
        """A typed question as JSON, or a recorded one as a form with `file`. The answer's sound is made meanwhile and
        can be fetched from `audio_url` at once."""
        asked, transcript, who = await _question(service, request, caller)
        talk = service.talks.talk(asked.conversation_id, caller.tenant, who)
        answering = service.talks.answer(talk, transcript, who)
        if asked.stream:
            return server_sent_events.stream(_told(answering))
        return await _answered(answering)

    @router.get(
        "/api/audio/{key}",
        summary="Hear an answer",
        response_class=Response,
        responses={200: {"content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}}},
    )
    @router.head("/api/audio/{key}", include_in_schema=False)
    async def audio(
        key: str, request: Request, caller: CallerNow, media: Annotated[Format, Query(alias="format")] = "wav"
    ) -> Response:
        """With ETag and Range once it is complete, streamed while it is being made."""
        recital = service.recitals.find(key, caller.tenant)
        if recital is None:
            raise Missing("There is no such sound, or not any more.", remedy="Ask again.")
        return await service.sound.fetched(recital, request, media)

    return router


async def _question(
    service: Service, request: Request, caller: Caller
) -> tuple[Question | RecordedQuestion, Transcript, Personality]:
    """What is asked, its words, and who is asked. Raises ``Refused``."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        async with request.form(max_files=1, max_fields=10) as form:
            recorded, file = _form(form)
            who = await service.personality(caller, recorded.personality)
            return recorded, await _heard(service, file, recorded.language or who.language), who
    if kind != "application/json":
        raise Refused(
            415,
            "media_type",
            f"A question comes as application/json or multipart/form-data, not {kind[:60] or 'without a type'}.",
            remedy="Set the header Content-Type.",
        )
    try:
        asked = Question.model_validate_json(await request.body())
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False)) from error
    who = await service.personality(caller, asked.personality)
    return asked, Transcript(asked.text, asked.language or who.language, 1.0, TYPED, 0.0), who


def _form(form: FormData) -> tuple[RecordedQuestion, UploadFile]:
    """Raises ``RequestValidationError``."""
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise RequestValidationError([{"loc": ("body", "file"), "msg": "Field required", "type": "missing"}])
    try:
        fields = {key: value for key, value in form.items() if key != "file" and value != ""}
        return RecordedQuestion.model_validate(fields), file
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False)) from error


async def _heard(service: Service, file: UploadFile, language: str) -> Transcript:
    """Raises ``Refused`` where nothing was said that can be understood."""
    utterance = await service.question(file.file)
    if isinstance(utterance, NoSpeechReason):
        reason = utterance
    else:
        found = await service.parts.transcriber.transcribe(utterance)
        if isinstance(found, Transcript):
            return found
        reason = found.reason
    sorry = service.settings.conversation.repeat_requests
    raise Refused(
        422, "no_speech", f"No words were understood in the recording ({reason}).",
        remedy=sorry.get(language, sorry["en"]),
    )  # fmt: skip


def _url(answering: Answering) -> str:
    return f"/api/audio/{answering.recital.key}"


async def _answered(answering: Answering) -> Answered:
    """When its text is whole and its first sound is there. Raises what kept it from that."""
    async with aclosing(answering.sentences()) as texts:
        async for _ in texts:
            pass
    rendering = await answering.recital.first()
    return Answered(
        text=answering.text,
        audio_url=_url(answering),
        personality=answering.personality.name,
        personality_id=answering.personality.id,
        voice_provider=rendering.provider,
        voice=rendering.voice,
        cached=rendering.cached,
        language=answering.transcript.language,
        conversation_id=answering.talk.id,
        transcript=answering.transcript.text,
        first_audio_ms=round(rendering.first_audio_ms, 1),
    )


async def _told(answering: Answering) -> AsyncGenerator[bytes]:
    """The answer as it arises."""
    message, who = server_sent_events.message, answering.personality
    yield message(
        {
            "conversation_id": answering.talk.id,
            "personality": who.name,
            "personality_id": who.id,
            "audio_url": _url(answering),
        },
        event="start",
    )
    transcript = answering.transcript
    yield message({"text": transcript.text, "language": transcript.language}, event="transcript")
    try:
        told = False
        async with aclosing(answering.sentences()) as texts:
            async for text in texts:
                yield message({"text": text}, event="text")
                if not told:  # whoever reads along hears it at about the same time
                    told = True
                    yield message(_voice(await answering.recital.first()), event="voice")
        yield message({"text": answering.text}, event="end")
    except (AssistantError, Refused) as error:
        yield message(problem_of(error).model_dump(), event="error")


def _voice(rendering: Rendering) -> dict[str, Any]:
    return {
        "provider": rendering.provider,
        "voice": rendering.voice,
        "cached": rendering.cached,
        "first_audio_ms": round(rendering.first_audio_ms, 1),
        "attempts": [{"provider": one.provider, "error": one.error, "ms": one.ms} for one in rendering.attempts],
    }
