"""What every agent's answer must keep to: it begins in time, ends in time, says something and is not endless."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from pydantic import Field

from pipeline.errors import ProviderError, ProviderTimeout
from pipeline.speakable.characters import takeable, without_pictures
from providers.settings import ProviderSettings

_log = logging.getLogger(__name__)

_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*(?=\s|$)|\n")
_LAST_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*$")
_WHOLE_SENTENCES_FROM = 0.75
"""Share of the longest answer from which on only whole sentences are let through, so that a cut falls between two."""


class AgentSettings(ProviderSettings):
    """The limits that all agents share."""

    timeout_s: float = Field(8.0, gt=0, le=300)
    """Seconds until the first words of the answer, above 0 to 300. The customer hears an apology after that, so a small
    value makes a slow agent useless and a large one leaves the customer waiting in silence."""

    total_timeout_s: float = Field(60.0, gt=0, le=3600)
    """Seconds of waiting for the whole answer, above 0 to 3600. The time during which the answer is being spoken and
    nobody waits for more of it does not count."""

    max_answer_chars: int = Field(4000, ge=100, le=100_000)
    """Characters of the longest answer, 100 to 100000; the rest is dropped at a sentence's end. 4000 are about four
    minutes of speech."""


async def limited(name: str, pieces: AsyncGenerator[str, None], limits: AgentSettings) -> AsyncGenerator[str, None]:
    """The pieces of an answer as they come, within the limits; closes ``pieces`` in every case.

    ``name`` is the agent's name for messages. Raises ``ProviderTimeout`` where the first words or the rest come too
    late and ``ProviderError`` where the answer ends without a word.
    """
    allowance = _Allowance(limits.max_answer_chars)
    begun, opening = False, ""
    async with aclosing(pieces), aclosing(_in_time(name, pieces, limits)) as timely:
        async for piece in timely:
            opening += allowance.take(piece)
            if not begun:  # held back until there are words: a quotation mark or a minus belongs to them
                opening = opening.lstrip()
                begun = _has_words(opening)
            if begun and opening:
                yield opening
                opening = ""
            if allowance.spent:
                _log.warning("agent %s: the answer was cut at %d characters", name, limits.max_answer_chars)
                break
    opening += allowance.rest()
    if not (begun or _has_words(opening)):
        raise ProviderError(f"The agent {name!r} answered nothing.", remedy="Look at what it does with this request.")
    if opening:
        yield opening


async def _in_time(name: str, pieces: AsyncGenerator[str, None], limits: AgentSettings) -> AsyncGenerator[str, None]:
    clock = asyncio.get_running_loop().time
    waited_s, said = 0.0, False
    while True:
        limit_s = limits.total_timeout_s if said else min(limits.timeout_s, limits.total_timeout_s)
        asked_at = clock()
        try:
            async with asyncio.timeout(limit_s - waited_s) as deadline:
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            if not deadline.expired():
                raise ProviderError(f"The agent {name!r} failed: {type(error).__name__}.") from error
            what = "did not finish its answer" if said else "did not begin to answer"
            raise ProviderTimeout(f"The agent {name!r} {what} within {limit_s:g} s.") from error
        waited_s += clock() - asked_at
        said = said or _has_words(piece)
        yield piece


def _has_words(text: str) -> bool:
    """Whether there is something to say aloud; pictures and punctuation alone are silence."""
    return bool(takeable(without_pictures(text)))


class _Allowance:
    """Lets text through up to a number of characters and ends at a sentence's end where there is one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._given = 0
        self._held = ""
        self._between_sentences = False
        self.spent = False

    def take(self, piece: str) -> str:
        """What of the text so far may be said now; sets ``spent`` when nothing after it may."""
        self._held += piece
        if self._given + len(self._held) <= self._limit * _WHOLE_SENTENCES_FROM:
            return self._give(len(self._held))
        room = self._limit - self._given
        self.spent = len(self._held) > room
        ends = [match.end() for match in _SENTENCE_END.finditer(self._held[: room + 1]) if match.end() <= room]
        if ends:
            return self._give(ends[-1])
        if not self.spent or self._between_sentences:
            return ""
        space = self._held.rfind(" ", 0, room + 1)
        return self._give(space if space > 0 else room)

    def rest(self) -> str:
        """What was held back, after the last piece of an answer that kept to the limit."""
        return "" if self.spent else self._give(len(self._held))

    def _give(self, count: int) -> str:
        text, self._held = self._held[:count], self._held[count:]
        self._given += len(text)
        if text.strip():
            self._between_sentences = _LAST_SENTENCE_END.search(text.rstrip()) is not None
        return text
