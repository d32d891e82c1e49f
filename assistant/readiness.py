"""Has the voice of whoever is active started and loaded before a customer asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pipeline.fallback import FallbackVoice
from pipeline.speech import Personality, VoiceConfig

LOOK_EVERY_S = 1.0
"""Seconds of the clock between two looks at who is active."""


async def keep_ready(
    voice: FallbackVoice,
    active: Callable[[], Personality],
    ready: asyncio.Event | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """For ever: at the start, after which ``ready`` is set, and whenever the active personality or its voice changes.

    An engine that was ended because nobody needed it stays so until a customer comes.
    """
    known: tuple[str, VoiceConfig] | None = None
    while True:
        who = active()
        if (who.language, who.voice) != known:
            known = (who.language, who.voice)
            await voice.ready(who.language, who)
            if ready is not None:
                ready.set()
        await sleep(LOOK_EVERY_S)
