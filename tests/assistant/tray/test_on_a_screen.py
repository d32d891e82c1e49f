"""The tray on a real screen against a real daemon: seen and clicked as a person does."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from assistant.tray.menu import menu
from assistant.tray.situation import Mode, Person, Situation
from assistant.tray.wording import Wording
from tests.assistant.http import daemon as daemons
from tests.assistant.http.daemon import Daemon
from tests.assistant.tray.screen import Screen, screen, soon
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.long(1)]

SAY = Wording("en")

LONG = "Queridos clientes, este es un aviso muy largo. " * 20

COLOURS: dict[Mode, tuple[float, float, float]] = {
    "offline": (0.45, 0.47, 0.50),
    "listening": (0.10, 0.55, 0.30),
    "speaking": (0.00, 0.50, 0.55),
    "muted": (0.25, 0.27, 0.30),
}


class Tray:
    """The program, and somebody who looks at it."""

    def __init__(self, screen: Screen, config: Path) -> None:
        self.screen = screen
        environment = {**screen.environment, "ASSISTANT_CONFIG": str(config)}
        with (screen.folder / "tray.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "assistant", "tray", "--language", "en"], env=environment, stdout=log, stderr=log
            )
        soon(screen.icon, "an icon in the panel")

    def shows(self, mode: Mode) -> bool:
        left, top, width, height = self.screen.place(self.screen.icon())
        icon = self.screen.pixels()[top : top + height, left : left + width].reshape(-1, 3)
        wanted = np.array(COLOURS[mode]) * 255
        return bool((np.abs(icon - wanted).max(1) < 12).mean() > 0.15)

    def open_menu(self) -> tuple[int, int, int, int]:
        left, top, width, height = self.screen.place(self.screen.icon())
        self.screen.click(left + width // 2, top + height // 2, 3)
        return self.screen.place(soon(self.screen.menu, "the menu"))

    def choose(self, label: str, now: Situation, picture: str) -> None:
        """Open the menu and click on the line; ``now`` tells what stands in it."""
        left, top, width, height = self.open_menu()
        self.screen.picture(picture)
        labels = [entry.label for entry in menu(now, SAY)]
        above = labels[: labels.index(label)]
        lines = labels.count("")
        row = (height - 8 - lines) / (len(labels) - lines)  # the theme's edge is 4 pixels, a line is 1
        y = 4 + row * (len(above) - above.count("") + 0.5) + above.count("")
        self.screen.click(left + width // 2, round(top + y))
        soon(lambda: not self.screen.menu(), "the menu closes")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Daemon]:
    settings = daemons.SETTINGS.replace("port: 0", f"port: {free_port()}")
    with daemons.running(tmp_path, daemons.quiet(tmp_path / "quiet.wav"), settings) as found:
        yield found


@pytest.fixture
def tray(shop: Daemon) -> Iterator[Tray]:
    with tempfile.TemporaryDirectory(prefix="tray") as folder, screen(Path(folder)) as found:
        tray = Tray(found, shop.folder / "config.yaml")
        try:
            yield tray
        finally:
            tray.process.send_signal(signal.SIGTERM)
            code = tray.process.wait(10)
        log = (found.folder / "tray.log").read_text()
        assert code == 0, log
        assert "Traceback" not in log, log


def situation(shop: Daemon) -> Situation:
    """As the tray must know it."""
    status = shop.owner.get("/api/status").json()
    people = shop.owner.get("/api/admin/ai-personalities").json()["personalities"]
    volume = shop.owner.get("/api/volume").json()
    who = status["personality"]
    return Situation(
        "",
        online=True,
        state=status["state"],
        muted=status["muted"],
        person=Person(who["id"], who["name"]),
        people=tuple(Person(one["id"], one["name"]) for one in people),
        volume_db=volume["volume_db"],
    )


def answer(shop: Daemon) -> dict[str, str]:
    return shop.owner.post("/api/conversation", json={"text": "What time do you close?"}).json()


def test_the_next_answer_has_the_voice_that_was_chosen(shop: Daemon, tray: Tray) -> None:
    soon(lambda: tray.shows("listening"), "the icon of one who listens")
    before = answer(shop)
    assert before["personality"] == "Robin"
    tray.choose("Lucía", situation(shop), "listening")
    soon(lambda: situation(shop).person.name == "Lucía", "the other personality")
    after = answer(shop)
    assert after["personality"] == "Lucía"
    assert (after["voice_provider"], after["voice"]) != (before["voice_provider"], before["voice"])
    soon(lambda: tray.shows("listening"), "the greeting is over")
    shop.owner.post("/api/say", json={"text": LONG}).raise_for_status()
    soon(lambda: tray.shows("speaking"), "the icon of one who speaks")
    tray.choose("Stop speaking", situation(shop), "speaking")
    soon(lambda: tray.shows("listening"), "it is stopped")
    tray.choose("Louder", situation(shop), "louder")
    soon(lambda: situation(shop).volume_db == 3.0, "it is louder")


def test_killed_and_started_again_the_icon_follows(shop: Daemon, tray: Tray) -> None:
    soon(lambda: tray.shows("listening"), "the icon of one who listens")
    tray.choose("Mute", situation(shop), "unmuted")
    soon(lambda: tray.shows("muted"), "the icon of one who is muted")
    assert situation(shop).muted
    shop.process.kill()
    shop.process.wait(10)
    soon(lambda: tray.shows("offline"), "the icon of one who is not there")
    tray.screen.picture("offline")
    daemons.start_again(shop, shop.folder / "quiet.wav")
    soon(lambda: tray.shows("muted"), "it is back, and still muted")
    tray.choose("Mute", situation(shop), "muted")
    soon(lambda: tray.shows("listening"), "it listens again")
