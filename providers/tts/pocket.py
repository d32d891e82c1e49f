"""Pocket TTS (package pocket-tts, MIT; weights CC BY 4.0): the voice of a sample, in real time on a processor."""

from __future__ import annotations

from pydantic import Field

from providers.registry import Resources
from providers.tts.cloning.making import cloning_synthesizer
from providers.tts.cloning.settings import CloningSettings
from providers.tts.cloning.shelf import Model, ModelPerLanguage, OneModel, Shelf
from providers.tts.cloning.synthesizer import CloningSynthesizer

NAME = "pocket_tts"

LANGUAGES = frozenset({"de", "en", "es", "fr", "it", "nl", "pt"})
"""Of the published models; each speaks one of them."""


class Settings(CloningSettings):
    """How Pocket TTS speaks with the voices of samples; a shop may use it. Needs `./install.sh pocket`."""

    models: dict[str, str] = Field({})
    """Model by language (ISO 639-1), such as `en: pocket-tts-en`, or a folder relative to `config.yaml`, written with a
    `/`, whose name ends in `-en`; those that are here need not be named."""


def create(settings: Settings, resources: Resources) -> CloningSynthesizer:
    """The synthesizer, nothing started."""
    shelf: Shelf = ModelPerLanguage(settings.models, "tts_clone", "pocket-tts-", resources)
    if settings.url:  # the models lie there
        shelf = OneModel(Model("pocket-tts-en", resources), LANGUAGES)
    return cloning_synthesizer(NAME, NAME, shelf, settings, resources, "./install.sh pocket")
