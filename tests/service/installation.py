"""What tests of the service do again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.service.machine import Machine


def install(
    machine: Machine, checkout: Path, *words: str, before: tuple[str, ...] = (), **more: str
) -> tuple[int, str]:
    """Exit code and output of ``./install.sh WORDS``; no package is fetched but what builds ours."""
    settings = {"PYTHON": str(checkout / "python"), "PIP_NO_DEPS": "1", "READY_S": "60", **more}
    ran = machine.run(*before, "./install.sh", *words, timeout_s=200, **settings)
    log = machine.path("/var/lib/shop-assistant.log")
    said = log.read_text() if log.exists() else ""
    return ran.returncode, f"{ran.stdout}{ran.stderr}\nIts log:\n{said}"


def systemctl(machine: Machine, *words: str) -> str:
    return machine.run("systemctl", *words).stdout.strip()


def until(true: Callable[[], bool], within_s: float = 60.0) -> None:
    end_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end_s, "it does not come"
        time.sleep(0.1)
