"""No echo cancelling: for headsets, and for microphones that do it themselves."""

from __future__ import annotations

from providers.registry import Resources
from providers.settings import ProviderSettings


class Settings(ProviderSettings):
    """Nothing to choose."""


def create(settings: Settings, resources: Resources) -> None:
    """No canceller."""
