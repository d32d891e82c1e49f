"""The GPU must prove itself in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ProviderMissing
from providers.stt import hardware
from providers.stt.hardware import Compute, compute, cuda_failure

pytestmark = pytest.mark.model

WORKS = "pass"
DIES = "import os, signal; os.kill(os.getpid(), signal.SIGABRT)"
FAILS = "raise RuntimeError('Library libcudnn_ops.so.9 is not found.')"
HANGS = "import time; time.sleep(60)"


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(hardware, "cuda_devices", lambda: 1)
    return monkeypatch


def test_a_machine_without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "cuda_devices", lambda: 0)
    assert compute("auto", "auto", Path()) == Compute("cpu", "int8")
    assert compute("cpu", "float32", Path()) == Compute("cpu", "float32")


def test_a_gpu_that_works(gpu: pytest.MonkeyPatch) -> None:
    gpu.setattr(hardware, "PROBE", WORKS)
    assert compute("auto", "auto", Path()) == Compute("cuda", "float16")
    assert compute("cuda", "int8_float16", Path()) == Compute("cuda", "int8_float16")
    assert compute("cpu", "auto", Path()) == Compute("cpu", "int8")


@pytest.mark.parametrize(
    ("program", "said"), [(DIES, "status -6"), (FAILS, "libcudnn_ops"), (HANGS, "did not answer within 1 s")]
)
def test_a_half_installed_cuda(
    gpu: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, program: str, said: str
) -> None:
    gpu.setattr(hardware, "PROBE", program)
    limit_s = 1.0 if program is HANGS else 30.0
    assert compute("auto", "auto", Path(), limit_s) == Compute("cpu", "int8")
    assert said in caplog.text
    with pytest.raises(ProviderMissing, match=said):
        compute("cuda", "auto", Path(), limit_s)


def test_the_real_probe_fails_without_a_gpu(bundled_models: Path) -> None:
    if hardware.cuda_devices():
        pytest.skip("this machine has a GPU")
    failure = cuda_failure(bundled_models / "whisper-kiosk-en", "float16", 60.0)
    assert failure is not None
    assert "CUDA" in failure
    assert "\n" not in failure


def test_the_probe_itself_runs(bundled_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the device's name changed it is the very program, so its other lines are right."""
    monkeypatch.setattr(hardware, "PROBE", hardware.PROBE.replace('"cuda"', '"cpu"'))
    assert cuda_failure(bundled_models / "whisper-kiosk-en", "int8", 60.0) is None


def test_processors_are_counted() -> None:
    assert 1 <= hardware.cpu_count() <= 4096
