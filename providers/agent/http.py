"""Asks a webhook: JSON in; JSON, lines of JSON or plain text out. docs/agents.md tells the contract."""

from __future__ import annotations

import codecs
import json
from collections.abc import AsyncGenerator, Sequence

from pydantic import Field, SecretStr

from pipeline.errors import ProviderError
from pipeline.protocols import Capabilities
from pipeline.speech import Exchange, Personality, Transcript
from providers.agent.limits import limited
from providers.agent.request import as_json, complaint
from providers.agent.web import Answer, Complaint, WebAddress, WebAgent, WebClient, WebSettings, lines, whole
from providers.registry import Resources

_ACCEPT = "application/json, application/x-ndjson, text/plain"


class Settings(WebSettings):
    """Settings of the ``http`` agent."""

    url: WebAddress = Field(repr=False)
    """Address that takes the question by POST, such as ``http://127.0.0.1:8000/answer``."""

    headers: dict[str, SecretStr] = Field(default_factory=dict)
    """Further headers of the request by name, such as ``Authorization: Bearer ${SHOP_TOKEN}``."""


class HttpAgent(WebAgent):
    """Posts each question and hands on what comes back, as it comes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        super().__init__(WebClient("http", settings.url, headers, settings.proxy))

    @property
    def capabilities(self) -> Capabilities:
        """Streams where the webhook does; needs the network unless the webhook is on this machine."""
        return Capabilities(name="http", streams=True, needs_network=not self._web.local)

    def reply(
        self, transcript: Transcript, personality: Personality, history: Sequence[Exchange]
    ) -> AsyncGenerator[str, None]:
        """Text as the webhook sends it."""
        return limited("http", self._answered(transcript, personality, history), self._settings)

    def phrases(self, personality: Personality, language: str) -> Sequence[str]:
        """None: its answers are not known beforehand."""
        return ()

    async def _answered(
        self, transcript: Transcript, personality: Personality, history: Sequence[Exchange]
    ) -> AsyncGenerator[str, None]:
        async with self._web.post(as_json(transcript, personality, history), _ACCEPT) as answer:
            if not 200 <= answer.status < 300:
                raise self._web.refused(answer.status, "")
            async for text in _texts(answer):
                if isinstance(text, Complaint):
                    said = complaint(text, transcript, history)
                    raise ProviderError(f"The agent 'http' was told by its webhook: {said}")
                yield text


async def _texts(answer: Answer) -> AsyncGenerator[str, None]:
    if answer.content_type == "application/json":
        yield _text(await whole(answer.body, "http"))
    elif answer.content_type in ("application/x-ndjson", "application/jsonl"):
        async for line in lines(answer.body, "http"):
            if line.strip():
                yield _text(line)
    elif answer.content_type == "text/plain":
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        async for data in answer.body:
            yield decoder.decode(data)
    elif answer.status != 204:
        kind = answer.content_type or "no content type"
        raise ProviderError(
            f"The agent 'http' cannot read its webhook's answer ({kind}).",
            remedy=f"It must be one of {_ACCEPT}.",
            retryable=False,
        )


def _text(document: str | bytes) -> str:
    """``text`` of an object, or its ``error``."""
    try:
        value = json.loads(document)
    except ValueError as error:
        raise ProviderError("The agent 'http' got broken JSON from its webhook.") from error
    if isinstance(value, dict) and isinstance(value.get("error"), str):
        return Complaint(value["error"])
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        return str(value["text"])
    raise ProviderError(
        "The agent 'http' got JSON without a text from its webhook.", remedy='It must look like {"text": "…"}.'
    )


def create(settings: Settings, resources: Resources) -> HttpAgent:
    """An agent that asks a webhook."""
    return HttpAgent(settings)
