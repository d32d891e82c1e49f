"""The caretaker of a running assistant, and what it can replace.

Threads are called by stage and provider. Detectors that hear are not here: ``pipeline.hearing`` replaces them itself,
within seconds, for the assistant is deaf meanwhile. Programs of engines that clone are watched by ``OwnWorker``.
"""

from __future__ import annotations

from collections.abc import Callable

from assistant import consumption, restart
from assistant.caretaker import Caretaker, Gauges, Ward
from assistant.parts import Parts
from assistant.upkeep_section import UpkeepSection
from pipeline.events import EventFeed
from pipeline.protocols import EndOfTurnDetector
from providers.model_worker import stuck_workers


async def take_care(parts: Parts, section: UpkeepSection, feed: EventFeed, clock: Callable[[], float]) -> None:
    """For ever."""
    caretaker = Caretaker(
        section,
        wards(parts),
        parts.conversation.idle,
        stuck_workers=stuck_workers,
        gauges=Gauges(consumption.memory_mb, consumption.available_mb, consumption.descriptors_share),
        stop_turn=parts.conversation.stop_now,
        restart=restart.ask,
        clock=clock,
    )
    unsubscribe = feed.subscribe(caretaker)
    try:
        await caretaker.run()
    finally:
        unsubscribe()


def wards(parts: Parts) -> list[Ward]:
    """Voices, recognisers, and what tells the end of a turn."""
    found = [Ward(f"tts-{one.capabilities.name}", one.renew) for one in parts.engines]
    found += [Ward(f"stt-{one.capabilities.name}", one.renew) for one in parts.recognisers]
    detector = parts.end_of_turn
    if detector is not None:
        found.append(Ward(f"end-of-turn-{detector.capabilities.name}", lambda: _entered_anew(detector)))
    return found


async def _entered_anew(detector: EndOfTurnDetector) -> None:
    await detector.__aexit__(None, None, None)
    await detector.__aenter__()
