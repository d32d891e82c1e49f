"""What all tests share."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = ["tests.sound_server"]

ROOT = Path(__file__).resolve().parent.parent


LASTING = ("tqdm_monitor", "(_poll_wrapper)")
"""Threads of libraries that last as long as the process: tqdm's, and the one that serves all of gRPC."""


def lasting(thread: threading.Thread) -> bool:
    """Whether no test can end it: a library's own, or one that Python did not start (gRPC's, where TLS calls back)."""
    return thread.name.endswith(LASTING) or thread.name.startswith("Dummy-")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out long tests where nobody asks for them: a developer waits. CI asks for those of level 1."""
    asked = int(os.environ.get("LONG_TESTS") or 0)
    for item in items:
        marker = item.get_closest_marker("long")
        level = 0 if marker is None else marker.args[0]
        if level > asked:
            item.add_marker(pytest.mark.skip(reason=f"takes long; asked for by LONG_TESTS={level}"))


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Folder of real recordings that are not part of the project; the test is skipped where it is missing."""
    folder = ROOT.parent / "shared" / "recordings"
    if not folder.is_dir():
        pytest.skip(f"no recordings in {folder}")
    return folder


@pytest.fixture(scope="session")
def cloning_python() -> Path:
    """The interpreter that has both engines which clone voices; the test is skipped where one is missing."""
    home = ROOT / ".venv-cloning"
    missing = [f"./install.sh {engine}" for engine in ("xtts", "pocket") if not (home / f"installed-{engine}").exists()]
    if missing:
        pytest.skip(f"not every engine that clones voices is installed: {', '.join(missing)}")
    return home / "bin" / "python"


@pytest.fixture(scope="session")
def bundled_models() -> Path:
    """Folder of the models that come with the project."""
    return ROOT / "models"


@pytest.fixture(autouse=True)
def no_thread_left_behind() -> Iterator[None]:
    """A test that leaves a thread behind fails. (pytest-asyncio cancels what tasks a test leaves.)"""
    before = set(threading.enumerate())
    yield
    new = {thread for thread in threading.enumerate() if thread not in before and not lasting(thread)}
    for thread in new:
        thread.join(2.0)  # asyncio's own watchers of child processes end a moment after their process
    left = [thread.name for thread in new if thread.is_alive()]
    assert not left, f"threads left behind: {left}"
