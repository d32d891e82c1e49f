"""Speaks what will be needed into the cache while nobody talks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from pipeline.fallback import FallbackVoice
from pipeline.speech import Personality


async def keep_warm(
    voice: FallbackVoice,
    phrases: Callable[[], Sequence[tuple[str, str, Personality]]],
    speakable: Callable[[str, str], str],
    idle: asyncio.Event,
) -> None:
    """Keep phrases (text, language, speaker) in the cache for ever, one sentence at a time while ``idle`` is set."""
