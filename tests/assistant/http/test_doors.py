"""Who is let in, and who is not: every route, asked from outside."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.assistant.http.daemon import Daemon, Raw, head
from tests.assistant.http.who_may import ADMINISTER, ANYBODY, WATCH_AND_TALK, Route, filled, routes

pytestmark = pytest.mark.model

WRONG = "sa_" + "A" * 43

GUARDED = routes(WATCH_AND_TALK, ADMINISTER)


def refused(answer: httpx.Response | Raw, status: int, code: str, path: str = "") -> None:
    """A problem of that kind, in the form of its API."""
    assert (answer.status if isinstance(answer, Raw) else answer.status_code) == status
    told = answer.json()
    if path.startswith("/v1/"):
        assert set(told) == {"error"}
        assert told["error"]["code"] == code
        assert told["error"]["message"]
        return
    assert answer.headers["content-type"] == "application/problem+json"
    assert (told["status"], told["code"]) == (status, code)
    assert told["title"]
    assert told["detail"]
    assert told["remedy"]


HALF_A_DAY_S = 12 * 3600


def signed(token: str, ends_s: float, token_id: str = "installation") -> str:
    """A session's cookie as the daemon would sign it for that token."""
    text = f"v1.{token_id}.{int(ends_s)}.{'a' * 16}"
    key = hashlib.sha256(token.encode()).digest()
    return f"assistant_session={text}.{hmac.new(key, f'session {text}'.encode(), 'sha256').hexdigest()}"


def test_the_tables_of_these_tests_have_every_route(daemon: Daemon) -> None:
    paths = daemon.anybody.get("/openapi.json").json()["paths"]
    there = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert there == set(routes(ANYBODY, WATCH_AND_TALK, ADMINISTER))


@pytest.mark.parametrize("who", ["nobody", "wrong", "basic", "forged", "expired", "unsigned"])
def test_no_route_lets_in_whom_it_does_not_know(daemon: Daemon, who: str) -> None:
    later_s = time.time() + HALF_A_DAY_S
    headers = {
        "nobody": {},
        "wrong": {"Authorization": f"Bearer {WRONG}"},
        "basic": {"Authorization": "Basic YWRtaW46YWRtaW4="},
        "forged": {"Cookie": signed(WRONG, later_s)},
        "expired": {"Cookie": signed(daemon.admin, time.time() - 1)},
        "unsigned": {"Cookie": signed(daemon.admin, later_s)[:-1] + "g"},
    }[who]
    for number, (method, path) in enumerate(GUARDED):
        # Wrong tokens are counted by the address they come from.
        client = daemon.client(source=f"127.0.1.{number + 1}") if who in {"wrong", "basic"} else daemon.anybody
        answer = client.request(method, filled(path), headers=headers)
        refused(answer, 401, "unauthenticated", path)
        assert answer.headers["www-authenticate"] == "Bearer"


def test_the_cookies_above_are_refused_for_what_is_wrong_with_them(daemon: Daemon) -> None:
    cookie = {"Cookie": signed(daemon.admin, time.time() + HALF_A_DAY_S)}
    found = daemon.anybody.get("/api/turns", headers=cookie)
    assert found.status_code == 200
    assert "set-cookie" not in found.headers


def test_a_session_whose_time_is_half_over_is_renewed(daemon: Daemon) -> None:
    found = daemon.anybody.get("/api/turns", headers={"Cookie": signed(daemon.admin, time.time() + 3600)})
    fresh = found.headers["set-cookie"].partition(";")[0]
    assert int(fresh.split(".")[2]) == pytest.approx(time.time() + HALF_A_DAY_S, abs=60)
    assert daemon.anybody.get("/api/turns", headers={"Cookie": fresh}).status_code == 200


def test_nobody_is_told_of_a_session(daemon: Daemon) -> None:
    answer = daemon.anybody.get("/api/session")
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("route", routes(ADMINISTER), ids=" ".join)
def test_a_kiosk_does_not_administer(daemon: Daemon, route: Route) -> None:
    method, path = route
    refused(daemon.screen.request(method, filled(path)), 403, "forbidden")


@pytest.mark.parametrize("route", [one for one in routes(WATCH_AND_TALK) if one[1] != "/api/events"], ids=" ".join)
def test_a_kiosk_watches_and_talks(daemon: Daemon, route: Route) -> None:
    method, path = route
    assert daemon.screen.request(method, filled(path)).status_code in {200, 202, 204, 404, 415, 422}


def test_a_kiosk_is_told_little_of_the_machine(daemon: Daemon) -> None:
    assert set(daemon.screen.get("/api/status").json()) == {"state", "personality", "turn", "muted"}
    assert "microphone" in daemon.owner.get("/api/status").json()


def test_paths_that_look_alike_open_nothing(daemon: Daemon) -> None:
    for target in ("//api/turns", "/api//turns", "/api/turns/", "/API/turns", "/api/turns%2f", "/api/%74urns",
                   "/api/./turns", "/panel/../api/turns", "/panel/%2e%2e/api/turns", "/api/status/../turns",
                   "/api/status;/turns", "/api/turns?/healthz", "/api/turns%00", "/api/turns%0a", "/v1/../api/turns",
                   "/api/events%0a", "/kiosk/../api/turns", "/healthz/../api/turns"):  # fmt: skip
        for token in (None, daemon.kiosk):
            authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
            found = daemon.raw(head("GET", target, **authorization))
            assert found.status in {401, 403, 404}, target
            assert b'"turns"' not in found.body


@pytest.fixture
def browser(daemon: Daemon) -> Iterator[httpx.Client]:
    """Signed in as the owner, as the panel is."""
    with httpx.Client(base_url=daemon.address) as client:
        assert client.post("/api/session", json={"token": daemon.admin}).status_code == 200
        yield client


