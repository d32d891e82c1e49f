"""Fixtures of the samples' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.assistant.samples.box import Box
from tests.assistant.samples.speech import spoken, wav
from tests.assistant.storage.disks import small_disk

__all__ = ["small_disk"]


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with Box(tmp_path).opened() as opened:
        yield opened


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A good one."""
    file = tmp_path / "ann.wav"
    file.write_bytes(wav(spoken()))
    return file


@pytest.fixture
def other_recording(tmp_path: Path) -> Path:
    """Another good one."""
    file = tmp_path / "bob.wav"
    file.write_bytes(wav(spoken("en-us+m3", 1)))
    return file
