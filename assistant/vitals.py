"""Whether the assistant can serve customers just now: sound comes in, the loop is quick, no stage is stuck."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.events import EventRecord
from pipeline.meters import MeteredMicrophone

SILENT_S = 5.0
"""Seconds without a frame from the microphone after which it counts as deaf: sound cards hand over every 20 ms or so.
A frame counts when wake word and voice activity have taken it, so those two are watched as well."""

LATE_S = 1.0
"""Seconds that the loop may be late: a customer notices a tenth of that."""

STUCK_S = 120.0
"""Seconds that one call of a model may take: a large one is loaded from a slow card within them."""

ABANDONED_S = 45.0
"""The same for a call that is waited for no more, as after a time limit: models look several times a second whether
that is so."""

STAGES = ("sound ", "echo", "wake-word", "vad-", "end-of-turn", "stt-", "tts-")
"""How the names of threads begin without which no customer is served. A stuck disk is no reason to start again."""

TURN_STUCK_S = 180.0
"""Seconds without any event in the middle of a turn after which the turn counts as stuck."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why customers are not served."""

    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}"


class Vitals:
    """An observer of the event feed that can tell what is wrong."""

    def __init__(
        self,
        microphone: MeteredMicrophone,
        idle: asyncio.Event,
        stuck_workers: Callable[[float, float], Sequence[str]],
        clock: Callable[[], float],
    ) -> None:
        """``idle`` is set between turns; ``stuck_workers`` as in ``providers.model_worker``."""
        self._microphone = microphone
        self._idle = idle
        self._stuck_workers = stuck_workers
        self._clock = clock
        self._last_event_s = clock()

    def __call__(self, _: EventRecord) -> None:
        """The next event."""
        self._last_event_s = self._clock()

    def trouble(self, late_s: float = 0.0) -> Trouble | None:
        """What is wrong, None where nothing is; ``late_s`` is how late the loop was just now."""
        microphone = self._microphone
        if names := [one for one in self._stuck_workers(STUCK_S, ABANDONED_S) if one.startswith(STAGES)]:
            return Trouble(f"Stuck: {', '.join(names)}.", "A restart frees it.")
        if microphone.last_chunk_at_s is None or microphone.age_s > SILENT_S:
            return Trouble(
                f"No sound has come from the microphone {microphone.capabilities.name} for {microphone.age_s:.0f} s.",
                "Is it plugged in, and does another program hold it?",
            )
        if late_s > LATE_S:
            return Trouble(
                f"The assistant was late by {late_s:.1f} s.", "Does another program take the processor, or the memory?"
            )
        quiet_s = self._clock() - self._last_event_s
        if not self._idle.is_set() and quiet_s > TURN_STUCK_S:
            return Trouble(f"A conversation has stood still for {quiet_s:.0f} s.", "A restart frees it.")
        return None
