"""Samples are read by the store's own addresses only, and only as they were written."""

from __future__ import annotations

import os
import shutil
import time
import wave
from pathlib import Path

import pytest

from assistant.samples.address import SampleAddress, own_address
from assistant.samples.errors import SampleError, SampleMissing
from assistant.samples.folders import LocalFolder, RemoteFolder, sample_folder
from assistant.samples.opening import sample_store
from assistant.samples.store import SampleStore
from assistant.samples.wav_file import digest
from assistant.settings import load
from tests.assistant.samples.box import CONSENT, Box
from tests.assistant.samples.speech import noise, wav

pytestmark = pytest.mark.unit

WAV = wav(noise(6.5))
OTHER = wav(noise(6.5, seed=9))
HASH = digest(WAV)
ADDRESS = f"voices/default/ann/{HASH}.wav"


@pytest.fixture(params=["local", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path):
    folder = LocalFolder(tmp_path / "voices") if request.param == "local" else RemoteFolder("memory://shop/voices")
    async with SampleStore(folder, tmp_path / "fetched") as store:
        yield store
    if request.param == "memory":
        import fsspec

        memory = fsspec.filesystem("memory")
        if memory.exists("/shop"):
            memory.rm("/shop", recursive=True)


async def test_what_was_written_is_read(store: SampleStore) -> None:
    address = await store.write("default", "ann", WAV)
    assert str(address) == ADDRESS
    assert await store.read(ADDRESS) == WAV
    assert await store.exists(ADDRESS)
    assert await store.remove(ADDRESS)
    assert not await store.exists(ADDRESS)
    assert not await store.remove(ADDRESS)
    with pytest.raises(SampleMissing, match="voice upload"):
        await store.read(ADDRESS)


async def test_its_own_name_may_stand_in_place_of_voices(store: SampleStore) -> None:
    await store.write("default", "ann", WAV)
    assert await store.read(f"{store.folder.name}/default/ann/{HASH}.wav") == WAV


@pytest.mark.parametrize(
    "content",
    [OTHER, WAV[:-2], WAV[:100], b"", WAV + b"\0", b"x" * 5_000_000],
    ids=["other", "torn", "head", "empty", "more", "large"],
)
async def test_another_content_never_serves(store: SampleStore, content: bytes) -> None:
    await store.write("default", "ann", WAV)
    store.folder.write(f"default/ann/{HASH}.wav", content)
    with pytest.raises(SampleMissing, match=r"damaged|no voice sample"):
        await store.read(ADDRESS)


async def test_a_hash_does_not_make_a_sample(store: SampleStore, tmp_path: Path) -> None:
    """Somebody may name any file by its hash."""
    file = tmp_path / "loud.wav"
    with wave.open(str(file), "wb") as written:
        written.setnchannels(2)
        written.setsampwidth(2)
        written.setframerate(44_100)
        written.writeframes(bytes(44_100 * 4))
    for content in (b"#!/bin/sh", file.read_bytes()):
        store.folder.write(f"default/ann/{digest(content)}.wav", content)
        with pytest.raises(SampleMissing):
            await store.read(f"voices/default/ann/{digest(content)}.wav")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "voices",
        "voices/",
        f"voices/default/ann/{HASH}",
        f"voices/default/ann/{HASH.upper()}.wav",
        f"voices/default/ann/{HASH[:-1]}.wav",
        f"voices/default//{HASH}.wav",
        f"voices/./ann/{HASH}.wav",
        f"voices/../ann/{HASH}.wav",
        f"voices/default/../{HASH}.wav",
        f"voices/default/%2e%2e/{HASH}.wav",
        f"voices/default/ann/../ann/{HASH}.wav",
        f"voices/default\\ann\\{HASH}.wav",
        f"voices/default/ann/{HASH}.wav\n",
        f"voices/default/ann/{HASH}.wav\0",
        f"/voices/default/ann/{HASH}.wav",
        f"/etc/default/ann/{HASH}.wav",
        f"file:///voices/default/ann/{HASH}.wav",
        f"memory://voices/default/ann/{HASH}.wav",
        f"s3://other/default/ann/{HASH}.wav",
        f"http://example.com/voices/default/ann/{HASH}.wav",
        f"ftp://example.com/default/ann/{HASH}.wav",
        f"HTTPS://example.com/{HASH}.wav",
        "data:audio/wav;base64,AAAA",
        "~/voice.wav",
        "/dev/zero",
        "x" * 100_000,
    ],
)
async def test_any_other_address_is_refused(store: SampleStore, address: str) -> None:
    await store.write("default", "ann", WAV)
    for call in (store.read, store.remove, store.exists):
        with pytest.raises(SampleMissing, match="not the address") as refusal:
            await call(address)
        assert len(str(refusal.value)) < 500
    assert await store.read(ADDRESS) == WAV


@pytest.mark.parametrize("identity", ["", "..", "a/b", "a b", ".hidden", "x" * 65, "ä"])
async def test_an_id_that_cannot_name_a_folder(store: SampleStore, identity: str) -> None:
    with pytest.raises(SampleError, match="cannot have a sample"):
        await store.write("default", identity, WAV)


def test_addresses() -> None:
    assert own_address(ADDRESS) == SampleAddress("default", "ann", HASH)
    assert own_address(f"s3://b/v/default/ann/{HASH}.wav", "s3://b/v/") == SampleAddress("default", "ann", HASH)
    assert own_address(f"s3://b/v2/default/ann/{HASH}.wav", "s3://b/v") is None


