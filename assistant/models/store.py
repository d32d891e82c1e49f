"""The models on this machine. No code here touches the network: while the daemon runs nothing is ever fetched."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assistant.models.catalogue import Catalogue, Licence, Model, ModelFile, load_catalogue, safe_name
from assistant.models.digests import sha256
from pipeline.errors import ModelDamaged, ModelMissing

MANIFEST = ".complete.json"
"""Written last into a pulled model's folder: size and sha256 of each file as it was published."""

ModelState = Literal["present", "missing", "damaged"]


def bundled_folder() -> Path:
    """Folder of the models that come with the program."""
    return Path(__file__).resolve().parents[2] / "models"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file of a model must be."""

    path: str
    size: int | None
    sha256: str | None


class ModelStore:
    """Implements ``providers.registry.ModelFolder`` on ``folder``/NAME/, then on the program's own models.

    ``folder`` may lie elsewhere than the program, which may then be read-only. ``mirror`` is only asked by
    ``assistant models pull``; here it stands in remedies.
    """

    def __init__(
        self,
        folder: Path,
        mirror: Path | None = None,
        *,
        catalogue: Catalogue | None = None,
        bundled: Path | None = None,
    ) -> None:
        self.folder = folder
        self.mirror = mirror
        self.catalogue = catalogue if catalogue is not None else load_catalogue()
        self._fingerprints: dict[str, tuple[object, str]] = {}
        self._folders = tuple(dict.fromkeys((folder, bundled if bundled is not None else bundled_folder())))

    def path(self, name: str) -> Path:
        """Folder of a model whose files are all there with the right sizes (their content: ``verify``).

        Raises ``ModelMissing`` where files are missing and ``ModelDamaged`` where one has another size.
        """
        folder = self._find(name)
        if folder is None:
            raise self._missing(name)
        if name not in self.catalogue:
            return folder
        expected = self._expected(folder, self.catalogue.get(name))
        lacking = [file.path for file in expected if not (folder / file.path).is_file()]
        if lacking:
            raise self._missing(name, lacking)
        wrong = [file.path for file in expected if not _right_size(folder / file.path, file)]
        if wrong:
            raise self._damaged(name, wrong)
        return folder

    def present(self, kind: str) -> list[str]:
        """Names of the complete models of a kind: the catalogue's best first, then the user's own, then the bundled."""
        known = [model for model in self.catalogue.of_kind(kind) if self.state(model.name) == "present"]
        return [
            *(model.name for model in known if not model.bundled),
            *(name for name, own_kind in self.own().items() if own_kind == kind),
            *(model.name for model in known if model.bundled),
        ]

    def fingerprint(self, name: str) -> str:
        """Hash of a present model's files: their names and what is in them. Read the first time and when one changed.

        Raises ``ModelMissing``, and ``ModelDamaged`` where a file cannot be read.
        """
        folder = self.path(name)
        try:
            files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name[0] != ".")
            known = tuple((file, (stat := file.stat()).st_size, stat.st_mtime_ns, stat.st_ino) for file in files)
            if self._fingerprints.get(name, (None, ""))[0] != known:
                parts = "".join(f"{file.relative_to(folder)}\0{sha256(file)}\n" for file in files)
                self._fingerprints[name] = (known, hashlib.sha256(parts.encode()).hexdigest())
        except OSError as error:
            problem = f"The model {name} cannot be read: {error.strerror}."
            raise ModelDamaged(problem, remedy=f"Who may read its folder {folder}?") from error
        return self._fingerprints[name][1]

    def permit(self, name: str) -> None:
        """All may be used as far as the store knows; licences are looked at above it."""

    def licence(self, name: str) -> str:
        """Name of a catalogued model's licence, "" where unknown."""
        terms = self.terms(name)
        return terms.name if terms else ""

    def terms(self, name: str) -> Licence | None:
        """Licence of a catalogued model."""
        return self.catalogue.get(name).licence if name in self.catalogue else None

    def state(self, name: str) -> ModelState:
        """Whether a model can be used, judged by its files' sizes."""
        try:
            self.path(name)
        except ModelDamaged:
            return "damaged"
        except ModelMissing:
            return "missing"
        return "present"

    def verify(self, name: str) -> bool:
        """Read and hash every file. Raises ``ModelDamaged`` naming the files that are not as published, or as ``path``.

        Returns whether the published digest of every file is known; the others (a user's own models) only have to
        be there.
        """
        folder = self.path(name)
        if name not in self.catalogue:
            return False
        expected = self._expected(folder, self.catalogue.get(name))
        known = [file for file in expected if file.sha256 is not None]
        wrong = [file.path for file in known if sha256(folder / file.path) != file.sha256]
        if wrong:
            raise self._damaged(name, wrong)
        return len(known) == len(expected)

    def own(self) -> dict[str, str]:
        """The user's own models, name to kind: folders that are not in the catalogue but hold a known kind of model."""
        found: dict[str, str] = {}
        for folder in self._subfolders():
            kind = _own_kind(folder)
            if kind and folder.name not in self.catalogue:
                found.setdefault(folder.name, kind)
        return found

    def _subfolders(self) -> Iterator[Path]:
        for root in self._folders:
            if root.is_dir():
                yield from sorted(entry for entry in root.iterdir() if entry.is_dir() and entry.name[0] != ".")

    def _find(self, name: str) -> Path | None:
        """The first folder of that name; one with all files wins over a torn one before it."""
        model = self.catalogue.get(name) if name in self.catalogue else None
        if model is None:
            return next((folder for folder in self._subfolders() if folder.name == name and _own_kind(folder)), None)
        if model.package is not None:
            return _package_folder(model.package.package, model.package.folder)
        folders = [root / safe_name(name) for root in self._folders if (root / name).is_dir()]
        whole = (folder for folder in folders if all((folder / file.path).is_file() for file in model.files))
        return next(whole, folders[0] if folders else None)

    @staticmethod
    def _expected(folder: Path, model: Model) -> list[Expected]:
        recorded = read_manifest(folder)
        return [_merge(file, recorded.get(file.path)) for file in model.files]

    def _missing(self, name: str, files: list[str] | None = None) -> ModelMissing:
        if name not in self.catalogue:
            try:
                self.catalogue.get(name)
            except ModelMissing as error:
                return error
        message = f"The model {name} is not complete: {', '.join(files)} missing." if files else ""
        return ModelMissing(message or f"The model {name} is not on this machine.", remedy=self._remedy(name))

    def _damaged(self, name: str, files: list[str]) -> ModelDamaged:
        return ModelDamaged(
            f"The model {name} is damaged: {', '.join(files)} not as published.", remedy=self._remedy(name)
        )

    def _remedy(self, name: str) -> str:
        model = self.catalogue.get(name)
        if model.bundled:
            return f"It comes with the program: restore the folder models/{name} from the installation."
        if model.package is not None:
            return f"It comes with the Python package {model.package.package}: run ./install.sh again."
        where = f"the mirror {self.mirror}" if self.mirror else "a share named by models.mirror"
        return f"Run: assistant models pull {name} (without internet it can come from {where})."