def test_the_session_s_cookie_is_kept_from_scripts_and_other_sites(daemon: Daemon) -> None:
    for token, seconds in ((daemon.admin, 12 * 3600), (daemon.kiosk, 400 * 24 * 3600)):
        answer = daemon.client().post("/api/session", json={"token": token})
        name, *flags = (part.strip() for part in answer.headers["set-cookie"].split(";"))
        assert name.startswith("assistant_session=v1.")
        assert {flag.lower() for flag in flags} == {"path=/", f"max-age={seconds}", "httponly", "samesite=strict"}
        assert token not in answer.text
        assert token not in answer.headers["set-cookie"]


def test_changes_by_cookie_take_the_csrf_header(daemon: Daemon, browser: httpx.Client) -> None:
    told = browser.get("/api/session").json()
    assert (told["role"], told["tenant"], told["here"]) == ("admin", "default", True)
    for method, path in GUARDED:
        if method == "GET":
            continue
        for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": "é"}):
            raw = {name: value.encode("latin-1") for name, value in headers.items()}
            refused(browser.request(method, filled(path), headers=raw), 403, "csrf", path)
    assert browser.post("/api/stop", headers={"X-CSRF-Token": told["csrf"]}).status_code == 202


def test_a_kiosk_s_csrf_header_is_not_an_administrator_s(daemon: Daemon, browser: httpx.Client) -> None:
    other = daemon.client()
    csrf = other.post("/api/session", json={"token": daemon.kiosk}).json()["csrf"]
    refused(browser.post("/api/stop", headers={"X-CSRF-Token": csrf}), 403, "csrf")


def test_whoever_signs_out_is_out(browser: httpx.Client) -> None:
    csrf = {"X-CSRF-Token": browser.get("/api/session").json()["csrf"]}
    gone = browser.delete("/api/session", headers=csrf)
    assert gone.status_code == 204
    assert "max-age=0" in gone.headers["set-cookie"].lower()
    assert not browser.cookies
    assert browser.get("/api/session").status_code == 204
    refused(browser.get("/api/turns"), 401, "unauthenticated")


def test_a_wrong_token_cannot_sign_in(daemon: Daemon) -> None:
    client = daemon.client(source="127.0.2.1")
    refused(client.post("/api/session", json={"token": WRONG}), 401, "unauthenticated")
    for body in ({}, {"token": ""}, {"token": "x" * 201}, {"token": None}, {"token": [daemon.admin]},
                 {"token": daemon.admin, "role": "admin"}):  # fmt: skip
        answer = client.post("/api/session", json=body)
        refused(answer, 422, "invalid")
        assert daemon.admin not in answer.text
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("by", ["bearer", "sign in"])
def test_tokens_cannot_be_tried_out(daemon: Daemon, by: str) -> None:
    source = "127.0.3.1" if by == "bearer" else "127.0.3.2"
    client = daemon.client(source=source)

    def attempt(token: str) -> httpx.Response:
        if by == "bearer":
            return client.get("/api/turns", headers={"Authorization": f"Bearer {token}"})
        return client.post("/api/session", json={"token": token})

    statuses = [attempt(f"sa_{number:043d}").status_code for number in range(30)]
    assert statuses[:10] == [401] * 10
    assert statuses.count(401) <= 12
    assert set(statuses[12:]) == {429}
    blocked = attempt(f"sa_{99:043d}")
    refused(blocked, 429, "too_many")
    assert 1 <= int(blocked.headers["retry-after"]) <= 60
    assert re.search(r"\d+ s", blocked.json()["remedy"])
    # Nobody is shut out by it: neither a program with the right token, here or elsewhere, nor the panel.
    assert attempt(daemon.admin).status_code == 200
    assert daemon.client(daemon.admin, source="127.0.3.3").get("/api/turns").status_code == 200
    cookie = {"Cookie": signed(daemon.admin, time.time() + HALF_A_DAY_S)}
    assert client.get("/api/turns", headers=cookie).status_code == 200


def test_an_address_that_a_caller_claims_is_not_believed(daemon: Daemon) -> None:
    client = daemon.client(source="127.0.3.4")
    statuses = []
    for number in range(20):
        headers = {"Authorization": f"Bearer {WRONG}", "X-Forwarded-For": f"10.0.0.{number}",
                   "X-Real-IP": f"10.0.0.{number}", "Forwarded": f"for=10.0.0.{number}"}  # fmt: skip
        statuses.append(client.get("/api/turns", headers=headers).status_code)
    assert statuses[-1] == 429


def test_no_secret_is_logged(daemon: Daemon) -> None:
    cookie = signed(daemon.admin, time.time() + HALF_A_DAY_S)
    client = daemon.client(source="127.0.4.1")
    for headers in ({"Authorization": f"Bearer {daemon.admin}x"}, {"Authorization": daemon.admin}, {"Cookie": cookie}):
        client.get(f"/api/turns?token={daemon.admin}", headers=headers)
        client.get(f"/{daemon.admin}", headers=headers)
        client.post("/api/say", headers=headers, content=daemon.admin.encode())
    daemon.raw(f"{daemon.admin} nonsense\r\nAuthorization: Bearer {daemon.admin}\r\n\r\n")
    daemon.raw(head("GET", "/api/turns", Authorization=f"Bearer {daemon.admin}", Upgrade="websocket",
                    Connection="Upgrade"))  # fmt: skip
    log = daemon.log
    for secret in (daemon.admin, cookie.rpartition(".")[2], "sa_"):
        assert secret not in log
