"""The menu as data."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.tray.menu import Entry, Wish, menu
from assistant.tray.situation import Person, Situation, Trouble
from assistant.tray.wording import Wording

pytestmark = pytest.mark.unit

ROBIN, LUCIA = Person("1", "Robin"), Person("2", "Lucía")

ONLINE = Situation(
    "http://shop", online=True, state="listening", person=ROBIN, people=(ROBIN, LUCIA), volume_db=0.0, greeting="Hi!"
)


def entries(now: Situation) -> dict[str, Entry]:
    return {entry.label: entry for entry in menu(now, Wording("en")) if entry.label}


def test_personalities_are_a_choice_of_one() -> None:
    radios = [entry for entry in menu(ONLINE, Wording("en")) if entry.kind == "radio"]
    assert radios == [
        Entry("Robin", Wish("choose", "1"), "radio", on=True),
        Entry("Lucía", Wish("choose", "2"), "radio"),
    ]


def test_mute_does_the_opposite_of_what_is() -> None:
    assert entries(ONLINE)["Mute"] == Entry("Mute", Wish("mute"), "check")
    assert entries(replace(ONLINE, muted=True))["Mute"] == Entry("Mute", Wish("unmute"), "check", on=True)


def test_volume_goes_in_steps_to_its_ends() -> None:
    assert entries(ONLINE)["Louder"].wish == Wish("volume", 3.0)
    assert entries(ONLINE)["Softer"].wish == Wish("volume", -3.0)
    assert "Volume: 0 dB" in entries(ONLINE)
    assert "Volume: −7.5 dB" in entries(replace(ONLINE, volume_db=-7.5))
    nearly = entries(replace(ONLINE, volume_db=11.0))
    assert nearly["Louder"].wish == Wish("volume", 12.0)
    assert entries(replace(ONLINE, volume_db=12.0))["Louder"].wish is None
    assert entries(replace(ONLINE, volume_db=-30.0))["Softer"].wish is None
    assert entries(replace(ONLINE, volume_db=None))["Louder"].wish is None


def test_the_voice_is_tested_in_its_own_language() -> None:
    assert entries(ONLINE)["Test the voice"].wish == Wish("test", "Hi!")
    assert entries(replace(ONLINE, greeting=""))["Test the voice"].wish == Wish(
        "test", "Hello, this is Robin. You can hear me."
    )


def test_who_is_away_can_be_asked_nothing() -> None:
    away = entries(replace(ONLINE, online=False))
    always = {"Open the panel", "About", "Close the tray icon"}
    assert {label for label, entry in away.items() if entry.wish} == {"Not reachable", *always}
    here = {label for label, entry in entries(ONLINE).items() if not entry.wish}
    assert here == {"Waiting for the wake word · Robin", "Volume: 0 dB"}


def test_what_is_wrong_is_told_where_no_tooltips_are_shown() -> None:
    first, *_ = menu(replace(ONLINE, trouble=(Trouble("agent", "It fails.", "Mend it."),)), Wording("en"))
    assert first.wish == Wish("explain")
    assert menu(replace(ONLINE, online=False), Wording("en"))[0].wish == Wish("explain")
    assert menu(ONLINE, Wording("en"))[0].wish is None
