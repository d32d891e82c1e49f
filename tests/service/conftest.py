"""A machine of the tests' own, and a copy of the project for it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import ROOT
from tests.ports import free_port
from tests.service.machine import PACKAGES, Machine, NoMachine

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"

PYTHON = f"""\
#!/bin/sh
# A Python of the system; environments that it makes have the packages of the test's own.
/usr/bin/python{VERSION} "$@" || exit
[ "$1 $2" != "-m venv" ] ||
    echo {PACKAGES} >"$3/lib/python{VERSION}/site-packages/test.pth"
"""

DROP_IN = """\
[Service]
ExecStart=
ExecStart=/opt/shop-assistant/current/bin/assistant run \\
    --input /var/lib/silence.wav --output %t/shop-assistant/out.wav
StandardError=append:/var/lib/shop-assistant.log
"""

SOURCES = ("assistant", "pipeline", "providers", "systemd", "shop", "docs", "models")
FILES = ("pyproject.toml", "constraints.txt", "README.md", "LICENSE", "install.sh")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, for the machine to see and the test to change."""
    python = Path(f"/usr/bin/python{VERSION}")
    if not python.exists():
        pytest.skip(f"there is no {python}, which a user of the service could run")
    folder = tmp_path_factory.mktemp("checkout")
    folder.chmod(0o755)
    unwanted = shutil.ignore_patterns("__pycache__", "training", "decisions")
    for name in SOURCES:
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    (folder / "config.yaml").write_text(f"http: {{port: {free_port()}}}\n")
    (folder / "python").write_text(PYTHON)
    (folder / "python").chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def machine(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    try:
        with Machine(tmp_path_factory.mktemp("machine"), checkout) as machine:
            drop_in = machine.path("/etc/systemd/system/shop-assistant.service.d/test.conf")
            drop_in.parent.mkdir(parents=True)
            drop_in.write_text(DROP_IN)
            soundfile.write(machine.path("/var/lib/silence.wav"), np.zeros(16_000 * 900, np.int16), 16_000)
            yield machine
    except NoMachine as reason:
        pytest.skip(f"no machine of its own: {reason}")
