"""Which model an engine takes for a language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.errors import ModelMissing
from pipeline.speech import primary_language
from providers.registry import ModelFolder, Resources
from providers.tts.voice_worker.model_hash import model_hash


class Shelf(Protocol):
    """An engine's models."""

    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes, as far as is known without loading anything."""
        ...

    def model_for(self, language: str) -> Model | None:
        """The model that speaks a language (ISO 639-1); None where none does."""
        ...


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the catalogue, by its name, or the owner's own folder, written with a ``/``."""

    name: str
    resources: Resources

    @property
    def catalogued(self) -> bool:
        """Whether it is one of the catalogue."""
        return "/" not in self.name

    def folder(self) -> Path:
        """Raises ``ModelMissing`` and ``LicenceRefused``."""
        if self.catalogued:
            return self.resources.models.path(self.name)
        path = self.resources.folder / self.name
        if not path.is_dir():
            raise ModelMissing(f"There is no folder {path} with a model.", remedy="Mend the path in config.yaml (tts).")
        return path

    def permit(self) -> None:
        """Raises ``LicenceRefused`` where it may not be used here, wherever it runs."""
        if self.catalogued:
            self.resources.models.permit(self.name)

    def fingerprint(self) -> str:
        """Hash of its files; reads them where they changed. Raises ``ModelError``."""
        folder = self.folder()
        if self.catalogued:
            return self.resources.models.fingerprint(self.name)
        try:
            return model_hash(folder)
        except OSError as error:
            raise ModelMissing(f"The model in {folder} cannot be read: {error.strerror}.") from error

    def licence(self) -> str:
        """Its licence, "" where unknown."""
        return self.resources.models.licence(self.name) if self.catalogued else ""


@dataclass(frozen=True, slots=True)
class OneModel:
    """A ``Shelf`` with one model for all languages."""

    model: Model
    spoken: frozenset[str]

    def languages(self) -> frozenset[str]:
        """All it is known to speak."""
        return self.spoken

    def model_for(self, language: str) -> Model | None:
        """The same for all."""
        return self.model if primary_language(language) in self.spoken else None


@dataclass(frozen=True, slots=True)
class ModelPerLanguage:
    """A ``Shelf`` whose models end in the language that they speak: those that are named, then those that are here."""

    named: Mapping[str, str]
    """Names or folders by language."""
    kind: str
    beginning: str
    """Of their names in the catalogue."""
    resources: Resources

    def languages(self) -> frozenset[str]:
        """Those of the models that are here."""
        return frozenset(self._names())

    def model_for(self, language: str) -> Model | None:
        """The named one, else the one that is here."""
        name = self._names().get(primary_language(language))
        return Model(name, self.resources) if name else None

    def _names(self) -> dict[str, str]:
        return {**present(self.resources.models, self.kind, self.beginning), **self.named}


def present(models: ModelFolder, kind: str, beginning: str) -> dict[str, str]:
    """Models that are here, by the language with which their names end."""
    names = [name for name in models.present(kind) if name.startswith(beginning)]
    return {name.removeprefix(beginning): name for name in names}
