"""The package: what is in it, and that it works where nothing else of the project is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.long(1), pytest.mark.timeout(200)]

PARTS = ("assistant", "pipeline", "providers", "systemd", "shop", "docs", "models")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in PARTS:
        shutil.copytree(
            ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "training", "decisions")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE", "config.yaml"):
        shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", made, source], check=True)
    (file,) = made.iterdir()
    return file


def test_everything_is_inside(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    packaged = {
        str(file.relative_to(ROOT))
        for package in ("assistant", "pipeline", "providers")
        for file in (ROOT / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".md"
    }
    assert packaged - inside == set(), "what the program reads at run time"
    data = {name.split(".data/data/")[1] for name in inside if ".data/data/" in name}
    share = "share/shop-assistant"
    assert {
        f"{share}/systemd/{file.relative_to(ROOT / 'systemd')}" for file in (ROOT / "systemd").rglob("*.service")
    } <= data
    assert {f"{share}/config.yaml", f"{share}/shop/faq.yaml", "share/man/man1/assistant.1"} <= data
    assert {f"{share}/systemd/back-off", f"{share}/models/en_US-kiosk-low/en_US-kiosk-low.onnx"} <= data


def test_it_works_in_an_environment_of_its_own(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    python = home / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", f"--python={python}", "install", "-q", "--no-deps", "--no-index", wheel],
        check=True,
    )
    (site,) = (home / "lib").glob("python*/site-packages")
    (site / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")  # what it needs of others

    environment = {name: text for name, text in os.environ.items() if name not in {"PYTHONPATH", "ASSISTANT_CONFIG"}}
    environment |= {"XDG_CONFIG_HOME": str(tmp_path / "settings")}

    def assistant(*words: str) -> subprocess.CompletedProcess[str]:
        program = home / "bin" / "assistant"
        return subprocess.run(
            [program, *words], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
        )

    assert assistant("--version").stdout.startswith("assistant 0.")
    assert f"There is no settings file {tmp_path}/settings/shop-assistant/config.yaml" in assistant("config").stderr
    assert assistant("config", "--defaults").stdout == (ROOT / "config.yaml").read_text()
    # The shop's example and the models lie beside the settings there, so it can speak at once.
    spoken = assistant(
        "--config", str(home / "share/shop-assistant/config.yaml"), "say", "Welcome", "--output", "w.wav"
    )
    assert spoken.returncode == 0, spoken.stderr
    assert (tmp_path / "w.wav").stat().st_size > 10_000
