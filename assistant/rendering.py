"""Speaks a list of phrases into the cache with a personality's own voice."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import Any

from tqdm import tqdm

from assistant.app import App
from assistant.samples.errors import SampleMissing
from assistant.storage.errors import StorageError
from assistant.voice_outlook import outlook
from assistant.warming import cut
from pipeline.errors import ProviderError, SettingsError
from pipeline.fallback import FallbackVoice, Prepared
from pipeline.speech import Personality


@dataclass(frozen=True, slots=True)
class Rendered:
    """What became of the sentences."""

    provider: str
    """The engine."""
    real_time_factor: float | None
    """Seconds of work for a second of speech."""
    keep_hours: float
    made: int
    there: int
    """They had been made before."""
    failed: int

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


Told = Callable[[int, int, str], None]
"""How far it is: sentences done, all of them, and what is done just now."""


async def render(app: App, who: str, phrases: Sequence[str], *, tell: bool) -> Rendered:
    """Speak them for the command line, with parts of its own; ``tell`` draws a bar on stderr.

    Raises ``AssistantError`` as ``rendered`` does.
    """
    async with AsyncExitStack() as stack:
        memory = await stack.enter_async_context(app.memory())
        if memory.database is None or memory.database.problem is not None:
            problem = memory.database.problem if memory.database is not None else None
            raise problem or StorageError("There is no database to keep sentences in.", remedy="See the log above.")
        one = memory.cast.named(who)
        await check(app, one)
        voice = await stack.enter_async_context(app.voice(memory))
        bar = stack.enter_context(tqdm(unit="sentence", disable=not tell))

        def told(done: int, total: int, doing: str) -> None:
            if doing and tell:
                bar.clear()
                sys.stderr.write(f"{doing}\n")
            bar.total = total
            bar.update(done - bar.n)

        return await rendered(app, voice, one, phrases, told)


async def check(app: App, one: Personality) -> None:
    """Whether there is a voice to render with. Raises ``AssistantError``; nothing is started for it."""
    if not app.settings.cache.enabled:
        raise SettingsError("The speech cache is switched off.", remedy="Set cache.enabled: true in config.yaml.")
    if not one.voice.sample:
        raise SampleMissing(
            f"{one.name} has no voice of its own.", remedy="Give it one: assistant voice upload. Or: cache warm"
        )
    prospect = await outlook(app, one)
    if not prospect.ready:
        raise ProviderError(prospect.reason, remedy=prospect.remedy, retryable=False)


async def rendered(
    app: App,
    voice: FallbackVoice,
    one: Personality,
    phrases: Sequence[str],
    told: Told,
    idle: asyncio.Event | None = None,
) -> Rendered:
    """Speak them; what is there already is not made again, so that it goes on where it was broken off.

    Sentences are made one after the other: of the engines here none speaks several at once. ``idle`` is set while
    nobody talks to the assistant; no sentence is begun at another time, for a customer needs the engine, too. Raises
    ``AssistantError`` where the engine cannot be had.
    """
    speakable = app.speakable()
    sentences = cut(phrases, one.language, one)
    told(0, len(sentences), "The engine is being started …")
    route = await voice.ready(one.language, one)
    if route is None or not route.voice.sample:
        raise ProviderError("No engine can speak with the recording now; the reason stands above, or in the log.")
    factor = route.synthesizer.capabilities.real_time_factor
    pace = f", about {factor:.1f} s for a second of speech" if factor is not None else ""
    told(0, len(sentences), f"{route.provider} speaks{pace}.")
    counts: Counter[Prepared] = Counter()
    for done, (text, language, by) in enumerate(sentences, 1):
        if idle is not None and not idle.is_set():
            told(done - 1, len(sentences), "It waits while somebody talks to the assistant …")
            await idle.wait()
        counts[await voice.prepare(speakable(text, language), language, by)] += 1
        told(done, len(sentences), "")
    return Rendered(
        route.provider,
        factor,
        app.settings.cache.keep_hours,
        counts[Prepared.MADE],
        counts[Prepared.THERE],
        counts[Prepared.FAILED] + counts[Prepared.SKIPPED],
    )
