"""The installation script and the run of all checks, where no package has to be fetched."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.unit


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def run(folder: Path, *command: str, free_gb: int, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script of a folder on a disk that has so much room."""
    program(folder / "bin" / "df", f"echo Filesystem Blocks Used Available; echo disk 500 1 {free_gb} 1% /")
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, **environment}
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder, env=env)


def pins(name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / name).read_text(), re.MULTILINE):
        found.setdefault(package, set()).add(version)
    return found


def test_every_package_of_the_engines_has_one_version() -> None:
    script = (ROOT / "install.sh").read_text()
    lists = re.findall(r"^(?:XTTS|POCKET)_PYTHON=\((.+)\)", script, re.MULTILINE)
    packages = set(" ".join(lists).split())
    assert {"coqui-tts", "pocket-tts", "torch", "wyoming"} <= packages
    pinned = pins("constraints-cloning.txt")
    assert {package for package in packages if len(pinned.get(package, ())) != 1} == set()


def test_both_sides_speak_the_same_protocol() -> None:
    assert pins("constraints-cloning.txt")["wyoming"] == pins("constraints.txt")["wyoming"]


@pytest.mark.parametrize(("engine", "free_gb"), [("xtts", 10), ("pocket", 9)])
def test_a_full_disk_is_noticed_before_anything_changes(tmp_path: Path, engine: str, free_gb: int) -> None:
    for name in ("install.sh", "constraints-cloning.txt"):
        shutil.copy(ROOT / name, tmp_path)
    ran = run(tmp_path, "./install.sh", engine, free_gb=free_gb)
    assert ran.returncode == 1
    assert f"{free_gb} GB free" in ran.stdout
    assert f"Make room, then run again: ./install.sh {engine}" in ran.stderr
    assert not list(tmp_path.glob(".venv*"))


def test_builds_for_processors_need_less_room(tmp_path: Path) -> None:
    shutil.copy(ROOT / "install.sh", tmp_path)
    ran = run(tmp_path, "./install.sh", "pocket", free_gb=3, TORCH_INDEX="https://index.example/cpu")
    assert ran.returncode == 1
    assert "about 4 GB needed" in ran.stdout


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    """A folder whose ``.ci/run`` is ours and whose ``install.sh`` only says what it was asked for."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    program(
        tmp_path / "install.sh",
        'echo "asked: $*"; [ "$1" != "$BROKEN" ] || exit 3; [ "$1" != test ] || { echo "5 passed"; exit 4; }',
    )
    return tmp_path


def asked(ran: subprocess.CompletedProcess[str]) -> list[str]:
    return re.findall(r"^asked: (.*)$", ran.stdout, re.MULTILINE)


def test_the_checks_set_up_the_engines_first(checks: Path) -> None:
    ran = run(checks, ".ci/run", "-x", free_gb=15, BROKEN="")
    assert asked(ran) == ["xtts", "pocket", "test -x"]
    assert ran.stdout.endswith("5 passed\n")
    assert ran.returncode == 4, "what the tests say is what counts"


def test_without_room_the_checks_do_without_the_engines_and_say_so(checks: Path) -> None:
    ran = run(checks, ".ci/run", free_gb=14, BROKEN="")
    assert asked(ran) == ["test"]
    assert "15 GB wanted, 14 GB free. Their tests are skipped." in ran.stdout
    for engine in ("xtts", "pocket"):
        (checks / ".venv-cloning").mkdir(exist_ok=True)
        (checks / ".venv-cloning" / f"installed-{engine}").touch()
    assert asked(run(checks, ".ci/run", free_gb=1, BROKEN="")) == ["xtts", "pocket", "test"], "they are there already"


def test_an_engine_that_cannot_be_set_up_fails_no_check(checks: Path) -> None:
    ran = run(checks, ".ci/run", free_gb=50, BROKEN="xtts")
    assert asked(ran) == ["xtts", "pocket", "test"]
    assert "The engine xtts could not be set up; its tests are skipped." in ran.stdout
    assert ran.returncode == 4


def test_a_machine_without_python_gets_debians(tmp_path: Path) -> None:
    shutil.copy(ROOT / "install.sh", tmp_path)
    for tool in ("bash", "cat", "dirname", "env", "id", "readlink", "rm", "sh"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / tool).symlink_to(str(shutil.which(tool)))
    for tool in ("dpkg-query", "sudo"):
        program(tmp_path / "bin" / tool, '[ "$1" != -n ] || shift; [ "$1" = -W ] || "$@"')
    program(tmp_path / "bin" / "apt-get", 'echo "apt-get $*" >&2')
    ran = subprocess.run(
        ["./install.sh", "demo"], check=False, capture_output=True, text=True, cwd=tmp_path,
        env={"PATH": str(tmp_path / "bin")},
    )  # fmt: skip
    assert "apt-get install -y -qq --no-install-recommends python3 python3-venv" in ran.stderr
    assert ran.returncode == 1
    assert "no Python 3.11 to 3.13 found" in ran.stderr
    assert not (tmp_path / ".venv").exists()
