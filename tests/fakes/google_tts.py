"""Google's speech service on loopback, made from the client package's own classes, with switches for bad days."""

from __future__ import annotations

import asyncio
import io
import wave
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np
from google.cloud import texttospeech_v1 as api

CHARACTER_S = 0.06
LEADING_SILENCE_S = 0.15


class FakeGoogle:
    """A server that says each text as a tone."""

    def __init__(self, credentials: grpc.ServerCredentials | None = None) -> None:
        self.requests: list[Any] = []
        """All that was asked."""
        self.metadata: list[dict[str, str]] = []
        """What came with each of them."""
        self.cancelled = 0
        """Requests whose sender left before the answer."""
        self.status: grpc.StatusCode | None = None
        """Bad day: every request ends with it."""
        self.details: tuple[tuple[str, bytes], ...] = ()
        """Trailing metadata of such an end."""
        self.audio: bytes | None = None
        """Bad day: what it answers in place of a tone."""
        self.hangs = False
        """Bad day: it takes requests and does not answer."""
        self.port = 0
        self._credentials = credentials
        self._server: Any = None
        self._change = asyncio.Condition()

    @property
    def endpoint(self) -> str:
        """As in the settings."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.die()

    async def start(self) -> None:
        """On the same port as before."""
        # Without the option two servers may share a port.
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        handler = grpc.unary_unary_rpc_method_handler(
            self._synthesize,
            request_deserializer=api.SynthesizeSpeechRequest.deserialize,
            response_serializer=api.SynthesizeSpeechResponse.serialize,
        )
        service = "google.cloud.texttospeech.v1.TextToSpeech"
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {"SynthesizeSpeech": handler}),)
        )
        address = f"127.0.0.1:{self.port}"
        if self._credentials is not None:
            self.port = self._server.add_secure_port(address, self._credentials)
        else:
            self.port = self._server.add_insecure_port(address)
        await self._server.start()

    async def die(self) -> None:
        """In the middle of whatever it is doing."""
        await self._server.stop(None)

    async def asked(self, times: int = 1) -> None:
        """Return when so many requests have come."""
        async with self._change:
            await self._change.wait_for(lambda: len(self.requests) >= times)

    async def left(self, times: int = 1) -> None:
        """Return when so many senders have left before their answer."""
        async with self._change:
            await self._change.wait_for(lambda: self.cancelled >= times)

    def channel(self) -> Any:
        """A plain connection."""
        return grpc.aio.insecure_channel(f"127.0.0.1:{self.port}", [("grpc.max_receive_message_length", -1)])

    async def _synthesize(self, request: Any, context: Any) -> Any:
        async with self._change:
            self.requests.append(request)
            self.metadata.append(dict(context.invocation_metadata()))
            self._change.notify_all()
        if self.status is not None:
            await context.abort(self.status, f"not for {request.input.text!r}", self.details)
        if self.hangs:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                async with self._change:
                    self.cancelled += 1
                    self._change.notify_all()
                raise
        return api.SynthesizeSpeechResponse(audio_content=self.audio if self.audio is not None else tone(request))


def tone(request: Any) -> bytes:
    """A WAV file as LINEAR16 gives it: a little silence, then a tone as long as the text at its speed."""
    rate_hz = request.audio_config.sample_rate_hertz or 24_000
    length_s = len(request.input.text) * CHARACTER_S / (request.audio_config.speaking_rate or 1.0)
    at_s = np.arange(round(length_s * rate_hz)) / rate_hz
    silence = bytes(2 * round(LEADING_SILENCE_S * rate_hz))
    return wav(silence + (0.3 * 32767 * np.sin(2 * np.pi * 220 * at_s)).astype("<i2").tobytes(), rate_hz)


def wav(data: bytes, rate_hz: int = 24_000, channels: int = 1, width: int = 2) -> bytes:
    """Samples with a header."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate_hz)
        out.writeframes(data)
    return file.getvalue()
