"""A whole conversation while the disk that holds database, cache and statistics has not one byte left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.assistant.storage.disks import SmallDisk, small_disk
from tests.conftest import ROOT
from tests.program import assistant

__all__ = ["small_disk"]

pytestmark = pytest.mark.model

CONFIG = """
storage: {{folder: "{folder}"}}
models: {{folder: "{root}/models"}}
agent: {{faq: {{file: "{root}/shop/faq.yaml"}}}}
"""


@pytest.mark.parametrize("when", ["from the start", "after a start"])
def test_it_keeps_talking(when: str, small_disk: SmallDisk, tmp_path: Path) -> None:
    config = CONFIG.format(folder=small_disk.folder, root=ROOT)
    if when == "after a start":
        assert assistant("personality", "list", config=config, folder=tmp_path).code == 0
    small_disk.fill()
    reply = tmp_path / "reply.wav"
    told = assistant(
        "demo", "--say", "what time do you close", "--output", reply, "--events", "-", config=config, folder=tmp_path
    )
    assert told.code == 0, told.err
    (spoken,) = told.of("speaking")
    assert spoken["provider"] == "piper"
    assert reply.stat().st_size > 20_000
    assert "isk" in told.err, "the technician is told"
    assert "Traceback" not in told.err
