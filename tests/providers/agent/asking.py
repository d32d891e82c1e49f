"""A question put to an agent."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.protocols import Agent
from pipeline.speech import Exchange, Personality, Transcript


async def pieces(
    agent: Agent, text: str = "hello", *, history: Sequence[Exchange] = (), prompt: str = "", language: str = "en"
) -> list[str]:
    transcript = Transcript(text, language, 0.9, "fake", 1.0)
    return [piece async for piece in agent.reply(transcript, Personality("Ava", prompt=prompt), history)]
