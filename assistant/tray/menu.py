"""The tray's menu as data; whatever draws it decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assistant.tray.situation import Situation
from assistant.tray.wording import Wording

Verb = Literal[
    "explain", "choose", "mute", "unmute", "volume", "stop", "test", "panel", "incident", "restart", "about", "quit"
]  # fmt: skip

STEP_DB = 3.0
"""Of "louder" and "softer": heard clearly, and ten steps are a range."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody chose."""

    verb: Verb
    value: str | float | None = None
    """A personality's id, or a volume in dB."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu."""

    label: str
    """Empty: a line between two groups."""
    wish: Wish | None = None
    """None: it cannot be chosen, only read."""
    kind: Literal["plain", "radio", "check"] = "plain"
    on: bool = False
    """Of a radio item or check mark."""


LINE = Entry("")


def menu(now: Situation, say: Wording) -> list[Entry]:
    """Of this moment."""
    online = now.online
    wrong = now.mode in ("offline", "trouble")  # GNOME shows no tooltips
    entries = [Entry(now.headline(say), Wish("explain") if wrong else None), LINE]
    if now.people:
        for one in now.people:
            wish = Wish("choose", one.id) if online else None
            entries.append(Entry(one.name, wish, "radio", on=now.person is not None and now.person.id == one.id))
        entries.append(LINE)
    mute = Wish("unmute" if now.muted else "mute") if online else None
    entries.append(Entry(say("mute"), mute, "check", on=now.muted))
    entries += _volume(now, say)
    name = now.person.name if now.person else say("product")
    entries += [
        Entry(say("stop"), Wish("stop") if online else None),
        Entry(say("test"), Wish("test", now.greeting or say("test_text", name=name)) if online else None),
        LINE,
        Entry(say("panel"), Wish("panel")),
        Entry(say("incident"), Wish("incident") if online else None),
        Entry(say("restart"), Wish("restart") if online else None),
        LINE,
        Entry(say("about"), Wish("about")),
        Entry(say("quit"), Wish("quit")),
    ]
    return entries


def _volume(now: Situation, say: Wording) -> list[Entry]:
    volume_db = now.volume_db
    if volume_db is None or not now.online:
        return [Entry(say("louder")), Entry(say("softer"))]
    louder, softer = min(volume_db + STEP_DB, now.highest_db), max(volume_db - STEP_DB, now.lowest_db)
    return [
        Entry(say("volume", volume=f"{volume_db:+g} dB".replace("-", "−").replace("+0 ", "0 "))),
        Entry(say("louder"), Wish("volume", louder) if louder > volume_db else None),
        Entry(say("softer"), Wish("volume", softer) if softer < volume_db else None),
    ]
