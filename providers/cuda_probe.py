"""Lets a GPU prove itself in a process of its own: a half-installed CUDA ends the whole process at the first kernel."""

from __future__ import annotations

import subprocess
import sys

LIMIT_S = 60.0
"""Seconds of the clock for a probe; the first start after a driver's update may compile kernels."""


def failure(program: str, *arguments: str, limit_s: float = LIMIT_S) -> str | None:
    """Why a Python program that uses the GPU fails under this interpreter, None where it ends well. Blocks."""
    try:
        tried = subprocess.run(  # noqa: S603 - our own interpreter and program
            [sys.executable, "-c", program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it did not answer within {limit_s:.0f} s"
    if tried.returncode == 0:
        return None
    said = [line.strip() for line in tried.stderr.splitlines() if line.strip()]
    return said[-1].rstrip(".") if said else f"its test ended with status {tried.returncode}"
