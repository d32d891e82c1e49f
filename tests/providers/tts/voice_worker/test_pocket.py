"""Pocket TTS's own classes, small and with random weights."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def told(cloning_python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``pocket_checks`` found out."""
    program = [str(cloning_python), "-m", "tests.providers.tts.voice_worker.pocket_checks"]
    scratch = tmp_path_factory.mktemp("pocket")
    ran = subprocess.run([*program, str(scratch)], check=False, capture_output=True, text=True, cwd=ROOT, timeout=100)
    assert ran.returncode == 0, ran.stderr
    assert "aisle" not in ran.stderr, "what is said is not logged"
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def test_what_it_is(told: dict[str, Any]) -> None:
    assert told["rate_hz"] == 24_000
    assert told["languages"] == ["en"]
    assert "pocket-tts 4" in told["version"]


def test_it_streams_sound_as_long_as_the_text(told: dict[str, Any]) -> None:
    assert told["finite"]
    # One frame, or as many as its threads have made by then: on a busy machine that is their luck.
    assert 1920 <= told["first_chunk"] < told["short_s"] * 24_000 / 4, "a few frames come before the rest"
    assert 1.0 < told["short_s"] < 8.0
    assert told["long_s"] > 6 * told["short_s"]


def test_a_voice_is_what_its_sample_makes_it(told: dict[str, Any]) -> None:
    assert told["same_again"]
    assert told["other_voice_differs"]


def test_a_voice_comes_back_from_disk_as_it_was(told: dict[str, Any]) -> None:
    assert told["same_from_disk"]


def test_settings_arrive(told: dict[str, Any]) -> None:
    assert told["fast_s"] == pytest.approx(told["short_s"] / 2, rel=0.01)
    assert told["temperatures"] == [0.3, 0.9, 1.2]
    assert told["unused"] == ["top_k", "emotion"]


def test_who_leaves_stops_it(told: dict[str, Any]) -> None:
    assert told["cancelled_after"] == 2
    assert told["threads_left"] == 1


def test_it_refuses_what_it_does_not_speak(told: dict[str, Any]) -> None:
    assert told["refused"] == "this model speaks 'en', not 'es'"
