"""What the running daemon, systemd and the log tell, for a report."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from typing import Any

from assistant.app import App
from assistant.daemon_client import asked

UNITS = "shop-assistant*.service"

LINES = 200
"""The last lines of the log."""

PATIENCE_S = 10.0

SHOWN = (
    "Id,LoadState,ActiveState,SubState,Result,StatusText,NRestarts,ExecMainStatus,ActiveEnterTimestamp,MemoryCurrent"
)

OUR_LINE = re.compile(r"\d\d:\d\d:\d\d (?:INFO|WARNING|ERROR|CRITICAL) ")
"""How lines begin that hold no words of customers. What else there is (traces, other levels and programs) may."""

QUOTED = re.compile(r"(?<!\w)'[^'\n]*'(?!\w)|\"[^\"\n]*\"|[“«][^”»\n]*[”»]")
"""What is quoted. An apostrophe stands inside or behind a word."""


async def health(app: App, token: str | None) -> Any:
    """What the daemon says of its parts; a text where it does not answer."""
    found = await asked(app, token, "/api/health")
    if isinstance(found, dict):
        found.pop("incidents", None)  # they stand in a section of their own
        found.pop("models", None)
    return found


async def status(app: App, token: str | None) -> Any:
    """What it does just now."""
    found = await asked(app, token, "/api/status")
    if isinstance(found, dict):
        return {key: value for key, value in found.items() if key != "personality"}
    return found


def units() -> Any:
    """The services as systemd knows them."""
    if shutil.which("systemctl") is None:
        return "there is no systemctl"
    found = {}
    for kind, options in (("system", []), ("user", ["--user"])):
        text = _run("systemctl", *options, "show", "--no-pager", f"--property={SHOWN}", UNITS)
        found[kind] = [line for line in text.splitlines() if line] or "no such unit"
    return found


def log_lines() -> Any:
    """The last lines of the journal, without words."""
    if shutil.which("journalctl") is None:
        return "there is no journalctl"
    found = {}
    for kind, option in (("system", "--unit"), ("user", "--user-unit")):
        text = _run("journalctl", option, UNITS, "--no-pager", "--output=cat", "--quiet", f"--lines={LINES}")
        found[kind] = without_speech(text.splitlines())
    return found


def without_speech(lines: Iterable[str]) -> list[str]:
    """Lines of ours at the usual levels; of the others only how many there were."""
    told: list[str] = []
    left_out = 0
    for line in lines:
        if OUR_LINE.match(line):
            if left_out:
                told.append(f"({left_out} other lines)")
            left_out = 0
            told.append(QUOTED.sub(_without_words, line))
        else:
            left_out += 1
    return [*told, *([f"({left_out} other lines)"] if left_out else [])]


def _without_words(quoted: re.Match[str]) -> str:
    """Names are single words and stay."""
    return "(words)" if " " in quoted[0] else quoted[0]


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        return f"{command[0]} failed ({type(error).__name__})"
    return done.stdout if done.returncode == 0 else done.stderr.strip() or f"{command[0]} ended with {done.returncode}"
