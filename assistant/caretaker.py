"""Looks after the running assistant: what hangs is replaced, and what only grows ends in order, at a quiet moment.

All it does is logged as a warning or an error, so it is among the incidents. It never raises.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from assistant.clock_watch import ClockWatch
from assistant.upkeep_section import UpkeepSection
from pipeline.errors import AssistantError
from pipeline.events import EventRecord

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
"""Seconds of the clock between two looks."""

STUCK_S, ABANDONED_S = 100.0, 30.0
"""Seconds in one call after which a thread is given up, the second one where nobody waits for its result any more. Less
than the watchdog grants (``vitals``): who can be replaced need not end the program."""

MOST_REPLACED, WITHIN_S = 3, 3600.0
"""Times that one engine is replaced within so many seconds: each leaves a thread and a model behind."""

RENEW_S = 90.0
"""Seconds that an engine may take to open anew."""

TURN_STUCK_S = 120.0
"""Seconds without any event in the middle of a turn after which it is ended; the watchdog grants more."""

MAY_END_AFTER_S = 1800.0
"""Seconds since the start before which too much memory is told, but no reason to start anew: the limit is too low then,
and the assistant would do nothing but start."""

TOO_MANY_DESCRIPTORS = 0.8
"""Share of the files that may be open."""

URGENT = 1.5
"""How many times the memory limit must not wait for a quiet moment."""


@dataclass(slots=True)
class Ward:
    """What can be replaced."""

    threads: str
    """Name of its thread."""
    renew: Callable[[], Awaitable[object]]
    """Replaces it."""
    replaced_at_s: list[float] = field(default_factory=list)
    """When that was done lately."""


@dataclass(frozen=True, slots=True)
class Gauges:
    """What is measured; each gives None where the system does not tell."""

    memory_mb: Callable[[], float | None]
    available_mb: Callable[[], float | None]
    descriptors_share: Callable[[], float | None]


class Caretaker:
    """An observer of the event feed; ``run`` looks again and again."""

    def __init__(
        self,
        section: UpkeepSection,
        wards: Sequence[Ward],
        idle: asyncio.Event,
        *,
        stuck_workers: Callable[[float, float], Sequence[str]],
        gauges: Gauges,
        stop_turn: Callable[[], object],
        restart: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """``idle`` is set between turns; ``restart`` is called once, with the reason."""
        self._section = section
        self._wards = wards
        self._idle = idle
        self._stuck_workers = stuck_workers
        self._gauges = gauges
        self._stop_turn = stop_turn
        self._restart = restart
        self._clock = clock
        self._clocks = ClockWatch(clock, wall_clock)
        self._began_s = self._last_event_s = clock()
        self._idle_since_s: float | None = None
        self._reason = ""
        """Why it should start anew, "" where it need not."""
        self._asked = False
        available_mb = gauges.available_mb()
        self._limit_mb = section.memory_mb or (available_mb / 2 if available_mb is not None else None)
        self._too_low_told = False

    def __call__(self, _: EventRecord) -> None:
        """The next event."""
        self._last_event_s = self._clock()

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """For ever."""
        while True:
            await sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Once."""
        self._clocks.look()
        await self._replace()
        self._end_stuck_turn()
        urgent = self._measure()
        if self._reason and not self._asked and self._is_quiet(urgent=urgent):
            self._asked = True
            self._restart(self._reason)

    async def _replace(self) -> None:
        stuck = set(self._stuck_workers(STUCK_S, ABANDONED_S))
        for ward in self._wards:
            if ward.threads not in stuck:
                continue
            now_s = self._clock()
            ward.replaced_at_s = [at_s for at_s in ward.replaced_at_s if at_s > now_s - WITHIN_S]
            if len(ward.replaced_at_s) >= MOST_REPLACED:
                self._wish(f"{ward.threads} hangs though it was replaced {MOST_REPLACED} times within an hour.")
                continue
            ward.replaced_at_s.append(now_s)
            log.error("%s hangs; a fresh one takes its place.", ward.threads)
            try:
                async with asyncio.timeout(RENEW_S):
                    await ward.renew()
            except (AssistantError, TimeoutError) as error:
                log.error("%s cannot be opened again: %s", ward.threads, error or "it takes too long")

    def _end_stuck_turn(self) -> None:
        quiet_s = self._clock() - self._last_event_s
        if not self._idle.is_set() and quiet_s > TURN_STUCK_S:
            log.error("A conversation had stood still for %.0f s and was ended.", quiet_s)
            self._last_event_s = self._clock()  # so that it is tried again, but not at each look
            self._stop_turn()

    def _measure(self) -> bool:
        """Note what has become too much; whether it must not wait."""
        share = self._gauges.descriptors_share()
        if share is not None and share > TOO_MANY_DESCRIPTORS:
            self._wish(f"{share:.0%} of the files that may be open are.")
        memory_mb, limit_mb = self._gauges.memory_mb(), self._limit_mb
        if memory_mb is None or limit_mb is None or memory_mb <= limit_mb:
            return False
        if self._clock() - self._began_s < MAY_END_AFTER_S:
            if not self._too_low_told:
                self._too_low_told = True
                log.error(
                    "The assistant takes %.0f MB so soon after its start, more than upkeep.memory_mb allows (%.0f MB): "
                    "set a higher limit, or choose smaller models.",
                    memory_mb, limit_mb,
                )  # fmt: skip
            return False
        self._wish(f"It takes {memory_mb:.0f} MB of memory, more than {limit_mb:.0f} MB (upkeep.memory_mb).")
        return memory_mb > URGENT * limit_mb

    def _wish(self, reason: str) -> None:
        if not self._reason:
            self._reason = reason
            log.warning("The assistant will start anew as soon as nobody speaks. %s", reason)

    def _is_quiet(self, *, urgent: bool) -> bool:
        if not self._idle.is_set():
            self._idle_since_s = None
            return False
        now_s = self._clock()
        if self._idle_since_s is None:
            self._idle_since_s = now_s
        since_s = max(self._idle_since_s, self._last_event_s)
        return urgent or now_s - since_s >= self._section.quiet_s
