"""The list of all models, read from ``catalogue.yaml``: files, sources, licence."""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict

from pipeline.errors import ModelMissing
from pipeline.speech import primary_language

Kind = Literal["whisper", "piper", "wake_word", "wake_word_features", "vad", "end_of_turn", "tts_clone"]
"""What a model does."""

CATALOGUE_FILE = Path(__file__).with_name("catalogue.yaml")


def safe_path(path: str) -> str:
    """The path itself. Raises ``ValueError`` where it could leave the folder it is meant for."""
    parts = PurePosixPath(path).parts
    if not parts or PurePosixPath(path).is_absolute() or ".." in parts or "\\" in path or "\0" in path:
        raise ValueError(f"{path!r} is not a path inside a model's folder")
    return path


def safe_name(name: str) -> str:
    """The name itself. Raises ``ValueError`` where it is more than the name of one visible folder."""
    if len(PurePosixPath(safe_path(name)).parts) != 1 or name.startswith("."):
        raise ValueError(f"{name!r} is not the name of a model")
    return name


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Licence(_Entry):
    """Under which terms a model may be used."""

    name: str
    """SPDX identifier where there is one, else the licence's own name."""
    commercial: Literal["yes", "no", "unknown"]
    """Whether a shop may use it."""
    terms: str = ""
    """What it asks of a user, in a few words."""
    note: str = ""
    """What else to know about the model, one line."""
    instead: str = ""
    """What a shop may use where no other model of the kind will do."""
    accept: Literal["", "coqui_terms_accepted"] = ""
    """The setting of ``deployment`` by which the owner accepts the terms before any use; "" where none is needed."""
    url: str = ""
    """Where the terms stand."""


class HubSource(_Entry):
    """A repository on the Hugging Face hub."""

    hub: str
    """``owner/name``."""
    revision: str = "main"
    """A commit, tag or branch."""
    folder: str = ""
    """Folder inside the repository that holds the files."""


class ModelFile(_Entry):
    """One file of a model."""

    path: Annotated[str, AfterValidator(safe_path)]
    """Relative to the model's folder."""
    size: int | None = None
    """Bytes; ``None`` where only the hub knows."""
    sha256: str | None = None
    """Lower-case hexadecimal; ``None`` where only the hub knows."""
    elsewhere: HubSource | None = None
    """Where on the hub it lies when that is not where the model's other files lie; its own name stays the same."""


class WheelSource(_Entry):
    """A wheel of the Python package index that carries the files."""

    wheel: str
    """``NAME==VERSION``."""
    folder: str
    """Folder inside the wheel that holds the files."""


class PackageSource(_Entry):
    """An installed Python package that carries the files; nothing to pull."""

    package: str
    """Import name."""
    folder: str
    """Folder inside the package that holds the files."""


class BundledSource(_Entry):
    """The files come with this program; nothing to pull."""

    bundled: Literal[True]


Source = HubSource | WheelSource | PackageSource | BundledSource


class Model(_Entry):
    """One model of the catalogue."""

    name: Annotated[str, AfterValidator(safe_name)]
    """Also the name of its folder."""
    kind: Kind
    languages: tuple[str, ...]
    """``*`` stands for many."""
    about: str
    """One line for people."""
    licence: Licence
    sources: tuple[Source, ...]
    """Where to get it, in the order to try, after the mirror folder of the settings."""
    files: tuple[ModelFile, ...]
    """All that is needed; more may lie beside them."""
    engine: str = ""
    """The command that sets up the engine it is for; "" where the program's own installation is enough."""

    @property
    def size_bytes(self) -> int | None:
        """Sum of all files, ``None`` where one is not known."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def bundled(self) -> bool:
        """Whether it comes with this program."""
        return any(isinstance(source, BundledSource) for source in self.sources)

    @property
    def package(self) -> PackageSource | None:
        """The installed package it comes with, if it does."""
        return next((source for source in self.sources if isinstance(source, PackageSource)), None)


class Catalogue:
    """All models, best first within each kind."""

    def __init__(self, models: tuple[Model, ...], licences: tuple[Licence, ...] = ()) -> None:
        self._models = {model.name: model for model in models}
        self._licences: dict[str, Licence] = {}
        for licence in licences:
            self._licences.setdefault(licence.name, licence)

    def __contains__(self, name: str) -> bool:
        return name in self._models

    @property
    def models(self) -> tuple[Model, ...]:
        """All models, in the catalogue's order."""
        return tuple(self._models.values())

    def get(self, name: str) -> Model:
        """The model of that name. Raises ``ModelMissing`` with the nearest name where there is none."""
        if name in self._models:
            return self._models[name]
        close = difflib.get_close_matches(name, self._models, n=1)
        hint = f"Did you mean {close[0]}?" if close else "List them: assistant models list"
        raise ModelMissing(f"There is no model {name!r}.", remedy=hint)

    def licence(self, name: str) -> Licence | None:
        """The terms of a licence by its own name, such as ``Apache-2.0``; None where it is not known here."""
        return self._licences.get(name)

    def free_for_shops(self, model: Model) -> tuple[Model, ...]:
        """Models of the same kind and language that a shop may use, best first; the bundled ones last."""
        spoken = {primary_language(language) for language in model.languages}
        free = [
            one
            for one in self.of_kind(model.kind)
            if one.licence.commercial == "yes"
            and ("*" in one.languages or spoken & set(map(primary_language, one.languages)))
        ]
        return tuple(sorted(free, key=lambda one: one.bundled))

    def of_kind(self, kind: str) -> tuple[Model, ...]:
        """Models of a kind, best first."""
        return tuple(model for model in self._models.values() if model.kind == kind)


def read_catalogue(file: Path) -> Catalogue:
    """Read a catalogue. Raises ``OSError``, ``yaml.YAMLError`` or ``ValueError``: the file is part of the program."""
    # The parser written in C is ten times faster; a PyYAML built without it has only the other.
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content = yaml.load(file.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - both loaders are safe ones
    licences = {key: Licence.model_validate(entry) for key, entry in content["licences"].items()}
    return Catalogue(
        tuple(
            Model.model_validate({**entry, "name": name, "licence": licences[entry["licence"]]})
            for name, entry in content["models"].items()
        ),
        tuple(licences.values()),
    )


@cache
def load_catalogue() -> Catalogue:
    """The catalogue that comes with this program."""
    return read_catalogue(CATALOGUE_FILE)
