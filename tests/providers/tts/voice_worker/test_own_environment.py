"""The worker program where it lives in a shop: beside torch, in an environment without the daemon's packages."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from providers.tts.voice_worker import messages
from tests.conftest import ROOT
from tests.providers.tts.voice_worker.running import name_of, wav, worker

pytestmark = pytest.mark.model

VOICE, OTHER = wav(220.0), wav(880.0)


def test_xtts_speaks_with_the_voices_of_samples(cloning_python: Path, tmp_path: Path) -> None:
    """Its own classes, small, with random weights: the murmur of one voice is not that of another."""
    subprocess.run(
        [str(cloning_python), "-m", "tests.fakes.small_xtts", str(tmp_path / "model"), "--stop-after", "60"],
        check=True, capture_output=True, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    options = ("--device", "cpu", "--threads", "1", "--memory-mb", "3000")
    with worker(tmp_path, "", *options, engine="xtts_v2", python=cloning_python) as started:
        started.loaded()
        with started.connect() as connection:
            state = connection.state()
            assert (state.engine, state.device, state.rate_hz) == ("xtts_v2", "cpu", 24_000)
            assert state.version.startswith("coqui-tts ")
            for file in (VOICE, OTHER):
                assert connection.introduce(file).data == {"sample": name_of(file), "known": False}
            said, other = (
                connection.say("We close at eight.", file, top_k=1, temperature=0.1) for file in (VOICE, OTHER)
            )
            assert said.events[0].type == "audio-start"
            assert len(said.sound) > 24_000
            assert np.abs(np.frombuffer(said.sound, "<i2")).max() > 500
            assert said.sound != other.sound
            fast = connection.say("We close at eight.", VOICE, top_k=1, temperature=0.1, speed=2.0, emotion="merry")
            assert len(fast.sound) < 0.7 * len(said.sound)
            assert fast.events[0].data["unused"] == ["emotion"]
            assert connection.ask(messages.FORGET, {"sample": name_of(VOICE)}).data["known"]
            assert connection.say("We close at eight.", VOICE).code == "unknown-voice"
        started.process.terminate()
        assert started.ended() == 0
    assert "eight" not in "".join(started.lines)
