"""The program agent with real programs."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.errors import ProviderError, ProviderMissing
from pipeline.speech import Exchange, Personality, Transcript
from providers.agent import command
from providers.registry import Resources
from tests.providers.agent.asking import pieces

pytestmark = pytest.mark.unit


async def shell(script: str, folder: Path, text: str = "where is zanzibar", history: Any = (), **limits: Any) -> str:
    settings = command.Settings(command=["sh", "-c", script], **limits)
    async with command.create(settings, Resources(models=None, folder=folder)) as agent:
        return "".join(await pieces(agent, text, history=history))


async def test_it_runs_in_the_settings_folder(tmp_path: Path) -> None:
    (tmp_path / "answer.sh").write_text("#!/bin/sh\necho Hello from $(pwd -P).\n")
    (tmp_path / "answer.sh").chmod(0o755)
    settings = command.Settings(command=["./answer.sh"])
    async with command.create(settings, Resources(models=None, folder=tmp_path)) as agent:
        assert "".join(await pieces(agent)) == f"Hello from {tmp_path.resolve()}.\n"


async def test_no_shell_reads_the_arguments(tmp_path: Path) -> None:
    settings = command.Settings(command=["echo", "$HOME; rm *"])
    async with command.create(settings, Resources(models=None, folder=tmp_path)) as agent:
        assert "".join(await pieces(agent)) == "$HOME; rm *\n"


async def test_a_program_that_does_not_read_its_input(tmp_path: Path) -> None:
    history = [Exchange("x" * 100_000, "y")] * 5
    assert await shell("exec <&-; echo Yes.", tmp_path, history=history) == "Yes.\n"


async def test_a_program_that_writes_before_it_reads(tmp_path: Path) -> None:
    script = "head -c 300000 /dev/zero | tr '\\0' 'x'; cat >/dev/null"
    history = [Exchange("x" * 100_000, "y")] * 5
    assert len(await shell(script, tmp_path, history=history, max_answer_chars=100_000)) == 100_000


async def test_much_on_standard_error_is_no_obstacle(tmp_path: Path) -> None:
    assert await shell("head -c 500000 /dev/zero >&2; echo Yes.", tmp_path) == "Yes.\n"


async def test_what_a_program_leaves_behind_does_not_keep_the_customer_waiting(tmp_path: Path) -> None:
    assert await shell("sleep 1000 & echo Yes.", tmp_path) == "Yes.\n"


async def test_broken_utf8_is_survived(tmp_path: Path) -> None:
    assert await shell(r"printf 'caf\303'; printf '\251 \377'", tmp_path) == "café \ufffd"


async def test_a_slow_speaker_slows_the_program(tmp_path: Path) -> None:
    """A program that never ends does not fill the memory while the answer is spoken."""
    settings = command.Settings(command=["yes", "Again and again."], max_answer_chars=100_000)
    async with command.create(settings, Resources(models=None, folder=tmp_path)) as agent:
        transcript = Transcript("hello", "en", 1, "fake", 0)
        async with aclosing(agent.reply(transcript, Personality("Ava"), ())) as reply:
            first = await anext(reply)
            for _ in range(200):
                await asyncio.sleep(0)
            assert len(first) <= 100_000


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 3", "'sh' ended with exit status 3."),
        ("echo one >&2; echo 'disk is full' >&2; echo >&2; exit 1", "exit status 1: disk is full."),
        ("cat >&2; exit 1", "exit status 1: {"),
        ("kill -9 $$", "was ended by SIGKILL."),
        ("kill -40 $$", "was ended by (signal 40|SIGRTMIN.*)."),
        ("echo We close; exit 1", "exit status 1."),
        ("", "answered nothing"),
        ("echo; echo '  '", "answered nothing"),
    ],
)
async def test_failures(script: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match=message) as caught:
        await shell(script, tmp_path)
    assert "zanzibar" not in str(caught.value)


async def test_a_missing_program(tmp_path: Path) -> None:
    (tmp_path / "no_permission").touch()
    for program in ("no-such-program", "./no_permission", str(tmp_path)):
        settings = command.Settings(command=[program])
        async with command.create(settings, Resources(models=None, folder=tmp_path)) as agent:
            with pytest.raises(ProviderMissing, match=r"cannot be started.*Check `command:`"):
                await pieces(agent)


def test_an_empty_command_is_refused() -> None:
    with pytest.raises(ValidationError):
        command.Settings(command=[])
