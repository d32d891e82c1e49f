"""What is missing on a desktop is said, and how to mend it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.tray import bindings
from assistant.tray.address import Address
from assistant.tray.desktop import Desktop, Kind, desktop, findings
from assistant.tray.program import run
from assistant.tray.wording import Wording
from pipeline.errors import DeviceMissing
from tests.conftest import ROOT

pytestmark = pytest.mark.unit

XFCE = Desktop("XFCE", x11=True, gtk=True, indicator_library=True, bus=True, notification_area=True, notifications=True)

KDE = replace(XFCE, name="KDE", wayland=True, watcher=True, notification_area=False)

GNOME = replace(KDE, name="ubuntu:GNOME", watcher=False)


@pytest.mark.parametrize(
    ("session", "kind", "shows"),
    [
        (XFCE, "status_icon", True),
        (replace(XFCE, watcher=True), "indicator", True),
        (replace(XFCE, watcher=True, indicator_library=False), "status_icon", True),
        (replace(XFCE, notification_area=False), "indicator", False),
        (replace(XFCE, notification_area=False, bus=False), "status_icon", False),
        (KDE, "indicator", True),
        (GNOME, "indicator", False),
        (replace(GNOME, notification_area=True), "indicator", False),
        (replace(KDE, indicator_library=False), None, False),
        (replace(XFCE, gtk=False), None, False),
        (replace(XFCE, opens=False), None, False),
        (replace(XFCE, x11=False), None, False),
    ],
)
def test_the_icon_is_of_the_kind_that_this_desktop_shows(session: Desktop, kind: Kind | None, *, shows: bool) -> None:
    assert session.kind == kind
    assert session.shows is shows


@pytest.mark.parametrize(
    ("session", "part", "remedy"),
    [
        (GNOME, "tray", "gnome-shell-extension-appindicator"),
        (replace(GNOME, name="sway"), "tray", "waybar"),
        (replace(KDE, indicator_library=False), "tray", "gir1.2-ayatanaappindicator3-0.1"),
        (replace(KDE, bus=False), "tray", "dbus-run-session"),
        (replace(XFCE, notification_area=False), "tray", "trayer"),
        (replace(XFCE, gtk=False), "GTK", "./install.sh tray"),
        (replace(XFCE, x11=False), "display", "logged in"),
        (replace(XFCE, opens=False), "display", "logged in"),
        (replace(XFCE, notifications=False), "notifications", "dunst"),
    ],
)
def test_it_says_what_is_missing_and_how_to_mend_it(session: Desktop, part: str, remedy: str) -> None:
    wrong = {one.part: one for one in findings(session) if not one.works}
    assert remedy in wrong[part].remedy
    assert wrong[part].reason


@pytest.mark.parametrize("session", [XFCE, KDE])
def test_where_nothing_is_missing_it_says_that(session: Desktop) -> None:
    assert [one.works for one in findings(session)] == [True] * 4


def test_without_a_screen_nothing_is_found() -> None:
    found = desktop({})
    assert (found.x11, found.wayland, found.kind, found.notification_area) == (False, False, None, False)


def test_where_no_icon_can_ever_be_seen_it_ends_with_the_reason() -> None:
    with pytest.raises(DeviceMissing) as refused:
        run(Address("http://shop", ()), Wording("en"), replace(XFCE, gtk=False))
    assert "./install.sh tray" in str(refused.value)


@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="no Python of Debian's; its package: python3")
def test_debians_bindings_serve_an_environment_without_its_own() -> None:
    code = f"import sys; sys.path.append({str(ROOT)!r}); from assistant.tray.bindings import usable; print(usable())"
    look = subprocess.run(["/usr/bin/python3", "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    there = all((bindings.DEBIAN / name).is_dir() for name in ("gi", "cairo"))
    assert look.stdout.strip() == str(there)


def test_bindings_for_another_python_are_none(tmp_path: Path) -> None:
    (tmp_path / "cairo").mkdir()
    (tmp_path / "cairo" / "__init__.py").write_text("from cairo import _cairo")
    code = (
        f"import sys; sys.path.append({str(ROOT)!r}); from pathlib import Path\n"
        f"from assistant.tray.bindings import usable; print(usable(Path({str(tmp_path)!r})), 'cairo' in sys.modules)"
    )
    look = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert look.stdout.split() == ["False", "False"]
