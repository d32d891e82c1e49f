"""Events as JSON lines, also where they cannot be written."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from assistant.event_lines import event_lines
from pipeline.errors import SettingsError
from pipeline.events import EventFeed, Listening, WakeWord

pytestmark = pytest.mark.unit


def test_each_event_is_a_line_at_once(tmp_path: Path) -> None:
    file, feed = tmp_path / "events", EventFeed()
    with event_lines(feed, str(file)):
        feed.at_s, feed.turn = 1.23456, 2
        feed.publish(WakeWord("hey_jarvis", 0.98765))
        line = json.loads(file.read_text())
    assert line == {"event": "wake_word", "at_s": 1.235, "turn": 2, "name": "hey_jarvis", "score": 0.988}
    feed.publish(Listening())
    assert len(file.read_text().splitlines()) == 1


def test_a_full_disk_is_told_once_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    feed = EventFeed()
    with caplog.at_level(logging.ERROR), event_lines(feed, "/dev/full"):
        for _ in range(3):
            feed.publish(Listening())
    assert len(caplog.records) == 1


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be written"), event_lines(EventFeed(), str(tmp_path / "no" / "f")):
        pass
