"""What the shells complete, asked of the shells themselves, and the manual page."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from assistant import cli, completion, manual
from assistant.command_tree import commands
from tests.conftest import ROOT

pytestmark = pytest.mark.unit

TREE = list(commands(cli.parser()))

BASH = """\
source "$0"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_assistant
printf '%s\\n' "${COMPREPLY[@]}"
"""

ZSH = """\
compdef() { :; }
_describe() { print -l -- ${(P)4%%:*} }
compadd() { shift; print -l -- "$@" }
_files() { print -l -- FILES }
_message() { print -l -- "($1)" }
source "$1"; shift
words=("$@") CURRENT=$#
_assistant
"""


def offered(shell: str, folder: Path, *words: str) -> set[str]:
    """What the shell offers for the last word."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    script = folder / f"completion.{shell}"
    script.write_text(completion.SHELLS[shell](TREE))
    line = ("assistant", *words)
    if shell == "fish":
        command = [program, "--no-config", "-c", f"source {script}; complete -C '{' '.join(line)}'"]
    elif shell == "zsh":
        command = [program, "-f", "-c", ZSH, "zsh", script, *line]
    else:
        command = [program, "--norc", "-c", BASH, script, *line]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, timeout=20)
    assert ran.stderr == ""
    return {one.split("\t")[0] for one in ran.stdout.splitlines() if one}


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_words_options_values_and_files(shell: str, tmp_path: Path) -> None:
    (tmp_path / "question.wav").touch()
    assert {"run", "models", "completion"} <= offered(shell, tmp_path, "")
    assert {"list", "pull", "verify"} <= offered(shell, tmp_path, "models", "")
    assert "run" not in offered(shell, tmp_path, "models", "")
    assert "--fast" in offered(shell, tmp_path, "run", "--")
    assert "--fast" not in offered(shell, tmp_path, "demo", "--")
    assert {"admin", "kiosk"} <= offered(shell, tmp_path, "token", "add", "--role", "")
    assert offered(shell, tmp_path, "run", "--input", "") & {"question.wav", "FILES"}
    assert not offered(shell, tmp_path, "token", "add", "--name", "") & {"question.wav", "FILES"}


def test_every_shell_knows_every_command() -> None:
    for shell, render in completion.SHELLS.items():
        script = render(TREE)
        missing = [one.words for one in TREE if not all(word in script for word in one.words)]
        assert missing == [], shell


def test_the_manual_page_is_of_this_command_line() -> None:
    page = (ROOT / "docs" / "assistant.1").read_text()
    assert page == manual.page(TREE), "assistant manual > docs/assistant.1"


def test_the_manual_page_can_be_read() -> None:
    if shutil.which("man") is None or shutil.which("groff") is None:
        pytest.skip("man is not installed")
    page = ROOT / "docs" / "assistant.1"
    ran = subprocess.run(
        ["man", "--warnings", "--local-file", page],
        capture_output=True,
        text=True,
        check=True,
        env={"MANWIDTH": "100", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    )
    assert ran.stderr == ""
    for words in (one.words for one in TREE):
        assert " ".join(("assistant", *words)) in ran.stdout
