"""The card that a model may be put on, once it has proved itself."""

from __future__ import annotations

import logging
from typing import Any

from pipeline.errors import ProviderMissing
from providers import cuda_probe

log = logging.getLogger(__name__)

PROBE = """
import ctypes
ctypes.CDLL(None).prctl(1, 9)  # die with the worker: nobody else would end a probe that hangs
import torch
sound = torch.randn(1, 8, 64, device="cuda")
heard = torch.nn.functional.conv1d(sound, torch.randn(8, 8, 3, device="cuda"))
(heard[0] @ heard[0].T).sum().item()
"""
"""A convolution and a matrix product: only kernels of cuDNN and cuBLAS that ran show that they fit the driver."""

REMEDY = "Install the driver that torch's CUDA needs (nvidia-smi shows the present one), or set device: cpu."


def proven_card(wanted: str, limit_s: float = cuda_probe.LIMIT_S) -> str | None:
    """Name of the card to put a model on, None for the processor. Blocks up to ``limit_s`` seconds.

    ``wanted`` is ``cpu``, ``cuda`` or ``auto``. A card that fails is passed over with a warning, or, where ``cuda`` was
    asked for, raises ``ProviderMissing``.
    """
    if wanted == "cpu" or (wanted == "auto" and not cards()):
        return None
    failure = cuda_probe.failure(PROBE, limit_s=limit_s)
    if failure is None:
        return _name()
    if wanted == "cuda":
        raise ProviderMissing(f"The card cannot be used: {failure}.", remedy=REMEDY)
    log.warning("the card cannot be used, so the processor speaks: %s. %s", failure, REMEDY)
    return None


def cards() -> int:
    """Cards that the driver reports; says nothing about whether the libraries on top of it work."""
    import torch

    cuda: Any = torch.cuda
    return int(cuda.device_count())


def _name() -> str:
    import torch

    return str(torch.cuda.get_device_name())
