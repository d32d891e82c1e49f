"""Trouble is told once, and not again and again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.tray.notices import AGAIN_S, AWAY_S, MOST_AT_ONCE, Notices
from assistant.tray.situation import Situation, Trouble
from assistant.tray.wording import Wording

pytestmark = pytest.mark.unit

WELL = Situation("http://shop", online=True, state="listening")

GONE = replace(WELL, trouble=(Trouble("loudspeaker", "It has been gone for 1 s.", "Plug it in."),))

AWAY = replace(WELL, online=False, offline_reason="It does not answer.")


class Watcher:
    def __init__(self) -> None:
        self.now_s = 0.0
        self._notices = Notices(Wording("en"), lambda: self.now_s)

    def sees(self, now: Situation, after_s: float = 1.0) -> list[str]:
        self.now_s += after_s
        return [notice.text for notice in self._notices.after(now)]


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


def test_trouble_is_told_once_and_so_is_its_end(watcher: Watcher) -> None:
    assert watcher.sees(WELL) == []
    assert watcher.sees(GONE) == ["loudspeaker: It has been gone for 1 s. Plug it in."]
    older = replace(GONE, trouble=(replace(GONE.trouble[0], reason="It has been gone for 2 s."),))
    assert watcher.sees(older) == []
    assert watcher.sees(WELL) == ["Everything works again."]
    assert watcher.sees(WELL) == []


def test_what_comes_and_goes_is_told_now_and_then(watcher: Watcher) -> None:
    told = [watcher.sees(now, after_s=30.0) for _ in range(int(AGAIN_S / 60)) for now in (GONE, WELL)]
    assert sum(map(len, told)) == 2, "it and its end"
    assert len(watcher.sees(GONE, after_s=AGAIN_S)) == 1


def test_much_at_once_is_told_in_part(watcher: Watcher) -> None:
    much = replace(WELL, trouble=tuple(Trouble(f"voice {n}", "It fails.", "") for n in range(10)))
    assert len(watcher.sees(much)) == MOST_AT_ONCE


def test_a_restart_is_no_news(watcher: Watcher) -> None:
    assert watcher.sees(AWAY) == []
    assert watcher.sees(AWAY, after_s=AWAY_S - 2) == []
    assert watcher.sees(WELL) == []
    assert watcher.sees(AWAY) == []
    assert watcher.sees(AWAY, after_s=AWAY_S) == ["It does not answer."]
    assert watcher.sees(WELL) == ["Everything works again."]


def test_a_deaf_microphone_is_trouble(watcher: Watcher) -> None:
    assert watcher.sees(replace(WELL, deaf=True))[0].startswith("No sound comes from the microphone.")
