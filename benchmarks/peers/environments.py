"""Environments of the peers, each of its own, made once in a cache folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Environment:
    """What a peer needs."""

    name: str
    packages: tuple[str, ...]
    without_index: tuple[str, ...] = ()
    """To be used in place of the first packages where only builds for graphics cards can be had."""

    @property
    def folder(self) -> Path:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return cache / "shop-assistant" / "benchmarks" / self.name

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def ready(self) -> bool:
        return (self.folder / "ready").is_file()

    def make(self) -> str:
        """Why it cannot be had; empty where it can."""
        if self.ready:
            return ""
        print(f"Making an environment for {self.name} in {self.folder} …", flush=True)
        try:
            shutil.rmtree(self.folder, ignore_errors=True)
            subprocess.run([_python(), "-m", "venv", self.folder], check=True, capture_output=True)
            index = os.environ.get("TORCH_INDEX")
            extra = ["--extra-index-url", index] if index else []
            install = [self.python, "-m", "pip", "install", "-q", *extra]
            done = subprocess.run([*install, *self.packages], check=False, capture_output=True, timeout=1800)
            if done.returncode and self.without_index:
                done = subprocess.run([*install, *self.without_index], check=False, capture_output=True, timeout=1800)
            if done.returncode:
                return done.stderr.decode(errors="replace").strip()[-300:]
        except (subprocess.SubprocessError, OSError) as error:
            return str(error)
        (self.folder / "ready").touch()
        return ""


def _python() -> str:
    """openWakeWord's and RealtimeSTT's packages want a Python before 3.13."""
    return sys.executable if sys.version_info < (3, 13) else shutil.which("python3.11") or sys.executable


REALTIME_PARTS = ("RealtimeSTT[default]==1.1.2", "RealtimeTTS[piper]==0.8.10", "piper-tts==1.8.0")

WAKE = Environment("wyoming-openwakeword==1.8.2", ("wyoming-openwakeword==1.8.2", "numpy<2"))
WHISPER = Environment("wyoming-faster-whisper==3.8.1", ("wyoming-faster-whisper==3.8.1",))
PIPER = Environment("wyoming-piper==2.5.2", ("wyoming-piper==2.5.2",))
REALTIME = Environment("RealtimeSTT", ("torch==2.13.0+cpu", *REALTIME_PARTS), ("torch", *REALTIME_PARTS))
