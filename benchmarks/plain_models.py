"""Models in the project's own folder, without a catalogue around them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pipeline.errors import ModelMissing
from providers.registry import Resources

MODELS = Path(__file__).resolve().parent.parent / "models"


class PlainModels:
    """A ``ModelFolder``."""

    def path(self, name: str) -> Path:
        folder = MODELS / name
        if not folder.is_dir():
            raise ModelMissing(f"The model {name} is missing.", remedy="Fetch it: ./install.sh models")
        return folder

    def present(self, kind: str) -> list[str]:
        return ["en_US-kiosk-low"] if kind == "piper" else []

    def fingerprint(self, name: str) -> str:
        return hashlib.sha256((self.path(name) / f"{name}.onnx").read_bytes()).hexdigest()

    def permit(self, name: str) -> None: ...

    def licence(self, name: str) -> str:
        return ""


def resources() -> Resources:
    """What providers need."""
    return Resources(PlainModels(), MODELS)
