"""What can be set about requests to the conversation itself, such as "repeat that", and the program's words for them.

``en.yaml`` and ``es.yaml`` beside this file are in the form of ``RequestWords``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, StringConstraints, model_validator

from pipeline.spoken_requests import HESITATION, POLITE, ReplyKind, RequestKind, SpokenRequests
from providers.settings import ProviderSettings

LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Makes texts only; the one in C reads twenty times as fast, and PyYAML may have been built without it."""

LanguageCode = Annotated[str, StringConstraints(pattern="^[a-z]{2,3}$")]
Replies = Mapping[ReplyKind, Mapping[str, str]]
"""What is said, by language (ISO 639-1). Every kind has ``en``, which serves for languages without one; a kind without
any text is left to the agent."""


class RequestWords(ProviderSettings):
    """One language's. In phrases `[x]` may be left out and `(x|y)` is one of them."""

    hesitation: list[str] = Field([])
    """Words without any meaning, such as `um`."""
    polite: list[str] = Field([])
    """Phrases that may stand around a request, such as `could you` and `please`."""
    phrases: dict[RequestKind, list[str]] = Field({})
    """Ways to ask, by what is wanted. `{language}` is any of ``names``, `{own}` a name of this language."""
    names: dict[LanguageCode, list[str]] = Field({})
    """What languages (ISO 639-1) are called."""
    replies: dict[ReplyKind, str] = Field({})
    """What is said."""


class RequestsSection(ProviderSettings):
    """Small things customers ask of the conversation itself: "repeat that", "louder", "speak Spanish"."""

    left_to_agent: list[RequestKind] = Field([])
    """Those that are questions like any other: `repeat`, `slower`, `louder`, `softer`, `stop`, `language`, `person`,
    `goodbye`."""
    staff_is_called: bool = False
    """Somebody watches the panel or the tray and comes when a customer asks for a person; the customer is told so.
    Otherwise the agent answers, who should know where people are."""
    words: dict[LanguageCode, RequestWords] = Field({})
    """Your own, by language (ISO 639-1), as in assistant/requests/en.yaml: replies take the place of the program's,
    the rest is added."""

    @model_validator(mode="after")
    def _is_understood(self) -> Self:
        if self.words:
            self.spoken_requests()
        return self

    def spoken_requests(self) -> SpokenRequests:
        """Finds them in what customers say. Raises ``ValueError`` for a phrase with a mistake."""
        phrases: dict[str, dict[str, list[str]]] = {}
        names: dict[str, dict[str, list[str]]] = {}
        for code, words in self._all_words():
            into = phrases.setdefault(code, {})
            groups = [(POLITE, words.polite), (HESITATION, words.hesitation), *words.phrases.items()]
            for kind, patterns in groups:
                if kind not in self.left_to_agent:
                    into[kind] = into.get(kind, []) + patterns
            for language, called in words.names.items():
                known = names.setdefault(code, {})
                known[language] = known.get(language, []) + called
        return SpokenRequests(phrases, names)

    def replies(self) -> Replies:
        """What is said to them."""
        texts: dict[ReplyKind, dict[str, str]] = {kind: {} for kind in ReplyKind}
        for code, words in self._all_words():
            for kind, text in words.replies.items():
                texts[kind][code] = text
        if not self.staff_is_called:
            texts[ReplyKind.PERSON] = {}
        return texts

    def _all_words(self) -> list[tuple[str, RequestWords]]:
        return [*built_in().items(), *self.words.items()]


@cache
def built_in() -> Mapping[str, RequestWords]:
    """The program's own, by language (ISO 639-1)."""
    files = sorted(Path(__file__).parent.glob("*.yaml"))
    # Strings only: a bare "no" is a word here.
    documents = {file.stem: yaml.load(file.read_text("utf-8"), LOADER) for file in files}  # noqa: S506
    return {code: RequestWords.model_validate(document) for code, document in documents.items()}
