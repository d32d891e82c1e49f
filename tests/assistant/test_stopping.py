"""SIGTERM and SIGINT end the program in order, whatever it is doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import ROOT
from tests.program import as_it_comes

pytestmark = pytest.mark.model


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_while_listening(number: signal.Signals, tmp_path: Path) -> None:
    customer, replies = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(customer, np.zeros(16_000 * 60, np.int16), 16_000)
    command = [sys.executable, "-m", "assistant", "run", "--input", str(customer), "--output", str(replies)]
    environment = os.environ | {"ASSISTANT_CONFIG": str(as_it_comes(tmp_path))}
    with subprocess.Popen(
        [*command, "--events", "-"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert "listening" in process.stdout.readline()
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert replies.exists(), "the file got its name"


def test_while_loading_a_demo(tmp_path: Path) -> None:
    """The customer's recording does not stay behind."""
    environment = os.environ | {"TMPDIR": str(tmp_path), "ASSISTANT_CONFIG": str(as_it_comes(tmp_path))}
    with subprocess.Popen(
        [sys.executable, "-m", "assistant", "demo", "--output", str(tmp_path / "out.wav")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert any("whisper" in line for line in process.stderr)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert not list(tmp_path.glob("tmp*"))
