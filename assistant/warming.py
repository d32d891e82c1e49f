"""Speaks what will be needed into the cache while nobody talks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any

from assistant.settings import Settings
from pipeline.errors import without_words
from pipeline.fallback import FallbackVoice, Prepared
from pipeline.protocols import Agent
from pipeline.sentences import sentences_of
from pipeline.speech import Personality, VoiceConfig

log = logging.getLogger(__name__)

MOST = 500
"""Sentences that are kept ready at most: about 75 MB, and minutes of a core's work."""

CHECK_EVERY_S = 300.0
"""Seconds of the clock between two looks for what is missing: entries expire, offers and opening hours change."""

LONGEST_REST_S = 3600.0
"""The same at most, where the voice fails and each look waits twice as long as the one before."""

PAUSE_S = 0.5
"""Seconds of the clock after each sentence that was made, in which the processor is left to listening."""

LOOK_S = 0.05
"""Seconds of the clock between two looks whether somebody came while a sentence is being made."""

AGAIN_S = 3600.0
"""Seconds of the clock before a sentence is made again that has left the cache: where the cache is smaller than what is
to be ready, they would push each other out for ever."""

Sentence = tuple[str, str, Personality]
"""As it is written, its language (ISO 639-1), who says it."""


def usual_sentences(
    active: Personality, everyone: Iterable[Personality], agent: Agent, settings: Settings
) -> list[Sentence]:
    """What will probably be said, most likely first, cut as it will be when it is said.

    Greetings of all personalities; of the active one what the settings list, its apologies and the agent's usual
    answers, in all its languages.
    """
    talk = settings.conversation
    found: list[Sentence] = []
    for who in (active, *everyone):
        found += [(sentence, who.language, who) for sentence in sentences_of(who.greeting)]
    found += cut(settings.cache.phrases, active.language, active)
    for language in dict.fromkeys((active.language, *active.languages)):
        # A turn says these in one go.
        whole = [texts[language] for texts in (talk.repeat_requests, talk.apologies) if language in texts]
        found += [(text, language, active) for text in whole]
        found += cut(_phrases(agent, active, language), language, active)
    return list(dict.fromkeys(found))[:MOST]


def cut(texts: Iterable[str], language: str, who: Personality) -> list[Sentence]:
    """The sentences of texts, as a turn cuts an answer."""
    return [(sentence, language, who) for text in texts for sentence in sentences_of(text)]


def _phrases(agent: Agent, who: Personality, language: str) -> Sequence[str]:
    try:
        return agent.phrases(who, language)
    except Exception as error:  # noqa: BLE001 - an agent that somebody else wrote must not end the program
        log.warning("The agent could not tell its usual answers: %s", without_words(error))
        return ()


async def keep_warm(
    voice: FallbackVoice,
    sentences: Callable[[], Sequence[Sentence]],
    speakable: Callable[[str, str], str],
    idle: asyncio.Event,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Keep sentences in the cache for ever, one at a time while ``idle`` is set.

    What is being made when it is cleared is given up.
    """
    warming = _Warming(voice, speakable, idle, sleep, clock)
    rest_s = CHECK_EVERY_S
    while True:
        await idle.wait()
        rest_s = CHECK_EVERY_S if await warming.round(sentences()) else min(LONGEST_REST_S, 2 * rest_s)
        await sleep(rest_s)


class _Warming:
    def __init__(
        self,
        voice: FallbackVoice,
        speakable: Callable[[str, str], str],
        idle: asyncio.Event,
        sleep: Callable[[float], Awaitable[None]],
        clock: Callable[[], float],
    ) -> None:
        self._voice = voice
        self._speakable = speakable
        self._idle = idle
        self._sleep = sleep
        self._clock = clock
        self._made_s: dict[tuple[str, str, VoiceConfig], float] = {}
        """Clock time at which each sentence was last made."""

    async def round(self, sentences: Sequence[Sentence]) -> bool:
        """Make what is missing; False where the voice failed at one, which ends the round."""
        made_s, self._made_s = self._made_s, {}
        for text, language, who in sentences:
            name = (text, language, who.voice)
            if (before_s := made_s.get(name)) is not None:
                self._made_s[name] = before_s
                if self._clock() - before_s < AGAIN_S:
                    continue
            prepared = await self._prepare(self._speakable(text, language), language, who)
            if prepared is Prepared.FAILED:
                self._made_s = made_s | self._made_s
                return False
            if prepared is Prepared.MADE:
                self._made_s[name] = self._clock()
                await self._sleep(PAUSE_S)
        return True

    async def _prepare(self, text: str, language: str, who: Personality) -> Prepared:
        """As the voice does; begun anew each time that somebody came meanwhile."""
        while True:
            await self._idle.wait()
            if (prepared := await self._unless_disturbed(self._voice.prepare(text, language, who))) is not None:
                return prepared

    async def _unless_disturbed(self, preparing: Coroutine[Any, Any, Prepared]) -> Prepared | None:
        """Whichever ends first, the work or the quiet, cancels the other; None where somebody came."""
        async with asyncio.TaskGroup() as group:
            making = group.create_task(preparing, name="warming")
            watching = group.create_task(self._somebody_comes(), name="warming gives way")
            making.add_done_callback(lambda _: watching.cancel())
            watching.add_done_callback(lambda _: making.cancel())
        return None if making.cancelled() else making.result()

    async def _somebody_comes(self) -> None:
        while self._idle.is_set():
            await self._sleep(LOOK_S)
