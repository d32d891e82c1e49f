"""OpenAI's own client, unchanged, against this API."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator

import numpy as np
import openai
import pytest
import soundfile
from openai import OpenAI
from openai.types.audio import TranscriptionVerbose

from assistant.samples.decoding import decode
from tests.assistant.http.daemon import Daemon

pytestmark = pytest.mark.model

TEXT = "Where can I find the olive oil?"

FORMATS = {"mp3": "audio/mpeg", "wav": "audio/wav", "opus": "audio/ogg", "flac": "audio/flac", "aac": "audio/aac",
           "pcm": "application/octet-stream"}  # fmt: skip


@pytest.fixture(scope="module")
def client(daemon: Daemon) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{daemon.address}/v1", api_key=daemon.admin, max_retries=0) as found:
        yield found


@pytest.fixture(scope="module")
def spoken(client: OpenAI) -> bytes:
    return client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT, response_format="wav").content


async def seconds(content: bytes) -> float:
    """Length of what any program can play."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        return (await decode(file, longest_s=60, time_limit_s=30)).audio.duration_s


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("streamed", [False, True])
async def test_speech_in_every_format(client: OpenAI, spoken: bytes, form: str, streamed: bool) -> None:
    wanted = {"model": "gpt-4o-mini-tts", "voice": "nova", "input": TEXT, "response_format": form}
    if streamed:
        with client.audio.speech.with_streaming_response.create(**wanted) as answer:
            content = b"".join(answer.iter_bytes(1024))
            headers = answer.headers
    else:
        found = client.audio.speech.create(**wanted)
        content, headers = found.content, found.response.headers
    assert headers["content-type"].startswith(FORMATS[form])
    assert headers["x-voice-provider"]
    whole, rate_hz = soundfile.read(io.BytesIO(spoken), dtype="int16")
    if form == "pcm":
        assert int(headers["x-sample-rate"]) == rate_hz
        assert np.array_equal(np.frombuffer(content, "<i2"), whole)
        return
    assert await seconds(content) == pytest.approx(len(whole) / rate_hz, abs=0.15)


def test_mp3_is_what_comes_where_nothing_is_asked_for(client: OpenAI) -> None:
    found = client.audio.speech.create(model="tts-1-hd", voice="onyx", input="Hello.")
    assert found.response.headers["content-type"] == "audio/mpeg"


def test_a_voice_is_a_personality_or_a_piper_voice(client: OpenAI, daemon: Daemon) -> None:
    for one in daemon.owner.get("/api/voice/voices").json()["personalities"]:
        for voice in (one["id"], one["name"]):
            found = client.audio.speech.create(model="shop-voice", voice=voice, input="Hello.")
            assert found.response.headers["x-personality-id"] == one["id"]
    found = client.audio.speech.create(model="shop-voice", voice="en_US-kiosk-low", input="Hello.")
    assert found.response.headers["x-voice-id"] == "en_US-kiosk-low"


def test_speed_shortens(client: OpenAI, spoken: bytes) -> None:
    fast = client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT, response_format="wav", speed=1.6)
    assert len(fast.content) < 0.8 * len(spoken)


def test_what_is_spoken_is_understood(client: OpenAI, spoken: bytes) -> None:
    found = client.audio.transcriptions.create(model="whisper-1", file=("question.wav", spoken))
    assert found.text == TEXT


@pytest.mark.parametrize("form", ["mp3", "opus", "flac", "aac"])
def test_what_is_spoken_is_understood_in_every_format(client: OpenAI, form: str) -> None:
    content = client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT, response_format=form).content
    assert client.audio.transcriptions.create(model="whisper-1", file=(f"a.{form}", content)).text == TEXT


def test_a_transcription_in_every_form(client: OpenAI, spoken: bytes) -> None:
    def written(form: str) -> object:
        return client.audio.transcriptions.create(
            model="gpt-4o-transcribe", file=("a.wav", spoken), response_format=form, language="en", temperature=0.2,
            prompt="Groceries.",
        )  # fmt: skip

    assert written("text") == f"{TEXT}\n"
    verbose = written("verbose_json")
    assert isinstance(verbose, TranscriptionVerbose)
    assert (verbose.text, verbose.language) == (TEXT, "en")
    length_s = len(soundfile.read(io.BytesIO(spoken))[0]) / soundfile.info(io.BytesIO(spoken)).samplerate
    assert float(verbose.duration) == pytest.approx(length_s, abs=0.1)
    assert verbose.segments is not None
    assert 0 <= verbose.segments[0].start < verbose.segments[-1].end <= length_s + 0.1
    assert " ".join(one.text for one in verbose.segments) == TEXT
    assert str(written("srt")).startswith("1\n00:00:00,")
    assert str(written("vtt")).startswith("WEBVTT\n\n00:00")
    for form in ("srt", "vtt"):
        assert "olive oil" in " ".join(str(written(form)).split("\n"))


def test_a_transcription_as_a_stream(client: OpenAI, spoken: bytes) -> None:
    with client.audio.transcriptions.create(model="whisper-1", file=("a.wav", spoken), stream=True) as stream:
        events = list(stream)
    assert "".join(one.delta for one in events if one.type == "transcript.text.delta") == TEXT
    assert (events[-1].type, events[-1].text) == ("transcript.text.done", TEXT)


def test_models(client: OpenAI) -> None:
    assert [one.id for one in client.models.list()] == ["shop-voice", "shop-ears"]
    assert client.models.retrieve("shop-voice").id == "shop-voice"
    assert client.models.retrieve("whisper-1").id == "shop-ears"
    with pytest.raises(openai.NotFoundError) as missing:
        client.models.retrieve("gpt-4")
    assert missing.value.code == "not_found"


def test_a_kiosk_s_token_will_do(daemon: Daemon) -> None:
    with OpenAI(base_url=f"{daemon.address}/v1", api_key=daemon.kiosk) as client:
        assert client.audio.speech.create(model="tts-1", voice="alloy", input="Hello.").content


def test_errors_are_those_of_the_client(client: OpenAI, daemon: Daemon, spoken: bytes) -> None:
    def speak(**more: object) -> None:
        client.audio.speech.create(**{"model": "tts-1", "voice": "alloy", "input": "Hello.", **more})

    with pytest.raises(openai.NotFoundError, match="no model"):
        speak(model="whisper-1")
    with pytest.raises(openai.NotFoundError, match="no personality"):
        speak(voice="Nobody")
    for wrong in ({"input": ""}, {"input": "x" * 5001}, {"response_format": "mp4"}, {"speed": 9}, {"voice": 7},
                  {"voice": "x" * 100_000}, {"input": "..."}):  # fmt: skip
        with pytest.raises((openai.UnprocessableEntityError, openai.NotFoundError)) as refused:
            speak(**wrong)
        assert refused.value.type == "invalid_request_error"
        assert refused.value.body["message"]
    with pytest.raises(openai.UnprocessableEntityError) as sse:
        speak(stream_format="sse")
    assert sse.value.param == "stream_format"
    with pytest.raises(openai.UnprocessableEntityError):
        client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"no sound"))
    with pytest.raises(openai.NotFoundError):
        client.audio.transcriptions.create(model="tts-1", file=("a.wav", spoken))
    with (
        OpenAI(base_url=f"{daemon.address}/v1", api_key="sa_wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError) as unknown,
    ):
        stranger.models.list()
    assert unknown.value.type == "authentication_error"
