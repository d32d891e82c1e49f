"""Lets a provider that failed rest for a while, longer each time, and says when its health changes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipeline.errors import ModelError, ProviderError, without_words
from pipeline.events import EventFeed, ProviderState

log = logging.getLogger(__name__)

FIRST_REST_S = 5.0
"""Seconds of the clock for which a provider rests after its first failure."""

FINAL_REST_S = 40.0
"""The same after a failure that will not go away by itself: a missing package, a refused key, a used-up quota."""

LONGEST_REST_S = 300.0
"""Seconds of the clock after which a failing provider is tried again at the latest."""


@dataclass(frozen=True, slots=True)
class _Rest:
    """In seconds of the clock."""

    length_s: float
    end_s: float


class CircuitBreaker:
    """The health of several providers. A rest ends by itself; then real work tries the provider again.

    What a model error concerns is one part of a provider, such as a voice; its other parts go on working.
    """

    def __init__(self, feed: EventFeed, clock: Callable[[], float], *, what: str = "voice") -> None:
        self._feed = feed
        self._clock = clock
        self._what = what
        self._rests: dict[tuple[str, str], _Rest] = {}
        """By provider and part; the part "" is the whole provider."""

    def resting(self, provider: str, part: str = "") -> bool:
        """Whether it should be left alone while another one can do its work."""
        return any(rest.end_s > self._clock() for rest in self._of(provider, part))

    def failing(self, provider: str, part: str | None = None) -> bool:
        """Whether it failed, as a whole or in this part (None: in any), and has not done better since."""
        return any(self._of(provider, part))

    def failed(self, provider: str, error: Exception, part: str = "") -> None:
        """It could not do its work. Who is asked while it rests, for want of others, need not rest longer for it."""
        now_s = self._clock()
        key = (provider, part if isinstance(error, ModelError) else "")
        known, last = self.failing(provider), self._rests.get(key)
        if last is None:
            final = isinstance(error, ModelError) or (isinstance(error, ProviderError) and not error.retryable)
            length_s = FINAL_REST_S if final else FIRST_REST_S
        else:
            length_s = last.length_s if last.end_s > now_s else min(LONGEST_REST_S, 2 * last.length_s)
        self._rests[key] = _Rest(length_s, now_s + length_s)
        reason = without_words(error)
        log.warning("The %s %s failed and rests for %.0f s: %s", self._what, provider, length_s, reason)
        if not known:
            self._feed.publish(ProviderState(provider, "failing", reason))

    def worked(self, provider: str, part: str = "") -> None:
        """It did its work."""
        before = self.failing(provider)
        for key in ((provider, ""), (provider, part), *self._forgotten(provider)):
            self._rests.pop(key, None)
        if before and not self.failing(provider):
            self._feed.publish(ProviderState(provider, "ok", "works again"))

    def _of(self, provider: str, part: str | None) -> Iterator[_Rest]:
        for (name, its_part), rest in self._rests.items():
            if name == provider and (part is None or its_part in {"", part}):
                yield rest

    def _forgotten(self, provider: str) -> list[tuple[str, str]]:
        """Parts that nobody has asked for since their rest: a personality has another voice now, or none speaks."""
        then_s = self._clock() - LONGEST_REST_S
        return [key for key, rest in self._rests.items() if key[0] == provider and rest.end_s < then_s]
