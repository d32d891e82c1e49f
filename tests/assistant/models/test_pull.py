"""Pulling from a hub that has good and bad days."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from assistant.models import pull as pull_module
from assistant.models.errors import HubUnreachable, PullError
from assistant.models.store import MANIFEST
from assistant.models.transfer import Transfer
from pipeline.errors import ModelDamaged, ModelMissing
from tests.assistant.models.conftest import BIG, SMALL, Shop

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]


def is_whole(shop: Shop, name: str) -> bool:
    folder = shop.store.path(name)
    shop.store.verify(name)
    return (folder / "voice.onnx").read_bytes() == BIG and (folder / "voice.onnx.json").read_bytes() == SMALL


def test_good_day(shop: Shop) -> None:
    assert shop.pull("voice")
    assert is_whole(shop, "voice")
    assert not list((shop.folder / ".pull").rglob("*.part*"))
    manifest = json.loads((shop.folder / "voice" / MANIFEST).read_text())
    assert manifest["source"] == "shop/voices@abc"
    assert {path: entry["size"] for path, entry in manifest["files"].items()} == {
        "voice.onnx": len(BIG),
        "voice.onnx.json": len(SMALL),
    }
    assert [request.path for request in shop.hub.requests] == [
        "shop/voices/resolve/abc/en/voice/voice.onnx",
        "cdn/shop/voices/en/voice/voice.onnx",
        "shop/voices/resolve/abc/en/voice/voice.onnx.json",
    ]


def test_second_pull_fetches_nothing(shop: Shop) -> None:
    shop.pull("voice")
    shop.hub.requests.clear()
    assert not shop.pull("voice")
    assert not shop.hub.requests


def test_hubs_own_digests_are_verified_and_kept(shop: Shop) -> None:
    shop.pull("unpinned")
    assert shop.store.verify("unpinned")
    path = shop.folder / "unpinned" / "voice.onnx"
    path.write_bytes(BIG[:-1] + b"!")
    with pytest.raises(ModelDamaged, match=r"voice\.onnx not as published"):
        shop.store.verify("unpinned")


@pytest.mark.parametrize("name", ["voice", "unpinned"])
def test_wrong_content_never_appears(shop: Shop, name: str) -> None:
    shop.hub.bad.flip = True
    with pytest.raises(PullError, match=r"voice\.onnx of \w+ is not the published file"):
        shop.pull(name)
    with pytest.raises(ModelMissing):
        shop.store.path(name)
    shop.hub.bad.flip = False
    shop.pull(name)
    assert is_whole(shop, name)


def test_file_nobody_vouches_for_is_refused(shop: Shop) -> None:
    shop.hub.bad.no_digest = True
    with pytest.raises(PullError, match="cannot be trusted"):
        shop.pull("unpinned")
    assert shop.pull("voice"), "the catalogue vouches for this one"


def test_truncated_file_with_matching_length(shop: Shop) -> None:
    shop.hub.bad.cut_content_to = 20
    with pytest.raises(PullError, match=r"not the published file|The connection broke"):
        shop.pull("voice")


def test_broken_connections_are_resumed(shop: Shop) -> None:
    shop.hub.bad.break_at, shop.hub.bad.breaks = 100_000, 2
    shop.pull("voice")
    assert is_whole(shop, "voice")
    sent = shop.hub.sent("voice.onnx")
    assert [request.range for request in sent] == ["", "bytes=100000-", "bytes=200000-"]
    assert [request.if_range for request in sent] == ["", '"of-the-store"', '"of-the-store"']
    assert shop.slept == [1.0, 2.0]


def test_broken_for_good_keeps_what_came(shop: Shop) -> None:
    shop.hub.bad.break_at = 1000
    with pytest.raises(PullError, match=r"The connection broke at 5\.0 kB of voice/voice\.onnx") as caught:
        shop.pull("voice")
    assert "goes on where it stopped" in caught.value.remedy
    assert shop.slept == [1.0, 2.0, 4.0, 8.0]
    shop.hub.bad.break_at = None
    shop.hub.requests.clear()
    shop.pull("voice")
    assert shop.hub.sent("voice.onnx")[0].range == "bytes=5000-"


def test_slow_server_is_given_up(shop: Shop) -> None:
    shop.hub.bad.stall_at = 4000
    with pytest.raises(PullError, match=r"stopped sending voice/voice\.onnx at 20\.0 kB"):
        shop.pull("voice", read_timeout_s=0.1)


def test_slow_server_that_recovers(shop: Shop) -> None:
    shop.hub.bad.stall_at, shop.hub.bad.stalls = 4000, 1
    shop.pull("voice", read_timeout_s=0.2)
    assert is_whole(shop, "voice")


def test_busy_server_is_asked_again(shop: Shop) -> None:
    shop.hub.bad.busy = 3
    shop.pull("voice")
    assert shop.slept == [1.0, 2.0, 4.0]


def test_busy_server_is_given_up(shop: Shop) -> None:
    shop.hub.bad.busy = -1
    with pytest.raises(PullError, match="HTTP 503"):
        shop.pull("voice")


def test_missing_file(shop: Shop) -> None:
    del shop.hub.files["shop/voices/en/voice/voice.onnx.json"]
    with pytest.raises(PullError, match=r"no file voice/voice\.onnx\.json \(HTTP 404\)") as caught:
        shop.pull("voice")
    assert "Copy the folder models/voice/" in caught.value.remedy
    assert shop.store.state("voice") == "missing"


def test_captive_portal(shop: Shop) -> None:
    shop.hub.bad.portal = True
    with pytest.raises(PullError, match="a web page instead of the file") as caught:
        shop.pull("voice")
    assert "log in to the network" in caught.value.remedy
    assert len(shop.hub.requests) == 1, "a log-in page is not asked again"


def test_redirects_in_circles(shop: Shop) -> None:
    shop.hub.bad.loop = True
    with pytest.raises(PullError, match="in circles"):
        shop.pull("voice")


def test_endless_content_is_cut(shop: Shop) -> None:
    shop.hub.bad.extra = 50_000
    with pytest.raises(PullError, match="is longer than"):
        shop.pull("voice")


def test_hub_unreachable(shop: Shop) -> None:
    with pytest.raises(PullError, match=r"The hub cannot be reached \(connection refused\)") as caught:
        shop.pull("voice", endpoint="http://127.0.0.1:9")
    assert "Copy the folder models/voice/ from another machine, or set models.mirror" in caught.value.remedy
    assert shop.slept == [1.0]
    assert "\n" not in str(caught.value)


def test_invalid_endpoint(shop: Shop) -> None:
    with pytest.raises(PullError, match="address of the hub is not valid") as caught:
        shop.pull("voice", endpoint="nonsense")
    assert "HF_ENDPOINT" in caught.value.remedy
    assert not shop.slept


@pytest.mark.parametrize("switch", ["ignore_range", "shifted_range"])
def test_server_with_its_own_idea_of_ranges(shop: Shop, switch: str) -> None:
    setattr(shop.hub.bad, switch, True)
    shop.hub.bad.break_at, shop.hub.bad.breaks = 100_000, 1
    shop.pull("voice")
    assert is_whole(shop, "voice")


def test_file_that_changes_between_two_halves(shop: Shop) -> None:
    other = bytes(reversed(BIG))
    shop.hub.files["shop/voices/en/voice/voice.onnx"] = other
    shop.hub.bad.break_at = 10_000
    with pytest.raises(PullError):
        shop.pull("unpinned")
    shop.hub.files["shop/voices/en/voice/voice.onnx"] = BIG
    shop.hub.bad.break_at = None
    shop.pull("unpinned")
    assert is_whole(shop, "unpinned")


def test_torn_part_file_is_begun_again(shop: Shop) -> None:
    shop.hub.bad.break_at = 10_000
    with pytest.raises(PullError):
        shop.pull("voice")
    shop.hub.bad.break_at = None
    part = shop.part("voice", "voice.onnx")
    part.write_bytes(bytes(part.stat().st_size))
    shop.pull("voice")
    assert is_whole(shop, "voice")


def test_part_file_that_only_lacked_its_name(shop: Shop, tmp_path: Path) -> None:
    part = tmp_path / "voice.onnx.part"
    url = f"{shop.hub.url}/shop/voices/resolve/abc/en/voice/voice.onnx"
    with httpx.Client(follow_redirects=True, trust_env=False) as client:
        transfer = Transfer(client, shop.progress, shop.slept.append)
        first = transfer.fetch(url, part, "voice", None)
        shop.hub.requests.clear()
        assert transfer.fetch(url, part, "voice", None) == first
    assert not shop.hub.requests
    assert part.read_bytes() == BIG


def test_only_the_damaged_file_is_fetched_again(shop: Shop) -> None:
    shop.pull("voice")
    shop.hub.requests.clear()
    config = shop.folder / "voice" / "voice.onnx.json"
    config.write_bytes(SMALL[:-1] + b"!")
    (shop.folder / "voice" / "notes.txt").write_text("the user's own")
    assert shop.pull("voice")
    assert is_whole(shop, "voice")
    assert not shop.hub.sent("voice.onnx")
    assert (shop.folder / "voice" / "notes.txt").is_file()


def test_concurrent_pull_is_refused(shop: Shop) -> None:
    lock = shop.folder / ".pull" / "voice.lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(PullError, match="Another command is fetching voice"):
            shop.pull("voice")
        assert not shop.hub.requests
    shop.pull("voice")


def test_full_disk_is_noticed_first(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(shop.folder.parent)
    monkeypatch.setattr(pull_module.shutil, "disk_usage", lambda _: usage._replace(free=64_000_000))
    with pytest.raises(PullError, match="The disk is too full: voice needs 300 kB"):
        shop.pull("voice")
    assert not shop.hub.requests


def test_folder_that_cannot_be_written(shop: Shop) -> None:
    shop.folder.write_text("a file, and root may write in every folder")
    with pytest.raises(PullError, match=r"cannot be written \(File exists\)") as caught:
        shop.pull("voice")
    assert "models.folder" in caught.value.remedy


def test_unknown_name(shop: Shop) -> None:
    with pytest.raises(ModelMissing, match=r"Did you mean voice\?"):
        shop.pull("voise")


def test_bundled_model_is_not_pulled(shop: Shop) -> None:
    with pytest.raises(ModelMissing, match="comes with the program"):
        shop.pull("given")


def test_mirror_comes_first(shop: Shop, tmp_path: Path) -> None:
    shop.pull("voice")
    shop.mirror = tmp_path / "share"
    shutil.move(shop.folder, shop.mirror)
    shop.hub.requests.clear()
    shop.pull("voice")
    assert is_whole(shop, "voice")
    assert not shop.hub.requests


def test_damaged_mirror_is_passed_over(shop: Shop, tmp_path: Path) -> None:
    shop.mirror = tmp_path / "share"
    (shop.mirror / "voice").mkdir(parents=True)
    (shop.mirror / "voice" / "voice.onnx").write_bytes(BIG[:-1] + b"!")
    (shop.mirror / "voice" / "voice.onnx.json").write_bytes(SMALL)
    shop.pull("voice")
    assert is_whole(shop, "voice")
    assert shop.hub.sent("voice.onnx")


def test_mirror_needs_a_manifest_where_the_catalogue_knows_no_digest(shop: Shop, tmp_path: Path) -> None:
    shop.pull("unpinned")
    shop.mirror = tmp_path / "share"
    shutil.move(shop.folder, shop.mirror)
    shop.pull("unpinned", endpoint="http://127.0.0.1:9")
    assert is_whole(shop, "unpinned")
    shutil.rmtree(shop.folder)
    (shop.mirror / "unpinned" / MANIFEST).unlink()
    with pytest.raises(PullError, match=r"to verify voice\.onnx with"):
        shop.pull("unpinned", endpoint="http://127.0.0.1:9")


def test_unreachable_hub_is_asked_once(shop: Shop) -> None:
    from tests.assistant.models.conftest import SilentProgress

    environment = {"HF_ENDPOINT": "http://127.0.0.1:9"}
    slept: list[float] = []
    with pull_module.Puller(shop.store, SilentProgress(), environment=environment, sleep=slept.append) as puller:
        for name in ("voice", "unpinned"):
            with pytest.raises(PullError):
                puller.pull(name)
        assert isinstance(puller._unreachable, HubUnreachable)
    assert slept == [1.0]


PULL_PROGRAM = """
import sys
from pathlib import Path
from assistant.models.catalogue import read_catalogue
from assistant.models.progress import LineProgress
from assistant.models.pull import Puller
from assistant.models.store import ModelStore
store = ModelStore(Path(sys.argv[2]), catalogue=read_catalogue(Path(sys.argv[1])))
with Puller(store, LineProgress(sys.stderr)) as puller:
    puller.pull("voice")
"""


def test_killed_in_the_middle_then_resumed(shop: Shop) -> None:
    shop.hub.bad.stall_at, shop.hub.bad.stalls = 150_000, 1
    command = [sys.executable, "-c", PULL_PROGRAM, str(shop.catalogue_file), str(shop.folder)]
    environment = {**os.environ, "HF_ENDPOINT": shop.hub.url, "NO_PROXY": "127.0.0.1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE) as process:
        assert shop.hub.stalled.wait(30)
        part = shop.part("voice", "voice.onnx")
        while not (part.is_file() and part.stat().st_size):
            assert process.poll() is None
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert shop.store.state("voice") == "missing"
    came = part.stat().st_size
    assert came <= 150_000
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert is_whole(shop, "voice")
    assert shop.hub.sent("voice.onnx")[-1].range == f"bytes={came}-"
