"""What is kept of samples."""

from __future__ import annotations

import os
import pickle
import random
import stat
import time
from pathlib import Path

import numpy as np
import pytest

from providers.tts.voice_worker import latents as module
from providers.tts.voice_worker.engine import Speaker
from providers.tts.voice_worker.latents import Latents, is_sample, making

pytestmark = pytest.mark.unit

A, B, C = "a" * 64, "b" * 64, "c" * 64
SPEAKER: Speaker = {
    "latent": np.arange(12, dtype=np.float32).reshape(1, 3, 4),
    "layers/0.self_attn/cache": np.array([1.5, -2.0], np.float16),
    "../offset": np.array(7, np.int64),
    "señal": np.zeros((2, 0), np.float32),
}


@pytest.fixture
def kept(tmp_path: Path) -> Latents:
    return Latents(tmp_path / "latents", making("tone", "1", "model"))


def keep(latents: Latents, sample: str, speaker: Speaker = SPEAKER) -> Path:
    assert latents.keep(latents.look(sample), speaker)
    return latents.path(sample)


def anew(latents: Latents) -> Latents:
    """As after a restart."""
    return Latents(latents.path(A).parent, making("tone", "1", "model"))


def same(found: Speaker | None, speaker: Speaker = SPEAKER) -> bool:
    if found is None or list(found) != list(speaker):
        return False
    pairs = [(found[name], speaker[name]) for name in speaker]
    return all(one.dtype == other.dtype and np.array_equal(one, other) for one, other in pairs)


def test_what_was_kept_is_found_also_after_a_restart(kept: Latents) -> None:
    assert kept.find(A) is None
    assert not kept.knows(A)
    path = keep(kept, A)
    assert kept.knows(A)
    assert same(kept.find(A))
    assert same(anew(kept).find(A))
    assert [file.name for file in path.parent.iterdir()] == [path.name], "nothing else is left"


def test_others_may_not_read_it(kept: Latents) -> None:
    before = os.umask(0)
    try:
        path = keep(kept, A)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "other", [making("tone", "1", "another"), making("tone", "2", "model"), making("chime", "1", "model")]
)
def test_another_model_or_version_keeps_its_own(kept: Latents, other: str) -> None:
    path = keep(kept, A)
    assert Latents(path.parent, other).find(A) is None


def test_deleting_its_file_forgets_a_voice_that_is_in_memory(kept: Latents) -> None:
    path = keep(kept, A)
    assert same(kept.find(A))
    path.unlink()
    assert kept.find(A) is None
    assert not kept.knows(A)


def test_a_file_that_was_replaced_is_read_again(kept: Latents) -> None:
    keep(kept, A)
    other = {"latent": np.ones(3, np.float32)}
    keep(anew(kept), A, other)
    assert same(kept.find(A), other)


def test_forgetting_leaves_nothing_of_any_engine(kept: Latents) -> None:
    folder = keep(kept, A).parent
    keep(Latents(folder, making("tone", "1", "another")), A)
    (folder / f".{A}-xyz.part").write_bytes(b"half")
    other = keep(kept, B)
    assert kept.forget(A)
    assert list(folder.iterdir()) == [other]
    assert not kept.forget(A)
    assert same(kept.find(B))


def test_what_is_forgotten_while_somebody_looks_at_it_is_not_kept(kept: Latents) -> None:
    keep(kept, B)
    folder = kept.path(A).parent
    look, unconcerned = kept.look(A), kept.look(C)
    assert not kept.forget(A)
    assert not kept.keep(look, SPEAKER)
    assert not kept.knows(A)
    assert kept.find(A) is None
    assert kept.keep(unconcerned, SPEAKER)
    assert kept.keep(kept.look(A), SPEAKER), "it may be looked at again"
    assert len(list(folder.iterdir())) == 3


def test_looks_that_are_over_take_no_memory(kept: Latents) -> None:
    for _ in range(100):
        kept.look(A)
    assert len(kept._looks) <= 1


@pytest.mark.parametrize("sample", ["", "a" * 63, "A" * 64, "a" * 64 + "\n", "../" + "a" * 61, "*" * 64])
def test_only_hashes_have_files(kept: Latents, sample: str) -> None:
    assert not is_sample(sample)
    for ask in (kept.path, kept.find, kept.knows, kept.forget, lambda name: kept.keep(kept.look(name), SPEAKER)):
        with pytest.raises(ValueError, match="no sample's hash"):
            ask(sample)


def test_a_damaged_file_is_made_again(kept: Latents, caplog: pytest.LogCaptureFixture) -> None:
    path = keep(kept, A)
    path.write_bytes(path.read_bytes()[:-40])
    assert kept.find(A) is None
    assert "damaged and is made again" in caplog.text
    assert not path.exists()
    keep(kept, A)
    assert same(kept.find(A))


