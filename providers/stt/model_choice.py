"""Which Whisper model to load: the one that is named, or the best present one that this machine can carry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ModelDamaged, ModelMissing
from pipeline.protocols import Caution
from providers.registry import Resources

STAND_IN = "whisper-kiosk-en"
"""The small model that comes with the program."""

GET_ONE = "Get a real one: assistant models pull whisper-base.en (other languages: whisper-base)"

JSON_FILES = ("config.json", "tokenizer.json", "vocabulary.json", "preprocessor_config.json")
"""Files of a model that must be readable where they are there."""

SIZES = ("tiny", "base", "small", "medium", "large")
"""By cost, cheapest first; part of the models' names."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A model to load."""

    name: str
    """Its name in the catalogue, or the name of its folder."""

    folder: Path
    """Where its files lie."""

    @property
    def english_only(self) -> bool:
        """Whether its name says so, as Whisper's names do."""
        return self.name.endswith((".en", "-en"))

    @property
    def caution(self) -> Caution | None:
        """What to tell the owner about it."""
        if self.name != STAND_IN:
            return None
        return Caution(
            f"{STAND_IN} serves as speech recogniser: it knows 293 words of a shop, in English, is made for demos and "
            "tests and turns everything else into some sentence of a shop.",
            GET_ONE,
        )


def choose(model: str, languages: Sequence[str], on_gpu: bool, cpus: int, resources: Resources) -> Choice:
    """The model to load.

    ``model`` is ``auto``, a name of the catalogue with or without ``whisper-``, or a folder (anything with a ``/``).
    ``languages`` are those that may be spoken; empty means any. Raises ``ModelMissing``.
    """
    if model == "auto":
        name = best(resources.models.present("whisper"), languages, on_gpu, cpus)
        if name is None:
            raise ModelMissing("There is no speech recogniser on this machine.", remedy=GET_ONE)
        return Choice(name, resources.models.path(name))
    if "/" in model:
        folder = (resources.folder / Path(model).expanduser()).resolve()
        if not folder.is_dir():
            raise ModelMissing(
                f"There is no folder {folder} with a speech model.", remedy="Correct stt's setting model."
            )
        return Choice(folder.name, folder)
    name = model if model.startswith("whisper-") else f"whisper-{model}"
    return Choice(name, resources.models.path(name))


def best(present: Sequence[str], languages: Sequence[str], on_gpu: bool, cpus: int) -> str | None:
    """The best of the present models (listed best first) that fits; the stand-in only where nothing else is there."""
    real = [name for name in present if name != STAND_IN]
    if set(languages) != {"en"}:
        real = [name for name in real if not name.endswith((".en", "-en"))] or real
    bearable = [name for name in real if size(name) <= largest(on_gpu, cpus)]
    if bearable:
        return bearable[0]
    if real:
        return min(real, key=size)
    return STAND_IN if STAND_IN in present else None


def largest(on_gpu: bool, cpus: int) -> int:
    """Place in ``SIZES`` of the largest model that answers in about a second.

    From the cost of encoding 30 s in int8: tiny takes 0.4 s of one core, and each size about three times the last.
    """
    if on_gpu:
        return len(SIZES)
    if cpus >= 8:
        return SIZES.index("small")
    return SIZES.index("base") if cpus >= 4 else SIZES.index("tiny")


def size(name: str) -> int:
    """Place of a model in ``SIZES``; a name that tells nothing counts as small, for its owner chose it."""
    return next((place for place, part in reversed(list(enumerate(SIZES))) if part in name), SIZES.index("tiny"))


def checked(choice: Choice) -> Choice:
    """The choice itself, once its files are there and readable.

    Raises ``ModelMissing`` and ``ModelDamaged``. Without this check faster-whisper would go and fetch a missing
    tokenizer from the hub.
    """
    remedy = f"Get it again: assistant models pull {choice.name}"
    files = {"model.bin", "config.json", "tokenizer.json"}
    lacking = sorted(name for name in files if not (choice.folder / name).is_file())
    vocabularies = [choice.folder / name for name in ("vocabulary.json", "vocabulary.txt")]
    if not any(vocabulary.is_file() for vocabulary in vocabularies):
        lacking.append("vocabulary.json")
    if len(lacking) == len(files) + 1:
        raise ModelMissing(f"There is no speech model in {choice.folder}.", remedy=remedy)
    if lacking:
        raise ModelDamaged(f"The speech model {choice.name} lacks {', '.join(lacking)}.", remedy=remedy)
    contents = {name: _json(choice.folder / name) for name in JSON_FILES if (choice.folder / name).is_file()}
    if not isinstance(contents["tokenizer.json"], dict) or not _has_words(contents["tokenizer.json"]):
        contents["tokenizer.json"] = None
    broken = sorted(name for name, content in contents.items() if not content)
    if broken:
        raise ModelDamaged(f"The speech model {choice.name} is damaged: {', '.join(broken)}.", remedy=remedy)
    return choice


def _json(file: Path) -> Any:
    """The file's content, None where it cannot be read."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        return None


def _has_words(tokenizer: dict[str, Any]) -> bool:
    """Whether a tokenizer has a vocabulary. The library that reads it fails with a bare ``Exception`` without one."""
    model = tokenizer.get("model")
    return isinstance(model, dict) and bool(model.get("vocab")) and "merges" in model
