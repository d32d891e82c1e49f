"""Google's client library against a server on loopback."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

pytest.importorskip("google.cloud.texttospeech_v1", reason="the extra `google` is not installed")

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from pipeline.audio import joined, leading_silence_s
from pipeline.errors import ProviderError, ProviderMissing, ProviderTimeout, QuotaExceeded
from pipeline.proper_sound import BadAudio, proper
from pipeline.protocols import Synthesizer
from pipeline.speech import Voice, VoiceSettings
from providers.registry import NoQuota
from providers.tts import google_connection
from providers.tts.google import GoogleSynthesizer, Settings
from tests.contracts.synthesizer import LONG, SHORT, SynthesizerContract, said
from tests.fakes.google_tts import FakeGoogle, tone, wav

pytestmark = pytest.mark.unit

SECRET = "a customer's secret cheese"
VOICE = Voice("en-US-Standard-C", "en")


class Account:
    """A quota that only counts."""

    def __init__(self) -> None:
        self.spent = 0
        self.classes: list[str] = []
        self.limits: list[int] = []

    async def reserve(
        self, provider: str, voice_class: str, characters: int, limit: int, warn_share: float = 0.8
    ) -> str:
        assert provider == "google_tts"
        self.spent += characters
        self.classes.append(voice_class)
        self.limits.append(limit)
        return "2026-11"

    async def give_back(self, provider: str, voice_class: str, characters: int, month: str) -> None:
        assert month == "2026-11"
        self.spent -= characters


@pytest.fixture
async def google() -> AsyncIterator[FakeGoogle]:
    async with FakeGoogle() as server:
        yield server


def synthesizer(google: FakeGoogle, quota: Any = None, **settings: Any) -> GoogleSynthesizer:
    return GoogleSynthesizer(Settings(endpoint=google.endpoint, **settings), Path(), quota or Account())


async def refused(opened: Synthesizer, text: str = SHORT) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await said(opened, text, VOICE)
    return caught.value


class WithServer(GoogleSynthesizer):
    """Entered and left together with its server."""

    def __init__(self) -> None:
        self.server = FakeGoogle()
        super().__init__(Settings(), Path(), Account(), self.server.channel)

    async def __aenter__(self) -> Self:
        await self.server.__aenter__()
        return await super().__aenter__()

    async def __aexit__(self, *raised: Any) -> None:
        await super().__aexit__(*raised)
        await self.server.die()


class TestContract(SynthesizerContract):
    def opened(self) -> GoogleSynthesizer:
        return WithServer()


async def test_what_is_asked_arrives(google: FakeGoogle) -> None:
    voice = Voice("es-ES-Neural2-B", "es", VoiceSettings(1.5))
    async with synthesizer(google, pitch=-2.0, volume_gain_db=3.0, sample_rate_hz=16_000) as opened:
        audio = joined(await said(opened, "Cerramos a las nueve.", voice))
    (request,) = google.requests
    assert request.input.text == "Cerramos a las nueve."
    assert not request.input.ssml
    assert (request.voice.language_code, request.voice.name) == ("es-ES", "es-ES-Neural2-B")
    config = request.audio_config
    assert (config.audio_encoding.name, config.speaking_rate, config.sample_rate_hertz) == ("LINEAR16", 1.5, 16_000)
    assert (config.pitch, config.volume_gain_db) == (-2.0, 3.0)
    assert audio.rate_hz == 16_000
    assert audio.duration_s == pytest.approx(21 * 0.06 / 1.5 + 0.02, abs=0.002)


async def test_the_sound_is_what_the_service_sent_without_header_and_silence(google: FakeGoogle) -> None:
    async with synthesizer(google) as opened:
        audio = joined(await said(opened, SHORT, VOICE))
    sent = np.frombuffer(tone(google.requests[0])[44:], "<i2")
    assert np.array_equal(audio.pcm, sent[-len(audio.pcm) :])
    assert leading_silence_s(audio) == pytest.approx(0.02, abs=0.002)


@pytest.mark.parametrize(("speed", "sent"), [(1.0, 0.0), (0.1, 0.25), (1.7, 1.7), (4.0, 2.0)])
async def test_the_speed_is_one_that_the_service_takes(google: FakeGoogle, speed: float, sent: float) -> None:
    """At the voice's own pace none is sent: some voices take none."""
    async with synthesizer(google) as opened:
        await said(opened, SHORT, Voice("", "en", VoiceSettings(speed)))
    assert google.requests[0].audio_config.speaking_rate == pytest.approx(sent)
    assert google.requests[0].voice.name == "en-US-Standard-C"


async def test_a_long_text_is_asked_for_piece_by_piece(google: FakeGoogle) -> None:
    """What a customer who interrupts does not hear is not paid."""
    account = Account()
    async with synthesizer(google, account) as opened:
        chunks = opened.synthesize(f"{LONG} " * 30, VOICE)
        await anext(chunks)
        assert len(google.requests) == 1
        assert account.spent == len(google.requests[0].input.text.encode()) <= 1000
        async for _ in chunks:
            pass
    assert " ".join(request.input.text for request in google.requests) == " ".join([LONG] * 30)
    assert all(request.input.text.endswith(".") for request in google.requests)


