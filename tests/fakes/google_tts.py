"""Google's speech service on loopback, made from the client package's own classes, with switches for bad days."""

from __future__ import annotations

import io
import wave
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np
from google.cloud import texttospeech_v1 as api

RATE_HZ = 24_000
CHARACTER_S = 0.06


class FakeGoogle:
    """A server that says each text as a tone."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        """All that was asked."""
        self.status: grpc.StatusCode | None = None
        """Bad day: every request ends with it."""
        self.audio: bytes | None = None
        """Bad day: what it answers in place of a tone."""
        self.hangs = False
        """Bad day: it takes requests and does not answer."""
        self.port = 0
        self._server: Any = None

    async def __aenter__(self) -> Self:
        self._server = grpc.aio.server()
        handler = grpc.unary_unary_rpc_method_handler(
            self._synthesize,
            request_deserializer=api.SynthesizeSpeechRequest.deserialize,
            response_serializer=api.SynthesizeSpeechResponse.serialize,
        )
        service = "google.cloud.texttospeech.v1.TextToSpeech"
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {"SynthesizeSpeech": handler}),)
        )
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.die()

    async def die(self) -> None:
        """In the middle of whatever it is doing."""
        await self._server.stop(None)

    def channel(self) -> Any:
        """A connection without TLS, as large answers as the real client takes."""
        return grpc.aio.insecure_channel(f"127.0.0.1:{self.port}", [("grpc.max_receive_message_length", -1)])

    async def _synthesize(self, request: Any, context: Any) -> Any:
        self.requests.append(request)
        if self.status is not None:
            await context.abort(self.status, f"not for {request.input.text!r}")
        if self.hangs:
            await context.abort(await _never(), "")
        return api.SynthesizeSpeechResponse(audio_content=self.audio if self.audio is not None else tone(request))


async def _never() -> grpc.StatusCode:
    import asyncio

    await asyncio.Event().wait()
    return grpc.StatusCode.OK


def tone(request: Any) -> bytes:
    """A WAV file as LINEAR16 gives it, as long as the text at its speed."""
    length_s = len(request.input.text) * CHARACTER_S / (request.audio_config.speaking_rate or 1.0)
    at_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    return wav((0.3 * 32767 * np.sin(2 * np.pi * 220 * at_s)).astype("<i2").tobytes())


def wav(data: bytes, rate_hz: int = RATE_HZ, channels: int = 1, width: int = 2) -> bytes:
    """Samples with a header."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate_hz)
        out.writeframes(data)
    return file.getvalue()
