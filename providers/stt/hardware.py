"""What Whisper may run on: a plain CPU, or a GPU that has proved itself."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.errors import ProviderMissing
from providers import cuda_probe

Device = Literal["auto", "cpu", "cuda"]

PROBE = """
import sys, numpy
from faster_whisper import WhisperModel
model = WhisperModel(sys.argv[1], device="cuda", compute_type=sys.argv[2], local_files_only=True)
segments, _ = model.transcribe(numpy.zeros(16000, numpy.float32), language="en", beam_size=1, max_new_tokens=1)
list(segments)
"""
"""Encodes and decodes once: only a kernel that ran shows that the libraries fit the driver."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Compute:
    """Where and how a model is computed."""

    device: Literal["cpu", "cuda"]
    """As ctranslate2 names it."""

    compute_type: str
    """Type of the weights in memory, as ctranslate2 names it."""


def cpu_count() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cuda_devices() -> int:
    """GPUs that the driver reports; says nothing about whether the libraries on top of it work."""
    import ctranslate2

    count: int = ctranslate2.get_cuda_device_count()
    return count


def compute(wanted: Device, compute_type: str, model: Path, limit_s: float = 60.0) -> Compute:
    """Where to compute ``model``. Blocks up to ``limit_s`` seconds where a GPU has to prove itself.

    A GPU that fails is passed over with a warning, or, where ``cuda`` was asked for, raises ``ProviderMissing``.
    """
    on_cpu = Compute("cpu", "int8" if compute_type == "auto" else compute_type)
    if wanted == "cpu" or (wanted == "auto" and not cuda_devices()):
        return on_cpu
    on_gpu = Compute("cuda", "float16" if compute_type == "auto" else compute_type)
    failure = cuda_failure(model, on_gpu.compute_type, limit_s)
    if failure is None:
        return on_gpu
    remedy = "Install matching CUDA libraries (pip install nvidia-cublas-cu12 nvidia-cudnn-cu12), or set device: cpu."
    if wanted == "cuda":
        raise ProviderMissing(f"The GPU cannot be used: {failure}.", remedy=remedy)
    log.warning("The GPU cannot be used, so the CPU is: %s. %s", failure, remedy)
    return on_cpu


def cuda_failure(model: Path, compute_type: str, limit_s: float) -> str | None:
    """Why a model does not run on the GPU, None where it does."""
    return cuda_probe.failure(PROBE, str(model), compute_type, limit_s=limit_s)
