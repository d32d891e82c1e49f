"""Answers from a file of questions and answers, on this machine, without any model."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field

from pipeline.errors import SettingsError
from pipeline.protocols import Capabilities
from pipeline.speech import Exchange, Personality, Transcript, primary_language
from providers.agent.faq.building import build
from providers.agent.faq.knowledge import Found, Knowledge
from providers.agent.faq.loading import siblings
from providers.agent.limits import AgentSettings, limited
from providers.registry import Resources

_log = logging.getLogger(__name__)


class Settings(AgentSettings):
    """Settings of the ``faq`` agent."""

    file: Path = Path("shop/faq.yaml")
    """The questions and answers, relative to the folder of ``config.yaml``. Files beside it such as ``faq.es.yaml``
    hold other languages; this one answers where a language has none."""

    min_score: float = Field(0.8, ge=0.5, le=1)
    """0.5 to 1: how well a question must fit. At 1 only the written sentences are understood; below 0.7 wrong answers
    to other questions become likely."""

    time_zone: str = ""
    """Such as ``Europe/Madrid``, for opening hours; empty for this machine's."""


class FaqAgent:
    """Knows what the shop has written down, and says so when it does not know."""

    def __init__(self, settings: Settings, folder: Path, clock: Callable[[tzinfo | None], datetime]) -> None:
        self._settings = settings
        self._path = folder / settings.file
        self._clock = clock
        self._zone: tzinfo | None = None
        self._knowledge: Mapping[str, Knowledge] = {}

    @property
    def capabilities(self) -> Capabilities:
        """The languages that have a file; known once it is entered."""
        return Capabilities(name="faq", languages=frozenset(self._knowledge))

    async def __aenter__(self) -> Self:
        self._zone = _zone(self._settings.time_zone)
        self._knowledge = _read_all(self._path)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._knowledge = {}

    def reply(
        self, transcript: Transcript, personality: Personality, history: Sequence[Exchange]
    ) -> AsyncGenerator[str, None]:
        """The whole answer at once."""
        return limited("faq", self._said(transcript, personality, history), self._settings)

    def phrases(self, personality: Personality, language: str) -> Sequence[str]:
        """The answers to questions that name no thing, as they are at this time of the day.

        An answer that tells the time itself is left out: it would be another one when it is asked for.
        """
        knowledge = self._knowledge.get(primary_language(language))
        return knowledge.phrases(personality, self._clock(self._zone)) if knowledge is not None else ()

    def find(self, transcript: Transcript, personality: Personality, history: Sequence[Exchange]) -> Found:
        """The answer and the names of the questions that it is to."""
        knowledge = self._knowledge.get(transcript.language)
        if knowledge is None:
            first = next(iter(self._knowledge.values()))
            knowledge = self._knowledge.get(personality.language, first)
        now = self._clock(self._zone)
        return knowledge.answer(transcript.text, personality, history, now, self._settings.min_score)

    async def _said(
        self, transcript: Transcript, personality: Personality, history: Sequence[Exchange]
    ) -> AsyncGenerator[str, None]:
        found = self.find(transcript, personality, history)
        _log.debug("faq: %s, score %.2f", ", ".join(found.questions) or "unknown", found.score)
        yield found.text


def _read_all(path: Path) -> Mapping[str, Knowledge]:
    knowledge: dict[str, Knowledge] = {}
    for file, code in siblings(path).items():
        one = build(file)
        if code and one.language.code != code:
            raise SettingsError(f"{file}: its name says {code!r}, its `language:` says {one.language.code!r}.")
        if one.language.code in knowledge:
            raise SettingsError(f"{file}: there is another file for the language {code!r}.")
        knowledge[one.language.code] = one
    return knowledge


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a folder of zones, such as Europe
        raise SettingsError(
            f"There is no time zone {name!r}.", remedy="Write it as in Europe/Madrid; Debian's package tzdata has them."
        ) from error


def _now(zone: tzinfo | None) -> datetime:
    return datetime.now(zone).replace(tzinfo=None)


def create(settings: Settings, resources: Resources) -> FaqAgent:
    """An agent that answers from a file."""
    return FaqAgent(settings, resources.folder, _now)
