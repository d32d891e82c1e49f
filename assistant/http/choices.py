"""What the form of a personality can offer: read from the documents' own rules, so that it never differs from them."""

from __future__ import annotations

from typing import Any, get_args

from annotated_types import Ge, Le

from assistant.http.bodies import Answer
from assistant.http.service import Service
from assistant.personalities.kinds import LANGUAGES
from assistant.personalities.voice_document import Engine, VoiceSettingsDocument
from assistant.personalities.wake_words import WakeWords
from assistant.samples.wishes import CLONES
from pipeline.speech import primary_language


class SettingRange(Answer):
    """One voice setting."""

    name: str
    default: float | int | str
    least: float | None
    """None for a text."""
    most: float | None
    whole: bool
    """Whole numbers only."""
    about: str
    """What it does, one sentence."""


class EngineChoice(Answer):
    """An engine that a personality can name."""

    name: str
    in_use: bool
    """Whether the settings have it (`tts.use`)."""
    clones: bool


class Choices(Answer):
    """What a form offers."""

    languages: list[str]
    """ISO 639-1 codes of voices and recognisers here; others are taken as well."""
    wake_words: list[str]
    """Those that can be heard here."""
    providers: list[EngineChoice]
    settings: list[SettingRange]


def choices(service: Service) -> Choices:
    """As the settings and models here have it."""
    engines = {one.capabilities.name: one.capabilities for one in service.parts.engines}
    piper = {primary_language(model.name) for model in service.app.models.catalogue.of_kind("piper")}
    languages = {"en", "es", *piper}.union(*(one.languages for one in engines.values()))
    return Choices(
        languages=sorted(languages & LANGUAGES),
        wake_words=list(WakeWords(service.settings, service.app.models, service.app.licensed).known),
        providers=[EngineChoice(name=name, in_use=name in engines, clones=name in CLONES) for name in get_args(Engine)],
        settings=[_range(name, field) for name, field in VoiceSettingsDocument.model_fields.items()],
    )


def _range(name: str, field: Any) -> SettingRange:
    least = next((float(str(one.ge)) for one in field.metadata if isinstance(one, Ge)), None)
    most = next((float(str(one.le)) for one in field.metadata if isinstance(one, Le)), None)
    return SettingRange(
        name=name,
        default=field.default,
        least=least,
        most=most,
        whole=field.annotation is int,
        about=" ".join((field.description or "").split()),
    )
