"""Whatever is uploaded: a clear refusal that changes nothing, or the right sample."""

from __future__ import annotations

import gzip
import io
import json
import os
import socket
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from assistant.samples import decoding
from assistant.samples.errors import SampleRefused
from tests.assistant.samples import files
from tests.assistant.samples.box import CONSENT, Box
from tests.assistant.samples.files import EXTENSIBLE, FLOAT, at_rate, encoded, packed, riff, s16, written
from tests.assistant.samples.speech import noise, silence, spoken, unbroken, wav

pytestmark = pytest.mark.slow

MOST_KB = 300_000

LENGTH_S = 7.0


@dataclass(frozen=True)
class Odd:
    make: Callable[[Path], Path]
    """Makes the file in an empty folder."""
    reason: str = ""
    """Why it is refused, empty where it becomes a sample of ``length_s``; several are divided by |."""
    length_s: float = LENGTH_S


def speech() -> np.ndarray:
    return unbroken(LENGTH_S)


def content(make: Callable[[], bytes], name: str = "recording.wav") -> Callable[[Path], Path]:
    return lambda folder: written(folder / name, make())


def two_people() -> np.ndarray:
    return np.concatenate([spoken("en-us+f2")[:120_000], spoken("en-us+m3", 1)[:120_000]])


def stereo(left: np.ndarray, right: np.ndarray) -> bytes:
    return riff(s16(np.column_stack([left, right]).ravel()), channels=2)


def a_law(sound: np.ndarray, codec: str) -> bytes:
    return encoded(sound, "wav", codec, rate=8000)


def extensible() -> bytes:
    guid = struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")
    return riff(s16(speech()), tag=EXTENSIBLE, extension=struct.pack("<HHI", 22, 16, 4) + guid)


def zipped(size: int) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("recording.wav", bytes(size))
    return output.getvalue()


def link(to: str, name: str = "recording.wav") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        written(folder / "real.wav", wav(speech()))
        (folder / name).symlink_to(to)
        return folder / name

    return make


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "recording.wav")
    return folder / "recording.wav"


def plug(folder: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "s"))
    return folder / "s"


def named(name: str) -> Callable[[Path], Path]:
    return lambda folder: written(folder / name, wav(speech()))


def below(folder: Path) -> Path:
    (folder / "a").mkdir()
    written(folder / "real.wav", wav(speech()))
    return folder / "a" / ".." / "real.wav"


