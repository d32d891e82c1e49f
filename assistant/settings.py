"""What can be set. One ``config.yaml``; every key that is unknown or wrong is refused with a suggestion.

Each provider owns its settings model; a stage's section is ``use:`` and a sub-section for each of its providers.
Secrets stand as ``${NAME}`` and are taken from the environment, or from the service's credentials.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_origin

import yaml
from pydantic import BaseModel, ValidationError, create_model, field_validator

from assistant import credentials
from assistant.http.section import HttpSection
from assistant.problems import explain, nearest, section_type
from assistant.requests.section import RequestsSection
from assistant.sections import (
    AudioSection,
    CacheSection,
    ConversationSection,
    DeploymentSection,
    ModelsSection,
    RecordingsSection,
    SamplesSection,
    StatisticsSection,
    StorageSection,
    UtteranceSection,
)
from assistant.upkeep_section import UpkeepSection
from pipeline.errors import SettingsError
from providers import registry
from providers.settings import ProviderSettings

PROJECT = Path(__file__).resolve().parent.parent
"""Where ``config.yaml`` lies unless told otherwise."""


class Stage(ProviderSettings):
    """Base of a stage's section: which provider, and the settings of each."""

    use: Any
    """The provider's name; a list of names, best first, where several stand in for each other."""

    @field_validator("use", mode="before")
    @classmethod
    def _one_is_a_list_too(cls, use: Any) -> Any:
        listed = get_origin(cls.model_fields["use"].annotation) is list
        return [use] if listed and isinstance(use, str) else use

    def chosen(self) -> list[tuple[str, ProviderSettings]]:
        """Name and settings of the providers in use, best first."""
        used = [self.use] if isinstance(self.use, str) else self.use
        return [(name, self._settings_of(name)) for name in used]

    def _settings_of(self, name: str) -> ProviderSettings:
        settings: ProviderSettings | None = getattr(self, name)
        if settings is None:
            fields = type(self).model_fields[name].annotation
            raise SettingsError(
                f"The provider {name!r} is in use but has no settings.",
                remedy=f"Add a section {name!r} with at least: {', '.join(_required(section_type(fields)))}.",
            )
        return settings


