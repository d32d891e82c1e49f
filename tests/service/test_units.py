"""The units as systemd reads them, and the waiting between starts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from assistant import restart
from tests.conftest import ROOT

pytestmark = pytest.mark.unit

FOLDER = ROOT / "systemd"

MOST_EXPOSED = 2.5

UNITS = [("system", "shop-assistant"), ("user", "shop-assistant"), ("user", "shop-assistant-tray")]


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"XDG_RUNTIME_DIR": folder}
        return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, env=environment)


def placed(folder: Path, of: str, name: str) -> Path:
    """A unit whose program is there."""
    file = folder / f"{name}.service"
    text = (FOLDER / of / file.name).read_text()
    file.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    return file


@pytest.mark.parametrize(("of", "name"), UNITS)
def test_systemd_understands_every_line(of: str, name: str, tmp_path: Path) -> None:
    ran = analyze("verify", f"--{of}", "--man=no", placed(tmp_path, of, name))
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")


def test_a_line_that_it_does_not_understand_would_be_seen(tmp_path: Path) -> None:
    file = placed(tmp_path, "system", "shop-assistant")
    file.write_text(file.read_text().replace("WatchdogSec=30", "WatchdogSecs=30"))
    ran = analyze("verify", "--system", "--man=no", file)
    assert "'WatchdogSecs'" in ran.stdout + ran.stderr


def test_it_is_hardly_exposed(tmp_path: Path) -> None:
    ran = analyze("security", "--offline=true", placed(tmp_path, "system", "shop-assistant"))
    (level,) = re.findall(r"Overall exposure level for .*: ([\d.]+) ", ran.stdout)
    assert float(level) <= MOST_EXPOSED


@pytest.mark.parametrize(("of", "name"), UNITS[:2])
def test_both_units_say_the_same_of_the_program(of: str, name: str) -> None:
    unit = (FOLDER / of / f"{name}.service").read_text()
    assert "\nType=notify\n" in unit
    assert re.search(r"^WatchdogSec=\d+$", unit, re.MULTILINE)
    assert "\nExecReload=/bin/kill -HUP $MAINPID\n" in unit
    assert f"\nSuccessExitStatus={restart.BEGIN_ANEW}\n" in unit
    assert f"\nRestartPreventExitStatus=2 {restart.WRONG_SETTINGS}\n" in unit


def waits_s(folder: Path) -> int:
    """What ``back-off`` would sleep before the next start."""
    environment = os.environ | {"RUNTIME_DIRECTORY": str(folder), "SLEEP": "echo"}
    ran = subprocess.run(["/bin/sh", FOLDER / "back-off"], capture_output=True, text=True, check=True, env=environment)
    assert ran.stderr == ""
    return int(ran.stdout.split()[-1])


def test_starts_in_a_row_wait_longer_and_longer(tmp_path: Path) -> None:
    assert [waits_s(tmp_path) for _ in range(11)] == [0, 0, 0, 2, 4, 8, 16, 32, 60, 60, 60]
    count = tmp_path / "starts"
    long_ago_s = count.stat().st_mtime - 660
    os.utime(count, (long_ago_s, long_ago_s))
    assert waits_s(tmp_path) == 0, "it ran for a while, so this is another matter"


def test_a_damaged_count_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "starts").write_bytes(b"")
    assert waits_s(tmp_path) == 0
    (tmp_path / "starts").write_text("rubbish\n")
    assert waits_s(tmp_path) == 0
