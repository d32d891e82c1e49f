"""eSpeak NG: plain, small, never out of words; the voice of last resort in more than a hundred languages (GPL-3.0)."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import re
import shutil
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from pydantic import Field

from pipeline.audio import AudioChunk, audible_from_start
from pipeline.errors import ProviderError, ProviderMissing
from pipeline.protocols import Capabilities
from pipeline.speakable.characters import takeable
from pipeline.speech import Voice, primary_language
from providers.registry import Resources
from providers.settings import ProviderSettings

AUTO = "auto"

START_S = 5.0
"""Seconds the program may take to tell its voices when it is entered."""

CHUNK_S = 0.1
"""Audio seconds in one chunk: how finely a reply can be stopped."""

HEADER_BYTES = 44
"""Length of the WAV header that the program writes."""

SLOWEST_WPM, FASTEST_WPM = 80, 450
"""Words per minute that the program knows (its manual page, option -s)."""

PREFERRED = {"en": "en-us", "zh": "cmn", "no": "nb"}
"""Voices of languages whose name alone would give another one, or none."""

_VOICE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]{0,40}")


class Settings(ProviderSettings):
    """How eSpeak NG speaks."""

    program: str = AUTO
    """Path of the program; ``auto`` takes ``espeak-ng`` from the search path, else the library in the package
    espeakng-loader; ``library`` always takes that."""

    voices: dict[str, str] = Field(default_factory=dict)
    """Voice by language (ISO 639-1), variants included, such as ``en: en-gb+f3``; other languages take their own."""

    words_per_minute: int = Field(default=165, ge=SLOWEST_WPM, le=FASTEST_WPM)
    """Pace at speed 1, words per minute; 80 is a dictation, 450 unintelligible to most."""

    volume: int = Field(default=100, ge=1, le=200)
    """Loudness: 100 is the program's own; above it, loud sounds clip."""

    pitch: int = Field(default=50, ge=0, le=99)
    """0 is the deepest, 99 the highest."""


END_S = 1.0
"""Seconds for a program that was killed to end."""

log = logging.getLogger(__name__)


def create(settings: Settings, resources: Resources) -> EspeakSynthesizer:
    """The synthesizer; the program is looked for when it is entered."""
    return EspeakSynthesizer(settings)


