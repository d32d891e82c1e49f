"""Whole texts as sound, for those who ask by HTTP: sentence by sentence, so that the first one is there at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import lru_cache

from pipeline.audio import AudioChunk, joined
from pipeline.errors import SettingsError
from pipeline.fallback import FallbackVoice, Rendering
from pipeline.sentences import sentences_of
from pipeline.speech import Personality

POLITE_S = 1.5
"""Seconds of the clock for which a sentence waits while somebody talks at the kiosk: customers come first, but who
waits for a preview is not kept waiting for the length of a conversation."""


REMEMBERED = 256
"""Sentences whose wording for voices is remembered: the same ones are asked for again and again."""


class NothingToSay(SettingsError):
    """A text without words."""

    code = "nothing_to_say"


@dataclass(frozen=True, slots=True)
class Spoken:
    """A piece of sound and, with the first one of each engine and sentence, who speaks it."""

    chunk: AudioChunk
    rendering: Rendering | None


class Speaking:
    """Makes sound with the daemon's own voices, a few sentences at a time."""

    def __init__(
        self, voice: FallbackVoice, speakable: Callable[[str, str], str], idle: asyncio.Event, at_once: int
    ) -> None:
        """``idle`` is set while nobody talks at the kiosk; ``at_once`` sentences are made at the same time."""
        self._voice = voice
        self._speakable = lru_cache(maxsize=REMEMBERED)(speakable)
        self._idle = idle
        self._room = asyncio.Semaphore(at_once)

    async def text(self, text: str, language: str, who: Personality) -> AsyncGenerator[Spoken]:
        """A whole text. Raises ``NothingToSay`` and ``NoVoice``."""
        any_sound = False
        for sentence in sentences_of(text):
            async with aclosing(self.sentence(sentence, language, who)) as pieces:
                async for piece in pieces:
                    any_sound = True
                    yield piece
        if not any_sound:
            raise NothingToSay("There is nothing to say: the text holds no words.", remedy="Send a text with words.")

    async def sentence(self, text: str, language: str, who: Personality) -> AsyncGenerator[Spoken]:
        """One sentence; nothing where it holds no words. Raises ``NoVoice``."""
        spoken = self._speakable(text, language)
        if not spoken:
            return
        async with self._room:
            await self._politely()
            finished: list[AudioChunk] = []
            by: Rendering | None = None
            async with aclosing(self._voice.say(spoken, language, who)) as chunks:
                async for chunk, rendering in chunks:
                    by = rendering or by
                    if by is not None and by.cached:
                        finished.append(chunk)
                    else:
                        yield Spoken(chunk, rendering)
            if finished:  # it was there already: nobody is served better by a hundred pieces
                yield Spoken(joined(finished), by)

    async def _politely(self) -> None:
        """Give way to the kiosk."""
        if self._idle.is_set():
            return
        try:
            async with asyncio.timeout(POLITE_S):
                await self._idle.wait()
        except TimeoutError:
            pass
