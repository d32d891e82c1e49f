"""Lets a provider that failed rest for a while, longer each time, and says when its health changes."""

from __future__ import annotations

import logging
from collections.abc import Callable

from pipeline.errors import ModelError, ProviderError, without_words
from pipeline.events import EventFeed, ProviderState

log = logging.getLogger(__name__)

FIRST_REST_S = 5.0
"""Seconds of the clock for which a provider rests after its first failure."""

FINAL_REST_S = 40.0
"""The same after a failure that will not go away by itself: a missing package, a refused key, a used-up quota."""

LONGEST_REST_S = 300.0
"""Seconds of the clock after which a failing provider is tried again at the latest."""


class CircuitBreaker:
    """The health of several providers. A rest ends by itself; then real work tries the provider again.

    What a model error concerns is one voice (``part``) of a provider; its other voices go on speaking.
    """

    def __init__(self, feed: EventFeed, clock: Callable[[], float], *, what: str = "voice") -> None:
        self._feed = feed
        self._clock = clock
        self._what = what
        self._rests: dict[tuple[str, str], tuple[float, float]] = {}
        """(length of the rest, its end) in seconds of the clock, by provider and part."""

    def resting(self, provider: str, part: str = "") -> bool:
        """Whether it should be left alone while another one can do its work."""
        ends = (self._rests[key][1] for key in ((provider, ""), (provider, part)) if key in self._rests)
        return any(end_s > self._clock() for end_s in ends)

    def failing(self, provider: str) -> bool:
        """Whether it failed, all or in part, and has not done better since."""
        return any(key[0] == provider for key in self._rests)

    def failed(self, provider: str, error: Exception, part: str = "") -> None:
        """It could not do its work."""
        key = (provider, part if isinstance(error, ModelError) else "")
        known = self.failing(provider)
        final = isinstance(error, ModelError) or (isinstance(error, ProviderError) and not error.retryable)
        first_s = FINAL_REST_S if final else FIRST_REST_S
        rest_s = min(LONGEST_REST_S, self._rests[key][0] * 2) if key in self._rests else first_s
        self._rests[key] = (rest_s, self._clock() + rest_s)
        reason = without_words(error)
        log.warning("The %s %s failed and rests for %.0f s: %s", self._what, provider, rest_s, reason)
        if not known:
            self._feed.publish(ProviderState(provider, "failing", reason))

    def worked(self, provider: str, part: str = "") -> None:
        """It did its work."""
        before = self.failing(provider)
        for key in ((provider, ""), (provider, part)):
            self._rests.pop(key, None)
        if before and not self.failing(provider):
            self._feed.publish(ProviderState(provider, "ok", "works again"))
