"""The connection to the assistant, against a real daemon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from assistant.tray.address import Address
from assistant.tray.link import Link
from assistant.tray.menu import Wish
from assistant.tray.situation import Situation
from assistant.tray.wording import Wording
from tests.assistant.http.daemon import Daemon, daemon

__all__ = ["daemon"]

pytestmark = pytest.mark.model


class Watching:
    """What the connection told."""

    def __init__(self, address: Address) -> None:
        self.situations: list[Situation] = []
        self.told: list[tuple[str, str]] = []
        self._news = asyncio.Event()
        self.link = Link(address, Wording("en"), self._changed, self._told, pause=lambda _: asyncio.sleep(0.05))

    def _changed(self, now: Situation) -> None:
        self.situations.append(now)
        self._news.set()

    def _told(self, title: str, text: str) -> None:
        self.told.append((title, text))
        self._news.set()

    async def until(self, wanted: Callable[[Situation], object]) -> Situation:
        async with asyncio.timeout(20):
            while not wanted(self.situations[-1]) if self.situations else True:
                self._news.clear()
                await self._news.wait()
        return self.situations[-1]


@asynccontextmanager
async def watching(address: Address) -> AsyncIterator[Watching]:
    found = Watching(address)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(found.link.run(), name="link")
        yield found
        task.cancel()


def token_file(folder: Path, token: str) -> Path:
    file = folder / "token"
    file.write_text(token)
    return file


async def test_it_knows_and_steers(daemon: Daemon, tmp_path: Path) -> None:
    async with watching(Address(daemon.address, (token_file(tmp_path, daemon.admin),))) as tray:
        now = await tray.until(lambda now: now.people and now.volume_db is not None)
        assert [one.name for one in now.people[:3]] == ["Robin", "Mr Whitmore", "Lucía"]
        assert not now.deaf
        before_db = now.volume_db
        assert before_db is not None
        tray.link.ask(Wish("mute"))
        assert (await tray.until(lambda now: now.muted)).mode in {"muted", "trouble"}
        tray.link.ask(Wish("unmute"))
        await tray.until(lambda now: not now.muted)
        tray.link.ask(Wish("volume", before_db - 3))
        await tray.until(lambda now: now.volume_db == before_db - 3)
        tray.link.ask(Wish("volume", before_db))
        await tray.until(lambda now: now.volume_db == before_db)
        tray.link.ask(Wish("incident"))
        await tray.until(lambda _: tray.told)
        assert tray.told[0][0] == "Last incident"
        tray.link.ask(Wish("choose", "nobody"))
        await tray.until(lambda _: len(tray.told) > 1)
        assert tray.told[1][1].startswith("That did not work: ")


async def test_a_refused_token_is_named_and_another_one_is_taken(daemon: Daemon, tmp_path: Path) -> None:
    file = token_file(tmp_path, "sa_" + "x" * 43)
    async with watching(Address(daemon.address, (file,))) as tray:
        now = await tray.until(lambda now: now.offline_reason)
        assert str(file) in now.offline_reason
        assert "refuses" in now.offline_reason
        file.write_text("")
        await tray.until(lambda now: "no access token" in now.offline_reason)
        file.write_text(daemon.admin)
        await tray.until(lambda now: now.online)


async def test_nobody_answers() -> None:
    async with watching(Address("http://127.0.0.1:9", (), given="x")) as tray:
        assert "http://127.0.0.1:9" in (await tray.until(lambda now: now.offline_reason)).offline_reason
