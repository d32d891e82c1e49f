"""XTTS v2 (package coqui-tts, MPL-2.0; weights for non-commercial use): the voice of a sample, in 17 languages."""

from __future__ import annotations

from providers.registry import Resources
from providers.tts.cloning.making import cloning_synthesizer
from providers.tts.cloning.settings import CloningSettings
from providers.tts.cloning.shelf import Model, OneModel
from providers.tts.cloning.synthesizer import CloningSynthesizer

NAME = "xtts_v2"

LANGUAGES = frozenset(
    {"en", "es", "fr", "de", "it", "pt", "pl", "tr", "ru", "nl", "cs", "ar", "zh", "hu", "ko", "ja", "hi"}
)
"""Of the published model (its ``config.json``)."""


class Settings(CloningSettings):
    """How XTTS v2 speaks with the voices of samples; needs `./install.sh xtts`."""

    model: str = "xtts-v2"
    """Name of a model in `models/`, or a folder relative to `config.yaml`, written with a `/`."""


def create(settings: Settings, resources: Resources) -> CloningSynthesizer:
    """The synthesizer, nothing started."""
    shelf = OneModel(Model(settings.model, resources), LANGUAGES)
    return cloning_synthesizer(NAME, NAME, shelf, settings, resources, "./install.sh xtts")
