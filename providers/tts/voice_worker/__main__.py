"""The voice worker: speaks with the voices of samples, for a daemon on this machine or for a whole shop.

    python -m providers.tts.voice_worker --engine xtts_v2 --model FOLDER --listen unix:///path/socket --latents FOLDER
    python -m providers.tts.voice_worker --engine xtts_v2 --model FOLDER --listen tcp://0.0.0.0:10250 --latents FOLDER

Run by the interpreter that has the engine, in the project's folder. There is no password: a port other than one of the
loopback is for networks in which everybody may use it. Where its standard input is a pipe, it ends when the pipe does:
the daemon that started it has died; ``--keep`` goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from providers.tts.voice_worker import memory
from providers.tts.voice_worker.engine import CloningEngine, EngineOptions
from providers.tts.voice_worker.latents import MOST_DISK_MB, Latents, making
from providers.tts.voice_worker.listening import Address, ListeningError, listening
from providers.tts.voice_worker.messages import LOG_MARK, TOO_MUCH_MEMORY
from providers.tts.voice_worker.model_hash import model_hash
from providers.tts.voice_worker.precedence import die_with_parent, is_pipe, step_back
from providers.tts.voice_worker.server import VoiceServer
from providers.tts.voice_worker.studio import Studio

log = logging.getLogger("providers.tts.voice_worker")

ENGINES = {
    "xtts_v2": "providers.tts.voice_worker.xtts:create",
    "pocket_tts": "providers.tts.voice_worker.pocket:create",
}

CANNOT_LOAD, CANNOT_LISTEN = 3, 4
"""Exit statuses beside ``messages.TOO_MUCH_MEMORY``; 2 is argparse's, for wrong usage."""

NICE = 5
"""Steps behind the daemon on the processor, so that wake words are still heard while it speaks; where only a card
computes, the little that is left to the processor must not wait."""

FAREWELL_S = 2.0
"""Seconds of the clock that it stays, to be asked, after the model could not be loaded."""


class Ending:
    """When the program ends, and its exit status; the first reason counts."""

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self.status = 0

    def tell(self, status: int = 0) -> None:
        """It is to end now."""
        if not self._told.is_set():
            self.status = status
            self._told.set()

    async def told(self) -> None:
        """Wait for it."""
        await self._told.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to end; the exit status."""
    given = _parser().parse_args(arguments)
    _log_own_words_only()
    step_back(given.nice if given.nice is not None else 0 if given.device == "cuda" else NICE)
    try:
        engine = _engine(given.engine, EngineOptions(given.model or Path(), given.device, given.threads))
        version = engine.version
    except (ImportError, AttributeError, ValueError) as error:
        log.error("the engine %s cannot be loaded: %s. %s", given.engine, error, _remedy(given.engine))
        return CANNOT_LOAD
    if given.version:
        sys.stdout.write(f"{version}\n")
        return 0
    watched = not given.keep and is_pipe(0)
    if watched:
        die_with_parent()

    def latents(model: str) -> Latents:
        return Latents(given.latents, making(engine.name, version, model), given.latents_mb * 1_000_000)

    def model() -> str:
        return given.model_hash or (model_hash(given.model) if given.model else "")

    studio = Studio(engine, latents, model)
    return asyncio.run(_serve(studio, given.listen, given.memory_mb, watched=watched))


async def _serve(studio: Studio, address: Address, most_mb: int, *, watched: bool) -> int:
    ending = Ending()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.tell)
    if watched:
        loop.add_reader(0, partial(_read_on, ending))
    server = VoiceServer(studio)
    try:
        async with listening(address, server.converse), asyncio.TaskGroup() as group:
            tasks = [group.create_task(_load(studio, server, most_mb, ending), name="loading")]
            if most_mb:
                tasks.append(group.create_task(_watch(most_mb, ending), name="memory"))
            await ending.told()
            for task in tasks:
                task.cancel()
    except ListeningError as error:
        log.error("%s", error)
        return CANNOT_LISTEN
    return ending.status


async def _load(studio: Studio, server: VoiceServer, most_mb: int, ending: Ending) -> None:
    if await studio.load():
        state = studio.state
        if most_mb and state.device == "cpu":
            memory.refuse_beyond(most_mb)
        log.info("%s speaks on %s, %s s of work for 1 s of sound", state.engine, state.device, state.real_time_factor)
        return
    log.error("the model cannot be loaded: %s", studio.state.failure)
    with suppress(TimeoutError):
        async with asyncio.timeout(FAREWELL_S):
            await server.told_failure.wait()
    ending.tell(CANNOT_LOAD)


async def _watch(most_mb: int, ending: Ending) -> None:
    """A machine that swaps would no longer hear anybody."""
    held_mb = await memory.exceeded(most_mb)
    log.error("it holds %d MB of memory and may have %d (--memory-mb), so it ends", held_mb, most_mb)
    ending.tell(TOO_MUCH_MEMORY)


def _read_on(ending: Ending) -> None:
    """Standard input says nothing, but its end says that the daemon has died."""
    with suppress(BlockingIOError):
        if not os.read(0, 4096):
            asyncio.get_running_loop().remove_reader(0)
            ending.tell()


def _log_own_words_only() -> None:
    """Engines' packages may log what is said."""
    logging.getLogger().addHandler(logging.NullHandler())
    ours, handler = logging.getLogger("providers"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter(f"{LOG_MARK}%(message)s"))
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    ours.propagate = False


def _engine(name: str, options: EngineOptions) -> CloningEngine:
    """By its name, or by ``module:factory``."""
    module, _, factory = ENGINES.get(name, name).partition(":")
    engine: CloningEngine = getattr(importlib.import_module(module), factory)(options)
    return engine


def _remedy(name: str) -> str:
    return f"Install it: ./install.sh {name.partition('_')[0]}" if name in ENGINES else ""


def _address(text: str) -> Address:
    try:
        return Address.of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _megabytes(text: str) -> int:
    if (number := int(text)) < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="voice_worker", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--engine", required=True, help="xtts_v2, pocket_tts, or module:factory")
    parser.add_argument("--model", type=Path, help="folder of the model's files")
    parser.add_argument("--model-hash", default="", help="hash of the model's files where it is known already")
    parser.add_argument(
        "--listen", type=_address, default="tcp://127.0.0.1:10250", help="unix:///path or tcp://host:port"
    )
    parser.add_argument("--latents", type=Path, default=Path("latents"), help="folder for what is kept of samples")
    parser.add_argument("--latents-mb", type=_megabytes, default=MOST_DISK_MB, help="disk space for it")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--threads", type=int, default=0, help="of the processor; 0 leaves it to the library")
    parser.add_argument(
        "--memory-mb", type=_megabytes, default=0, help="megabytes of the machine's memory it may have; 0 is all"
    )
    parser.add_argument("--nice", type=int, help=f"steps back on the processor; {NICE}, or 0 with --device cuda")
    parser.add_argument("--keep", action="store_true", help="go on when standard input ends")
    parser.add_argument("--version", action="store_true", help="say what the engine's version is, and end")
    return parser


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # an engine that hangs, or a library's threads, must not keep it
