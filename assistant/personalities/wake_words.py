"""The wake words that a personality can have on this machine."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from assistant.models.store import ModelStore
from assistant.personalities.errors import PersonalityConflict, PersonalityInvalid
from assistant.problems import nearest
from assistant.settings import Settings
from pipeline.errors import ModelError
from providers.registry import ModelFolder

MICROWAKEWORDS = ("alexa", "hey_jarvis", "hey_mycroft", "okay_nabu")
"""Words that the package pymicro-wakeword brings."""

MOST = 8
"""Words that detectors listen for at the same time."""

RESTART = "A wake word that is new to the daemon is heard after its next start."
"""What to tell whoever sets one."""


class WakeWords:
    """Says whether a wake word can be heard here."""

    def __init__(self, settings: Settings, models: ModelStore, allowed: ModelFolder) -> None:
        """``allowed`` gives the models that the licence settings allow."""
        provider, section = settings.wake_word.chosen()[0]
        words: list[Any] = list(section.model_dump()["words"])  # every wake word provider has them
        self.listening = tuple(Path(word["name"]).stem if _is_file(word["name"]) else word["name"] for word in words)
        """Those of the settings, which are heard in any case; as hits call them."""
        self._models = allowed if provider == "openwakeword" else None
        catalogued = [model.name for model in models.catalogue.of_kind("wake_word")]
        own = [name for name, kind in models.own().items() if kind == "wake_word"]
        known = [*catalogued, *own] if provider == "openwakeword" else MICROWAKEWORDS
        self.known = tuple(dict.fromkeys([*self.listening, *known]))
        """All that can be named."""

    def check(self, word: str, taken: Collection[str]) -> None:
        """``taken`` are those of the other personalities. Raises ``PersonalityInvalid`` or ``PersonalityConflict``."""
        if word not in self.known:
            close = nearest(word, self.known)
            hint = f"Did you mean {close!r}? " if close else ""
            raise PersonalityInvalid(
                f"wake_word: there is no wake word {word!r}.",
                remedy=f"{hint}Known here are: {', '.join(self.known)}. Another one needs a model in the models folder "
                "or in config.yaml: wake_word.",
            )
        if self._models is not None and word not in self.listening:
            try:
                self._models.path(word)
            except ModelError as error:
                raise PersonalityInvalid(f"wake_word: {error.message}", remedy=error.remedy) from error
        if len({*self.listening, *taken, word}) > MOST:
            raise PersonalityConflict(
                f"wake_word: at most {MOST} wake words can be listened for at the same time.",
                remedy="Take one away from another personality or from config.yaml: wake_word.",
            )


def _is_file(name: str) -> bool:
    return name.endswith((".onnx", ".json"))
