"""Answers that are sound: streamed while it is made, whole where it is there already."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from functools import partial
from itertools import groupby
from types import TracebackType
from typing import Literal, Self

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from assistant.audio_encoding import Encoder, encoder
from assistant.http.recitals import Recital
from pipeline.audio import AudioChunk, joined
from pipeline.fallback import Rendering
from pipeline.speech import Personality
from providers.model_worker import ModelWorker

Format = Literal["wav", "opus", "mp3", "flac", "aac", "pcm"]
"""How sound is sent: WAV, Ogg Opus, MP3, FLAC, AAC (ADTS), or bare samples (s16le, one channel)."""

WHOLE_S = 0.02
"""Seconds to wait for the rest of what begins in the cache."""

CHEAP = frozenset({"wav", "pcm"})
"""Formats that take no codec."""

NOT_FOR_HEADERS = re.compile(r"[^\x20-\x7e]")


def told(rendering: Rendering, rate_hz: int, who: Personality) -> dict[str, str]:
    """Who speaks, in headers."""
    values = {
        "X-Voice-Provider": rendering.provider,
        "X-Voice-Id": rendering.voice,
        "X-Cache": "hit" if rendering.cached else "miss",
        "X-First-Audio-Ms": f"{rendering.first_audio_ms:.1f}",
        "X-Sample-Rate": str(rate_hz),
        "X-Personality-Id": who.id,
    }
    return {name: NOT_FOR_HEADERS.sub("?", value) for name, value in values.items()}


class SoundAnswers:
    """Makes them. Codecs work on a thread of their own: a long text would keep the loop from listening."""

    def __init__(self) -> None:
        self._worker = ModelWorker("http-encoder")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread."""
        self._worker.close()

    async def spoken(self, recital: Recital, media: Format, who: Personality) -> Response:
        """A recital that nobody else listens to. Raises what kept everybody from speaking."""
        try:
            rendering = await recital.first()
        except BaseException:
            recital.stop()
            raise
        rate_hz = recital.pieces[0].chunk.rate_hz
        headers = told(rendering, rate_hz, who)
        if rendering.cached:  # the rest will be there in a moment, and a whole answer is quicker than its parts
            with suppress(TimeoutError):
                async with asyncio.timeout(WHOLE_S):
                    await recital.complete()
        if recital.ended and recital.error is None:
            content, media_type = await self._encoded(recital, media)
            headers["X-Duration-S"] = f"{recital.duration_s:.3f}"
            return Response(content, 200, headers, media_type)
        coder = encoder(media, rate_hz, None)
        return StreamingResponse(self._stream(recital, coder, media, alone=True), 200, headers, coder.media_type)

    async def fetched(self, recital: Recital, request: Request, media: Format = "wav") -> Response:
        """A kept one, for whoever comes: in parts where they ask for that, and while it is still being made."""
        await recital.first()
        if not recital.ended:
            coder = encoder(media, recital.pieces[0].chunk.rate_hz, None)
            return StreamingResponse(self._stream(recital, coder, media, alone=False), 200, {}, coder.media_type)
        content, media_type = await self._encoded(recital, media)
        return in_parts(content, recital.etag, media_type, request.headers, head=request.method == "HEAD")

    async def _encoded(self, recital: Recital, media: Format) -> tuple[bytes, str]:
        """A complete one, and its media type."""
        coder = encoder(media, recital.pieces[0].chunk.rate_hz, recital.duration_s)
        chunks = [piece.chunk for piece in recital.pieces]
        return await self._worked(media, lambda: _pushed(coder, chunks) + coder.finish()), coder.media_type

    async def _stream(self, recital: Recital, coder: Encoder, media: Format, *, alone: bool) -> AsyncGenerator[bytes]:
        """The sound as it comes. When whoever listens leaves, one that nobody else can hear is stopped.

        Where it ends early the connection is broken off, so that nobody takes a part for the whole.
        """
        try:
            async with aclosing(recital.listen()) as portions:
                async for portion in portions:
                    chunks = [piece.chunk for piece in portion]
                    if content := await self._worked(media, partial(_pushed, coder, chunks)):
                        yield content
            if rest := await self._worked(media, coder.finish):
                yield rest
        finally:
            if alone:
                recital.stop()

    async def _worked(self, media: Format, work: Callable[[], bytes]) -> bytes:
        """What ``work`` returns; what costs next to nothing is done at once."""
        return work() if media in CHEAP else await self._worker.run(lambda _: work())


def _pushed(coder: Encoder, chunks: Sequence[AudioChunk]) -> bytes:
    """Chunks of one rate at once: each takes its time."""
    return b"".join(coder.push(joined(alike)) for _, alike in groupby(chunks, key=lambda chunk: chunk.rate_hz))


def in_parts(content: bytes, etag: str, media_type: str, asked: Mapping[str, str], *, head: bool = False) -> Response:
    """What never changes, or the part of it that is asked for (RFC 9110: If-None-Match, Range, If-Range)."""
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, max-age=3600"}
    if etag in {one.strip().removeprefix("W/") for one in asked.get("if-none-match", "").split(",")}:
        return Response(None, 304, headers)
    span = None
    if asked.get("if-range", etag) == etag:
        span = _span(asked.get("range", ""), len(content))
    if span is None:
        return _sized(content, 200, headers, media_type, head=head)
    first, last = span
    if first > last:
        return Response(None, 416, headers | {"Content-Range": f"bytes */{len(content)}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
    return _sized(content[first : last + 1], 206, headers, media_type, head=head)


def _sized(content: bytes, status: int, headers: dict[str, str], media_type: str, *, head: bool) -> Response:
    if head:
        return Response(None, status, headers | {"Content-Length": str(len(content))}, media_type)
    return Response(content, status, headers, media_type)


def _span(asked: str, length: int) -> tuple[int, int] | None:
    """First and last byte of a single range; None for the whole, first > last for one that cannot be had."""
    found = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", asked.replace(" ", ""))
    if found is None or found.group() == "bytes=-":
        return None
    first, last = found.groups()
    if not first:
        return (max(0, length - int(last)), length - 1) if int(last) else (1, 0)
    end = min(int(last), length - 1) if last else length - 1
    if last and int(last) < int(first):
        return None  # not a valid range, which counts as none
    return int(first), end
