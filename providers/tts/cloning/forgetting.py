"""Has a voice worker on another machine forget a sample."""

from __future__ import annotations

import asyncio

from pipeline.errors import AssistantError, ProviderError
from providers.tts.cloning.connection import connected
from providers.tts.voice_worker.listening import Address

PATIENCE_S = 5.0
"""Seconds of the clock."""


async def forget_elsewhere(engine: str, url: str, sample: str) -> bool:
    """Whether there was something to forget; ``sample`` is the SHA-256 of its file. Raises ``ProviderError``."""
    try:
        async with asyncio.timeout(PATIENCE_S), connected(engine, Address.of(url)) as connection:
            return await connection.forget(sample)
    except (AssistantError, TimeoutError) as error:
        raise ProviderError(
            f"The voice worker of {engine} at {url} keeps what it learned of a deleted voice: it cannot be reached.",
            remedy="When it is on, do it again: assistant voice remove",
        ) from error
