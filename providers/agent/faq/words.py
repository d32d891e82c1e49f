"""What must be known about a language to understand questions in it; ``en.yaml`` and ``es.yaml`` are filled in.

The section ``words:`` of a FAQ file changes single fields, or gives them all for a language that is not here.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Makes texts only; the one in C reads twenty times as fast, and PyYAML may have been built without it."""


class Phrases(BaseModel):
    """Pieces of answers that are put together here and not in the FAQ file."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    today: str = ""
    """Such as ``today``."""
    tomorrow: str = ""
    """Such as ``tomorrow``."""
    on_day: str = "{day}"
    """With ``{day}``, such as ``on {day}``."""
    hours: str = "{opens} - {closes}"
    """With ``{opens}`` and ``{closes}``."""
    noon: str = ""
    """12:00 where the clock has 12 hours; empty says ``12 PM``."""
    midnight: str = ""
    """0:00 where the clock has 12 hours; empty says ``12 AM``."""
    closed: str = "-"
    """Such as ``closed``."""
    all_day: str = "0 - 24"
    """Open day and night."""
    and_: str = Field(default=",", alias="and")
    """Between the last two of a list."""
    days: str = "{first} - {last}"
    """With ``{first}`` and ``{last}``."""
    on_days: str = "{days}: {hours}"
    """With ``{days}`` and ``{hours}``."""
    date: str = "{day} {month}"
    """With ``{day}``, a number, and ``{month}``, a name."""


class Words(BaseModel):
    """A language's words. All texts are compared without case, accents and punctuation."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    contractions: dict[str, str] = {}
    """Ends of words with an apostrophe, and the word each stands for."""
    rewrites: dict[str, str] = {}
    """Phrases that are replaced before anything else: spellings, synonyms."""
    endings: list[tuple[str, str]] = []
    """Ends of words and what replaces them, the first that fits: plural and singular become equal."""
    fillers: list[str] = []
    """Phrases without a meaning of their own; ignored where something else is said."""
    light: list[str] = []
    """Words that hardly tell one question from another."""
    negations: list[str] = []
    """Words that turn a question round; never overlooked."""
    pronouns: list[str] = []
    """Words that may stand for the product of the question before."""
    and_: list[str] = Field(default=[], alias="and")
    """Words between two things asked for together."""
    numbers: dict[str, int] = {}
    """Number words beyond those that the library num2words knows."""
    weekdays: list[list[str]] = Field(default=[[], [], [], [], [], [], []], min_length=7, max_length=7)
    """Names of each day, Monday first; the first name is the one spoken."""
    today: list[str] = []
    """Ways to say today."""
    tomorrow: list[str] = []
    """Ways to say tomorrow."""
    day_after_tomorrow: list[str] = []
    """Ways to say the day after tomorrow."""
    weekend: list[str] = []
    """Ways to say the coming Saturday and Sunday."""
    am: list[str] = []
    """Behind a time: before noon."""
    pm: list[str] = []
    """Behind a time: after noon."""
    oclock: list[str] = []
    """Behind a full hour."""
    noon: list[str] = []
    """12:00."""
    midnight: list[str] = []
    """24:00."""
    before_time: list[str] = []
    """In front of a number that is then a time."""
    minutes_before_hour: dict[str, int] = {}
    """In front of an hour, and the minutes that they add."""
    minutes_after_hour: dict[str, int] = {}
    """Behind an hour, and the minutes that they add."""
    clock: Literal["12", "24"] = "24"
    """How times are spoken: ``9 PM`` or ``21:00``."""
    say: Phrases = Phrases()
    """Pieces of answers."""
    months: list[str] = Field(default=[str(n) for n in range(1, 13)], min_length=12, max_length=12)
    """Names of the months."""


def built_in(language: str) -> dict[str, Any]:
    """The fields of a language (ISO 639-1) that come with the program; empty where there are none."""
    file = files(__package__) / f"{language}.yaml"
    if not language.isalpha() or not file.is_file():
        return {}
    loaded: dict[str, Any] = yaml.load(file.read_text("utf-8"), LOADER)  # noqa: S506 - strings only
    return loaded
