"""Asks a language model behind an OpenAI-compatible server (Ollama, llama.cpp, vLLM, …), streaming.

The protocol is the streamed ``POST /chat/completions`` of https://platform.openai.com/docs/api-reference/chat.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from pydantic import Field, SecretStr

from pipeline.errors import ProviderError
from pipeline.protocols import Capabilities
from pipeline.speech import Exchange, Personality, Transcript
from providers.agent.limits import limited
from providers.agent.request import complaint
from providers.agent.thoughts import ThoughtFilter
from providers.agent.web import Answer, Complaint, WebAddress, WebAgent, WebClient, WebSettings, lines, whole
from providers.registry import Resources

_INSTRUCTIONS = (
    "You are {name}, a voice assistant in a shop. Your words are spoken aloud: answer in one to three short sentences "
    "of plain text, without lists, Markdown, links or emoji. Say so when you do not know something; never invent "
    "prices, places or opening hours. Answer in the language with the ISO 639-1 code {language!r}."
)


class Settings(WebSettings):
    """Settings of the ``openai`` agent."""

    base_url: WebAddress = Field(default="http://127.0.0.1:11434/v1", repr=False)
    """Address of the server up to ``/v1``. The default is Ollama on this machine; llama.cpp's server listens at
    ``http://127.0.0.1:8080/v1``, vLLM at ``http://127.0.0.1:8000/v1``."""

    model: str = Field(min_length=1)
    """Name of the model as the server knows it, such as ``llama3.2:3b``."""

    api_key: SecretStr = SecretStr("")
    """Key of the server, such as ``${OPENAI_API_KEY}``; empty sends none."""

    instructions: str = ""
    """Told to the model after the personality's prompt: facts about the shop, manners."""

    temperature: float = Field(0.3, ge=0, le=2)
    """0 to 2: 0 always takes the likeliest word, above 1 answers become erratic."""

    max_tokens: int = Field(300, ge=1, le=8192)
    """Tokens of the longest answer, 1 to 8192; about three quarters of a word each. A model that thinks first needs
    more."""

    history_exchanges: int = Field(6, ge=0, le=100)
    """How many of the last questions and answers the model is told, 0 to 100; each makes it slower to begin."""

    options: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request, such as ``top_p: 0.9`` or ``reasoning_effort: none``."""


class OpenAiAgent(WebAgent):
    """Hands on a language model's words as they come; what it thinks between ``<think>`` tags is not said."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        key = settings.api_key.get_secret_value()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        super().__init__(
            WebClient("openai", settings.base_url.rstrip("/") + "/chat/completions", headers, settings.proxy)
        )

    @property
    def capabilities(self) -> Capabilities:
        """Streams; needs the network unless the server is on this machine."""
        return Capabilities(name="openai", streams=True, needs_network=not self._web.local)

    def reply(
        self, transcript: Transcript, personality: Personality, history: Sequence[Exchange]
    ) -> AsyncGenerator[str, None]:
        """Words as the model writes them."""
        return limited("openai", self._written(transcript, personality, history), self._settings)

    def phrases(self, personality: Personality, language: str) -> Sequence[str]:
        """None: its answers are not known beforehand."""
        return ()

    async def _written(
        self, transcript: Transcript, personality: Personality, history: Sequence[Exchange]
    ) -> AsyncGenerator[str, None]:
        request = json.dumps(self._request(transcript, personality, history), ensure_ascii=False).encode()
        thoughts = ThoughtFilter()
        async with self._web.post(request, "text/event-stream") as answer:
            if not 200 <= answer.status < 300:
                raise self._refused(answer.status, complaint(await _reason(answer), transcript, history))
            async for text in _texts(answer):
                if isinstance(text, Complaint):
                    said = complaint(text, transcript, history)
                    raise ProviderError(f"The agent 'openai' was told by its server: {said}")
                yield thoughts.take(text)
        yield thoughts.rest()

    def _request(self, transcript: Transcript, personality: Personality, history: Sequence[Exchange]) -> dict[str, Any]:
        parts = [_INSTRUCTIONS.format(name=personality.name, language=transcript.language)]
        parts += [part for part in (personality.prompt, self._settings.instructions) if part]
        messages = [{"role": "system", "content": "\n\n".join(parts)}]
        for exchange in history[len(history) - min(len(history), self._settings.history_exchanges) :]:
            if exchange.heard_text:  # many chat templates refuse two questions in a row
                messages.append({"role": "user", "content": exchange.customer_text})
                messages.append({"role": "assistant", "content": exchange.heard_text})
        messages.append({"role": "user", "content": transcript.text})
        return {
            "model": self._settings.model,
            "messages": messages,
            "temperature": self._settings.temperature,
            "max_tokens": self._settings.max_tokens,
            **self._settings.options,
            "stream": True,
        }

    def _refused(self, status: int, reason: str) -> ProviderError:
        remedies = {
            401: "Check `api_key:` of the agent.",
            403: "Check `api_key:` of the agent.",
            404: f"Does the server know the model {self._settings.model!r}, and does `base_url:` end in /v1?",
        }
        return self._web.refused(status, reason, remedies.get(status, ""))


async def _texts(answer: Answer) -> AsyncGenerator[str, None]:
    """Parts of the answer; a ``Complaint`` where the server reports a failure instead."""
    if answer.content_type == "application/json":  # a server that does not stream
        yield _text(await whole(answer.body, "openai"), "message")[0]
        return
    finished = False
    async for line in lines(answer.body, "openai"):
        field, _, value = line.partition(":")
        if field == "error":  # llama.cpp's way to report one
            yield Complaint(value.strip())
        if field != "data":  # comments that keep the connection open, names of events
            continue
        if value.strip() == "[DONE]":
            return
        text, last = _text(value, "delta")
        finished = finished or last
        yield text
    if not finished:
        raise ProviderError("The agent 'openai' lost its server in the middle of the answer.")


def _text(document: str | bytes, part: str) -> tuple[str, bool]:
    """Text of a chunk ("" where it has none) and whether the answer ends with it."""
    try:
        chunk = json.loads(document)
    except ValueError as error:
        raise ProviderError("The agent 'openai' got broken JSON from its server.") from error
    if not isinstance(chunk, dict):
        raise _unexpected()
    if chunk.get("error"):
        return Complaint(_error_text(chunk["error"])), True
    choices = chunk.get("choices")
    if choices in (None, []):  # counts of tokens
        return "", False
    try:
        content = (choices[0].get(part) or {}).get("content")
        return str(content or ""), bool(choices[0].get("finish_reason"))
    except (TypeError, AttributeError, LookupError) as error:
        raise _unexpected() from error


async def _reason(answer: Answer) -> str:
    """What the server says about its refusal."""
    body = (await whole(answer.body, "openai")).decode(errors="replace")
    try:
        document = json.loads(body)
    except ValueError:
        return "" if answer.content_type == "text/html" else body
    return _error_text(document.get("error", document)) if isinstance(document, dict) else ""


def _error_text(error: Any) -> str:
    message = error.get("message") if isinstance(error, dict) else error
    return str(message or "no reason given")


def _unexpected() -> ProviderError:
    return ProviderError(
        "The agent 'openai' does not understand its server's answer.",
        remedy="Is `base_url:` that of an OpenAI-compatible server?",
    )


def create(settings: Settings, resources: Resources) -> OpenAiAgent:
    """An agent that asks a language model."""
    return OpenAiAgent(settings)
