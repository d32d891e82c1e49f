"""A folder of models without a catalogue."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import ModelMissing


@dataclass
class ListedModels:
    """A ``ModelFolder`` that has what it is told; without a folder of its own, a model's lies at its name."""

    folder: Path = field(default_factory=Path)
    kinds: dict[str, list[str]] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        if not any(name in names for names in self.kinds.values()):
            raise ModelMissing(f"{name} is missing.", remedy=f"assistant models pull {name}")
        return self.folder / name

    def present(self, kind: str) -> list[str]:
        return list(self.kinds.get(kind, []))

    def fingerprint(self, name: str) -> str:
        files = sorted(file for file in self.path(name).rglob("*") if file.is_file())
        return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()

    def permit(self, name: str) -> None: ...

    def licence(self, name: str) -> str:
        return f"licence of {name}"
