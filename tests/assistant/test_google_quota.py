"""The real Google client, a server on loopback and the real account: what is sent never passes the month's amount."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest

from assistant.quota import CloudQuota
from assistant.storage.database import Database
from pipeline.errors import ProviderError, QuotaExceeded
from pipeline.speech import Voice
from providers.tts.google import NAME, GoogleSynthesizer, Settings
from tests.fakes.google_tts import FakeGoogle

pytestmark = pytest.mark.unit

VOICE = Voice("en-US-Standard-C", "en")
AT_ONCE = 50


def text(number: int) -> str:
    """No two customers ask the same; some of what they hear has letters of two bytes."""
    return f"Olé, number {number}." + " Please." * (number % 3)


def sent(google: FakeGoogle) -> int:
    """Bytes of text that reached the server."""
    return sum(len(request.input.text.encode()) for request in google.requests)


async def outcome(voice: GoogleSynthesizer, number: int) -> str:
    """The code of the error, "" where it spoke."""
    try:
        chunks = [chunk async for chunk in voice.synthesize(text(number), VOICE)]
    except ProviderError as error:
        return error.code
    assert chunks
    return ""


async def test_fifty_at_once_at_the_limit(tmp_path: Path) -> None:
    limit = 10_000
    begun = limit - 300
    async with FakeGoogle() as google, Database(tmp_path / "assistant.db") as database:
        settings = Settings(endpoint=google.endpoint, free_characters=limit)
        await CloudQuota(database).reserve(NAME, "standard", begun, limit)
        # Two voices, as the daemon and a command beside it have.
        async with (
            GoogleSynthesizer(settings, tmp_path, CloudQuota(database)) as one,
            GoogleSynthesizer(settings, tmp_path, CloudQuota(database)) as other,
        ):
            outcomes = await asyncio.gather(*(outcome((one, other)[n % 2], n) for n in range(AT_ONCE)))
        assert set(outcomes) == {"", QuotaExceeded.code}
        assert begun + sent(google) <= limit
        assert len(google.requests) == outcomes.count("") > 5
        _, spent = await CloudQuota(database).spent(NAME)
        assert spent == {"standard": begun + sent(google)}
        shortest_refused = min(len(text(n).encode()) for n, code in enumerate(outcomes) if code)
        assert spent["standard"] + shortest_refused > limit, "and what is left is too little for whoever was refused"


async def test_what_google_refused_can_be_spent_by_others(tmp_path: Path) -> None:
    """Too many requests at once are not billed: after that storm the whole amount is there."""
    limit = sum(len(text(number).encode()) for number in range(AT_ONCE))
    async with FakeGoogle() as google, Database(tmp_path / "assistant.db") as database:
        settings = Settings(endpoint=google.endpoint, free_characters=limit)
        async with GoogleSynthesizer(settings, tmp_path, CloudQuota(database)) as voice:
            google.status = grpc.StatusCode.RESOURCE_EXHAUSTED
            outcomes = await asyncio.gather(*(outcome(voice, number) for number in range(AT_ONCE)))
            assert set(outcomes) == {"too_many_requests"}
            google.status = None
            google.requests.clear()
            assert set(await asyncio.gather(*(outcome(voice, number) for number in range(AT_ONCE)))) == {""}
            assert await outcome(voice, 0) == QuotaExceeded.code
        assert sent(google) == limit
