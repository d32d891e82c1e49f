"""Asks a program: the question as JSON on its standard input, the answer as text on its standard output."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from pydantic import Field

from pipeline.errors import ProviderError, ProviderMissing
from pipeline.protocols import Capabilities
from pipeline.speech import Exchange, Personality, Transcript
from providers.agent.limits import AgentSettings, limited
from providers.agent.request import as_json, complaint
from providers.registry import Resources

_READ_AHEAD_BYTES = 65_536
"""A program that writes faster than its answer is spoken waits from here on."""

_COMPLAINT_BYTES = 4096
"""How much of the end of standard error is kept."""


class Settings(AgentSettings):
    """Settings of the ``command`` agent."""

    command: list[str] = Field(min_length=1)
    """The program and its arguments, started without a shell in the folder of ``config.yaml``, once per question."""


class CommandAgent:
    """Starts a program for each question and kills its whole process group when the answer is no longer wanted."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder

    @property
    def capabilities(self) -> Capabilities:
        """The answer comes as the program writes it."""
        return Capabilities(name="command", streams=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def reply(
        self, transcript: Transcript, personality: Personality, history: Sequence[Exchange]
    ) -> AsyncGenerator[str, None]:
        """Text as the program writes it."""
        return limited("command", self._written(transcript, personality, history), self._settings)

    def phrases(self, personality: Personality, language: str) -> Sequence[str]:
        """None: its answers are not known beforehand."""
        return ()

    async def _written(
        self, transcript: Transcript, personality: Personality, history: Sequence[Exchange]
    ) -> AsyncGenerator[str, None]:
        run = await self._start()
        try:
            run.feed(as_json(transcript, personality, history))
            decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
            while data := await run.read():
                if text := decoder.decode(data):
                    yield text
            status = await run.exit_status()
            if status != 0:
                raise self._failure(status, complaint(run.last_error_line(), transcript, history))
        finally:
            await run.end()

    async def _start(self) -> _Run:
        try:
            _, run = await asyncio.get_running_loop().subprocess_exec(
                _Run,
                *self._settings.command,
                cwd=self._folder,
                start_new_session=True,  # one process group, so that what it starts itself ends with it
            )
        except OSError as error:
            program = self._settings.command[0]
            raise ProviderMissing(
                f"The agent program {program!r} cannot be started: {error.strerror}.",
                remedy="Check `command:` of the agent in config.yaml.",
            ) from error
        return run

    def _failure(self, status: int, last_line: str) -> ProviderError:
        program = self._settings.command[0]
        how = f"was ended by {_signal_name(-status)}" if status < 0 else f"ended with exit status {status}"
        return ProviderError(f"The agent program {program!r} {how}{': ' + last_line if last_line else ''}.")


class _Run(asyncio.SubprocessProtocol):
    """One run of the program. Callbacks instead of tasks: nothing is left behind whenever it is dropped."""

    def __init__(self) -> None:
        self._output: deque[bytes] = deque()
        self._waiting = 0
        self._paused = False
        self._errors = b""
        self._news = asyncio.Event()
        self._closed = asyncio.Event()
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._group = self._transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 2:
            self._errors = (self._errors + data)[-_COMPLAINT_BYTES:]
            return
        self._output.append(data)
        self._waiting += len(data)
        if self._waiting >= _READ_AHEAD_BYTES and not self._paused:
            self._paused = True
            self._stdout().pause_reading()
        self._news.set()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:
            self._ended = True
            self._news.set()

    def process_exited(self) -> None:
        # What it started and left behind would keep the pipe open and the customer waiting.
        self._kill()
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._news.set()
        self._closed.set()

    def feed(self, data: bytes) -> None:
        """Write all of standard input; the transport goes on with it while the output is read."""
        stdin = cast("asyncio.WriteTransport", self._transport.get_pipe_transport(0))
        stdin.write(data)
        stdin.close()

    async def read(self) -> bytes:
        """The next part of standard output, empty at its end."""
        while not self._output and not self._ended:
            self._news.clear()
            await self._news.wait()
        if not self._output:
            return b""
        data = self._output.popleft()
        self._waiting -= len(data)
        if self._paused and self._waiting < _READ_AHEAD_BYTES and not self._ended:
            self._paused = False
            self._stdout().resume_reading()
        return data

    async def exit_status(self) -> int:
        """0 for success, a signal's number negated where one ended it."""
        await self._closed.wait()  # later than the exit: standard error has been read to its end
        return self._transport.get_returncode() or 0

    def last_error_line(self) -> str:
        """The last line on standard error that is not blank."""
        lines = self._errors.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    async def end(self) -> None:
        """Kill whatever still runs (SIGKILL, because a customer who interrupts does not wait) and collect it."""
        self._output.clear()
        if self._transport.get_returncode() is None:
            self._kill()
        self._transport.close()
        await self._closed.wait()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._group, signal.SIGKILL)

    def _stdout(self) -> asyncio.ReadTransport:
        return cast("asyncio.ReadTransport", self._transport.get_pipe_transport(1))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def create(settings: Settings, resources: Resources) -> CommandAgent:
    """An agent that asks a program."""
    return CommandAgent(settings, resources.folder)
