"""The README and the docs tell the truth: every command in them exists, every link leads somewhere."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant import cli
from tests.conftest import ROOT

pytestmark = pytest.mark.unit

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "models").glob("*.md"))]


def commands() -> Iterator[tuple[str, str]]:
    """``assistant`` commands in backticks or indented code, without what only a shell understands."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in re.findall(r"(?:`|^    )(?:\.venv/bin/)?(assistant [a-z][^`\n#]*)", text, re.MULTILINE):
            yield page.name, re.split(r"\s{2,}|[|<>&\[]", found)[0].strip()


def parsed(command: str) -> bool:
    words = [word.strip("\"'") for word in re.findall(r"\"[^\"]*\"|'[^']*'|\S+", command)][1:]
    try:
        cli.parser().parse_args(words)
    except SystemExit as end:
        return end.code == 0
    return True


def test_every_command_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    found = sorted(set(commands()))
    assert len(found) > 10
    wrong = [f"{page}: {command}" for page, command in found if not parsed(command)]
    # A command named without its arguments ("`assistant say`") is told by its subparser's usage.
    assert not [line for line in wrong if len(line.split(": ")[1].split()) > 2], wrong
    known = [
        "run",
        "demo",
        "say",
        "transcribe",
        "check",
        "config",
        "devices",
        "models",
        "personality",
        "cache",
        "stats",
        "voice",
        "token",
        "incidents",
        "forget",
        "doctor",
        "completion",
    ]
    assert not [line for line in wrong if line.split(": ")[1].split()[1] not in known], wrong


def test_every_install_command_is_one() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    usage = subprocess.run([ROOT / "install.sh", "help"], capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"^  (\w+) ", usage, re.MULTILINE))
    assert {"demo", "test", "models", "xtts", "pocket", "service", "uninstall", "doctor"} <= known
    assert set(re.findall(r"\./install\.sh ([a-z]+)", text)) <= known


def test_install_script_refuses_what_it_does_not_know() -> None:
    assert subprocess.run([ROOT / "install.sh", "dance"], capture_output=True, check=False).returncode == 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert not [target for target in targets if "://" not in target and not (page.parent / target).exists()]
