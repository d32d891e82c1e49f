"""Which desktop notifications are shown: of what is new, and never one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assistant.tray.situation import Situation
from assistant.tray.wording import Wording

AGAIN_S = 600.0
"""Seconds after which the same trouble is told again where it went and came back."""

AWAY_S = 20.0
"""Seconds that the assistant may be away: a restart takes less, and is no news."""

MOST_AT_ONCE = 3
"""Of one moment; the tooltip tells all."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification."""

    title: str
    text: str


class Notices:
    """Remembers what was told."""

    def __init__(self, say: Wording, clock: Callable[[], float]) -> None:
        """``clock`` counts seconds."""
        self._say = say
        self._clock = clock
        self._told_s: dict[str, float] = {}
        self._before: frozenset[str] = frozenset()
        self._away_since_s: float | None = None
        self._unwell = False

    def after(self, now: Situation) -> list[Notice]:
        """What to show, now that it is like this; to be asked now and then where nothing changes, too."""
        told_at_s = self._clock()
        wrong = self._wrong(now, told_at_s)
        new = [key for key in wrong if key not in self._before]
        fresh = [key for key in new if told_at_s - self._told_s.get(key, float("-inf")) >= AGAIN_S][:MOST_AT_ONCE]
        self._before = frozenset(wrong)
        for key in fresh:
            self._told_s[key] = told_at_s
        notices = [Notice(self._say("product"), wrong[key]) for key in fresh]
        if fresh:
            self._unwell = True
        elif self._unwell and not wrong and now.online:
            self._unwell = False
            notices.append(Notice(self._say("product"), self._say("well")))
        return notices

    def _wrong(self, now: Situation, at_s: float) -> dict[str, str]:
        """What is wrong, by what it is about: a reason that counts seconds must not be news each time."""
        if now.online:
            self._away_since_s = None
            wrong = {one.part: str(one) for one in now.trouble}
            return {"microphone": self._say("deaf"), **wrong} if now.deaf else wrong
        if self._away_since_s is None:
            self._away_since_s = at_s
        return {"away": now.offline_reason} if at_s - self._away_since_s >= AWAY_S else {}
