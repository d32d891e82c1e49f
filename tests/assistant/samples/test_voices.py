"""A personality gets a voice of its own, another one, and none: with consent, and without leaving anything behind."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import time
import wave
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.personalities.errors import PersonalityInvalid, PersonalityMissing
from assistant.samples.errors import ConsentMissing, SampleError, SampleMissing, SampleRefused
from assistant.samples.folders import LocalFolder
from assistant.samples.traces import Traces
from assistant.samples.voices import Uploaded
from assistant.storage.errors import StorageError, StorageFull, StorageStuck
from pipeline.speech import VoiceMode
from tests.assistant.personalities.conftest import by_hand
from tests.assistant.samples.box import CONSENT, Box
from tests.assistant.samples.speech import silence, spoken, wav
from tests.assistant.storage.disks import SmallDisk, failing_disk

pytestmark = pytest.mark.unit


async def upload(box: Box, file: Path) -> Uploaded:
    return await box.voices.upload(box.who, file, CONSENT)


async def test_the_personality_speaks_with_it(box: Box, recording: Path) -> None:
    uploaded = await upload(box, recording)
    content = await box.samples.read(uploaded.address)
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
        assert file.getnframes() / 24_000 == uploaded.duration_s
    assert hashlib.sha256(content).hexdigest() == uploaded.digest
    assert uploaded.address == f"voices/default/{box.who}/{uploaded.digest}.wav"
    assert box.samples_here() == [f"default/{box.who}/{uploaded.digest}.wav"]
    config = (await box.stored()).document.voice_config
    assert (config.provider, config.mode, config.voice_sample_url) == ("xtts_v2", "custom", uploaded.address)
    assert config.voice_sample_duration == pytest.approx(uploaded.duration_s, abs=0.01)
    assert config.uploaded_at is not None
    assert config.config().mode is VoiceMode.CUSTOM
    assert box.consents() == [(CONSENT, uploaded.digest, None)]
    assert await box.stored() == uploaded.personality


async def test_only_its_owner_may_read_it(box: Box, recording: Path) -> None:
    await upload(box, recording)
    for path in [box.voices_folder, *box.voices_folder.rglob("*")]:
        assert not path.stat().st_mode & 0o077


async def test_the_recording_itself_is_not_kept(box: Box, recording: Path) -> None:
    before = recording.read_bytes()
    uploaded = await upload(box, recording)
    assert recording.read_bytes() == before
    assert (await box.samples.read(uploaded.address)) != before
    assert not [path for path in box.data.rglob("*") if path.is_file() and path.read_bytes() == before]


@pytest.mark.parametrize("consent", ["", "  ", "\t\n", "...", "Ann\nSmith", "Ann\0", "Ann \u202eSmith", "x" * 501])
async def test_without_consent_nothing_happens(box: Box, recording: Path, consent: str) -> None:
    before = await box.state()
    with pytest.raises(ConsentMissing, match="--consent"):
        await box.voices.upload(box.who, recording, consent)
    assert await box.state() == before


async def test_consent_is_kept_as_it_was_typed(box: Box, recording: Path) -> None:
    await box.voices.upload(box.who, recording, "  Jos\u0065\u0301 Núñez; por escrito, 3/2/2026 ")
    assert box.consents()[0][0] == "José Núñez; por escrito, 3/2/2026"


async def test_nobody_of_that_name(box: Box, recording: Path) -> None:
    with pytest.raises(PersonalityMissing):
        await box.voices.upload("Nobody", recording, CONSENT)
    with pytest.raises(PersonalityMissing):
        await box.voices.remove("Nobody")
    assert box.samples_here() == []


@pytest.mark.parametrize("kind", ["open file", "in memory"])
async def test_a_file_that_a_web_server_holds(box: Box, recording: Path, kind: str) -> None:
    content = recording.read_bytes()
    with recording.open("rb") as opened:
        opened.read(1000)  # whoever looked at it before
        file = opened if kind == "open file" else io.BytesIO(content)
        uploaded = await box.voices.upload(box.who, file, CONSENT)
        assert not file.closed
    assert uploaded.duration_s == pytest.approx(len(spoken()) / 24_000, abs=0.6)


async def test_a_file_too_large_is_not_even_read(tmp_path: Path) -> None:
    async with Box(tmp_path).opened(most_bytes=1000) as box:
        with pytest.raises(SampleRefused) as refusal:
            await box.voices.upload(box.who, io.BytesIO(bytes(1001)), CONSENT)
        assert refusal.value.reason == "too_large"


@pytest.mark.parametrize(
    ("before", "during", "after"),
    [
        ({"provider": "piper"}, ("xtts_v2", ""), ("piper", "")),
        ({"provider": "piper", "voice_id": "joe"}, ("xtts_v2", "joe"), ("piper", "joe")),
        ({"provider": "pocket_tts"}, ("pocket_tts", ""), ("piper", "")),
        ({"provider": "xtts_v2", "mode": "custom"}, ("xtts_v2", ""), ("piper", "")),
        ({"provider": "google_tts", "fallback": {"provider": "espeak_ng", "voice_id": "en-us"}},
         ("xtts_v2", "en-us"), ("espeak_ng", "en-us")),
    ],
)  # fmt: skip
async def test_the_voice_before_speaks_where_the_sample_cannot(
    box: Box, recording: Path, before: dict[str, Any], during: tuple[str, str], after: tuple[str, str]
) -> None:
    await box.personalities.change(box.who, lambda raw: {**raw, "voice_config": before})
    config = (await upload(box, recording)).personality.document.voice_config
    assert (config.provider, config.fallback.voice_id) == during
    config = (await box.voices.remove(box.who)).personality.document.voice_config
    assert (config.provider, config.voice_id) == after
    assert config.mode == "default"


async def test_settings_and_statistics_stay(box: Box, recording: Path) -> None:
    settings = {"speed": 1.2, "temperature": 0.6}
    await box.personalities.change(box.who, lambda raw: {**raw, "voice_config": {"settings": settings}})
    kept = (await box.stored()).document.voice_config
    await upload(box, recording)
    await box.voices.remove(box.who)
    config = (await box.stored()).document.voice_config
    assert (config.settings, config.stats) == (kept.settings, kept.stats)


async def test_another_one_replaces_it_without_a_trace(box: Box, recording: Path, other_recording: Path) -> None:
    first = await upload(box, recording)
    await box.speak(first.digest)
    second = await upload(box, other_recording)
    assert second.replaced == Traces(samples=1, latents=2, sentences=1)
    assert box.samples_here() == [f"default/{box.who}/{second.digest}.wav"]
    assert box.traces_of(first.digest) == []
    assert [ended for _, _, ended in box.consents()] == ["replaced", None]
    with pytest.raises(SampleMissing):
        await box.samples.read(first.address)
    await box.speak(first.digest)  # by somebody who was in the middle of a sentence
    assert (await box.sentences.stock()).entries == 0


async def test_the_same_one_again_stays(box: Box, recording: Path) -> None:
    first = await upload(box, recording)
    await box.speak(first.digest)
    again = await upload(box, recording)
    assert (again.address, again.replaced) == (first.address, Traces())
    assert await box.samples.read(again.address)
    assert (await box.sentences.stock()).entries == 1
    assert [ended for _, _, ended in box.consents()] == ["replaced", None]


async def test_removing_leaves_no_trace(box: Box, recording: Path) -> None:
    uploaded = await upload(box, recording)
    await box.speak(uploaded.digest)
    assert len(box.traces_of(uploaded.digest)) == 4
    removed = await box.voices.remove(box.who)
    assert removed.traces == Traces(samples=1, latents=2, sentences=1)
    assert box.traces_of(uploaded.digest) == []
    assert not list(box.voices_folder.rglob("*"))
    config = removed.personality.document.voice_config
    sample = (config.voice_sample_url, config.voice_sample_duration, config.uploaded_at)
    assert (config.mode, sample) == ("default", (None, None, None))
    assert box.consents() == [(CONSENT, uploaded.digest, "withdrawn")]
    with pytest.raises(SampleMissing, match="no voice of its own"):
        await box.voices.remove(box.who)
    rows = by_hand(box.data / "assistant.db", "SELECT voice_config FROM ai_personalities")
    assert uploaded.digest not in str(rows)


async def test_what_others_have_is_not_touched(box: Box, recording: Path, other_recording: Path) -> None:
    first, second, third = [one.document.id for one in await box.personalities.everyone()]
    mine = await box.voices.upload(first, recording, CONSENT)
    others = await box.voices.upload(second, other_recording, CONSENT)
    same = await box.voices.upload(third, recording, CONSENT)
    await box.speak(mine.digest)
    await box.speak(others.digest, 1)
    removed = await box.voices.remove(first)
    assert removed.traces == Traces(samples=1), "the third one still speaks with the same recording"
    assert await box.samples.read(others.address)
    assert await box.samples.read(same.address)
    assert (await box.sentences.stock()).entries == 2
    assert (await box.voices.remove(third)).traces == Traces(samples=1, latents=2, sentences=1)


async def test_a_personality_takes_its_sample_along(box: Box, recording: Path) -> None:
    other = (await box.personalities.everyone())[1].document.id
    uploaded = await box.voices.upload(other, recording, CONSENT)
    await box.speak(uploaded.digest)
    gone = await box.personalities.remove(other)
    removed = await box.voices.forget(gone)
    assert removed.traces == Traces(samples=1, latents=2, sentences=1)
    assert box.traces_of(uploaded.digest) == []
    assert box.consents()[0][2] == "withdrawn"


async def test_a_voice_config_with_mistakes(box: Box, recording: Path) -> None:
    file = box.data / "assistant.db"
    by_hand(file, "UPDATE ai_personalities SET voice_config = '[1' WHERE id = ?", box.who)
    with pytest.raises(PersonalityInvalid, match="voice_config=null"):
        await upload(box, recording)
    assert box.samples_here() == []
    assert box.consents() == []
    assert by_hand(file, "SELECT voice_config FROM ai_personalities WHERE id = ?", box.who) == [("[1",)]


async def test_removing_works_on_an_address_made_by_hand(box: Box, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"not ours")
    for address in ("voices/../../secret.wav", str(secret), f"file://{secret}", "voices/default/x/y.wav"):
        config = json.dumps({"mode": "custom", "voice_sample_url": address})
        by_hand(box.data / "assistant.db", "UPDATE ai_personalities SET voice_config = ? WHERE id = ?", config, box.who)
        removed = await box.voices.remove(box.who)
        assert removed.personality.document.voice_config.voice_sample_url is None
        assert not removed.traces
    assert secret.read_bytes() == b"not ours"


class Broken(StorageError):
    """What the test makes fail."""


@pytest.mark.parametrize(
    "failure", [Broken("broken"), StorageFull("full"), ValueError("a defect"), asyncio.CancelledError()]
)
@pytest.mark.parametrize("with_one_before", [False, True])
async def test_a_failure_in_the_database_changes_nothing(
    box: Box,
    recording: Path,
    other_recording: Path,
    failure: BaseException,
    with_one_before: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if with_one_before:
        await upload(box, other_recording)
    before = await box.state()

    # The last thing of the transaction.
    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr("assistant.samples.consent.record", fail)
    with pytest.raises(type(failure)):
        await upload(box, recording)
    assert await box.state() == before


async def test_after_a_time_out_nobody_knows_and_the_sample_stays_where_it_is_named(
    box: Box, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = box.personalities.change

    async def late(*arguments: Any) -> None:
        await real(*arguments)
        raise StorageStuck("no answer")

    monkeypatch.setattr(box.personalities, "change", late)
    with pytest.raises(StorageStuck):
        await upload(box, recording)
    address = (await box.stored()).document.voice_config.voice_sample_url
    assert address is not None
    assert await box.samples.read(address)


async def test_a_full_disk(small_disk: SmallDisk, recording: Path) -> None:
    async with Box(small_disk.folder).opened() as box:
        before = await box.state()
        small_disk.fill(leave_bytes=50_000)
        with pytest.raises((SampleError, StorageError), match=r"full|No space"):
            await upload(box, recording)
        assert await box.state() == before
        small_disk.make_room()
        await upload(box, recording)


async def test_a_disk_that_became_read_only(tmp_path: Path, small_disk: SmallDisk, recording: Path) -> None:
    folder = LocalFolder(small_disk.folder / "voices")
    async with Box(tmp_path, folder).opened() as box:
        uploaded = await upload(box, recording)
        before = await box.state()
        small_disk.set_read_only()
        with pytest.raises(SampleError, match="Read-only file system"):
            await upload(box, recording)
        assert await box.state() == before
        with pytest.raises(SampleError, match="Read-only file system"):
            await box.voices.remove(box.who)
        assert await box.samples.read(uploaded.address), "it could not be deleted, and that was said"
        small_disk.set_read_only(False)
        assert (await box.voices.remove(box.who)).traces == Traces(samples=1)
        assert not list((small_disk.folder / "voices").rglob("*"))


async def test_a_disk_that_fails(box: Box, recording: Path) -> None:
    before = await box.state()
    content = wav(spoken())
    with failing_disk(), pytest.raises(SampleError, match="cannot be written"):
        await box.samples.write("default", box.who, content)
    assert await box.state() == before


async def test_several_at_once(box: Box, recording: Path, other_recording: Path) -> None:
    """The last one wins, and of the others nothing is left."""
    files = [recording, other_recording, recording, other_recording]
    await asyncio.gather(*(upload(box, file) for file in files))
    address = (await box.stored()).document.voice_config.voice_sample_url
    assert address is not None
    assert box.samples_here() == [address.removeprefix("voices/")]
    assert await box.samples.read(address)
    assert [ended for _, _, ended in box.consents()] == ["replaced"] * 3 + [None]


async def test_uploading_while_removing(box: Box, recording: Path, other_recording: Path) -> None:
    await upload(box, recording)

    async def remove() -> None:
        with suppress(SampleMissing):
            await box.voices.remove(box.who)

    await asyncio.gather(upload(box, other_recording), remove(), upload(box, recording), remove())
    address = (await box.stored()).document.voice_config.voice_sample_url
    assert box.samples_here() == ([address.removeprefix("voices/")] if address else [])
    in_force = [digest for _, digest, ended in box.consents() if ended is None]
    assert in_force == ([address.rpartition("/")[2].removesuffix(".wav")] if address else [])


async def test_leftovers_are_swept_and_nothing_else(box: Box, recording: Path) -> None:
    uploaded = await upload(box, recording)
    folder = box.voices_folder / "default" / box.who
    for name, age_s in (("1" * 64, 7200), ("2" * 64, 60)):
        (folder / f"{name}.wav").write_bytes(b"left behind")
        os.utime(folder / f"{name}.wav", (time.time() - age_s,) * 2)
    (folder / ".abc.part").write_bytes(b"half")
    (folder / "notes.txt").write_text("the owner's")
    gone = box.voices_folder / "default" / "gone" / f"{'3' * 64}.wav"
    gone.parent.mkdir()
    gone.write_bytes(b"of a personality that is no more")
    for path in (folder / ".abc.part", folder / "notes.txt", folder / f"{uploaded.digest}.wav", gone):
        os.utime(path, (time.time() - 7200,) * 2)
    assert await box.voices.sweep() == Traces(samples=3)
    assert box.samples_here() == sorted(
        f"default/{box.who}/{name}" for name in (f"{uploaded.digest}.wav", f"{'2' * 64}.wav", "notes.txt")
    )
    assert not gone.parent.exists()


async def test_what_a_change_by_hand_left_is_swept(box: Box, recording: Path) -> None:
    uploaded = await upload(box, recording)
    await box.speak(uploaded.digest)
    await box.personalities.change(box.who, lambda raw: {**raw, "voice_config": {}})
    os.utime(box.voices_folder / "default" / box.who / f"{uploaded.digest}.wav", (time.time() - 7200,) * 2)
    assert await box.voices.sweep() == Traces(samples=1, latents=2, sentences=1)
    assert box.traces_of(uploaded.digest) == []
    assert box.consents()[0][2] == "withdrawn"


async def test_a_row_with_mistakes_does_not_cost_the_sample(box: Box, recording: Path) -> None:
    uploaded = await upload(box, recording)
    config = f'{{"mode": "custom", "voice_sample_url": "{uploaded.address}" "uploaded_at"'
    by_hand(box.data / "assistant.db", "UPDATE ai_personalities SET voice_config = ?", config)
    os.utime(box.voices_folder / uploaded.address.removeprefix("voices/"), (time.time() - 7200,) * 2)
    assert not await box.voices.sweep()
    assert await box.samples.read(uploaded.address)


async def test_what_could_not_be_deleted_is_deleted_the_next_time(
    box: Box, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded = await upload(box, recording)
    await box.speak(uploaded.digest)
    with monkeypatch.context() as patch:

        def fail(_: str) -> bool:
            raise SampleError("the disk does not answer")

        patch.setattr(box.samples.folder, "remove", fail)
        with pytest.raises(SampleError, match="does not answer"):
            await box.voices.remove(box.who)
    assert (await box.stored()).document.voice_config.mode == "default"
    assert (await box.voices.remove(box.who)).traces == Traces(samples=1)
    assert box.traces_of(uploaded.digest) == []


async def test_others_wait_for_their_turn(tmp_path: Path, recording: Path) -> None:
    """Two processes as it were: each has its own database, store and lock."""
    async with Box(tmp_path).opened() as one, Box(tmp_path).opened() as other:
        await asyncio.gather(*(upload(box, recording) for box in (one, other, one)))
        assert len(one.samples_here()) == 1
        assert await other.samples.read((await one.stored()).document.voice_config.voice_sample_url or "")


async def test_too_much_silence_in_between_is_the_owners_business(box: Box, tmp_path: Path) -> None:
    file = tmp_path / "slow.wav"
    file.write_bytes(wav(np.concatenate([spoken()[:60_000], silence(10), spoken()[60_000:120_000]])))
    uploaded = await upload(box, file)
    found = {finding.name: finding.verdict for finding in uploaded.quality.findings}
    assert found["speech"] == "poor"
    assert uploaded.quality.verdict == "poor"
