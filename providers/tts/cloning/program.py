"""A voice worker as a process of this machine."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import ProviderError, ProviderMissing
from providers.tts.voice_worker.listening import Address
from providers.tts.voice_worker.messages import LOG_MARK

log = logging.getLogger(__name__)


def _project() -> Path:
    """Where the worker's program is found, and beside it the environments that have the engines.

    As an installed package our modules lie among all others, which must not come before those of the engine: an
    installation has a folder with nothing but ours.
    """
    here = Path(__file__).resolve().parents[3]
    alone = Path(sys.prefix) / "worker"
    return alone if here.name == "site-packages" and alone.is_dir() else here


PROJECT = _project()

MODULE = "providers.tts.voice_worker"

VERSION_S = 30.0
"""Seconds of the clock to tell a version; packages on a cold SD card take a while to be found."""

FAREWELL_S = 3.0
"""Seconds of the clock from the request to end until it is killed."""

LONGEST_LINE_BYTES = 65_536

INHERITED = {"PATH", "HOME", "LANG", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"}
INHERITED_BEGINNINGS = ("LC_", "CUDA", "NVIDIA_", "OMP_", "MKL_", "OPENBLAS_", "TORCH_", "PYTORCH_")
"""What it gets of our environment: no secret, which may stand in other variables."""


@dataclass(frozen=True, slots=True)
class WorkerProgram:
    """What is started."""

    python: Path
    """Interpreter of the environment that has the engine."""
    engine: str
    """``xtts_v2``, ``pocket_tts``, or ``module:factory``."""
    model: Path
    """Folder of its model."""
    latents: Path
    """Folder for what is kept of samples."""
    model_hash: str = ""
    """Of the model's files, where it is known."""
    device: str = "auto"
    """``cpu``, ``cuda`` or ``auto``."""
    threads: int = 0
    """Of the processor; 0 leaves it to the library."""
    memory_mb: int = 0
    """Megabytes after which it ends itself; 0 sets no limit."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Further variables."""

    def command(self, *options: str) -> list[str]:
        """The command line."""
        command = [str(self.python), "-m", MODULE, "--engine", self.engine, "--model", str(self.model)]
        command += ["--device", self.device, "--latents", str(self.latents)]
        if self.model_hash:
            command += ["--model-hash", self.model_hash]
        if self.threads:
            command += ["--threads", str(self.threads)]
        if self.memory_mb:
            command += ["--memory-mb", str(self.memory_mb)]
        return [*command, *options]

    def variables(self) -> dict[str, str]:
        """Its environment."""
        ours = {
            name: value
            for name, value in os.environ.items()
            if name in INHERITED or name.startswith(INHERITED_BEGINNINGS)
        }
        return {**ours, "PYTHONUNBUFFERED": "1", **self.environment}


async def version_of(program: WorkerProgram) -> str:
    """The engine's version, which is part of what shapes its sound. Raises ``ProviderError``."""
    process = await _start(program, program.command("--version"), asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(VERSION_S):
            said, errors = await process.communicate()
    except TimeoutError as error:
        raise ProviderError(f"The engine {program.engine} did not tell its version in {VERSION_S:g} s.") from error
    finally:
        await _end(process)
    if process.returncode != 0 or not said.strip():
        reason = _reason(errors.decode(errors="replace"))
        raise ProviderMissing(
            f"The engine {program.engine} cannot be loaded by {program.python}: {reason}",
            remedy="Install it again: ./install.sh xtts, or ./install.sh pocket",
        )
    return said.decode(errors="replace").strip()


class WorkerProcess:
    """A worker that was started."""

    def __init__(self, engine: str, process: asyncio.subprocess.Process) -> None:
        self._engine = engine
        self._process = process
        self.last_words = ""
        """The last line it wrote."""

    async def ended(self) -> int:
        """Return when it has ended, with its exit status; negative is the signal that ended it."""
        return await self._process.wait()

    def kill(self) -> None:
        """End it at once; it may hang."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def relay(self) -> None:
        """Put its own words into our log until it ends. Engines' packages may write what is said; that is dropped."""
        assert self._process.stderr is not None
        while line := await _line(self._process.stderr):
            text = line.decode(errors="replace").rstrip()
            self.last_words = text.removeprefix(LOG_MARK) or self.last_words
            if text.startswith(LOG_MARK):
                log.info("The voice worker of %s: %s", self._engine, text.removeprefix(LOG_MARK))


@asynccontextmanager
async def running(program: WorkerProgram, address: Address) -> AsyncIterator[WorkerProcess]:
    """The worker while it is needed; at the end it is asked to end, and killed where it does not."""
    process = await _start(program, program.command("--listen", str(address)), asyncio.subprocess.DEVNULL)
    try:
        yield WorkerProcess(program.engine, process)
    finally:
        await _end(process)


async def _start(program: WorkerProgram, command: list[str], stdout: int) -> asyncio.subprocess.Process:
    """Its standard input is a pipe: its end tells the worker that we have died."""
    try:
        return await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=stdout, stderr=asyncio.subprocess.PIPE,
            env=program.variables(), cwd=PROJECT, limit=LONGEST_LINE_BYTES, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise ProviderMissing(
            f"{program.python} cannot be started: {error.strerror}.",
            remedy="Install the engine: ./install.sh xtts, or ./install.sh pocket",
        ) from error


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask it to end, then kill it. Also when the task is cancelled meanwhile."""
    if process.returncode is not None:
        return
    try:
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await process.wait()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
    await process.wait()


async def _line(stream: asyncio.StreamReader) -> bytes:
    """The next line, the beginning of one that is too long; nothing at the end."""
    try:
        return await stream.readuntil(b"\n")
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError as error:
        return await stream.readexactly(error.consumed)


def _reason(errors: str) -> str:
    lines = [line.strip().removeprefix(LOG_MARK) for line in errors.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it says nothing"
