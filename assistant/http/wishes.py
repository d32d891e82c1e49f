"""Who speaks by HTTP: a personality, perhaps with another voice or other settings than are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from assistant.http.problem import Refused, Wrong
from assistant.http.service import Service
from assistant.personalities.voice_document import VoiceSettingsDocument
from assistant.problems import nearest
from assistant.samples.wishes import CLONES
from pipeline.speech import Personality, VoiceConfig, VoiceMode, VoiceSettings, primary_language


def dressed(
    service: Service, who: Personality, provider: str | None, voice: str | None, settings: Mapping[str, Any] | None
) -> Personality:
    """The personality with what a request asks for in its place. Raises ``Refused``."""
    config = who.voice
    if settings:
        config = replace(config, settings=_settings(config.settings, settings))
    if voice and provider in {None, "piper"}:
        check_piper_voice(service, voice)
        provider = "piper"
    if provider is not None:
        config = _with_engine(config, provider, voice)
    return replace(who, voice=config)


def check_piper_voice(service: Service, voice: str) -> None:
    """Raises ``Refused`` where there is no such voice."""
    catalogue = service.app.models.catalogue
    if voice in catalogue and catalogue.get(voice).kind == "piper":
        return  # without a look at the disk
    known = piper_voices(service)
    if voice not in known:
        close = nearest(voice, known)
        hint = f"Did you mean {close!r}? " if close else ""
        raise Refused(
            422,
            "invalid",
            f"There is no voice {voice!r}.",
            remedy=f"{hint}GET /api/voice/voices lists them.",
            errors=[Wrong(where="voice", problem="unknown voice")],
        )


def piper_voices(service: Service) -> list[str]:
    """Piper's voices: of the catalogue, and the owner's own."""
    models = service.app.models
    own = [name for name, kind in models.own().items() if kind == "piper"]
    return list(dict.fromkeys([*(model.name for model in models.catalogue.of_kind("piper")), *own]))


def language_of(voice: str) -> str:
    """ISO 639-1 code of a Piper voice."""
    return primary_language(voice)


def _with_engine(config: VoiceConfig, provider: str, voice_id: str | None) -> VoiceConfig:
    """An engine that clones takes the sample, where there is one and no voice of its own is asked for."""
    cloned = bool(config.sample) and provider in CLONES and voice_id is None
    mode = VoiceMode.CUSTOM if cloned else VoiceMode.DEFAULT
    return replace(config, provider=provider, voice_id=voice_id or "", mode=mode)


def _settings(before: VoiceSettings, wanted: Mapping[str, Any]) -> VoiceSettings:
    fields = VoiceSettingsDocument.model_fields
    document = {name: getattr(before, name) for name in fields} | dict(wanted)
    try:
        return VoiceSettings(**VoiceSettingsDocument.model_validate(document).model_dump())
    except ValidationError as error:
        wrong = [
            Wrong(where=".".join(["settings", *map(str, one["loc"])]), problem=one["msg"]) for one in error.errors()
        ]
        raise Refused(
            422, "invalid", "; ".join(f"{one.where}: {one.problem}" for one in wrong), errors=wrong
        ) from error