STATUSES = [
    ("UNAUTHENTICATED", "access_refused", False, True),
    ("PERMISSION_DENIED", "access_refused", False, True),
    ("RESOURCE_EXHAUSTED", "too_many_requests", True, True),
    ("INVALID_ARGUMENT", "request_refused", False, True),
    ("NOT_FOUND", "request_refused", False, True),
    ("FAILED_PRECONDITION", "request_refused", False, False),
    ("OUT_OF_RANGE", "request_refused", False, False),
    ("UNIMPLEMENTED", "request_refused", False, False),
    ("UNAVAILABLE", "unreachable", True, False),
    ("DEADLINE_EXCEEDED", "provider_timeout", True, False),
    ("INTERNAL", "service_fault", True, False),
    ("UNKNOWN", "service_fault", True, False),
    ("ABORTED", "service_fault", True, False),
    ("DATA_LOSS", "service_fault", True, False),
    ("CANCELLED", "service_fault", True, False),
    ("ALREADY_EXISTS", "service_fault", True, False),
]


@pytest.mark.parametrize(("status", "code", "retryable", "refunded"), STATUSES)
async def test_each_status_is_told(google: FakeGoogle, status: str, code: str, retryable: bool, refunded: bool) -> None:
    account = Account()
    google.status = grpc.StatusCode[status]
    async with synthesizer(google, account) as opened:
        error = await refused(opened, SECRET)
        assert (error.code, error.retryable) == (code, retryable)
        assert status in str(error) or isinstance(error, ProviderTimeout)
        assert error.remedy
        assert SECRET not in f"{error} {error.__cause__} {error.args}"
        assert account.spent == (0 if refunded else len(SECRET))
        google.status = None
        assert await said(opened, SHORT, VOICE), "it works again when the fault ends"
    assert len(google.requests) == 2, "the library must not try again by itself"


def test_no_status_is_forgotten() -> None:
    assert {status.name for status in grpc.StatusCode} - {"OK"} == {name for name, *_ in STATUSES}


async def test_googles_own_reason_names_the_remedy(google: FakeGoogle) -> None:
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason="SERVICE_DISABLED", domain="googleapis.com"))
    told = status_pb2.Status(code=7, message=f"not for {SHORT!r}", details=[detail])
    google.status = grpc.StatusCode.PERMISSION_DENIED
    google.details = (("grpc-status-details-bin", told.SerializeToString()),)
    async with synthesizer(google) as opened:
        error = await refused(opened)
    assert "SERVICE_DISABLED" in error.message
    assert "Switch on the Cloud Text-to-Speech API" in error.remedy


async def test_details_that_contradict_the_status_are_a_fault_of_the_service(google: FakeGoogle) -> None:
    account = Account()
    google.status = grpc.StatusCode.PERMISSION_DENIED
    told = status_pb2.Status(code=7, message=SECRET)
    google.details = (("grpc-status-details-bin", told.SerializeToString()),)
    async with synthesizer(google, account) as opened:
        error = await refused(opened)
    assert error.code == "service_fault"
    assert SECRET not in f"{error} {error.__cause__}"
    assert account.spent == len(SHORT)


async def test_a_slow_answer_is_given_up_and_counted(google: FakeGoogle) -> None:
    account, google.hangs = Account(), True
    async with synthesizer(google, account, time_limit_s=0.2) as opened:
        error = await refused(opened)
    assert isinstance(error, ProviderTimeout)
    assert "0.2 s" in str(error)
    assert account.spent == len(SHORT)


async def test_a_connection_cut_off_is_counted_as_spent(google: FakeGoogle) -> None:
    account, google.hangs = Account(), True
    async with synthesizer(google, account) as opened, asyncio.TaskGroup() as group:
        asking = group.create_task(refused(opened), name="asking")
        await google.asked()
        await google.die()
        error = await asking
    assert (error.code, error.retryable) == ("unreachable", True)
    assert account.spent == len(SHORT)


async def test_nobody_there_and_back_again(google: FakeGoogle) -> None:
    account = Account()
    await google.die()
    async with synthesizer(google, account) as opened:
        error = await refused(opened)
        assert (error.code, error.retryable, account.spent) == ("unreachable", True, 0)
        assert "internet" in error.remedy
        await google.start()
        for _ in range(100):  # gRPC tries to connect again a quarter of a second later
            try:
                assert await said(opened, SHORT, VOICE)
                break
            except ProviderError:
                await asyncio.sleep(0.05)
        else:
            pytest.fail("it must come back by itself")
    assert account.spent == len(SHORT)


async def test_a_name_that_nobody_knows_costs_nothing() -> None:
    account = Account()
    async with GoogleSynthesizer(Settings(), Path(), account, unknown_host) as opened:
        error = await refused(opened)
    assert (error.code, account.spent) == ("unreachable", 0)


def unknown_host() -> Any:
    return google_connection.connect("http://127.0.0.1.invalid:443", None)


