"""End of turn by silence alone: nothing is asked, the pipeline waits."""

from __future__ import annotations

from providers.registry import Resources
from providers.settings import ProviderSettings


class Settings(ProviderSettings):
    """Nothing to choose; how long the silence must be is a matter of ``utterance``."""


def create(settings: Settings, resources: Resources) -> None:
    """No detector."""
