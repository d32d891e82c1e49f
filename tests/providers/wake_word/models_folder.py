"""Finds models in the project's own folder, whatever the catalogue says."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ModelMissing
from providers.registry import Resources

MODELS = Path(__file__).resolve().parents[3] / "models"


class PlainFolder:
    def __init__(self, folder: Path = MODELS) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        if not (self.folder / name).is_dir():
            raise ModelMissing(f"No {name}.", remedy="Fetch it.")
        return self.folder / name

    def present(self, kind: str) -> list[str]:
        return []

    def permit(self, name: str) -> None: ...

    def licence(self, name: str) -> str:
        return "CC-BY-NC-SA-4.0"


def fetched_models() -> Resources:
    """The models; the test is skipped where they were not fetched yet."""
    if not (MODELS / "openwakeword-features").is_dir():
        pytest.skip("the wake word models are not fetched")
    return Resources(PlainFolder())
