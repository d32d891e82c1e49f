"""A voice worker of this machine: started when it is needed, replaced when it fails, ended when nobody needs it."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import AssistantError, NotReady, ProviderError
from providers.tts.cloning.connection import connected
from providers.tts.cloning.program import WorkerProcess, WorkerProgram, running
from providers.tts.voice_worker.listening import Address
from providers.tts.voice_worker.messages import TOO_MUCH_MEMORY, WorkerState

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds of the clock."""

    load_s: float = 300.0
    """Until the model must be loaded; from an SD card it takes minutes."""
    hang_s: float = 30.0
    """Without progress after which a worker hangs. XTTS v2 takes 2 s to its first sound on a processor."""
    answer_s: float = 10.0
    """Until it must have told how it is."""
    idle_s: float = 1800.0
    """Without use after which it is ended, so that its memory is free; 0 keeps it."""
    look_s: float = 2.0
    """Between two looks at it."""
    first_rest_s: float = 1.0
    """From the first failure to the next start; twice as long after each further one."""
    longest_rest_s: float = 300.0
    good_life_s: float = 60.0
    """A worker that has spoken for so long has a failure of its own, not the last one's."""


SOCKET = "socket"


class _Gone(Exception):
    """The worker has ended, hangs, or does not load; the message says so."""


class OwnWorker:
    """A ``VoiceWorker``. A crash takes down one sentence and never this process: it is a process of its own."""

    def __init__(self, engine: str, program: WorkerProgram, patience: Patience, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._program = program
        self._patience = patience
        self._clock = clock
        self._folder: Path | None = None
        self._state: WorkerState | None = None
        self._ready = False
        self._wanted = asyncio.Event()
        self._news = asyncio.Event()
        """Set, and replaced, when a start has succeeded or failed."""
        self._failure: AssistantError | None = None
        """Why the last start failed; None after one that succeeded."""
        self._failures = 0
        """Starts that failed so far, for those who wait."""
        self._rest_s = 0.0
        self._not_before_s = 0.0
        self._users = 0
        self._used_s = 0.0

    @property
    def state(self) -> WorkerState | None:
        """As it last told, loaded."""
        return self._state

    def address(self) -> Address:
        """Where it can be asked at once; see ``VoiceWorker``."""
        self._want()
        if self._ready:
            return self._listens_at()
        if self._failure is not None:
            raise self._failure
        raise NotReady(f"The engine {self._engine} is being started.")

    async def loaded(self) -> None:
        """Return when it can speak. Raises ``ProviderError``."""
        self._want()
        if not self._ready and self._failure is not None and self._clock() < self._not_before_s:
            raise self._failure  # the next start is some time off
        before = self._failures
        while not self._ready:
            await self._news.wait()
            if self._failures > before and self._failure is not None:
                raise self._failure

    def learn(self, state: WorkerState) -> None:
        """Its pace changes as it speaks."""
        if state.loaded:
            self._state = state

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """While somebody uses it, it does not count as idle."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            self._used_s = self._clock()

    async def run(self) -> None:
        """Look after it until cancelled."""
        try:
            while True:
                await self._wanted.wait()
                await asyncio.sleep(max(0.0, self._not_before_s - self._clock()))
                await self._live()
        finally:
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    async def _live(self) -> None:
        """From its start to its end."""
        began_s = self._clock()
        try:
            async with running(self._program, self._listens_at()) as process, asyncio.TaskGroup() as group:
                relaying = group.create_task(process.relay(), name=f"log of {self._engine}")
                try:
                    await self._look_after(process)
                finally:
                    relaying.cancel()
        except* (_Gone, AssistantError, OSError) as errors:  # OSError: there is no room for its socket
            self._failed(errors.exceptions[0], self._clock() - began_s)
        finally:
            self._ready = False
            if self._folder is not None:
                (self._folder / SOCKET).unlink(missing_ok=True)

    async def _look_after(self, process: WorkerProcess) -> None:
        """Returns when it is idle. Raises ``_Gone``."""
        await self._until_loaded(process)
        log.info("The voice worker of %s is ready.", self._engine)
        self._ready, self._failure, self._used_s = True, None, self._clock()
        self._tell()
        silent_since_s = self._clock()
        while True:
            await self._pause(process)
            try:
                self.learn(state := await self._ask())
                silent_since_s = self._clock()
            except (ProviderError, TimeoutError):
                state = None
            if self._clock() - silent_since_s > self._patience.hang_s:
                process.kill()
                raise _Gone("it does not answer any more")
            if state is not None and state.step_s > self._patience.hang_s:
                process.kill()
                raise _Gone(f"it has made no progress for {state.step_s:.0f} s")
            if self._idle():
                log.info("The voice worker of %s was not needed for a while and is ended.", self._engine)
                self._wanted.clear()
                self._ready = False  # who asks from now on has it started again
                return

    async def _until_loaded(self, process: WorkerProcess) -> None:
        end_s = self._clock() + self._patience.load_s
        while self._clock() < end_s:
            try:
                state = await self._ask()
            except (ProviderError, TimeoutError):
                state = None  # it does not listen yet, or its packages hold the interpreter while they are imported
            if state is not None and state.failure:
                raise _Gone(f"the model cannot be loaded: {state.failure}")
            if state is not None and state.loaded:
                self._state = state
                return
            await self._pause(process)
        process.kill()
        raise _Gone(f"the model was not loaded within {self._patience.load_s:.0f} s")

    async def _pause(self, process: WorkerProcess) -> None:
        """A moment, unless it ends meanwhile. Raises ``_Gone``."""
        try:
            async with asyncio.timeout(self._patience.look_s if self._ready else min(0.2, self._patience.look_s)):
                status = await process.ended()
        except TimeoutError:
            return
        if status == TOO_MUCH_MEMORY:
            raise _Gone(f"it needed more than the {self._program.memory_mb} MB of memory that it may have")
        words = "" if self._ready or not process.last_words else f": {process.last_words}"
        raise _Gone(f"it ended with status {status}{words}")

    async def _ask(self) -> WorkerState:
        """How it is. Raises ``ProviderError`` and ``TimeoutError``."""
        async with asyncio.timeout(self._patience.answer_s), connected(self._engine, self._listens_at()) as connection:
            return await connection.state()

    def _failed(self, error: BaseException, lived_s: float) -> None:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        long = self._ready and lived_s >= self._patience.good_life_s
        self._rest_s = self._patience.first_rest_s if long or not self._rest_s else 2 * self._rest_s
        self._rest_s = min(self._rest_s, self._patience.longest_rest_s)
        self._not_before_s = self._clock() + self._rest_s
        log.error("The voice worker of %s has failed: %s. It rests for %.0f s.", self._engine, error, self._rest_s)
        if self._ready:  # it could speak: it is started again at once, nobody needs to ask for it
            return
        remedy = error.remedy if isinstance(error, AssistantError) else "See the log, and: assistant check"
        message = error.message if isinstance(error, AssistantError) else f"{self._engine} cannot be started: {error}."
        self._failure = ProviderError(message, remedy=remedy)
        self._failures += 1
        self._wanted.clear()
        self._tell()

    def _idle(self) -> bool:
        idle_s = self._patience.idle_s
        return bool(idle_s) and not self._users and self._clock() - self._used_s > idle_s

    def _want(self) -> None:
        self._wanted.set()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _listens_at(self) -> Address:
        """In a folder that nobody else can enter; short, for a socket's path may have about a hundred characters."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="voice-"))
        return Address(path=str(self._folder / SOCKET))
