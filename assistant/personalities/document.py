"""A personality as people, HTTP and the database see it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from assistant.personalities.errors import PersonalityInvalid
from assistant.personalities.kinds import Language, Line, Moment, Name, Prose, WakeWordName, Word
from assistant.personalities.voice_document import VoiceDocument
from assistant.problems import explain
from pipeline.speech import Personality
from providers.settings import ProviderSettings

CALLED = "key"
"""What a document's keys are called in messages."""


class PersonalityDocument(ProviderSettings):
    """Who can speak here."""

    id: Word
    """UUID, given by the program."""
    tenant: str = Field("default", pattern="^[a-z0-9][a-z0-9_-]{0,39}$")
    """The shop it belongs to."""
    name: Name
    """As customers know it; no two of a shop have the same, capitals aside."""
    system_prompt: Prose = ""
    """Instructions for agents that take them, at most 8,000 characters."""
    greeting: Line = ""
    """What it says when it is switched to at once, at most 500 characters; empty says nothing."""
    language: Language = "en"
    """ISO 639-1 code of the language it speaks by default."""
    languages: list[Language] = Field([], max_length=10)
    """Further languages it speaks."""
    wake_word: WakeWordName = ""
    """The wake word that calls it and nobody else; empty where it has none of its own."""
    voice_config: VoiceDocument = VoiceDocument()
    """How it sounds."""
    created_at: Moment = datetime.fromtimestamp(0, UTC)
    """When it was made."""
    updated_at: Moment = datetime.fromtimestamp(0, UTC)
    """When it was last changed by somebody; what the program counts does not change it."""

    @model_validator(mode="after")
    def _languages_once(self) -> Self:
        further = [language for language in dict.fromkeys(self.languages) if language != self.language]
        if further != self.languages:
            object.__setattr__(self, "languages", further)  # the model is frozen for everybody else
        return self

    def personality(self) -> Personality:
        """As the pipeline sees it."""
        return Personality(
            name=self.name,
            language=self.language,
            prompt=self.system_prompt,
            id=self.id,
            tenant=self.tenant,
            languages=tuple(self.languages),
            greeting=self.greeting,
            wake_word=self.wake_word,
            voice=self.voice_config.config(),
        )


def parse(document: Mapping[str, Any]) -> PersonalityDocument:
    """A whole document. Raises ``PersonalityInvalid`` that names each wrong key and what was probably meant."""
    try:
        return PersonalityDocument.model_validate(dict(document))
    except ValidationError as error:
        raise PersonalityInvalid(f"{'; '.join(problems(error))}.") from error


def problems(error: ValidationError) -> list[str]:
    """All that is wrong with a document, in half sentences."""
    return [explain(problem, PersonalityDocument, CALLED) for problem in error.errors(include_url=False)]
