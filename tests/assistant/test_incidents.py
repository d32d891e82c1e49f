"""The log of what went wrong lately."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from assistant.incidents import LONGEST, MOST, Incidents

pytestmark = pytest.mark.unit

BREAKER = logging.getLogger("pipeline.circuit_breaker")
DATABASE = logging.getLogger("assistant.storage.database")


class Watch:
    """A second passes with each look."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 26, 1, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def incidents() -> Iterator[Incidents]:
    with Incidents(Watch()) as listening:
        yield listening


def test_warnings_and_errors_of_ours_are_told_newest_first(incidents: Incidents) -> None:
    BREAKER.warning("The voice %s failed and rests for %.0f s", "piper", 5.0)
    BREAKER.info("nothing of note")
    DATABASE.error("The disk is full.")
    logging.getLogger("uvicorn.error").error("somebody else's words")
    logging.getLogger("assistants").error("not ours either")
    assert incidents.newest() == [
        {
            "at": "2026-11-26T01:00:02+00:00",
            "first_at": "2026-11-26T01:00:02+00:00",
            "level": "error",
            "part": "database",
            "message": "The disk is full.",
            "times": 1,
        },
        {
            "at": "2026-11-26T01:00:01+00:00",
            "first_at": "2026-11-26T01:00:01+00:00",
            "level": "warning",
            "part": "circuit_breaker",
            "message": "The voice piper failed and rests for 5 s",
            "times": 1,
        },
    ]


def test_equal_ones_in_a_row_are_counted(incidents: Incidents) -> None:
    for _ in range(3):
        DATABASE.error("The disk is full.")
    DATABASE.warning("The disk is full.")
    BREAKER.warning("The disk is full.")
    found = [(one["level"], one["part"], one["times"], one["at"][-14:-6]) for one in incidents.newest()]
    assert found == [
        ("warning", "circuit_breaker", 1, "01:00:05"),
        ("warning", "database", 1, "01:00:04"),
        ("error", "database", 3, "01:00:03"),
    ]


def test_what_was_taken_is_not_taken_again_unless_it_was_given_back(incidents: Incidents) -> None:
    for _ in range(2):
        DATABASE.error("The disk is full.")
    taken = incidents.take()
    assert [(one.message, one.times) for one in taken] == [("The disk is full.", 2)]
    assert incidents.take() == []

    DATABASE.error("The disk is full.")
    incidents.give_back(taken)
    (again,) = incidents.take()
    assert (again.times, again.first_at[-14:-6], again.at[-14:-6]) == (3, "01:00:01", "01:00:03")
    assert [one["times"] for one in incidents.newest()] == [3], "taking them takes nothing from who looks"


def test_nothing_is_kept_of_a_trace(incidents: Incidents) -> None:
    try:
        int("what a customer said")
    except ValueError:
        DATABASE.exception("A turn failed.")
    assert [one["message"] for one in incidents.newest()] == ["A turn failed."]
    assert "customer said" not in json.dumps(incidents.newest())


def test_a_message_that_cannot_be_formatted_raises_nothing(incidents: Incidents) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("broken")

    # Straight to it: pytest's own listener to the log raises what this one must swallow.
    for message, arguments in (("%s", (Broken(),)), ("%d", ("x",)), ("%s %s", ("x",))):
        incidents.handle(logging.LogRecord("assistant.app", logging.ERROR, "app.py", 1, message, arguments, None))
    DATABASE.error("The next one.")
    assert [one["message"] for one in incidents.newest()] == ["The next one."]


def test_neither_many_nor_long_ones_fill_the_memory(incidents: Incidents) -> None:
    for number in range(MOST + 5):
        DATABASE.error("%d %s", number, "x" * 2 * LONGEST)
    found = incidents.newest()
    assert len(found) == MOST
    assert found[0]["message"].startswith(f"{MOST + 4} ")
    assert {len(one["message"]) for one in found} == {LONGEST}


def test_threads_may_log_while_somebody_looks(incidents: Incidents) -> None:
    stop = threading.Event()

    def log() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            incidents.handle(logging.LogRecord("providers.x", logging.ERROR, "x.py", 1, str(number), None, None))

    thread = threading.Thread(target=log)
    thread.start()
    try:
        for _ in range(300):
            incidents.newest()
    finally:
        stop.set()
        thread.join()
    assert len(incidents.newest()) == MOST


def test_afterwards_nobody_listens() -> None:
    with Incidents() as incidents:
        pass
    DATABASE.error("Too late.")
    assert incidents.newest() == []
