"""eSpeak NG, as Debian's program and as the library in the package espeakng-loader."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import sys
from contextlib import AbstractAsyncContextManager, aclosing
from pathlib import Path

import pytest

from pipeline.audio import joined
from pipeline.errors import ProviderError, ProviderMissing
from pipeline.protocols import Synthesizer
from pipeline.speech import Voice
from providers.registry import Resources
from providers.tts import espeak
from providers.tts.espeak import EspeakSynthesizer, Settings
from tests.contracts.synthesizer import LONG, SHORT, SynthesizerContract, said
from tests.fakes.models import ListedModels

pytestmark = pytest.mark.model

VOICE = Voice("en-us", "en")
installed = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="the program espeak-ng is not installed")


def opened(**settings: object) -> EspeakSynthesizer:
    return espeak.create(Settings.model_validate(settings), Resources(ListedModels()))


class TestLibraryContract(SynthesizerContract):
    def opened(self) -> AbstractAsyncContextManager[Synthesizer]:
        return opened(program="library")


@installed
class TestProgramContract(SynthesizerContract):
    def opened(self) -> AbstractAsyncContextManager[Synthesizer]:
        return opened()


@installed
async def test_both_say_the_same_at_the_same_pace() -> None:
    async with opened() as program, opened(program="library") as library:
        first, second = joined(await said(program, LONG, VOICE)), joined(await said(library, LONG, VOICE))
        assert len(program.capabilities.languages ^ library.capabilities.languages) < 40
    assert first.rate_hz == second.rate_hz
    assert first.duration_s == pytest.approx(second.duration_s, rel=0.15)


@pytest.mark.parametrize("language", ["en", "es", "fr", "de", "it", "pt", "ca", "zh", "ru", "ar", "no", "pl"])
async def test_languages(language: str) -> None:
    async with opened(program="library") as synthesizer:
        name = synthesizer.voice_for(language)
        assert name
        assert await said(synthesizer, "Hola 12", Voice(name, language))


async def test_a_voice_of_the_shops_choice() -> None:
    async with opened(program="library", voices={"en": "en-gb+f3"}, words_per_minute=120) as synthesizer:
        assert synthesizer.voice_for("en") == "en-gb+f3"
        assert await said(synthesizer, SHORT, Voice("auto", "en"))
        with pytest.raises(ProviderError, match="qq"):
            await said(synthesizer, SHORT, Voice("qq", "en"))
        with pytest.raises(ProviderError, match="--path=/"):
            await said(synthesizer, SHORT, Voice("--path=/", "en"))


def script(folder: Path, body: str) -> str:
    """A program that lists one language and then does as told."""
    path = folder / "espeak-ng"
    path.write_text(f'#!/bin/sh\ncase "$*" in *--voices*) echo Pty; echo " 5 en --/M English"; exit;; esac\n{body}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


async def test_the_text_is_not_in_the_process_list(tmp_path: Path) -> None:
    async with opened(program=script(tmp_path, f'echo "$*" > {tmp_path}/seen; cat > {tmp_path}/text')) as synthesizer:
        with pytest.raises(ProviderError, match="without a word"):
            await said(synthesizer, "A secret.", VOICE)
    assert "secret" not in (tmp_path / "seen").read_text()
    assert (tmp_path / "text").read_text() == "A secret."


async def test_pipes_that_stay_open_keep_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is dead, but something that it started holds its output."""
    monkeypatch.setattr("providers.tts.espeak.END_S", 0.05)
    program = script(tmp_path, f"cat > /dev/null; sleep 60 & echo $! > {tmp_path}/pid; exec sleep 60")
    pid = tmp_path / "pid"
    async with opened(program=program) as synthesizer, asyncio.timeout(20), asyncio.TaskGroup() as group:
        waiting = group.create_task(said(synthesizer, SHORT, VOICE), name="waiting")
        while not (pid.exists() and pid.read_text().endswith("\n")):
            await asyncio.sleep(0.01)
        waiting.cancel()
    os.kill(int(pid.read_text()), signal.SIGKILL)
    await asyncio.sleep(0.05)  # asyncio notices that the pipes have closed


async def test_a_program_that_hangs_is_killed_when_nobody_waits_any_more(tmp_path: Path) -> None:
    program = script(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 60")
    pid = tmp_path / "pid"
    async with opened(program=program) as synthesizer, asyncio.TaskGroup() as group:
        waiting = group.create_task(said(synthesizer, SHORT, VOICE), name="waiting")
        while not (pid.exists() and pid.read_text().endswith("\n")):
            await asyncio.sleep(0.01)
        waiting.cancel()
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


@pytest.mark.parametrize(
    ("body", "complaint"),
    [("exit 3", "without a word"), ("echo broken data >&2; exit 1", "broken data"), ("head -c 100 /dev/zero", "word")],
)
async def test_a_program_that_fails(tmp_path: Path, body: str, complaint: str) -> None:
    async with opened(program=script(tmp_path, body)) as synthesizer:
        with pytest.raises(ProviderError, match=complaint) as caught:
            await said(synthesizer, SHORT, VOICE)
    assert caught.value.retryable


async def test_a_listener_who_leaves_ends_the_program(tmp_path: Path) -> None:
    program = f"{sys.executable} -c 'import os,struct,sys\n"
    program += f'open("{tmp_path}/pid","w").write(str(os.getpid()))\n'
    program += 'sys.stdout.buffer.write(b"RIFF"+bytes(20)+struct.pack("<I",16000)+bytes(16))\n'
    program += 'while True: sys.stdout.buffer.write(b"aZ"*8000)\''
    async with (
        opened(program=script(tmp_path, "exec " + program)) as synthesizer,
        aclosing(synthesizer.synthesize(SHORT, VOICE)) as chunks,
    ):
        assert (await anext(chunks)).rate_hz == 16000
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text()}").exists()


@pytest.mark.parametrize("body", ["exit 1", "echo Pty", "exec sleep 60"])
async def test_a_program_without_voices_is_no_program(
    tmp_path: Path, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(espeak, "START_S", 0.3)
    path = tmp_path / "espeak-ng"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    with pytest.raises(ProviderMissing, match="apt-get install espeak-ng"):
        async with opened(program=str(path)):
            pass


async def test_no_program_and_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProviderMissing, match="apt-get install espeak-ng"):
        async with opened(program="/nowhere/espeak-ng"):
            pass
    monkeypatch.setattr(espeak.shutil, "which", lambda _: None)
    async with opened() as synthesizer:
        assert await said(synthesizer, SHORT, VOICE)
    monkeypatch.setattr(espeak.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ProviderMissing, match="pip install espeakng-loader"):
        async with opened():
            pass


async def test_closed_it_says_so() -> None:
    synthesizer = opened()
    assert synthesizer.capabilities.languages == frozenset()
    with pytest.raises(ProviderError, match="not open"):
        await said(synthesizer, SHORT, VOICE)


async def test_many_at_once_leave_no_process() -> None:
    async with opened(program="library") as synthesizer:
        found = await asyncio.gather(*(said(synthesizer, SHORT, VOICE) for _ in range(6)))
    assert len({len(chunks) for chunks in found}) == 1
