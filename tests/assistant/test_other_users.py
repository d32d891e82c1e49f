"""The program in a folder that belongs to somebody else: it says so, and talks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from tests.conftest import ROOT
from tests.program import Ran, as_it_comes

pytestmark = pytest.mark.model

WITHOUT_RIGHTS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
"""Root may enter everything, unless it gives that up."""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Where the program runs; nobody may enter its data."""
    if WITHOUT_RIGHTS and shutil.which("setpriv") is None:
        pytest.skip("root needs setpriv to give up its rights")
    as_it_comes(tmp_path)
    data = tmp_path / "data"
    data.mkdir(mode=0o000)
    yield tmp_path
    data.chmod(0o700)


def assistant(home: Path, *arguments: str) -> Ran:
    done = subprocess.run(
        [*WITHOUT_RIGHTS, sys.executable, "-m", "assistant", "--config", str(home / "config.yaml"), *arguments],
        capture_output=True, text=True, timeout=90, cwd=ROOT, check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("command", [("personality", "list"), ("stats",), ("cache", "stats")])
def test_commands_on_what_lies_there_say_whose_it_must_be(command: tuple[str, ...], home: Path) -> None:
    ran = assistant(home, *command)
    assert ran.code == 1
    assert f"{home / 'data'} may not be entered by this user" in ran.reason
    assert "chown" in ran.reason


def test_settings_of_a_service_are_not_for_everybody(home: Path) -> None:
    (home / "config.yaml").chmod(0o000)
    ran = assistant(home, "config")
    assert ran.code == 1
    assert f"{home / 'config.yaml'} is not for this user" in ran.reason
    assert "sudo" in ran.reason


def test_it_speaks_all_the_same(home: Path) -> None:
    ran = assistant(home, "say", "We close at nine.", "--output", str(home / "said.wav"))
    assert ran.code == 0, ran.err
    assert "may not be entered" in ran.err
    assert "Traceback" not in ran.err
    assert soundfile.info(home / "said.wav").duration > 0.5


def test_check_tells_it(home: Path) -> None:
    ran = assistant(home, "check", "--json")
    found = {finding["part"]: finding for finding in json.loads(ran.out)}
    assert found["storage"]["state"] == "fails"
    assert "may not be entered" in found["storage"]["reason"]
    assert "chown" in found["storage"]["remedy"]
    assert "built-in" in found["personalities"]["reason"]