class Links:
    """What lies in a local store, exchanged for links."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "voices"
        self.outside = folder / "outside"
        self.file = self.root / "default" / "ann" / f"{HASH}.wav"

    def replace(self, what: str) -> None:
        place = {"file": self.file, "personality": self.file.parent, "tenant": self.file.parent.parent}[what]
        shutil.move(place, self.outside)
        place.symlink_to(self.outside)


@pytest.mark.parametrize("what", ["file", "personality", "tenant"])
async def test_links_are_not_followed(tmp_path: Path, what: str) -> None:
    links = Links(tmp_path)
    async with SampleStore(LocalFolder(links.root), tmp_path / "fetched") as store:
        await store.write("default", "ann", WAV)
        links.replace(what)
        with pytest.raises(SampleMissing, match="symbolic link"):
            await store.read(ADDRESS)
        with pytest.raises(SampleMissing, match="symbolic link"):
            await store.write("default", "ann", WAV)
        if what == "file":
            assert await store.remove(ADDRESS), "the link goes"
            assert links.outside.read_bytes() == WAV
        else:
            with pytest.raises(SampleMissing, match="symbolic link"):
                await store.remove(ADDRESS)
    assert [path for path in [links.outside, *links.outside.rglob("*")] if path.is_file()]


async def test_the_store_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "big disk").mkdir()
    (tmp_path / "voices").symlink_to(tmp_path / "big disk")
    async with SampleStore(LocalFolder(tmp_path / "voices"), tmp_path / "fetched") as store:
        await store.write("default", "ann", WAV)
        assert await store.read(ADDRESS) == WAV


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
async def test_what_is_no_file_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "voices" / "default" / "ann"
    folder.mkdir(parents=True)
    file = folder / f"{HASH}.wav"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        file.symlink_to("/dev/zero")
    async with SampleStore(LocalFolder(tmp_path / "voices"), tmp_path / "fetched") as store:
        with pytest.raises(SampleError):
            await store.read(ADDRESS)


async def test_a_store_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    folder = tmp_path / "voices"
    local = LocalFolder(folder)
    async with SampleStore(local, tmp_path / "fetched", patience_s=0.05) as store:
        await store.write("default", "ann", WAV)
        import threading

        stuck = threading.Event()
        real = local.read
        local.read = lambda path: (stuck.wait(10), real(path))[1]  # type: ignore[method-assign]
        try:
            with pytest.raises(SampleError, match="did not answer"):
                await store.read(ADDRESS)
            local.read = real  # type: ignore[method-assign]
            assert await store.read(ADDRESS) == WAV, "on another thread"
        finally:
            stuck.set()


async def test_a_whole_life_in_a_store_elsewhere(tmp_path: Path, recording: Path, other_recording: Path) -> None:
    folder = RemoteFolder("memory://bucket/voices")
    async with Box(tmp_path, folder).opened() as box:
        first = await box.voices.upload(box.who, recording, CONSENT)
        assert await box.samples.read(first.address)
        await box.speak(first.digest)
        second = await box.voices.upload(box.who, other_recording, CONSENT)
        assert (second.replaced.samples, second.replaced.latents, second.replaced.sentences) == (1, 2, 1)
        folder.write(f"default/{box.who}/{'1' * 64}.wav", b"of another machine")
        assert folder.old(time.time() + 60) == sorted(
            f"default/{box.who}/{name}.wav" for name in ("1" * 64, second.digest)
        )
        assert not await box.voices.sweep(), "others may have put it there"
        assert (await box.voices.remove(box.who)).traces.samples == 1
        assert folder.old(time.time() + 60) == [f"default/{box.who}/{'1' * 64}.wav"]
    assert not list((tmp_path / "data" / "voices").rglob("*"))


async def test_a_store_elsewhere_that_fails_changes_nothing(tmp_path: Path, recording: Path) -> None:
    for url, said in (("s3://bucket/voices", "s3fs"), ("gs://bucket/voices", "gcsfs"), ("nonsense://x", "nonsense")):
        async with Box(tmp_path, RemoteFolder(url)).opened() as box:
            before = await box.state()
            with pytest.raises(SampleError, match=said):
                await box.voices.upload(box.who, recording, CONSENT)
            assert await box.state() == before


def configured(folder: Path, text: str):
    (folder / "config.yaml").write_text(text)
    return load(folder / "config.yaml")[0]


@pytest.mark.parametrize("where", ["s3://bucket/voices", "gs://bucket/voices", "https://example.com/voices"])
async def test_cloud_never_reaches_no_store_elsewhere(tmp_path: Path, where: str) -> None:
    settings = configured(tmp_path, f"deployment: {{cloud: never}}\nsamples: {{folder: '{where}'}}\n")
    async with sample_store(settings, tmp_path) as store:
        for call in (store.read(ADDRESS), store.write("default", "ann", WAV), store.remove(ADDRESS)):
            with pytest.raises(SampleError, match=r"deployment\.cloud: never"):
                await call


async def test_the_settings_say_where(tmp_path: Path) -> None:
    async with sample_store(configured(tmp_path, ""), tmp_path) as store:
        await store.write("default", "ann", WAV)
    assert (tmp_path / "data" / "voices" / "default" / "ann" / f"{HASH}.wav").read_bytes() == WAV
    elsewhere = sample_folder(f"file://{tmp_path}/other", tmp_path / "ignored")
    elsewhere.write("default/ann/a.wav", WAV)
    assert (tmp_path / "other" / "default" / "ann" / "a.wav").exists()
