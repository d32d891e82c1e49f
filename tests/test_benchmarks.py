"""Benchmarks start on a machine that has what the project asks for, and nothing else."""

from __future__ import annotations

import ast
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.unit

PEERS = {"openwakeword", "torch", "torchaudio", "TTS"}
"""What is compared with has an environment of its own."""


def imported(file: Path) -> set[str]:
    """Packages that a program imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name.partition(".")[0] for name in found}


@pytest.mark.parametrize("program", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda file: file.stem)
def test_what_it_imports_is_there(program: Path) -> None:
    wanted = imported(program) - PEERS - sys.stdlib_module_names
    assert not {name for name in wanted if find_spec(name) is None}
