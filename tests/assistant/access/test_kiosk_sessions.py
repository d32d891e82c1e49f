"""Sessions of tokens that lie in the database: of kiosks, of other shops, of several at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from assistant.access.sessions import LASTS_S, Session, Sessions
from assistant.access.tokens import KNOWN_FOR_S, Caller, Role, TokenStore
from assistant.storage.database import Database
from tests.assistant.storage.disks import Clock

pytestmark = pytest.mark.unit

DAY_S = 24 * 3600


@dataclass
class Shop:
    """Tokens, sessions and the time."""

    database: Database
    folder: Path
    now: Clock
    tokens: TokenStore
    sessions: Sessions

    async def signed_in(self, role: Role = "kiosk", tenant: str = "") -> tuple[Session, str]:
        """Somebody new: the session and the cookie's value."""
        _, token = await self.tokens.add(role, "somebody", tenant)
        caller = await self.tokens.check(token)
        assert caller is not None
        session, header = await self.sessions.begin(caller, secure=False)
        return session, header.partition("=")[2].partition(";")[0]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    now = Clock()
    now.s = 1_800_000_000.0
    async with Database(tmp_path / "assistant.db") as database:
        tokens = TokenStore(database, tmp_path, "ours", clock=now)
        yield Shop(database, tmp_path, now, tokens, Sessions(tokens, now))


async def test_each_byte_stands_for_itself(shop: Shop) -> None:
    """Any other in its place, one more, one less, two that change places: all are refused."""
    _, cookie = await shop.signed_in()
    assert await shop.sessions.opened(cookie) is not None
    forged: set[str] = set()
    for place in range(len(cookie) + 1):
        before, after = cookie[:place], cookie[place:]
        for other in map(chr, range(256)):
            forged |= {before + other + after[1:], before + other + after}
        forged |= {before, after, before + after[1:], before + after[1:2] + after[:1] + after[2:]}
    forged.discard(cookie)
    assert len(forged) > 500 * len(cookie)
    accepted = [one for one in forged if await shop.sessions.opened(one) is not None]
    assert accepted == []


async def test_parts_of_two_do_not_make_a_third(shop: Shop) -> None:
    cookies = [(await shop.signed_in(role))[1].split(".") for role in ("kiosk", "admin")]
    shop.now.s += 60
    cookies.append((await shop.signed_in("kiosk"))[1].split("."))
    for one in cookies:
        for other in cookies:
            for part in range(1, 5):
                mixed = ".".join([*one[:part], other[part], *one[part + 1 :]])
                opened = await shop.sessions.opened(mixed)
                assert (opened is not None) == (mixed == ".".join(one))


@pytest.mark.parametrize("end", ["0", "-1", "+1900000000", "1_900_000_000", "19000000000000", "１９", "1e10", " 1", ""])
async def test_an_end_that_is_no_number_of_ours(end: str, shop: Shop) -> None:
    parts = (await shop.signed_in())[1].split(".")
    assert await shop.sessions.opened(".".join([*parts[:2], end, *parts[3:]])) is None


async def test_a_kiosk_stays_for_four_hundred_days_and_on(shop: Shop) -> None:
    _, cookie = await shop.signed_in()
    assert LASTS_S["kiosk"] == 400 * DAY_S
    shop.now.s += 199 * DAY_S
    opened = await shop.sessions.opened(cookie)
    assert opened is not None
    assert not opened.renew
    shop.now.s += 2 * DAY_S
    opened = await shop.sessions.opened(cookie)
    assert opened is not None
    assert opened.renew
    renewed, header = await shop.sessions.begin(opened.caller, secure=False)
    again = header.partition("=")[2].partition(";")[0]
    assert not renewed.renew
    assert renewed.csrf == opened.csrf, "a page that is open goes on"
    shop.now.s += 199 * DAY_S + 1
    assert await shop.sessions.opened(cookie) is None
    assert await shop.sessions.opened(again) is not None


async def test_an_administrator_stays_for_twelve_hours(shop: Shop) -> None:
    _, cookie = await shop.signed_in("admin")
    shop.now.s += 12 * 3600 - 1
    assert await shop.sessions.opened(cookie) is not None
    shop.now.s += 1
    assert await shop.sessions.opened(cookie) is None


async def test_a_clock_that_was_set_back_makes_no_trouble(shop: Shop) -> None:
    """Boxes without a battery start in the past."""
    _, cookie = await shop.signed_in()
    shop.now.s -= 10 * 365 * DAY_S
    sessions = Sessions(TokenStore(shop.database, shop.folder, "ours"), shop.now)
    assert await sessions.opened(cookie) is not None


async def test_all_sessions_end_with_their_token_and_no_others(shop: Shop) -> None:
    session, cookie = await shop.signed_in()
    _, header = await shop.sessions.begin(session.caller, secure=False)
    second = header.partition("=")[2].partition(";")[0]
    _, of_another = await shop.signed_in()
    await TokenStore(shop.database, shop.folder, "ours").remove(session.caller.token_id)
    shop.now.s += KNOWN_FOR_S
    assert await shop.sessions.opened(cookie) is None
    assert await shop.sessions.opened(second) is None
    assert await shop.sessions.opened(of_another) is not None


async def test_a_token_that_went_while_signing_in_opens_nothing(shop: Shop) -> None:
    session, _ = await shop.signed_in()
    await shop.tokens.remove(session.caller.token_id)
    _, header = await shop.sessions.begin(session.caller, secure=False)
    assert await shop.sessions.opened(header.partition("=")[2].partition(";")[0]) is None


async def test_each_shop_keeps_to_itself(shop: Shop) -> None:
    (ours, our_cookie), (theirs, their_cookie) = [await shop.signed_in("admin", tenant) for tenant in ("", "theirs")]
    assert ours.caller == Caller("admin", "ours", "somebody", ours.caller.token_id, here=True)
    assert theirs.caller == Caller("admin", "theirs", "somebody", theirs.caller.token_id, here=False)
    assert (await shop.sessions.opened(their_cookie)) == theirs
    assert not theirs.is_csrf(ours.csrf)
    # The same database, as the daemon of the other shop sees it.
    elsewhere = Sessions(TokenStore(shop.database, shop.folder / "theirs", "theirs"), shop.now)
    for cookie, here in ((our_cookie, False), (their_cookie, True)):
        opened = await elsewhere.opened(cookie)
        assert opened is not None
        assert opened.caller.here is here


async def test_another_machine_s_cookie(shop: Shop, tmp_path: Path) -> None:
    """Both call their own token by the same name."""
    elsewhere = TokenStore(None, tmp_path / "elsewhere", "ours")
    caller = await elsewhere.check(elsewhere.file.token())
    assert caller is not None
    _, header = await Sessions(elsewhere, shop.now).begin(caller, secure=False)
    shop.tokens.file.token()
    assert await shop.sessions.opened(header.partition("=")[2].partition(";")[0]) is None
