"""The connection, against a server that is slow, refuses, breaks off and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assistant.access.token_file import new_token
from assistant.tray.address import Address
from assistant.tray.link import FIRST_WAIT_S, LONGEST_WAIT_S, PERSONALITIES, Link, last_wrong
from assistant.tray.menu import Wish
from assistant.tray.situation import Person, Situation, Trouble
from assistant.tray.wording import Wording
from tests.assistant.tray.shop import TOKEN, Shop, breaks_off, fails, garbage, well
from tests.fakes.web_server import Answering, WebServer


@dataclass
class Tray:
    link: Link
    url: str
    seen: list[Situation]
    told: list[str]
    pauses: list[float]
    news: asyncio.Condition

    async def until(self, reached: Callable[[Situation], bool]) -> Situation:
        async with asyncio.timeout(10), self.news:
            await self.news.wait_for(lambda: bool(self.seen) and reached(self.seen[-1]))
        return self.seen[-1]

    async def until_told(self, count: int = 1) -> list[str]:
        async with asyncio.timeout(10), self.news:
            await self.news.wait_for(lambda: len(self.told) >= count)
        return self.told


@asynccontextmanager
async def connected(shop: Shop, token: str = TOKEN) -> AsyncIterator[Tray]:
    async with WebServer(shop.answer) as server:
        news = asyncio.Condition()
        seen: list[Situation] = []
        told: list[str] = []
        pauses: list[float] = []

        async def pause(wait_s: float) -> None:
            pauses.append(wait_s)
            await asyncio.sleep(0)

        address = Address(server.url, (Path("/nowhere/token"),), given=token)
        link = Link(address, Wording("en"), seen.append, lambda _, text: told.append(text), pause=pause)

        async def tell() -> None:  # what waits looks again, whatever happened
            while True:
                await asyncio.sleep(0.005)
                async with news:
                    news.notify_all()

        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(link.run(), name="link"), tasks.create_task(tell(), name="tell")]
            try:
                yield Tray(link, server.url, seen, told, pauses, news)
            finally:
                for one in running:
                    one.cancel()


async def test_it_learns_all_that_the_menu_shows() -> None:
    async with connected(Shop([well])) as tray:
        now = await tray.until(lambda now: bool(now.people))
        assert not tray.seen[0].online
        assert now == Situation(
            tray.url, online=True, state="listening", person=Person("1", "Robin"), greeting="Hi!",
            people=(Person("1", "Robin"), Person("2", "Lucía")), trouble=(Trouble("agent", "It fails.", ""),),
            volume_db=3.0, lowest_db=-20.0, highest_db=6.0, version="1.2",
        )  # fmt: skip


@pytest.mark.parametrize("bad", [breaks_off, fails, garbage])
async def test_it_comes_back_by_itself(bad: Callable[[Answering], Any]) -> None:
    async with connected(Shop([bad, bad, well])) as tray:
        await tray.until(lambda now: now.online and len(tray.pauses) == 2)
        assert any(not now.online and now.offline_reason for now in tray.seen)


async def test_attempts_become_rarer_and_begin_anew_after_a_success() -> None:
    async with connected(Shop([fails] * 6 + [breaks_off, well])) as tray:
        await tray.until(lambda now: now.online and len(tray.pauses) == 7)
        assert tray.pauses[:2] == [FIRST_WAIT_S, 2 * FIRST_WAIT_S]
        assert tray.pauses[5] == LONGEST_WAIT_S
        assert tray.pauses[6] == FIRST_WAIT_S


@pytest.mark.parametrize(("token", "words"), [("", "There is no access token."), (new_token(), "It refuses")])
async def test_without_the_right_token_it_says_where_to_put_it(token: str, words: str) -> None:
    async with connected(Shop([well]), token) as tray:
        now = await tray.until(lambda now: bool(now.offline_reason))
        assert now.mode == "offline"
        assert now.offline_reason.startswith(words)
        assert "/nowhere/token" in now.offline_reason


@pytest.mark.parametrize(
    ("wish", "path", "body"),
    [
        (Wish("choose", "2"), f"{PERSONALITIES}/2/activate", {"at_once": True}),
        (Wish("mute"), "/api/mute", {"muted": True}),
        (Wish("unmute"), "/api/mute", {"muted": False}),
        (Wish("volume", -3.0), "/api/volume", {"volume_db": -3.0}),
        (Wish("test", "Hi!"), "/api/say", {"text": "Hi!"}),
        (Wish("stop"), "/api/stop", None),
        (Wish("restart"), "/api/restart", None),
    ],
)
async def test_a_wish_is_carried_out(wish: Wish, path: str, body: Any) -> None:
    shop = Shop([well])
    async with connected(shop) as tray:
        await tray.until(lambda now: now.online)
        tray.link.ask(wish)
        await tray.until(lambda _: bool(shop.asked))
        assert shop.asked == [(path, body)]
        assert not tray.told


def test_a_start_is_no_incident() -> None:
    start = {"at": "2", "level": "info", "message": "Started."}
    assert last_wrong([start]) == ""
    told = last_wrong([start, {"at": "2026-11-26T09:30:00+00:00", "level": "error", "message": "The disk is full."}])
    here = datetime(2026, 11, 26, 9, 30, tzinfo=UTC).astimezone()
    assert told == f"{here:%Y-%m-%d %H:%M} · The disk is full."


async def test_what_was_refused_is_told_and_the_next_wish_is_carried_out() -> None:
    shop = Shop([well], refuses={"/api/say"})
    async with connected(shop) as tray:
        await tray.until(lambda now: now.online)
        tray.link.ask(Wish("test", "Hi!"))
        tray.link.ask(Wish("incident"))
        assert await tray.until_told(2) == [
            "That did not work: Not now. Try later.",
            f"{datetime(2026, 11, 26, 1, tzinfo=UTC).astimezone():%Y-%m-%d %H:%M} · The speaker was gone.",
        ]
