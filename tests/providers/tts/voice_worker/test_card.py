"""A card must prove itself before a model is put on it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pipeline.errors import ProviderMissing
from providers.tts.voice_worker import card
from providers.tts.voice_worker.card import PROBE, proven_card
from tests.conftest import ROOT

pytestmark = pytest.mark.unit

DIES = "import os, signal; os.kill(os.getpid(), signal.SIGABRT)"
FAILS = "raise RuntimeError('CUDA error: no kernel image is available')"


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(card, "cards", lambda: 1)
    monkeypatch.setattr(card, "_name", lambda: "NVIDIA T4")
    return monkeypatch


def test_the_processor_asks_nothing(one: pytest.MonkeyPatch) -> None:
    one.setattr(card, "PROBE", DIES)
    assert proven_card("cpu") is None


def test_a_machine_without_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "cards", lambda: 0)
    monkeypatch.setattr(card, "PROBE", "pass")
    assert proven_card("auto") is None


def test_a_card_that_works(one: pytest.MonkeyPatch) -> None:
    one.setattr(card, "PROBE", "pass")
    assert proven_card("auto") == proven_card("cuda") == "NVIDIA T4"


@pytest.mark.parametrize(("program", "said"), [(DIES, "status -6"), (FAILS, "no kernel image")])
def test_a_half_installed_cuda(
    one: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, program: str, said: str
) -> None:
    one.setattr(card, "PROBE", program)
    assert proven_card("auto") is None
    assert said in caplog.text
    assert "device: cpu" in caplog.text
    with pytest.raises(ProviderMissing, match=said):
        proven_card("cuda")


def test_the_probe_itself_runs(cloning_python: Path) -> None:
    """With the device's name changed it is the very program, so its other lines are right."""
    subprocess.run([cloning_python, "-c", "import torch"], check=True, capture_output=True)
    changed = PROBE.replace('"cuda"', '"cpu"')
    assert changed != PROBE
    ran = subprocess.run([cloning_python, "-c", changed], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_a_card_that_is_asked_for_and_is_not_there(cloning_python: Path) -> None:
    """The real thing, on a machine without one."""
    program = (
        "import sys\n"
        "from providers.tts.voice_worker.card import cards, proven_card\n"
        "if cards(): sys.exit(5)\n"
        "assert proven_card('auto') is None\n"
        "proven_card('cuda')\n"
    )
    ran = subprocess.run([cloning_python, "-c", program], check=False, capture_output=True, text=True, cwd=ROOT)
    if ran.returncode == 5:
        pytest.skip("this machine has a card")
    assert ran.returncode == 1
    assert "ProviderMissing: The card cannot be used: " in ran.stderr.splitlines()[-1]
