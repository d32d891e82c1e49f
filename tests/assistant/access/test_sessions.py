"""Sessions: nobody can make one, change one, or use one whose token has gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.access.sessions import COOKIE, LASTS_S, Session, Sessions
from assistant.access.tokens import Caller, TokenStore
from tests.pipeline.scene import Clock

pytestmark = pytest.mark.unit


class Shop:
    """Tokens, sessions and the time."""

    def __init__(self, folder: Path) -> None:
        self.now = Clock()
        self.now.s = 1_800_000_000.0
        self.tokens = TokenStore(None, folder, "ours", clock=Clock())
        self.sessions = Sessions(self.tokens, self.now)

    async def caller(self) -> Caller:
        found = await self.tokens.check(self.tokens.file.token())
        assert found is not None
        return found

    async def begin(self, *, secure: bool = False) -> tuple[Session, str, str]:
        """The session, the cookie's value, and the header's flags."""
        session, header = await self.sessions.begin(await self.caller(), secure=secure)
        cookie, _, flags = header.partition("; ")
        name, _, value = cookie.partition("=")
        assert name == COOKIE
        return session, value, flags


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


async def test_a_cookie_says_who_it_is_and_scripts_cannot_read_it(shop: Shop) -> None:
    session, cookie, flags = await shop.begin()
    opened = await shop.sessions.opened(cookie)
    assert opened == session
    assert opened.caller == await shop.caller()
    assert flags == f"Path=/; Max-Age={LASTS_S['admin']}; HttpOnly; SameSite=Strict"
    assert (await shop.begin(secure=True))[2].endswith("; Secure")
    assert shop.tokens.file.token() not in cookie


async def test_no_character_of_it_can_be_changed(shop: Shop) -> None:
    _, cookie, _ = await shop.begin()
    for place, old in enumerate(cookie):
        for new in {"0", "a", ".", "-"} - {old}:
            assert await shop.sessions.opened(cookie[:place] + new + cookie[place + 1 :]) is None
        assert await shop.sessions.opened(cookie[:place] + cookie[place + 1 :]) is None


@pytest.mark.parametrize(
    "cookie", ["", "v1", "v1....", "x" * 10_000, "v1.installation.9999999999.AAAAAAAAAAAAAAAA." + "0" * 64]
)
async def test_whatever_else_comes_is_no_session(cookie: str, shop: Shop) -> None:
    shop.tokens.file.token()
    assert await shop.sessions.opened(cookie) is None


async def test_it_ends_and_is_renewed_before(shop: Shop) -> None:
    _, cookie, _ = await shop.begin()
    shop.now.s += LASTS_S["admin"] / 2 - 1
    opened = await shop.sessions.opened(cookie)
    assert opened is not None
    assert not opened.renew
    shop.now.s += 2
    opened = await shop.sessions.opened(cookie)
    assert opened is not None
    assert opened.renew
    shop.now.s += LASTS_S["admin"] / 2
    assert await shop.sessions.opened(cookie) is None


async def test_a_clock_that_is_set_back_signs_nobody_out_and_gives_nobody_a_longer_session(shop: Shop) -> None:
    _, cookie, _ = await shop.begin()
    shop.now.s -= 80 * 365 * 86400
    opened = await shop.sessions.opened(cookie)
    assert opened is not None
    assert opened.renew, "the browser gets one that ends by the right clock"


async def test_it_ends_with_its_token_and_survives_a_restart(shop: Shop, tmp_path: Path) -> None:
    _, cookie, _ = await shop.begin()
    restarted = Sessions(TokenStore(None, tmp_path, "ours"), shop.now)
    assert await restarted.opened(cookie) is not None
    shop.tokens.file.renew()
    assert await shop.sessions.opened(cookie) is None
    assert await restarted.opened(cookie) is None


async def test_csrf_is_the_tokens_own_and_cannot_be_guessed(shop: Shop) -> None:
    session, _, _ = await shop.begin()
    again, _, _ = await shop.begin()
    assert session.csrf == again.csrf
    assert session.is_csrf(session.csrf)
    for wrong in ("", session.csrf[:-1], session.csrf.upper() + "x", "é" * 64, "\udc80"):
        assert not session.is_csrf(wrong)
    shop.tokens.file.renew()
    assert (await shop.begin())[0].csrf != session.csrf
