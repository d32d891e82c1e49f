"""The language model agent against a real streaming server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.errors import ProviderError
from pipeline.speech import Exchange, Personality, Transcript
from providers.agent import openai
from providers.registry import Resources
from tests.fakes.web_server import Answering, Request, Script, WebServer
from tests.providers.agent.asking import pieces

pytestmark = pytest.mark.unit

DONE = "data: [DONE]\n\n"


def delta(text: str | None, finish: str | None = None) -> str:
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}
    return "data: " + json.dumps({"object": "chat.completion.chunk", "choices": [choice]}, ensure_ascii=False) + "\n\n"


def streamed(*chunks: str | bytes, end: bool = True) -> Script:
    async def script(request: Request, answering: Answering) -> None:
        await answering.head("text/event-stream; charset=utf-8")
        for chunk in chunks:
            await answering.chunk(chunk)
        await answering.end() if end else answering.break_off()

    return script


def refusal(status: str, body: Any, content_type: str = "application/json") -> Script:
    async def script(request: Request, answering: Answering) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        await answering.whole(text, content_type, status)

    return script


@asynccontextmanager
async def served(script: Script, **settings: Any) -> AsyncIterator[tuple[openai.OpenAiAgent, WebServer]]:
    async with WebServer(script) as server:
        chosen = openai.Settings(base_url=server.url + "/v1", model="tiny", **settings)
        async with openai.create(chosen, Resources(models=None)) as agent:
            yield agent, server


async def answer(script: Script, text: str = "hello", **settings: Any) -> str:
    async with served(script, **settings) as (agent, _):
        return "".join(await pieces(agent, text))


async def test_the_request_is_that_of_the_protocol() -> None:
    script = streamed(delta("Yes."), DONE)
    settings = {"api_key": "s3cret", "instructions": "Milk is free.", "options": {"top_p": 0.5}, "max_tokens": 50}
    async with served(script, history_exchanges=2, temperature=0, **settings) as (agent, server):
        history = [Exchange("a", "b"), Exchange("c", ""), Exchange("d", "e")]
        await pieces(agent, "hello", history=history, prompt="You sell zithers.")
    request = server.requests[0]
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer s3cret"
    body = request.json
    system, *rest = body.pop("messages")
    assert body == {"model": "tiny", "temperature": 0, "max_tokens": 50, "top_p": 0.5, "stream": True}
    assert system["role"] == "system"
    assert system["content"].startswith("You are Ava") and "'en'" in system["content"]
    assert system["content"].endswith("You sell zithers.\n\nMilk is free.")
    assert [(one["role"], one["content"]) for one in rest] == [("user", "d"), ("assistant", "e"), ("user", "hello")]


async def test_no_key_is_no_header() -> None:
    async with served(streamed(delta("Yes."), DONE)) as (agent, server):
        await pieces(agent)
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
async def test_text_survives_any_cut_of_the_stream(size: int) -> None:
    whole = "".join(
        [
            ": keep the connection open\n\n",
            "event: message\n",
            delta(None),
            delta("Grüß "),
            delta("Gott,\u2028 "),
            'data: {"choices": [], "usage": {"total_tokens": 3}}\r\n\r\n',
            delta("<think>hm, a <b>"),
            delta("</think>it is 5 €."),
            delta("", "stop"),
            DONE,
            delta("too late"),
        ]
    ).encode()
    chunks = [whole[n : n + size] for n in range(0, len(whole), size)]
    assert await answer(streamed(*chunks)) == "Grüß Gott,\u2028 it is 5 €."


async def test_words_come_before_the_answer_is_finished() -> None:
    go_on = asyncio.Event()

    async def script(request: Request, answering: Answering) -> None:
        await answering.head()
        await answering.chunk(delta("One. "))
        await go_on.wait()
        await answering.chunk(delta("Two.") + DONE)
        await answering.end()

    async with served(script) as (agent, _):
        transcript = Transcript("hello", "en", 1, "fake", 0)
        async with aclosing(agent.reply(transcript, Personality("Ava"), ())) as reply:
            assert await anext(reply) == "One. "
            go_on.set()
            assert [piece async for piece in reply] == ["Two."]


async def test_an_end_without_done_is_one_where_the_model_said_so() -> None:
    assert await answer(streamed(delta("Yes."), delta("", "length"))) == "Yes."


async def test_a_server_that_does_not_stream() -> None:
    async def script(request: Request, answering: Answering) -> None:
        await answering.whole(json.dumps({"choices": [{"message": {"content": "<think>x</think>Yes."}}]}))

    assert await answer(script) == "Yes."


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (streamed(delta("We")), "in the middle of the answer"),
        (streamed(delta("We"), end=False), "lost its server"),
        (streamed(delta(None, "stop"), DONE), "answered nothing"),
        (streamed(delta("<think>and so on"), DONE), "answered nothing"),
        (streamed("data: {broken\n\n"), "broken JSON"),
        (streamed("data: 5\n\n"), "does not understand"),
        (streamed('data: {"choices": [5]}\n\n'), "does not understand"),
        (streamed('data: {"choices": {}}\n\n'), "does not understand"),
        (streamed("<html>\n" * 100), "in the middle of the answer"),
        (streamed(b"data: \xff\xfe\n\n"), "broken JSON"),
        (streamed(b"x" * 1_200_000), "more than 1000000 bytes"),
        (streamed('data: {"error": {"message": "out of memory"}}\n\n'), "told by its server: out of memory"),
        (streamed('error: {"code": 500, "message": "no slot"}\n\n'), "no slot"),
        (refusal("200 OK", "[]"), "does not understand"),
        (refusal("200 OK", "x" * 1_200_000), "more than 1000000 bytes"),
    ],
)
async def test_broken_answers(script: Script, message: str) -> None:
    with pytest.raises(ProviderError, match=message):
        await answer(script)


@pytest.mark.parametrize(
    ("status", "body", "message", "retryable"),
    [
        ("401 Unauthorized", {"error": {"message": "bad key"}}, r"HTTP 401 \(bad key\)\. Check `api_key:`", False),
        ("403 Forbidden", {}, "Check `api_key:`", False),
        ("404 Not Found", {"error": "model 'tiny' not found"}, "Does the server know the model 'tiny'", False),
        ("404 Not Found", "404 page not found", "does `base_url:` end in /v1", False),
        ("429 Too Many Requests", {"error": {"message": "slow down"}}, "quota", True),
        ("500 Internal Server Error", "<html>", "HTTP 500.*server's log", True),
        ("503 Service Unavailable", {"detail": "loading"}, "HTTP 503", True),
        ("302 Found", "", "HTTP 302", False),
    ],
)
async def test_refusals_say_what_to_do(status: str, body: Any, message: str, retryable: bool) -> None:
    with pytest.raises(ProviderError, match=message) as caught:
        await answer(refusal(status, body))
    assert caught.value.retryable is retryable


async def test_a_refusal_does_not_repeat_the_customer() -> None:
    with pytest.raises(ProviderError) as caught:
        await answer(refusal("400 Bad Request", {"error": {"message": "bad: where is zanzibar"}}), "where is Zanzibar")
    assert "zanzibar" not in str(caught.value).lower()
    assert "bad: …" in str(caught.value)


async def test_no_server() -> None:
    async with WebServer(streamed()) as server:
        url = server.url
    settings = openai.Settings(base_url=url, model="tiny")
    async with openai.create(settings, Resources(models=None)) as agent:
        with pytest.raises(ProviderError, match="Is the server running") as caught:
            await pieces(agent)
    assert caught.value.retryable


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert await answer(streamed(delta("Yes."), DONE)) == "Yes."


def test_network_is_needed_only_for_other_machines() -> None:
    def needs(url: str) -> bool:
        agent = openai.create(openai.Settings(base_url=url, model="x"), Resources(models=None))
        return agent.capabilities.needs_network

    assert not any(map(needs, ["http://localhost:1/v1", "http://127.0.0.1/v1", "http://[::1]:8/v1"]))
    assert all(map(needs, ["https://api.example.com/v1", "http://192.168.0.4:8000/v1"]))


@pytest.mark.parametrize(
    "wrong",
    [{}, {"model": ""}, {"base_url": "localhost:1"}, {"temperature": 3}, {"timeout_s": 0}, {"modell": "x"}],
)
def test_settings_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        openai.Settings(**({"model": "x"} | wrong if wrong else {}))


def test_the_key_is_not_shown() -> None:
    assert "s3cret" not in repr(openai.Settings(model="x", api_key="s3cret"))
