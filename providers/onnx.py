"""ONNX Runtime as all its users here want it: quiet, frugal with threads, its errors translated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.errors import ModelDamaged, ProviderMissing


def opened(model: Path | bytes, damaged: ModelDamaged, *, threads: int = 1, arena: bool = True) -> Any:
    """An ``InferenceSession`` on the CPU for a network's file or its content.

    ``threads`` is for one operation; one is best for networks smaller than the cost of sharing them. Without ``arena``
    memory is given back after each run, which saves a few megabytes. Raises ``damaged`` where the network cannot be
    read and ``ProviderMissing``.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ProviderMissing(
            "The package onnxruntime is missing.", remedy="Install it: .venv/bin/pip install onnxruntime"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    # Threads that spin between two runs would take a core from everything else.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = arena
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])
    except failures() as error:
        raise damaged from error


def failures() -> tuple[type[Exception], ...]:
    """What opening and running a network may raise.

    The library has an exception per status, each straight below ``Exception``; which ones differs by version.
    """
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    kinds = (kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception))
    return (ValueError, RuntimeError, *kinds)