class EspeakSynthesizer:
    """A ``Synthesizer`` that starts one short-lived program per text. The text goes through a pipe, never through the
    process list.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._command: tuple[str, ...] = ()
        self._build = ""
        self._shaping = settings.model_dump_json(exclude={"program", "voices"})
        self._languages: frozenset[str] = frozenset()

    @property
    def capabilities(self) -> Capabilities:
        """Its languages are known once it is entered."""
        return Capabilities(
            name="espeak_ng",
            languages=self._languages,
            streams=True,
            last_resort=True,
            licence="GPL-3.0-or-later",
        )

    async def __aenter__(self) -> Self:
        """Find the program and ask it for its languages. Raises ``ProviderMissing``."""
        command = _command(self._settings.program)
        try:
            process = await asyncio.create_subprocess_exec(
                *command, "--voices", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
            )
        except OSError as error:
            raise _missing(f"The program {command[0]} cannot be started: {error.strerror}.") from error
        try:
            async with asyncio.timeout(START_S):
                listed, _ = await process.communicate()
        except TimeoutError as error:
            raise _missing(f"The program {command[0]} does not answer.") from error
        finally:
            await _end(process)
        self._languages = _languages(listed.decode(errors="replace"))
        if not self._languages:
            raise _missing(f"The program {command[0]} has no voices.")
        self._build = _build(command)
        self._command = command
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to give back: a program ends with its text."""
        self._command = ()

    def voice_for(self, language: str, wanted: str = "") -> str | None:
        """Name of the voice for a language, None where the program has none; ``wanted`` if it speaks that."""
        asked = primary_language(language)
        if wanted and primary_language(wanted) == asked:
            return wanted
        if asked in self._settings.voices:
            return self._settings.voices[asked]
        return PREFERRED.get(asked, asked) if asked in self._languages else None

    async def fingerprint(self, voice: Voice) -> str:
        """The voice, which build of the program or library is in use, and the settings that shape the sound."""
        return f"{self._name(voice)} {self._build} {self._shaping}"

    async def ready(self, voice: Voice) -> None:
        """It always is: the program starts anew for each text."""

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
        """Sound for a text in chunks of 0.1 s; none for a text without a letter or digit.

        There is no time limit: whoever waits decides how long. Raises ``ProviderError``.
        """
        text = takeable(text)
        if not text:
            return
        if not self._command:
            raise ProviderError("eSpeak NG is not open.", retryable=False)
        async with aclosing(self._chunks(text, self._name(voice), self._rate(voice))) as chunks:
            async for chunk in audible_from_start(chunks):
                yield chunk

    async def _chunks(self, text: str, name: str, words_per_minute: int) -> AsyncGenerator[AudioChunk]:
        process = await self._start(name, words_per_minute)
        try:
            _feed(process, text)
            header = await self._read(process, HEADER_BYTES)
            if len(header) < HEADER_BYTES or header[:4] != b"RIFF":
                raise await self._failure(process, name)
            rate_hz = int.from_bytes(header[24:28], "little")
            step, start_s = 2 * round(CHUNK_S * rate_hz), 0.0
            while data := await self._read(process, step):
                chunk = AudioChunk(np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16), rate_hz, start_s)
                start_s = chunk.end_s
                yield chunk
            if await process.wait():
                raise await self._failure(process, name)
        finally:
            await _end(process)

    async def _start(self, name: str, words_per_minute: int) -> asyncio.subprocess.Process:
        options = ["-v", name, "-s", words_per_minute, "-a", self._settings.volume, "-p", self._settings.pitch, "-b", 1]
        try:
            return await asyncio.create_subprocess_exec(
                *self._command,
                *map(str, options),
                "--stdin",
                "--stdout",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise ProviderError(f"The program {self._command[0]} cannot be started: {error.strerror}.") from error

    async def _read(self, process: asyncio.subprocess.Process, count: int) -> bytes:
        """The next ``count`` bytes, fewer at the end."""
        assert process.stdout is not None
        try:
            return await process.stdout.readexactly(count)
        except asyncio.IncompleteReadError as end:
            return end.partial

    async def _failure(self, process: asyncio.subprocess.Process, name: str) -> ProviderError:
        """What the program complains of."""
        assert process.stderr is not None
        said = (await process.stderr.read(500)).decode(errors="replace").strip().partition("\n")[0]
        return ProviderError(f"eSpeak NG failed with the voice {name}: {said or 'it ended without a word'}.")

    def _name(self, voice: Voice) -> str:
        asked = voice.name if voice.name and voice.name != AUTO else self.voice_for(voice.language)
        if asked is None or not _VOICE_NAME.fullmatch(asked):
            raise ProviderError(f"eSpeak NG has no voice for {asked or voice.language!r}.", retryable=False)
        return asked

    def _rate(self, voice: Voice) -> int:
        return max(SLOWEST_WPM, min(FASTEST_WPM, round(self._settings.words_per_minute * voice.settings.speed)))


def _feed(process: asyncio.subprocess.Process, text: str) -> None:
    """Hand over the text; a program that has already died says so by its output."""
    assert process.stdin is not None
    process.stdin.write(text.encode())
    process.stdin.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Leave neither the process nor its pipes behind; one that waits for a dead disk cannot be killed, and is."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    try:
        async with asyncio.timeout(END_S):
            # The pipes close when what is still in them has been read.
            for pipe in (process.stdout, process.stderr):
                while pipe is not None and await pipe.read(1 << 16):
                    pass
            await process.wait()
    except TimeoutError:
        log.warning("The program of eSpeak NG does not end and is left behind.")


def _languages(listed: str) -> frozenset[str]:
    """ISO 639-1 codes in the program's list of voices: the second column, regions cut off."""
    codes = {primary_language(columns[1]) for line in listed.splitlines()[1:] if len(columns := line.split()) > 1}
    return frozenset(codes | {language for language, name in PREFERRED.items() if primary_language(name) in codes})


def _command(program: str) -> tuple[str, ...]:
    """How to start the program, without its options. Raises ``ProviderMissing``."""
    found = program if program not in {AUTO, "library"} else shutil.which("espeak-ng")
    if found and program != "library":
        return (found,)
    spec = importlib.util.find_spec("espeakng_loader")
    if spec is None or not spec.submodule_search_locations:
        raise _missing("Neither the program espeak-ng nor the package espeakng-loader is installed.")
    folder = Path(spec.submodule_search_locations[0])
    own = Path(__file__).with_name("espeak_program.py")
    return (sys.executable, "-I", "-S", str(own), str(folder / "libespeak-ng.so"), str(folder / "espeak-ng-data"))


def _build(command: tuple[str, ...]) -> str:
    """Tells one build of the program from another, without asking it: an update changes its file."""
    if command[0] == sys.executable:
        return f"espeakng-loader {version('espeakng-loader')}"
    program = shutil.which(command[0]) or command[0]
    file = Path(program).stat()
    return f"{program} {file.st_size} {file.st_mtime_ns}"


def _missing(message: str) -> ProviderMissing:
    return ProviderMissing(
        message, remedy="Install it: sudo apt-get install espeak-ng, or .venv/bin/pip install espeakng-loader"
    )