def test_no_damage_is_too_odd(kept: Latents) -> None:
    """It is found damaged, or nothing of what counts was hit."""
    path = keep(kept, A)
    whole, draw = path.read_bytes(), random.Random(4)
    damaged = 0
    for _ in range(400):
        content = bytearray(whole)
        for _ in range(draw.choice([1, 1, 3, 50])):
            content[draw.randrange(len(content))] = draw.randrange(256)
        path.write_bytes(content[: draw.choice([len(content), draw.randrange(len(content))])])
        found = anew(kept).find(A)
        assert found is None or same(found)
        assert path.exists() == (found is not None)
        damaged += found is None
    assert damaged > 200


class Trap:
    """Runs something when it is read as a pickle."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, (str(self._path),))


@pytest.mark.parametrize("form", ["pickle", "npy", "npz"])
def test_no_pickle_is_ever_opened(kept: Latents, tmp_path: Path, form: str) -> None:
    path, sprung = keep(kept, A), tmp_path / "sprung"
    trap = np.array([Trap(sprung)], dtype=object)
    with path.open("wb") as file:
        if form == "pickle":
            pickle.dump(Trap(sprung), file)
        elif form == "npy":
            np.save(file, trap, allow_pickle=True)
        else:
            np.savez(file, names=np.array(["a"]), array_0=trap)
    assert anew(kept).find(A) is None
    assert not sprung.exists()


def test_no_pickle_is_ever_written(kept: Latents) -> None:
    with pytest.raises(ValueError, match="plain arrays"):
        keep(kept, A, {"a": np.array([object()])})
    assert not list(kept.path(A).parent.iterdir())


def test_a_file_that_promises_more_than_the_memory_holds(kept: Latents) -> None:
    path = keep(kept, A)
    with path.open("wb") as file:
        np.savez(file, names=np.array(["a"]), array_0=np.zeros(8, np.int8))
    content = path.read_bytes()
    short, long = b"(8,), }".ljust(21), b"(999999999999999,), }"
    assert content.count(short) == 1
    path.write_bytes(content.replace(short, long))
    assert anew(kept).find(A) is None


def test_what_was_not_used_for_longest_makes_room(tmp_path: Path) -> None:
    speaker = {"latent": np.zeros(1000, np.float32)}
    latents = Latents(tmp_path, "x", most_bytes=10_000)
    keep(latents, A, speaker)
    keep(latents, B, speaker)
    assert latents.find(A) is not None
    keep(latents, C, speaker)
    assert (latents.knows(A), latents.knows(B), latents.knows(C)) == (True, False, True)
    assert same(latents.find(A), speaker)


def test_one_that_is_larger_than_all_the_room_is_kept_alone(tmp_path: Path) -> None:
    latents = Latents(tmp_path, "x", most_bytes=10)
    keep(latents, A)
    keep(latents, B)
    assert (latents.knows(A), latents.knows(B)) == (False, True)


def test_a_clock_that_is_set_back_does_not_make_the_newest_use_the_oldest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker = {"latent": np.zeros(1000, np.float32)}
    latents = Latents(tmp_path, "x", most_bytes=10_000)
    keep(latents, A, speaker)
    keep(latents, B, speaker)
    keep(latents, A, speaker)
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    used = latents.path(A).stat().st_atime_ns
    latents.find(A)
    assert latents.path(A).stat().st_atime_ns > used


def test_what_a_dead_worker_left_half_written_goes(kept: Latents) -> None:
    folder = keep(kept, A).parent
    old, fresh = folder / f".{B}-old.part", folder / f".{B}-fresh.part"
    for path in (old, fresh):
        path.write_bytes(b"half")
    long_ago = time.time() - module.LEFTOVER_S - 60
    os.utime(old, (long_ago, long_ago))
    kept.make_room()
    assert (old.exists(), fresh.exists(), kept.knows(A)) == (False, True, True)


def test_a_folder_that_is_not_there_yet_holds_nothing(kept: Latents) -> None:
    kept.make_room()
    assert not kept.forget(A)
    assert not kept.knows(A)


def test_a_full_disk_leaves_nothing_half_done(kept: Latents, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = keep(kept, B).parent

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        keep(kept, A)
    assert [path.name for path in folder.iterdir()] == [kept.path(B).name]


def test_few_are_held_in_memory(kept: Latents) -> None:
    samples = [f"{number:064x}" for number in range(module.MOST_IN_MEMORY + 3)]
    for sample in samples:
        keep(kept, sample)
    assert list(kept._loaded) == samples[3:]
    assert all(same(kept.find(sample)) for sample in samples)