def sparse(head: bytes, size: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        with (folder / "recording.wav").open("wb") as file:
            file.write(head)
            file.truncate(size)
        return folder / "recording.wav"

    return make


def floats(value: float) -> bytes:
    sound = speech().astype("<f4")
    sound[1000] = value
    return riff(sound.tobytes(), tag=FLOAT, bits=32)


def half(make: Callable[[], bytes], share: float = 0.5) -> bytes:
    whole = make()
    return whole[: int(len(whole) * share)]


def m4a(sound: np.ndarray | None = None) -> bytes:
    return encoded(speech() if sound is None else sound, "ipod", "aac")


def mp3() -> bytes:
    return encoded(speech(), "mp3", "mp3")


def flac() -> bytes:
    return encoded(speech(), "flac", "flac")


def webm() -> bytes:
    return encoded(speech(), "webm", "libopus", rate=48_000)


def vorbis(sound: np.ndarray | None = None) -> bytes:
    output = io.BytesIO()
    soundfile.write(output, speech() if sound is None else sound, 24_000, format="OGG", subtype="VORBIS")
    return output.getvalue()


def playlist(kind: str) -> bytes:
    return {
        "hls": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        "concat": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
        "html": b"<html><body>404</body></html>",
        "text": b"Dear Sir or Madam,\n" * 100,
        "json": json.dumps({"audio": "AAAA"}).encode(),
    }[kind]


UNKNOWN = ("hls", "concat", "svg", "sdp", "html", "text", "json")

CASES: dict[str, Odd] = {
    # what people's devices write
    **{f"{rate} Hz": Odd(content(lambda rate=rate: riff(s16(at_rate(speech(), rate)), rate=rate)))
       for rate in (8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000)},
    **{f"{bits} bits": Odd(content(lambda bits=bits: riff(packed(speech(), bits), bits=bits))) for bits in (8, 24, 32)},
    "floats": Odd(content(lambda: riff(speech().astype("<f4").tobytes(), tag=FLOAT, bits=32))),
    "doubles": Odd(content(lambda: riff(speech().astype("<f8").tobytes(), tag=FLOAT, bits=64))),
    "floats beyond full scale": Odd(content(lambda: riff((20 * speech()).astype("<f4").tobytes(), tag=FLOAT, bits=32))),
    "A-law": Odd(content(lambda: a_law(speech(), "pcm_alaw"))),
    "mu-law": Odd(content(lambda: a_law(speech(), "pcm_mulaw"))),
    "stereo": Odd(content(lambda: stereo(speech(), speech()))),
    "stereo, one side turned over": Odd(content(lambda: stereo(speech(), -speech()))),
    "stereo, one side silent": Odd(content(lambda: stereo(0 * speech(), speech()))),
    "six channels": Odd(content(lambda: riff(s16(np.repeat(speech(), 6)), channels=6))),
    "extensible": Odd(content(extensible)),
    "streamed, no sizes": Odd(content(lambda: riff(s16(speech()), data=0xFFFFFFFF, riff=0xFFFFFFFF))),
    "a list before the form": Odd(content(lambda: riff(s16(speech()), before=b"LIST\x08\0\0\0INFOabcd"))),
    "mp3": Odd(content(mp3, "recording.mp3")),
    "m4a": Odd(content(m4a, "recording.m4a")),
    "apple lossless": Odd(content(lambda: encoded(speech(), "ipod", "alac"), "recording.m4a")),
    "aac": Odd(content(lambda: encoded(speech(), "adts", "aac"), "recording.aac")),
    "flac": Odd(content(flac, "recording.flac")),
    "ogg vorbis": Odd(content(vorbis, "recording.ogg")),
    "ogg opus": Odd(content(lambda: encoded(speech(), "ogg", "libopus", rate=48_000), "recording.opus")),
    "stereo mp3 of 44.1 kHz": Odd(content(lambda: encoded(speech(), "mp3", "mp3", rate=44_100, layout="stereo"))),
    "mp3 called wav": Odd(content(mp3, "recording.wav")),
    "wav called mp3": Odd(content(lambda: wav(speech()), "recording.mp3")),
    "no ending": Odd(content(m4a, "recording")),
    "called exe": Odd(content(flac, "setup.exe")),
    "a video": Odd(content(lambda: encoded(speech(), "mp4", "aac", picture=True), "film.mp4")),
    "mp3 after a tag of 5 MB": Odd(content(lambda: files.id3(bytes(5_000_000)) + mp3())),
    "mp3 after three tags": Odd(content(lambda: 3 * files.id3(bytes(10)) + mp3())),
    "flac with a picture of 15 MB": Odd(content(lambda: files.with_flac_picture(flac(), 15_000_000))),
    "webm opus, as browsers record": Odd(content(webm, "recording.webm")),
    "half of a webm": Odd(content(lambda: half(webm)), "too_short"),
    "webm that is no sound": Odd(content(lambda: b"\x1aE\xdf\xa3\x87\x42\x82\x84webm" + bytes(1000)), "damaged"),
    "matroska that is no webm": Odd(content(lambda: encoded(speech(), "matroska", "libopus", rate=48_000)), "unknown"),
    "two ogg streams, one after the other": Odd(content(lambda: vorbis() + vorbis()), length_s=2 * LENGTH_S),
    "two mp3 files, one after the other": Odd(content(lambda: mp3() + mp3()), length_s=2 * LENGTH_S),
    "silence around it": Odd(content(lambda: wav(np.concatenate([silence(20), speech(), silence(20)])))),
    "noise around it": Odd(content(lambda: wav(np.concatenate([noise(5, 0.003), speech(), noise(5, 0.003)])))),
    "6.1 s": Odd(content(lambda: wav(unbroken(6.1))), length_s=6.1),
    "29.9 s": Odd(content(lambda: wav(unbroken(29.9))), length_s=29.9),
    "two people": Odd(content(lambda: wav(two_people())), length_s=10.0),
    # names
    "a name with a line end": Odd(named("a\nb.wav")),
    "a name like an option": Odd(named("-i.wav")),
    "a name like an address": Odd(named("http:example.com.wav")),
    "a name for a shell": Odd(named("$(reboot);.wav")),
    "a name that is no text": Odd(named(os.fsdecode(b"\xff.wav"))),
    "a way up and down": Odd(below),
    "a link to a recording": Odd(link("real.wav")),
    # no recordings
    **{kind: Odd(content(lambda kind=kind: playlist(kind)), "unknown") for kind in UNKNOWN},
    "empty": Odd(content(bytes), "unknown"),
    "one byte": Odd(content(lambda: b"R"), "unknown"),
    "a picture": Odd(content(lambda: b"\x89PNG\r\n\x1a\n" + bytes(1000)), "unknown"),
    "a zip bomb called m4a": Odd(content(lambda: zipped(200_000_000), "recording.m4a"), "unknown"),
    "a packed recording": Odd(content(lambda: gzip.compress(wav(speech()))), "unknown"),
    "chance": Odd(content(lambda: np.random.default_rng(5).bytes(100_000)), "unknown"),
    "a tag and nothing": Odd(content(lambda: files.id3(bytes(10))), "unknown"),
    "a tag longer than the file": Odd(content(lambda: b"ID3\x03\0\0\x7f\x7f\x7f\x7f" + mp3()), "unknown"),
    "a video without sound": Odd(content(files.video_only, "film.mp4"), "no_sound"),
    # headers that lie
    "10 GB claimed": Odd(content(lambda: files.rf64(s16(speech()), 10_000_000_000))),
    "10 GB claimed, 1 s there": Odd(content(lambda: files.rf64(s16(unbroken(1.0)), 10_000_000_000)), "too_short"),
    "a form of negative size": Odd(content(lambda: riff(s16(speech()), form=-1)), "damaged"),
    "sound of negative size": Odd(content(lambda: riff(s16(speech()), data=-2))),
    "no channels": Odd(content(lambda: riff(s16(speech()), channels=0)), "damaged"),
    "65,535 channels": Odd(content(lambda: riff(s16(speech()), channels=65_535)), "damaged"),
    "no rate": Odd(content(lambda: riff(s16(speech()), rate=0)), "damaged"),
    "4 GHz": Odd(content(lambda: riff(s16(speech()), rate=4_000_000_000)), "damaged"),
    "no bits": Odd(content(lambda: riff(s16(speech()), bits=0)), "damaged|codec"),
    "not a number": Odd(content(lambda: floats(float("nan"))), "damaged"),
    "infinite": Odd(content(lambda: floats(float("inf"))), "damaged"),
    "minus infinite": Odd(content(lambda: floats(float("-inf"))), "damaged"),
    "a header alone": Odd(content(lambda: wav(speech())[:44]), "no_sound|damaged"),
    "half a header": Odd(content(lambda: wav(speech())[:20]), "damaged|no_sound"),
    "half of a wav": Odd(content(lambda: half(lambda: wav(speech()))), "too_short"),
    "half of an mp3": Odd(content(lambda: half(mp3)), "too_short"),
    "half of an m4a": Odd(content(lambda: half(m4a)), "damaged"),
    "half of a flac": Odd(content(lambda: half(flac)), "too_short"),
    "half of an ogg": Odd(content(lambda: half(vorbis)), "too_short"),
    "the head of a flac": Odd(content(lambda: flac()[:60]), "damaged|no_sound"),
    "the first page of an ogg": Odd(content(lambda: vorbis()[:58]), "damaged|no_sound"),
    "an m4a that claims 2 billion pieces": Odd(
        content(lambda: files.claiming_samples(m4a(), 0x7FFFFFFF)), "damaged|no_sound|too_short|no_speech"),
    "an m4a whose sound is a file of ours": Odd(
        content(lambda: files.referring_elsewhere(m4a(), b"file:///etc/passwd"))),
    "ADPCM": Odd(content(lambda: encoded(speech(), "wav", "adpcm_ms", rate=16_000)), "codec|damaged"),
    "IMA ADPCM": Odd(content(lambda: encoded(speech(), "wav", "adpcm_ima_wav", rate=16_000)), "codec|damaged"),
    "AC-3 in an mp4": Odd(content(lambda: encoded(speech(), "mp4", "ac3", rate=48_000)), "codec|damaged|no_sound"),
    "noise in an mp3": Odd(
        content(lambda: mp3()[:400] + np.random.default_rng(6).bytes(60_000)), "damaged|no_speech|too_short|no_sound"),
    # not fit
    "5.9 s": Odd(content(lambda: wav(unbroken(5.9))), "too_short"),
    "30.1 s": Odd(content(lambda: wav(unbroken(30.1))), "too_long"),
    "five minutes": Odd(content(lambda: encoded(np.tile(unbroken(30), 10), "flac", "flac")), "too_long"),
    "much of nothing in a small flac": Odd(
        content(lambda: encoded(silence(900), "flac", "flac", rate=8000)), "no_speech"),
    "silence": Odd(content(lambda: wav(silence(10))), "no_speech"),
    "noise": Odd(content(lambda: wav(noise(10))), "no_speech"),
    "a tone": Odd(content(lambda: wav(0.3 * np.sin(np.arange(240_000) / 24_000 * 2 * np.pi * 440))), "no_speech"),
    "45 MB of zeros": Odd(sparse(wav(silence(0.1))[:40] + struct.pack("<I", 44_999_956), 45_000_000), "no_speech"),
    "100 MB of zeros": Odd(sparse(b"", 100_000_000), "too_large"),
    "a TB of zeros": Odd(sparse(b"RIFF", 10**12), "too_large"),
    # no files
    "nothing there": Odd(lambda folder: folder / "missing.wav", "unreadable"),
    "a folder": Odd(lambda folder: folder, "unreadable"),
    "a pipe": Odd(pipe, "unreadable"),
    "a socket": Odd(plug, "unreadable"),
    "/dev/zero": Odd(lambda _: Path("/dev/zero"), "unreadable"),
    "a link to /dev/zero": Odd(link("/dev/zero"), "unreadable"),
    "a link to nothing": Odd(link("missing.wav"), "unreadable"),
    "a link to itself": Odd(link("recording.wav"), "unreadable"),
    "a name with a zero byte": Odd(lambda folder: folder / "a\0b.wav", "unreadable"),
    "a name that is too long": Odd(lambda folder: folder / ("a" * 5000), "unreadable"),
}  # fmt: skip


@pytest.fixture
def memory_kb(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the decoder's process needed, also where it refused."""
    seen: list[int] = []
    real = decoding._run

    async def noting(file: io.BufferedReader, *limits: Any) -> bytes:
        said = await real(file, *limits)
        seen.append(json.loads(said.partition(b"\n")[0] or b'{"peak_kb": 0}')["peak_kb"])
        return said

    monkeypatch.setattr(decoding, "_run", noting)
    return seen


def test_there_are_many() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("name", CASES)
async def test_a_refusal_or_the_right_sample(name: str, box: Box, tmp_path: Path, memory_kb: list[int]) -> None:
    case = CASES[name]
    folder = tmp_path / "in"
    folder.mkdir()
    file = case.make(folder)
    before = await box.state()
    if case.reason:
        with pytest.raises(SampleRefused) as refusal:
            await box.voices.upload(box.who, file, CONSENT)
        assert refusal.value.reason in case.reason.split("|")
        assert "Traceback" not in str(refusal.value)
        assert len(str(refusal.value)) < 400 + len(str(file))
        assert await box.state() == before
    else:
        uploaded = await box.voices.upload(box.who, file, CONSENT)
        assert uploaded.duration_s == pytest.approx(case.length_s, abs=0.35)
        assert box.samples_here() == [f"default/{box.who}/{uploaded.digest}.wav"]
        assert len(await box.samples.read(uploaded.address)) == pytest.approx(44 + 48_000 * uploaded.duration_s, abs=4)
    assert all(0 < kb < MOST_KB for kb in memory_kb)
