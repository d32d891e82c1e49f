"""Runs the program as a shop would: as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import ROOT


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == kind]

    @property
    def reason(self) -> str:
        """The last line on stderr, which must be the one-line reason."""
        line = self.err.rstrip("\n").split("\n")[-1]
        assert line.startswith("assistant: "), self.err
        assert "Traceback" not in self.err, self.err
        return line.removeprefix("assistant: ")


def as_it_comes(folder: Path) -> Path:
    """A settings file for the program as it comes, at its very first start.

    What the checkout remembers of whoever uses it (personalities, statistics) must neither decide a test nor be changed
    by one.
    """
    for name in ("models", "shop"):
        (folder / name).symlink_to(ROOT / name)
    file = folder / "config.yaml"
    file.touch()
    return file


def assistant(
    *arguments: str | Path, config: str | None = None, folder: Path | None = None, timeout_s: int = 90
) -> Ran:
    """``assistant ARGUMENTS``; ``config`` is the text of a settings file that is written to ``folder`` first."""
    with tempfile.TemporaryDirectory() as fresh:
        if config is None:
            file = as_it_comes(Path(fresh))
        else:
            assert folder is not None
            file = folder / "config.yaml"
            file.write_text(config, encoding="utf-8")
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "ASSISTANT_CONFIG": str(file)}
        done = subprocess.run(
            [sys.executable, "-m", "assistant", *map(str, arguments)],
            capture_output=True, text=True, timeout=timeout_s, cwd=folder or ROOT, env=environment, check=False,
        )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)