def read_manifest(folder: Path) -> Mapping[str, Expected]:
    """What the pulled files of a model were, by path; empty where there is no manifest or it cannot be read."""
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        return {path: Expected(path, int(entry["size"]), str(entry["sha256"])) for path, entry in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _merge(file: ModelFile, recorded: Expected | None) -> Expected:
    """The catalogue's figures, those of the manifest where the catalogue has none."""
    size = file.size if file.size is not None or recorded is None else recorded.size
    digest = file.sha256 if file.sha256 is not None or recorded is None else recorded.sha256
    return Expected(file.path, size, digest)


def _right_size(path: Path, file: Expected) -> bool:
    size = path.stat().st_size
    return size > 0 if file.size is None else size == file.size


def _package_folder(package: str, folder: str) -> Path | None:
    # find_spec of a top-level package reads no code of it, so looking costs nothing.
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec is not None else None
    found = [Path(place) / folder for place in places or () if (Path(place) / folder).is_dir()]
    return found[0] if found else None


def _own_kind(folder: Path) -> str:
    """Kind of a model that is recognised by its files, "" where it is none."""
    names = {entry.name for entry in folder.iterdir()}
    if {"model.bin", "config.json"} <= names:
        return "whisper"
    networks = [name for name in names if name.endswith(".onnx")]
    if any(f"{name}.json" in names for name in networks):
        return "piper"
    # A wake word's network is named after its folder, as the catalogued ones are.
    if any(name.startswith(folder.name) for name in networks):
        return "wake_word"
    return ""
