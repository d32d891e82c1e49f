"""Muted is muted: after a restart, and where the disk is full."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.muting import FILE, Muting
from pipeline.events import EventFeed, EventRecord

pytestmark = pytest.mark.unit


@pytest.fixture
def told() -> list[bool]:
    return []


@pytest.fixture
def feed(told: list[bool]) -> EventFeed:
    def note(record: EventRecord) -> None:
        assert record.event.kind == "muted"
        told.append(record.as_dict()["muted"])

    feed = EventFeed()
    feed.subscribe(note)
    return feed


def test_it_is_told_when_it_changes_and_kept(tmp_path: Path, feed: EventFeed, told: list[bool]) -> None:
    muting = Muting(tmp_path / "data", feed)
    assert not muting.muted()
    muting.tell()
    for muted in (False, True, True):
        muting.set(muted=muted)
    assert told == [True]
    again = Muting(tmp_path / "data", feed)
    assert again.muted()
    again.tell()
    again.set(muted=False)
    assert told == [True, True, False]
    assert not Muting(tmp_path / "data", feed).muted()


def test_a_disk_that_cannot_be_written_does_not_keep_it_from_being_muted(
    tmp_path: Path, feed: EventFeed, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "data").write_text("no folder")
    muting = Muting(tmp_path / "data", feed)
    muting.set(muted=True)
    assert muting.muted()
    assert "That it is muted cannot be kept" in caplog.text
    assert FILE in caplog.text
