"""What the tray knows of the assistant, and what its icon shows of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from assistant.tray.wording import Wording

Mode = Literal["offline", "starting", "listening", "hearing", "thinking", "speaking", "muted", "trouble"]

MODES: tuple[Mode, ...] = (
    "offline", "starting", "listening", "hearing", "thinking", "speaking", "muted", "trouble"
)  # fmt: skip

SILENT_S = 5.0
"""Seconds without a frame from the microphone after which it counts as deaf, as for ``/healthz``."""

LONGEST_TOOLTIP = 400
"""Characters; panels cut longer ones without a sign."""


@dataclass(frozen=True, slots=True)
class Person:
    """A personality that can be chosen."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that does not work."""

    part: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return " ".join(f"{self.part}: {self.reason} {self.remedy}".split())


@dataclass(frozen=True, slots=True)
class Situation:
    """Of this moment."""

    url: str
    online: bool = False
    offline_reason: str = ""
    """Why, in the user's language; empty before the first attempt."""
    state: str = "starting"
    """As ``/api/status`` tells it."""
    muted: bool = False
    person: Person | None = None
    """Who speaks."""
    greeting: str = ""
    """What that personality says when it is switched to, in its own language."""
    people: tuple[Person, ...] = ()
    """Who could."""
    deaf: bool = False
    """No sound comes from the microphone."""
    trouble: tuple[Trouble, ...] = ()
    volume_db: float | None = None
    """None where it is not known."""
    lowest_db: float = -30.0
    highest_db: float = 12.0
    version: str = ""

    @property
    def mode(self) -> Mode:
        """What the icon shows: a conversation while there is one, else what is wrong, else whether it is muted."""
        if not self.online:
            return "offline"
        for mode in ("hearing", "thinking", "speaking"):
            if self.state == mode and not self.deaf:
                return mode
        if self.state == "starting":
            return "starting"
        if self.deaf or self.trouble or self.state == "trouble":
            return "trouble"
        return "muted" if self.muted else "listening"

    def headline(self, say: Wording) -> str:
        """One line."""
        who = f" · {self.person.name}" if self.online and self.person else ""
        mode = say(f"mode.{self.mode}")
        return f"{mode[:1].upper()}{mode[1:]}{who}"

    def tooltip(self, say: Wording) -> str:
        """The headline and what is wrong."""
        lines = [f"{say('product')}: {say(f'mode.{self.mode}')}"]
        if not self.online:
            lines.append(self.offline_reason)
        else:
            if self.person:
                lines[0] += f" · {self.person.name}"
            if self.muted and self.mode != "muted":
                lines.append(say("muted"))
            if self.deaf:
                lines.append(say("deaf"))
            lines += [str(one) for one in self.trouble]
        text = "\n".join(line for line in lines if line)
        return text if len(text) <= LONGEST_TOOLTIP else f"{text[: LONGEST_TOOLTIP - 1]}…"


def deaf(status: dict[str, Any]) -> bool:
    """Whether a status tells that no sound comes in."""
    age_s = status["microphone"]["last_frame_s"]
    return age_s is None or age_s > SILENT_S
