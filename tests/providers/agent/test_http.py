"""The webhook agent against a real server."""

from __future__ import annotations

import json
import logging
from base64 import b64decode
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.errors import ProviderError, SettingsError
from providers.agent import http
from providers.registry import Resources
from tests.fakes.web_server import Answering, Request, Script, WebServer
from tests.providers.agent.asking import pieces

pytestmark = pytest.mark.unit


def replies(body: str | bytes, content_type: str = "application/json", status: str = "200 OK") -> Script:
    async def script(request: Request, answering: Answering) -> None:
        await answering.whole(body, content_type, status)

    return script


async def answer(script: Script, **settings: Any) -> list[str]:
    async with WebServer(script) as server:
        chosen = http.Settings(url=server.url + "/ask?shop=3", **settings)
        async with http.create(chosen, Resources(models=None)) as agent:
            return await pieces(agent, "where is zanzibar")


async def test_headers_and_body_reach_the_webhook() -> None:
    seen: list[Request] = []

    async def script(request: Request, answering: Answering) -> None:
        seen.append(request)
        await answering.whole('{"text": "Yes."}', "application/json; charset=utf-8")

    assert await answer(script, headers={"X-Shop": "s3cret"}) == ["Yes."]
    assert seen[0].path == "/ask?shop=3"
    assert seen[0].headers["x-shop"] == "s3cret"
    assert seen[0].headers["content-type"] == "application/json"
    assert seen[0].json["text"] == "where is zanzibar"


async def test_lines_of_json_are_pieces() -> None:
    body = '{"text": "We close "}\n\n{"text": "at nine."}'
    assert await answer(replies(body, "application/x-ndjson")) == ["We close ", "at nine."]


async def test_plain_text_is_handed_on_as_it_comes() -> None:
    async def script(request: Request, answering: Answering) -> None:
        await answering.head("text/plain")
        for byte in "Grüße!\nBis später.".encode():
            await answering.chunk(bytes([byte]))
        await answering.end()

    assert "".join(await answer(script)) == "Grüße!\nBis später."


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (replies('{"text": ""}'), "answered nothing"),
        (replies("", "text/plain"), "answered nothing"),
        (replies("", "", "204 No Content"), "answered nothing"),
        (replies("{"), "broken JSON"),
        (replies(b"\xff"), "broken JSON"),
        (replies('{"txt": "x"}'), "JSON without a text"),
        (replies('{"text": 5}'), "JSON without a text"),
        (replies("[]"), "JSON without a text"),
        (replies('{"error": "no stock of zanzibar"}'), "told by its webhook: no stock of …"),
        (replies("<html>", "text/html"), r"\(text/html\). It must be one of"),
        (replies("x", ""), "no content type"),
        (replies(json.dumps({"text": "x" * 1_200_000})), "more than 1000000 bytes"),
        (replies("", status="401 Unauthorized"), "HTTP 401. Check the key"),
        (replies("where is zanzibar?", status="500 Oops"), "HTTP 500. Look at the server's log"),
    ],
)
async def test_broken_answers(script: Script, message: str) -> None:
    with pytest.raises(ProviderError, match=message) as caught:
        await answer(script)
    assert "zanzibar" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/", "http://[bad/", "127.0.0.1:80", "ftp://x/", "http://", ""])
def test_addresses_that_cannot_be_are_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="must be an address"):
        http.Settings(url=url)


@pytest.mark.parametrize("header", ["two\nlines", "ünicode"])
async def test_headers_that_cannot_be_sent(header: str) -> None:
    with pytest.raises(SettingsError, match=r"'X-Shop'.*cannot be sent") as caught:
        await answer(replies('{"text": "Yes."}'), headers={"X-Shop": header})
    assert header not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    assert "s3cret" not in repr(http.Settings(url="http://x/", headers={"Authorization": "s3cret"}))


def test_user_and_password_are_not_shown() -> None:
    chosen = http.Settings(url="http://till:s3cret@x/a@b?c=d@e", proxy="http://till:s3cret@proxy:3128")
    assert "s3cret" not in repr(chosen)
    shown = json.loads(chosen.model_dump_json())
    assert (shown["url"], shown["proxy"]) == ("http://***@x/a@b?c=d@e", "http://***@proxy:3128")


@pytest.mark.parametrize(
    "url", ["ftp://till:s3cret@x/", "till:s3cret@x", "http://till:s3/cret@x:y/", "http://till:s3cret@[x"]
)
def test_what_is_refused_is_told_without_the_password(url: str) -> None:
    with pytest.raises(ValidationError, match="must be an address") as caught:
        http.Settings(url=url)
    assert "s3" not in str(caught.value)
    assert "***@" in str(caught.value)


@pytest.mark.parametrize("status", ["500 Oops", "407 Proxy Authentication Required"])
async def test_the_password_reaches_the_webhook_and_no_message(status: str, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Request] = []

    async def script(request: Request, answering: Answering) -> None:
        seen.append(request)
        await answering.whole("", "application/json", status)

    caplog.set_level(logging.DEBUG)
    async with WebServer(script) as server:
        url = server.url.replace("//", "//till:s3%40cret@") + "/ask"
        async with http.create(http.Settings(url=url), Resources(models=None)) as agent:
            with pytest.raises(ProviderError, match="HTTP ") as caught:
                await pieces(agent, "where is zanzibar")
    assert b64decode(seen[0].headers["authorization"].removeprefix("Basic ")) == b"till:s3@cret"
    assert "cret" not in str(caught.value) + caplog.text


@pytest.mark.parametrize("setting", ["url", "proxy"])
async def test_the_password_of_what_cannot_be_reached_is_not_told(setting: str) -> None:
    there = {"url": "http://127.0.0.1:9/", setting: "http://till:s3cret@127.0.0.1:9/"}
    async with http.create(http.Settings(**there), Resources(models=None)) as agent:
        with pytest.raises(ProviderError, match=r"cannot reach http://127\.0\.0\.1:9/") as caught:
            await pieces(agent, "where is zanzibar")
    assert "s3cret" not in str(caught.value)
