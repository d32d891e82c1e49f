"""Speaking, writing down, and which voices there are."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Response, UploadFile
from pydantic import Field

from assistant.http.bodies import Answer, Body, Document, Text, Who
from assistant.http.calling import CallerNow
from assistant.http.engines import EngineFacts, VoiceFacts, engine_facts, voice_facts
from assistant.http.service import Service
from assistant.http.sound import Format
from assistant.http.wishes import dressed
from assistant.personalities.kinds import Language
from assistant.personalities.voice_document import Engine

AUDIO = {
    media: {"schema": {"type": "string", "format": "binary"}}
    for media in ("audio/wav", "audio/ogg", "audio/mpeg", "audio/flac", "audio/aac", "application/octet-stream")
}


class Synthesis(Body):
    """A text to speak."""

    text: Text = Field(examples=["We are open until eight o'clock."])
    """1 to 5,000 characters."""
    personality: Who | None = None
    """Who speaks: an id, the beginning of one, or a name; the active one where it is left out."""
    provider: Engine | None = None
    """Speak with this engine rather than with the personality's; another one stands in where it cannot."""
    voice: str | None = Field(None, max_length=100, examples=["en_US-ryan-medium"])
    """The engine's name for a voice; a Piper voice where no engine is named. Empty: the engine's own best one, also
    where the personality has a recording."""
    language: Language | None = None
    """ISO 639-1 code of the text; the personality's where it is left out."""
    settings: Document | None = Field(None, examples=[{"speed": 1.1}])
    """Voice settings in place of the stored ones: `temperature`, `length_penalty`, `repetition_penalty`, `top_k`,
    `top_p`, `speed`, `emotion`."""
    format: Format = "wav"
    """`wav`, `opus` (Ogg), `mp3`, `flac`, `aac` (ADTS) or `pcm` (s16le, one channel, at `X-Sample-Rate`)."""


class Heard(Answer):
    """One utterance in a recording."""

    text: str | None = None
    """Its words; null where none were found."""
    confidence: float | None = None
    """Mean probability of its words, 0 to 1."""
    no_speech: str | None = None
    """Why no words were found: `too_short`, `not_speech`, `doubtful`, `repetition`, `empty`."""
    start_s: float
    """Where it begins in the recording, seconds."""
    end_s: float
    """Where it ends, seconds."""


class Transcribed(Answer):
    """What a recording says."""

    text: str
    """All words; empty where there were none."""
    language: str | None
    """ISO 639-1 code of what was heard."""
    provider: str | None
    """The recogniser."""
    compute_ms: float
    """Milliseconds that recognition took."""
    duration_s: float
    """Length of the recording in seconds."""
    utterances: list[Heard]
    """Each stretch of speech."""


class Choice(Answer):
    """A personality that can speak."""

    id: str
    name: str
    language: str
    """ISO 639-1."""
    active: bool
    """Whether it is the one who speaks at the kiosk."""


class VoicesThere(Answer):
    """What can speak."""

    engines: list[EngineFacts]
    """Engines in use, best first."""
    voices: list[VoiceFacts]
    """Voices of engines that have their own."""
    personalities: list[Choice]
    """Those of the caller's shop."""


def routes(service: Service) -> APIRouter:
    """``/api/voice``."""
    router = APIRouter(tags=["voice"])

    @router.post(
        "/api/voice/synthesize",
        summary="Speak a text",
        response_class=Response,
        responses={200: {"content": AUDIO, "description": "The sound, streamed while it is made."}},
    )
    async def synthesize(body: Synthesis, caller: CallerNow) -> Response:
        """The first sound comes as soon as the first sentence is begun. Headers tell who speaks
        (`X-Voice-Provider`, `X-Voice-Id`), whether it came from the cache (`X-Cache`), and after how many
        milliseconds (`X-First-Audio-Ms`)."""
        who = await service.personality(caller, body.personality)
        who = dressed(service, who, body.provider, body.voice, body.settings)
        language = body.language or who.language
        recital = service.recitals.begin(service.speaking.text(body.text, language, who), caller.tenant)
        return await service.sound.spoken(recital, body.format, who)

    @router.post("/api/voice/transcribe", summary="Write down a recording")
    async def transcribe(
        caller: CallerNow, file: Annotated[UploadFile, File(description="The recording.")]
    ) -> Transcribed:
        """Takes WAV, MP3, M4A, AAC, FLAC, OGG or WebM of at most five minutes; its kind is told by its content."""
        del caller  # the guard let them in, and there is nothing of a shop in it
        found = await service.transcribe(file.file)
        document = found.as_dict()
        return Transcribed.model_validate(document)

    @router.get("/api/voice/voices", summary="Engines, voices and personalities")
    async def voices(caller: CallerNow) -> VoicesThere:
        """What can speak here, in which state, and under which licence."""
        if caller.here:
            cast = service.memory.cast
            known = [(one, one.id == cast.active.id) for one in cast.everyone]
        else:
            store = service.store(caller)
            await store.first()
            known = [(one.document.personality(), one.active) for one in await store.everyone()]
        return VoicesThere(
            engines=engine_facts(service),
            voices=voice_facts(service),
            personalities=[
                Choice(id=one.id, name=one.name, language=one.language, active=active) for one, active in known
            ],
        )

    return router
