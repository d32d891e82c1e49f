"""What stands in a FAQ file. docs/agents.md tells it to those who write one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from providers.agent.faq.words import Words

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Texts = Annotated[list[Text], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*$")]


class Part(BaseModel):
    """What all parts share: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class TableSource(Part):
    """Where a table is."""

    file: Text
    """CSV file, relative to the FAQ file."""
    name: Text = "name"
    """Column with what a thing is called aloud."""
    synonyms: str = ""
    """Column with other names, separated by ``|``; "" for none."""


class SpecialDay(Part):
    """A date whose hours differ."""

    hours: Text = "closed"
    """As for a weekday."""
    names: dict[str, Texts] = {}
    """What the day is called, by language; customers may ask for it by name."""


class Week(Part):
    """Opening hours: ``08:00-21:00``, ``09:00-14:00, 17:00-20:30`` or ``closed``."""

    monday: Text
    tuesday: Text
    wednesday: Text
    thursday: Text
    friday: Text
    saturday: Text
    sunday: Text


class Case(Part):
    """An answer under a condition."""

    when: Texts = []
    """Fields that must have a value (or must not: ``not field``); all of them must hold."""
    answer: Texts
    """As in ``Question``."""


class Question(Part):
    """Something customers ask."""

    ask: Annotated[list[Text], Field(min_length=1), BeforeValidator(lambda v: [v] if isinstance(v, str) else v)]
    """Ways to ask it. ``[x]`` may be left out, ``(x|y)`` is one of them, ``{product}`` names a row of that table."""
    answer: Texts = []
    """What is said; of several texts one after the other in a conversation."""
    cases: list[Case] = []
    """Instead of ``answer``: the first whose ``when`` holds; the last has none."""

    @model_validator(mode="after")
    def _one_kind_of_answer(self) -> Question:
        if bool(self.answer) == bool(self.cases):
            raise ValueError("a question has either `answer` or `cases`")
        if self.cases and self.cases[-1].when:
            raise ValueError("the last of `cases` must have no `when`, so that there is always an answer")
        return self


class Unknown(Part):
    """What is said where no question fits."""

    answer: Texts
    """Says so, and offers a person."""
    about: dict[Identifier, Texts] = {}
    """By table: said instead where the customer named one of its rows; tells what is known of it."""


class Document(Part):
    """A whole FAQ file."""

    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
    """ISO 639-1 code."""
    shared: str = ""
    """Another file, relative to this one, with parts that all languages share: ``shop``, ``hours``, ``special_days``,
    ``tables``, ``lists``. What is in both comes from this one."""
    clock: Literal["", "12", "24"] = ""
    """How times are spoken, ``9 PM`` or ``21:00``; empty for the language's way."""
    shop: dict[Identifier, Text] = {}
    """Values for ``{shop.name}`` and the like."""
    tables: dict[Identifier, TableSource] = {}
    """Files for ``{product.price}`` and the like."""
    lists: dict[Identifier, Annotated[list[Text], Field(min_length=1)]] = {}
    """Names for ``{color}`` and the like; synonyms behind ``|``."""
    hours: dict[Identifier, Week] = {}
    """Opening hours by name; the first are the shop's. A row whose column ``hours`` has a name uses those."""
    special_days: dict[Annotated[str, StringConstraints(pattern=r"^(\d{4}-)?\d\d-\d\d$")], SpecialDay] = {}
    """Holidays by date: ``12-25`` every year, ``2026-12-24`` once."""
    words: Words = Words()
    """Changes to the language's words."""
    questions: dict[Identifier, Question] = Field(min_length=1)
    """By a name of your choice."""
    unknown: Unknown
    """The honest answer."""
