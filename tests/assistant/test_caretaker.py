"""Who looks after the assistant: what hangs is replaced, what only grows ends in order, and no clock deceives it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from assistant import consumption, vitals
from assistant.caretaker import (
    ABANDONED_S,
    MAY_END_AFTER_S,
    MOST_REPLACED,
    STUCK_S,
    TURN_STUCK_S,
    WITHIN_S,
    Caretaker,
    Gauges,
    Ward,
)
from assistant.clock_watch import ClockWatch
from assistant.upkeep_section import UpkeepSection
from pipeline.errors import ModelMissing
from pipeline.events import EventRecord, Listening
from tests.pipeline.scene import Clock

pytestmark = pytest.mark.unit


@dataclass
class House:
    """A running assistant, as far as its caretaker sees it."""

    section: UpkeepSection = field(default_factory=lambda: UpkeepSection(memory_mb=1000, quiet_s=60))
    clock: Clock = field(default_factory=Clock)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    stuck: set[str] = field(default_factory=set)
    memory_mb: float | None = 400.0
    share: float | None = 0.1
    fails: Exception | None = None
    renewed: list[str] = field(default_factory=list)
    stopped: int = 0
    restarts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.idle.set()
        self.caretaker = Caretaker(
            self.section,
            [Ward("tts-piper", self._renew), Ward("stt-faster_whisper", self._renew)],
            self.idle,
            stuck_workers=self._stuck,
            gauges=Gauges(lambda: self.memory_mb, lambda: 4000.0, lambda: self.share),
            stop_turn=self._stop,
            restart=self.restarts.append,
            clock=self.clock,
            wall_clock=lambda: 1_800_000_000 + self.clock(),
        )

    def _stuck(self, limit_s: float, abandoned_s: float) -> list[str]:
        assert (limit_s, abandoned_s) == (STUCK_S, ABANDONED_S)
        return sorted(self.stuck)

    async def _renew(self) -> None:
        self.renewed.append("one")
        if self.fails is not None:
            raise self.fails
        self.stuck.clear()

    def _stop(self) -> None:
        self.stopped += 1

    async def looks(self, for_s: float) -> None:
        end_s = self.clock.s + for_s
        while self.clock.s < end_s:
            self.clock.s += 5
            await self.caretaker.look()


async def test_where_all_is_well_nothing_is_done(caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    await house.looks(7200)
    assert not (house.renewed or house.stopped or house.restarts or caplog.records)


async def test_an_engine_that_hangs_is_replaced_before_the_watchdog_ends_all(caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    house.stuck = {"tts-piper", "storage-writer"}
    await house.looks(5)
    assert house.renewed == ["one"]
    assert "tts-piper hangs; a fresh one takes its place." in caplog.text
    assert STUCK_S + 10 < vitals.STUCK_S
    assert ABANDONED_S + 10 < vitals.ABANDONED_S


async def test_one_that_hangs_for_ever_ends_in_a_fresh_start_and_not_in_a_heap_of_threads() -> None:
    house = House(fails=ModelMissing("It is gone."))
    house.stuck = {"tts-piper"}
    await house.looks(300)
    assert len(house.renewed) == MOST_REPLACED
    assert house.restarts == ["tts-piper hangs though it was replaced 3 times within an hour."]


async def test_once_in_a_while_it_may_hang() -> None:
    house = House()
    for _ in range(MOST_REPLACED + 2):
        house.stuck = {"tts-piper"}
        await house.looks(WITHIN_S / 2)
    assert len(house.renewed) == MOST_REPLACED + 2
    assert not house.restarts


async def test_a_turn_that_stands_still_is_ended_and_not_at_each_look() -> None:
    house = House()
    house.idle.clear()
    await house.looks(TURN_STUCK_S)
    assert house.stopped == 0
    house.caretaker(EventRecord(0.0, 1, Listening()))
    await house.looks(TURN_STUCK_S)
    assert house.stopped == 0, "something happened meanwhile"
    await house.looks(10)
    assert house.stopped == 1


async def test_too_much_memory_ends_it_once_when_nobody_has_spoken_for_a_while() -> None:
    house = House()
    await house.looks(MAY_END_AFTER_S)
    house.memory_mb = 1100.0
    house.idle.clear()
    await house.looks(100)
    assert not house.restarts, "a customer is there"
    house.idle.set()
    await house.looks(55)
    assert not house.restarts, "another one may follow"
    await house.looks(30)
    assert house.restarts == ["It takes 1100 MB of memory, more than 1000 MB (upkeep.memory_mb)."]
    await house.looks(600)
    assert len(house.restarts) == 1


async def test_far_too_much_memory_waits_for_the_next_moment_only() -> None:
    house = House()
    await house.looks(MAY_END_AFTER_S)
    house.memory_mb = 1600.0
    house.idle.clear()
    await house.looks(50)
    assert not house.restarts
    house.idle.set()
    await house.looks(5)
    assert len(house.restarts) == 1


async def test_a_limit_below_what_it_needs_is_told_and_is_no_reason_to_start_for_ever(
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = House(memory_mb=1100.0)
    await house.looks(MAY_END_AFTER_S - 5)
    assert not house.restarts
    assert caplog.text.count("set a higher limit") == 1


async def test_where_no_limit_is_set_it_is_half_of_what_there_is() -> None:
    house = House(UpkeepSection())
    house.memory_mb = 1990.0
    await house.looks(MAY_END_AFTER_S + 100)
    assert not house.restarts
    house.memory_mb = 2010.0
    await house.looks(100)
    assert len(house.restarts) == 1


async def test_files_that_are_never_closed_end_it_too() -> None:
    house = House(share=0.9)
    await house.looks(100)
    assert house.restarts == ["90% of the files that may be open are."]


async def test_where_the_system_tells_nothing_nothing_is_done() -> None:
    house = House(memory_mb=None, share=None)
    await house.looks(7200)
    assert not house.restarts


@pytest.mark.parametrize(
    ("jump_s", "told"),
    [(30, ""), (-30, ""), (90, "forward by 2 minutes"), (-7300, "back by 2 hours"), (40 * 86400, "forward by 40 days")],
)
def test_a_jump_of_the_clock_is_told(jump_s: float, told: str, caplog: pytest.LogCaptureFixture) -> None:
    steady, wall = Clock(), Clock()
    wall.s = 1_800_000_000.0
    clocks = ClockWatch(steady, wall)
    steady.s, wall.s = 5.0, wall.s + 5.0 + jump_s
    clocks.look()
    clocks.look()
    assert [told in record.getMessage() for record in caplog.records] == ([True] if told else [])


def test_a_clock_that_stands_before_the_program_was_made_is_told(caplog: pytest.LogCaptureFixture) -> None:
    ClockWatch(Clock(), Clock())
    assert "says 1970-01-01" in caplog.text


def test_what_the_kernel_tells_of_this_process() -> None:
    memory_mb, available_mb = consumption.memory_mb(), consumption.available_mb()
    assert memory_mb is not None
    assert available_mb is not None
    assert 20 < memory_mb < available_mb
    share = consumption.descriptors_share()
    assert share is not None
    assert 0 <= share < 1


def test_a_service_that_may_use_less_than_the_machine_has(tmp_path: Path) -> None:
    proc, group = tmp_path / "proc", tmp_path / "cgroup" / "system.slice" / "assistant.service"
    (proc / "self").mkdir(parents=True)
    group.mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 4194304 kB\n")
    (proc / "self" / "cgroup").write_text("0::/system.slice/assistant.service\n")
    assert consumption.available_mb(proc, tmp_path / "cgroup") == 4096
    (group / "memory.max").write_text("max\n")
    (group / "memory.high").write_text("1073741824\n")
    assert consumption.available_mb(proc, tmp_path / "cgroup") == 1024
    (group.parent / "memory.max").write_text("536870912\n")
    assert consumption.available_mb(proc, tmp_path / "cgroup") == 512
    assert consumption.memory_mb(proc) is None
