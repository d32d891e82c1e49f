"""What the tray shows, offers and tells: no display is needed for any of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from assistant.tray import wording
from assistant.tray.address import Address, address
from assistant.tray.desktop import Desktop, findings
from assistant.tray.link import last_wrong
from assistant.tray.menu import Entry, Wish, menu
from assistant.tray.notices import AGAIN_S, AWAY_S, Notices
from assistant.tray.situation import LONGEST_TOOLTIP, Mode, Person, Situation, Trouble
from assistant.tray.wording import Wording, session_language
from pipeline.errors import SettingsError

pytestmark = pytest.mark.unit

SAY = Wording("en")
ROBIN, LUCIA = Person("1", "Robin"), Person("2", "Lucía")
WELL = Situation(
    "http://kiosk", online=True, state="listening", person=ROBIN, people=(ROBIN, LUCIA), volume_db=0.0, version="1"
)
DISK = Trouble("storage", "The disk is full.", "Make room.")
TOKEN = "sa_" + "x" * 43


def of(entries: list[Entry], label: str) -> Entry:
    return next(one for one in entries if one.label == label or one.label.startswith(f"{label}:"))


@pytest.mark.parametrize(
    ("now", "mode"),
    [
        (WELL, "listening"),
        (replace(WELL, state="hearing"), "hearing"),
        (replace(WELL, state="thinking"), "thinking"),
        (replace(WELL, state="speaking", trouble=(DISK,)), "speaking"),
        (replace(WELL, state="muted", muted=True), "muted"),
        (replace(WELL, state="muted", muted=True, trouble=(DISK,)), "trouble"),
        (replace(WELL, trouble=(DISK,)), "trouble"),
        (replace(WELL, state="trouble"), "trouble"),
        (replace(WELL, state="hearing", deaf=True), "trouble"),
        (replace(WELL, state="starting", deaf=True), "starting"),
        (replace(WELL, online=False), "offline"),
    ],
)
def test_the_icon(now: Situation, mode: Mode) -> None:
    assert now.mode == mode


def test_the_tooltip_says_what_is_wrong_and_what_to_do() -> None:
    text = replace(WELL, muted=True, trouble=(DISK,)).tooltip(SAY)
    assert text.splitlines() == [
        "Shop assistant: trouble · Robin", "Muted", "storage: The disk is full. Make room."
    ]  # fmt: skip
    assert len(replace(WELL, trouble=(DISK,) * 50).tooltip(SAY)) == LONGEST_TOOLTIP
    assert "no answer" in replace(WELL, online=False, offline_reason="no answer").tooltip(SAY)


def test_one_personality_is_on_and_the_others_can_be_chosen() -> None:
    people = [one for one in menu(WELL, SAY) if one.kind == "radio"]
    assert [(one.label, one.on, one.wish) for one in people] == [
        ("Robin", True, Wish("choose", "1")), ("Lucía", False, Wish("choose", "2"))
    ]  # fmt: skip


def test_mute_and_volume() -> None:
    assert of(menu(WELL, SAY), "Mute").wish == Wish("mute")
    assert of(menu(replace(WELL, muted=True), SAY), "Mute").wish == Wish("unmute")
    assert of(menu(replace(WELL, muted=True), SAY), "Mute").on
    assert of(menu(WELL, SAY), "Volume").label == "Volume: 0 dB"
    assert of(menu(replace(WELL, volume_db=-6.0), SAY), "Volume").label == "Volume: −6 dB"
    assert of(menu(replace(WELL, volume_db=11.0), SAY), "Louder").wish == Wish("volume", 12.0)
    assert of(menu(replace(WELL, volume_db=12.0), SAY), "Louder").wish is None
    assert of(menu(replace(WELL, volume_db=-30.0), SAY), "Softer").wish is None


def test_who_does_not_answer_is_asked_for_nothing() -> None:
    wishes = {one.wish.verb for one in menu(replace(WELL, online=False), SAY) if one.wish}
    assert wishes == {"panel", "about", "quit"}


def test_every_language_has_every_text() -> None:
    texts = [yaml.safe_load((wording.FOLDER / f"{one}.yaml").read_text("utf-8")) for one in wording.LANGUAGES]
    assert texts[0].keys() == texts[1].keys()


@pytest.mark.parametrize(
    ("environment", "language"),
    [({"LANG": "es_ES.UTF-8"}, "es"), ({"LANG": "es_ES", "LC_ALL": "C"}, "en"), ({"LANG": "de_DE"}, "en"), ({}, "en")],
)
def test_the_sessions_language(environment: dict[str, str], language: str) -> None:
    assert session_language(environment) == language


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_trouble_is_told_once_and_its_end() -> None:
    clock = Clock()
    notices = Notices(SAY, clock)
    bad = replace(WELL, trouble=(DISK,))
    assert [one.text for one in notices.after(bad)] == [str(DISK)]
    assert notices.after(bad) == []
    assert notices.after(replace(WELL, trouble=(replace(DISK, reason="Only 3 MB."),))) == [], "the same, in other words"
    assert [one.text for one in notices.after(WELL)] == ["Everything works again."]
    assert notices.after(bad) == [], "it comes and goes"
    notices.after(WELL)
    clock.now_s += AGAIN_S
    assert len(notices.after(bad)) == 1


def test_a_restart_is_no_news() -> None:
    clock = Clock()
    notices = Notices(SAY, clock)
    away = replace(WELL, online=False, offline_reason="away")
    assert notices.after(away) == []
    clock.now_s += AWAY_S - 1
    assert notices.after(away) == []
    assert notices.after(WELL) == []
    notices.after(away)
    clock.now_s += AWAY_S
    assert [one.text for one in notices.after(away)] == ["away"]


X11 = Desktop(x11=True, gtk=True, indicator_library=True, bus=True, notification_area=True, notifications=True)


@pytest.mark.parametrize(
    ("desktop", "kind", "shows", "remedy"),
    [
        (X11, "status_icon", True, ""),
        (replace(X11, watcher=True), "indicator", True, ""),
        (replace(X11, notification_area=False), "status_icon", False, "trayer"),
        (Desktop(name="GNOME", wayland=True, x11=True, gtk=True, bus=True), "status_icon", False, "extension"),
        (Desktop(wayland=True, gtk=True, bus=True, indicator_library=True), "indicator", False, "waybar"),
        (Desktop(wayland=True, gtk=True, bus=True, watcher=True), None, False, "gir1.2-ayatana"),
        (replace(X11, gtk=False), None, False, "./install.sh tray"),
        (Desktop(gtk=True), None, False, "session of whoever"),
    ],
)
def test_what_a_desktop_lacks(desktop: Desktop, kind: str | None, shows: bool, remedy: str) -> None:
    assert (desktop.kind, desktop.shows) == (kind, shows)
    wrong = [one for one in findings(desktop) if one.needed and not one.works]
    assert all(one.remedy for one in wrong)
    assert any(remedy in one.remedy for one in wrong) if remedy else not wrong


def test_where_the_assistant_is(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("http: {host: 0.0.0.0, port: 9000}\n")
    assert address(None, None, config, {"HOME": "/nowhere"}).url == "http://127.0.0.1:9000"
    assert address("http://kiosk:1/", None, config, {"HOME": "/nowhere"}).url == "http://kiosk:1"
    config.write_text("http: {port: 0}\n")
    with pytest.raises(SettingsError, match="--url"):
        address(None, None, config, {})
    with pytest.raises(SettingsError, match="must begin with"):
        address("kiosk", None, config, {})


def test_which_token(tmp_path: Path) -> None:
    own = tmp_path / "shop-assistant" / "token"
    environment = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert address("http://kiosk", None, None, environment).token() == ""
    own.parent.mkdir()
    own.write_text(f"{TOKEN}\n")
    assert address("http://kiosk", None, None, environment).token() == TOKEN
    assert address("http://kiosk", None, None, {**environment, "ASSISTANT_TOKEN": "other"}).token() == "other"
    own.write_text("no token")
    assert Address("http://kiosk", (own,)).token() == ""


def test_a_start_is_no_incident() -> None:
    start = {"at": "2", "level": "info", "message": "started"}
    assert last_wrong([start]) == ""
    assert last_wrong([start, {"at": "1", "level": "error", "message": "The disk is full."}]) == "1 · The disk is full."
