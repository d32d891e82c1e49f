"""A screen without hardware: X11 with a window manager, a panel with a notification area, and a session bus."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from assistant.tray.bindings import usable
from tests.conftest import ROOT

T = TypeVar("T")

WITHIN_S = 15.0

WIDTH, HEIGHT = 800, 600

PROGRAMS = {
    "Xvfb": "xvfb", "openbox": "openbox", "trayer": "trayer", "xdotool": "xdotool", "dbus-daemon": "dbus-daemon",
    "xwininfo": "x11-utils", "import": "imagemagick",
}  # fmt: skip


def missing() -> list[str]:
    """Debian packages that are needed and not there."""
    found = {package for program, package in PROGRAMS.items() if shutil.which(program) is None}
    if not usable():
        found.add("what ./install.sh tray installs")
    return sorted(found)


def soon(look: Callable[[], T], what: str) -> T:
    """What ``look`` finds, waited for; another process: nothing to await."""
    ends_s = time.monotonic() + WITHIN_S
    while not (found := look()):
        assert time.monotonic() < ends_s, f"not within {WITHIN_S:.0f} s: {what}"
        time.sleep(0.05)
    return found


@dataclass
class Screen:
    environment: dict[str, str]
    folder: Path

    def run(self, *command: str) -> str:
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=20)
        return done.stdout

    def picture(self, name: str) -> Path:
        """A screenshot, to be looked at: ``build/screenshots/tray-NAME.png``."""
        file = ROOT / "build" / "screenshots" / f"tray-{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        self.run("import", "-window", "root", str(file))
        return file

    def pixels(self) -> np.ndarray:
        """The whole screen: uint8 [height, width, 3]."""
        command = ["import", "-window", "root", "-depth", "8", "rgb:-"]
        done = subprocess.run(command, env=self.environment, capture_output=True, check=True, timeout=20)
        return np.frombuffer(done.stdout, np.uint8).reshape(HEIGHT, WIDTH, 3).astype(np.int16)

    def icon(self) -> str:
        """The window that sits in the panel; empty where there is none."""
        return self._window(r"(0x\w+) \"(?:Shop assistant|Asistente de tienda)\".* (?:1[6-9]|[2-4]\d)x[1-4]\d\+")

    def menu(self) -> str:
        """The open menu; empty where there is none."""
        return self._window(r"(0x\w+) \"shop-assistant\".* [1-3]\d\dx[1-5]\d\d\+")

    def _window(self, row: str) -> str:
        found = re.search(row, self.run("xwininfo", "-root", "-tree"))
        if found is None or "IsViewable" not in self.run("xwininfo", "-id", found[1]):
            return ""
        return found[1]

    def click(self, x: int, y: int, button: int = 1) -> None:
        self.run("xdotool", "mousemove", str(x), str(y))
        self.run("xdotool", "click", str(button))

    def place(self, window: str) -> tuple[int, int, int, int]:
        """Left, top, width, height on the screen."""
        told = self.run("xwininfo", "-id", window)
        numbers = [re.search(rf"{name}:\s+(-?\d+)", told) for name in (
            "Absolute upper-left X", "Absolute upper-left Y", "Width", "Height"
        )]  # fmt: skip
        left, top, width, height = (int(one[1]) if one else 0 for one in numbers)
        return left, top, width, height


@contextmanager
def screen(folder: Path) -> Iterator[Screen]:
    """Skips where a part is missing."""
    if absent := missing():
        pytest.skip(f"no screen for the tray: install {' '.join(absent)}")
    with ExitStack() as stack:
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
        environment |= {"LANG": "C.UTF-8", "NO_AT_BRIDGE": "1", "XDG_RUNTIME_DIR": str(folder), "GTK_THEME": "Adwaita"}
        reading, writing = os.pipe()
        begin(stack, folder, environment, "Xvfb", "-displayfd", str(writing), "-screen", "0", f"{WIDTH}x{HEIGHT}x24",
               "-nolisten", "tcp", "-noreset", pass_fds=(writing,))  # fmt: skip
        os.close(writing)
        with os.fdopen(reading) as told:
            environment["DISPLAY"] = f":{told.readline().strip()}"
        bus = folder / "bus"
        address = f"unix:path={bus}"
        begin(stack, folder, environment, "dbus-daemon", "--session", "--nofork", f"--address={address}")
        environment["DBUS_SESSION_BUS_ADDRESS"] = address
        soon(bus.exists, "a session bus")
        begin(stack, folder, environment, "openbox")
        begin(stack, folder, environment, "trayer", "--edge", "top", "--align", "right", "--height", "32",
               "--widthtype", "request", "--SetDockType", "true")  # fmt: skip
        found = Screen(environment, folder)
        soon(lambda: "trayer" in found.run("xwininfo", "-root", "-tree"), "a panel")
        yield found


def begin(
    stack: ExitStack, folder: Path, environment: dict[str, str], *command: str, pass_fds: tuple[int, ...] = ()
) -> None:
    with (folder / f"{command[0]}.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, pass_fds=pass_fds)

    def end() -> None:
        process.send_signal(signal.SIGTERM)
        process.wait(10)

    stack.callback(end)
