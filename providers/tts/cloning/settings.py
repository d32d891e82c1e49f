"""What can be set of every engine that clones."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from providers.settings import ProviderSettings
from providers.tts.voice_worker.listening import Address


class CloningSettings(ProviderSettings):
    """How its voice worker runs."""

    url: str = ""
    """Address of a voice worker on another machine of yours, such as `tcp://192.168.1.20:10250` for a box with a GPU
    that serves the whole shop; empty starts one here when it is needed."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`cpu`, `cuda`, or `auto`: a GPU where one proves that it works."""
    threads: int = Field(0, ge=0, le=64)
    """Threads of the processor; 0 leaves it to the engine."""
    idle_minutes: float = Field(30.0, ge=0, le=24 * 60)
    """Minutes without use after which its memory is given back; the next start takes from seconds to a minute, in
    which others speak. 0 keeps it."""
    memory_mb: int = Field(8000, ge=0, le=1_000_000)
    """Megabytes of memory after which it is ended and started anew, so that it never takes down the machine; 0 sets no
    limit."""
    load_timeout_s: float = Field(300.0, ge=5, le=3600)
    """Seconds in which its model must be loaded."""
    hang_timeout_s: float = Field(30.0, ge=2, le=600)
    """Seconds without progress after which it is killed and started anew."""
    python: Path | None = None
    """Interpreter that has the engine; `null` takes the one that install.sh has made."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if url:
            Address.of(url)
        return url