class Settings(ProviderSettings):
    """Everything. The stages' sections get their exact type when the providers are known."""

    audio: AudioSection = AudioSection()
    utterance: UtteranceSection = UtteranceSection()
    conversation: ConversationSection = ConversationSection()
    requests: RequestsSection = RequestsSection()
    deployment: DeploymentSection = DeploymentSection()
    storage: StorageSection = StorageSection()
    cache: CacheSection = CacheSection()
    statistics: StatisticsSection = StatisticsSection()
    recordings: RecordingsSection = RecordingsSection()
    samples: SamplesSection = SamplesSection()
    models: ModelsSection = ModelsSection()
    upkeep: UpkeepSection = UpkeepSection()
    http: HttpSection = HttpSection()
    lexicon: Path | None = None
    """File of pronunciations, relative to ``config.yaml``; ``null`` takes ``shop/lexicon.yaml`` where it exists."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """DEBUG also logs what customers say; do not leave it on in a shop."""
    echo: Stage
    wake_word: Stage
    vad: Stage
    end_of_turn: Stage
    stt: Stage
    tts: Stage
    agent: Stage


DEFAULT_USE: dict[str, str | list[str]] = {
    "echo": "webrtc",
    "wake_word": "openwakeword",
    "vad": "silero",
    "end_of_turn": "smart_turn",
    "stt": ["faster_whisper"],
    "tts": ["piper", "espeak_ng"],
    "agent": "faq",
}
"""Providers in use where nothing else is set."""


def config_path(path: Path | None) -> Path:
    """The settings file: ``path``, else ``$ASSISTANT_CONFIG``, else the project's ``config.yaml``.

    Where the program was installed from a package there is no project, and it is ``~/.config/shop-assistant``'s.
    """
    if path is not None:
        return path
    if named := os.environ.get("ASSISTANT_CONFIG"):
        return Path(named)
    of_project = PROJECT / "config.yaml"
    if of_project.exists() or (PROJECT / "pyproject.toml").exists():
        return of_project
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return home / "shop-assistant" / "config.yaml"


def load(path: Path | None = None) -> tuple[Settings, Path]:
    """Settings from the file of ``config_path``, and its folder.

    Raises ``SettingsError`` that names each wrong key, where it stands and what was probably meant.
    """
    file = config_path(path)
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"There is no settings file {file}.", remedy="Name one with --config.") from error
    except PermissionError as error:
        raise SettingsError(
            f"The settings file {file} is not for this user.", remedy="Those of a service: put sudo before the command."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {file} cannot be read: {error}.") from error
    except yaml.YAMLError as error:
        raise SettingsError(
            f"{file} is not valid YAML: {_one_line(error)}.", remedy="Check indentation and quotes there."
        ) from error
    if document is not None and not isinstance(document, dict):
        raise SettingsError(f"{file} must hold settings (`name: value`), not a {type(document).__name__}.")
    return parse(document or {}, str(file)), file.resolve().parent


def parse(document: dict[str, Any], source: str) -> Settings:
    """Settings from a mapping as YAML gives it. Raises ``SettingsError``; ``source`` is named in its message."""
    model = settings_model()
    try:
        return model.model_validate(_with_secrets(document))
    except ValidationError as error:
        problems = [_explain(problem, model) for problem in error.errors(include_url=False)]
        raise SettingsError(f"{source}: {'; '.join(problems)}.", remedy="`assistant config` shows all.") from error


@cache
def settings_model() -> type[Settings]:
    """The settings' model with the sections of all providers there are."""
    sections: dict[str, Any] = {}
    for stage, use in DEFAULT_USE.items():
        names = registry.names(stage)
        one: Any = Literal[tuple(names)]  # the names are known only now
        fields: dict[str, Any] = {"use": (list[one] if isinstance(use, list) else one, use)}
        for name in names:
            settings = registry.settings_type(stage, name)
            # One that cannot do without being told something has no settings until it is told.
            needy = any(field.is_required() for field in settings.model_fields.values())
            fields[name] = (settings | None, None) if needy else (settings, settings())
        section = create_model(f"{stage}_section", __base__=Stage, **fields)
        sections[stage] = (section, section.model_validate({}))
    return create_model("AllSettings", __base__=Settings, **sections)


def dump(settings: Settings) -> dict[str, Any]:
    """The effective settings as plain values, secrets masked."""
    return settings.model_dump(mode="json")


def _with_secrets(value: Any) -> Any:
    """``${NAME}`` replaced from the environment, wherever it stands."""
    if isinstance(value, dict):
        return {key: _with_secrets(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_secrets(item) for item in value]
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", _from_environment, value)
    return value


def _from_environment(match: re.Match[str]) -> str:
    name = match.group(1)
    known = credentials.here()
    if name not in known:
        raise SettingsError(
            f"The settings need the environment variable {name}.",
            remedy=f"Set it: export {name}=… (for the service: a file {name} in its folder of credentials).",
        )
    return known[name]


def _explain(problem: Any, model: type[BaseModel]) -> str:
    stage, *inner = problem["loc"]
    if problem["type"] == "literal_error" and stage in DEFAULT_USE and inner[0] == "use":
        return _unknown_provider(problem)
    return explain(problem, model)


def _unknown_provider(problem: Any) -> str:
    stage, unknown = problem["loc"][0], problem["input"]
    known = registry.names(stage)
    close = nearest(str(unknown), known)
    hint = f"did you mean {close!r}? " if close else ""
    return f"{stage}.use: there is no provider {unknown!r}, {hint}known are: {', '.join(known)}"


def _required(model: type[BaseModel] | None) -> list[str]:
    return [name for name, field in model.model_fields.items() if field.is_required()] if model else []


def _one_line(error: yaml.YAMLError) -> str:
    return " ".join(str(error).split())