async def test_who_resets_every_connection_costs_nothing() -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    account = Account()
    async with await asyncio.start_server(reset, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        settings = Settings(endpoint=f"http://127.0.0.1:{port}", time_limit_s=5.0)
        async with GoogleSynthesizer(settings, Path(), account) as opened:
            error = await refused(opened)
    assert (error.code, account.spent) == ("unreachable", 0)


@pytest.mark.parametrize(
    ("audio", "why"),
    [
        (b"", "no sound"),
        (b"RIFF", "no sound"),
        (b"no sound at all", "no sound"),
        (b"\0\0" * 100, "no sound"),
        (wav(b""), "empty"),
        (wav(b"\1\0" * 100)[:-1], "cut off"),
        (wav(b"\1\0" * 100)[:-60], "cut off"),
        (wav(b"\0\0" * 100, channels=2), "2 channels"),
        (wav(b"\0" * 100, width=1), "8 bits"),
    ],
)
async def test_what_is_no_sound_is_refused(google: FakeGoogle, audio: bytes, why: str) -> None:
    account, google.audio = Account(), audio
    async with synthesizer(google, account) as opened:
        error = await refused(opened)
    assert isinstance(error, BadAudio)
    assert why in str(error)
    assert account.spent == len(SHORT), "Google bills it"


async def test_silence_is_noticed_by_who_plays_it(google: FakeGoogle) -> None:
    google.audio = wav(bytes(24_000))
    async with synthesizer(google) as opened:
        with pytest.raises(BadAudio):
            async for _ in proper(opened.synthesize(SHORT, VOICE), "google_tts"):
                pass


async def test_without_a_place_to_count_nothing_is_sent(google: FakeGoogle) -> None:
    async with synthesizer(google, NoQuota()) as opened:
        with pytest.raises(QuotaExceeded):
            await said(opened, SHORT, VOICE)
    assert not google.requests


async def test_cancelling_tells_the_service_and_leaves_nothing_behind(google: FakeGoogle) -> None:
    account, google.hangs = Account(), True
    async with synthesizer(google, account) as opened:
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(said(opened, SHORT, VOICE), name="asking")
            await google.asked()
            asking.cancel()
        await google.left()
        assert account.spent == len(SHORT), "nobody knows how far it came"
        google.hangs = False
        assert await said(opened, SHORT, VOICE)


async def test_closing_under_a_request_is_an_error_and_no_cancellation(google: FakeGoogle) -> None:
    google.hangs = True
    opened = await synthesizer(google).__aenter__()
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(refused(opened), name="asking")
        await google.asked()
        await opened.__aexit__(None, None, None)
    assert "closed" in str(asking.result())
    assert "not open" in str(await refused(opened))


async def test_two_requests_go_side_by_side(google: FakeGoogle) -> None:
    google.hangs = True
    async with synthesizer(google) as opened, asyncio.TaskGroup() as group:
        tasks = [group.create_task(said(opened, SHORT, VOICE), name="asking") for _ in range(2)]
        await google.asked(2)
        assert not any(task.done() for task in tasks)
        for task in tasks:
            task.cancel()


async def test_entering_sends_nothing() -> None:
    connections = 0

    async def count(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.close()

    async with await asyncio.start_server(count, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with GoogleSynthesizer(Settings(endpoint=f"http://127.0.0.1:{port}"), Path(), Account()) as opened:
            assert opened.voice_for("en")
            assert await opened.fingerprint(VOICE)
        assert connections == 0


async def test_without_the_package_the_remedy_names_it(google: FakeGoogle, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_: str) -> None:
        raise ModuleNotFoundError

    monkeypatch.setattr("importlib.util.find_spec", nothing)
    with pytest.raises(ProviderMissing) as caught:
        await synthesizer(google).__aenter__()
    assert "pip install -e '.[google]'" in caught.value.remedy


@pytest.mark.parametrize("change", [{"sample_rate_hz": 16_000}, {"volume_gain_db": 1.0}, {"pitch": 1.0}])
async def test_what_shapes_the_sound_is_in_the_fingerprint(change: dict[str, Any]) -> None:
    plain = await GoogleSynthesizer(Settings(), Path(), Account()).fingerprint(VOICE)
    assert await GoogleSynthesizer(Settings(**change), Path(), Account()).fingerprint(VOICE) != plain
    other = Voice("en-US-Standard-D", "en")
    assert await GoogleSynthesizer(Settings(), Path(), Account()).fingerprint(other) != plain
    same = Settings(time_limit_s=1.0, free_characters=5, endpoint="eu-texttospeech.googleapis.com")
    assert await GoogleSynthesizer(same, Path(), Account()).fingerprint(VOICE) == plain


def test_each_setting_shapes_the_sound_or_does_not() -> None:
    others = {"credentials", "voices", "endpoint", "time_limit_s", "free_characters", "free_characters_by_class"}
    assert set(Settings.model_fields) == {*others, "warn_share", "sample_rate_hz", "volume_gain_db", "pitch"}


async def test_the_log_holds_no_words(google: FakeGoogle, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with synthesizer(google) as opened:
        await said(opened, SECRET, VOICE)
        google.status = grpc.StatusCode.INTERNAL
        await refused(opened, SECRET)
    assert SECRET not in caplog.text
