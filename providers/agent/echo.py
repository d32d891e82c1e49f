"""Repeats what the customer said: shows that microphone, recogniser and voice work, without any knowledge."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from types import TracebackType
from typing import Self

from pipeline.protocols import Capabilities
from pipeline.speech import Exchange, Personality, Transcript
from providers.agent.limits import AgentSettings, limited
from providers.registry import Resources


class Settings(AgentSettings):
    """Settings of the ``echo`` agent."""

    prefix: str = ""
    """Said before the customer's words, such as ``You said:``; empty says the words alone."""


class EchoAgent:
    """Answers with the question."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def capabilities(self) -> Capabilities:
        """Any language, nothing leaves the machine."""
        return Capabilities(name="echo")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def reply(
        self, transcript: Transcript, personality: Personality, history: Sequence[Exchange]
    ) -> AsyncGenerator[str, None]:
        """The customer's words, in one piece."""
        return limited("echo", self._words(transcript), self._settings)

    def phrases(self, personality: Personality, language: str) -> Sequence[str]:
        """None: its answers are not known beforehand."""
        return ()

    async def _words(self, transcript: Transcript) -> AsyncGenerator[str, None]:
        yield f"{self._settings.prefix} {transcript.text}".strip()


def create(settings: Settings, resources: Resources) -> EchoAgent:
    """An agent that repeats what it hears."""
    return EchoAgent(settings)
