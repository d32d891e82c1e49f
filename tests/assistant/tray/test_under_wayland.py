"""The tray on a Wayland compositor without a screen and without a panel."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from assistant.tray.bindings import usable
from tests.assistant.tray.screen import begin, soon
from tests.assistant.tray.shop import TOKEN

pytestmark = [pytest.mark.slow, pytest.mark.long(1)]

TRAY = (sys.executable, "-m", "assistant", "tray")


@pytest.fixture
def session() -> Iterator[dict[str, str]]:
    """Its environment."""
    absent = [name for name in ("weston", "dbus-daemon") if shutil.which(name) is None]
    if absent or not usable():
        pytest.skip(f"no Wayland for the tray: install {' '.join(absent) or 'what ./install.sh tray installs'}")
    with tempfile.TemporaryDirectory(prefix="wayland") as name, ExitStack() as stack:
        folder = Path(name)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
        environment = kept | {"LANG": "C.UTF-8", "NO_AT_BRIDGE": "1", "XDG_RUNTIME_DIR": name}
        bus = folder / "bus"
        environment["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={bus}"
        begin(stack, folder, environment, "dbus-daemon", "--session", "--nofork", f"--address=unix:path={bus}")
        soon(bus.exists, "a session bus")
        begin(stack, folder, environment, "weston", "--backend=headless-backend.so", "--socket=compositor")
        soon((folder / "compositor").exists, "a compositor")
        yield environment | {"WAYLAND_DISPLAY": "compositor"}


def test_it_says_what_this_session_lacks(session: dict[str, str]) -> None:
    check = subprocess.run([*TRAY, "--check"], env=session, capture_output=True, text=True, check=False, timeout=30)
    assert check.returncode == 1
    assert "Wayland" in check.stdout
    assert "waybar" in check.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_ends_when_it_is_told_to(number: signal.Signals, session: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as assistant:
        assistant.settimeout(30)
        url = f"http://127.0.0.1:{assistant.getsockname()[1]}"
        tray = subprocess.Popen([*TRAY, "--url", url], env=session | {"ASSISTANT_TOKEN": TOKEN})
        try:
            calls, _ = assistant.accept()  # it has begun its work
            with calls:
                time.sleep(1)  # GTK's loop begins in a thread of its own, and tells nobody
                tray.send_signal(number)
                assert tray.wait(20) == 0
        finally:
            tray.kill()
            tray.wait()
