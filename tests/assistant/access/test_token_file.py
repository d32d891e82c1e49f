"""The installation's own token in its file, on good and on bad disks."""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.access.errors import AccessError
from assistant.access.token_file import FORM, TokenFile, new_token
from tests.assistant.storage.disks import SmallDisk, is_root, mode_of
from tests.conftest import ROOT

pytestmark = pytest.mark.unit

NOBODY = 65534


@pytest.fixture(autouse=True)
def no_token_in_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever happens, at whatever level."""
    caplog.set_level(logging.DEBUG)
    yield
    assert "sa_" not in caplog.text


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_it_is_made_the_first_time_it_is_needed(tmp_path: Path) -> None:
    folder = tmp_path / "shop" / "data"
    file = TokenFile(folder)
    assert file.known() is None
    assert not folder.exists()
    token = file.token()
    assert FORM.fullmatch(token)
    assert file.known() == file.token() == TokenFile(folder).token() == token
    assert names(folder) == ["admin-token"]
    assert file.path.read_text() == f"{token}\n"
    assert mode_of(file.path) == 0o600
    assert mode_of(folder) == 0o700


def test_whatever_the_umask_only_its_owner_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        TokenFile(tmp_path / "data").token()
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "data" / "admin-token") == 0o600
    assert mode_of(tmp_path / "data") == 0o700


def test_no_two_are_the_same() -> None:
    assert len({new_token() for _ in range(1000)}) == 1000


AT_ONCE = """
import sys, time
from pathlib import Path
from typing import Any
from assistant.access.token_file import TokenFile
file = TokenFile(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(file.token(), flush=True)
"""


@pytest.mark.parametrize("content", [None, ""], ids=["missing", "empty"])
def test_of_many_who_need_the_first_one_all_end_with_one(content: str | None, tmp_path: Path) -> None:
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        if content is not None:
            (folder / "admin-token").write_text(content)
        children = [
            subprocess.Popen(
                [sys.executable, "-c", AT_ONCE, str(folder)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
            )
            for _ in range(4)
        ]  # fmt: skip
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        for child in children:
            assert child.stdin is not None
            child.stdin.write("\n")
            child.stdin.flush()
        made = [child.communicate(timeout=30)[0].strip() for child in children]
        assert set(made) == {TokenFile(folder).token()}
        assert names(folder) == ["admin-token"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"sa_short\n",
        b"password\n",
        bytes(64),
        b"sa_" + b"\xff" * 43,
        b"sa_" + b"A" * 42 + b" ",
        b"A" * 5_000_000,
        b"sa_" + b"A" * 43 + b"\nsa_" + b"B" * 43,
    ],
    ids=["empty", "line", "short", "word", "zeros", "bytes", "blank", "huge", "two"],
)
def test_a_damaged_one_is_made_anew_with_a_warning(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = TokenFile(tmp_path)
    file.path.write_bytes(content)
    file.path.chmod(0o600)
    assert [file.known() for _ in range(3)] == [None] * 3
    warnings = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert len(warnings) == 1  # not for each request
    assert "holds no token" in caplog.text
    caplog.clear()
    token = file.token()
    assert FORM.fullmatch(token)
    assert TokenFile(tmp_path).known() == token
    assert names(tmp_path) == ["admin-token"]


def test_one_that_others_could_read_is_closed_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    token = TokenFile(tmp_path).token()
    for mode in (0o644, 0o660, 0o604):
        (tmp_path / "admin-token").chmod(mode)
        caplog.clear()
        assert TokenFile(tmp_path).known() == token
        assert mode_of(tmp_path / "admin-token") == 0o600
        assert "could be read by others" in caplog.text
        assert "assistant token new" in caplog.text


def test_one_that_is_opened_to_others_while_the_daemon_runs_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = TokenFile(tmp_path)
    token = file.token()
    assert file.known() == token
    file.path.chmod(0o644)
    assert file.known() == token
    assert mode_of(file.path) == 0o600
    assert caplog.text.count("could be read by others") == 1
    assert file.known() == token
    assert caplog.text.count("could be read by others") == 1


def test_a_new_one_takes_the_old_one_s_place_at_once(tmp_path: Path) -> None:
    daemon, command = TokenFile(tmp_path), TokenFile(tmp_path)
    seen = {daemon.token()}
    for _ in range(50):  # as fast as inodes and times can repeat
        token = command.renew()
        assert daemon.known() == command.known() == token
        seen.add(token)
    assert len(seen) == 51
    assert mode_of(daemon.path) == 0o600
    assert names(tmp_path) == ["admin-token"]


def test_one_that_was_taken_away_is_no_longer_valid(tmp_path: Path) -> None:
    file = TokenFile(tmp_path)
    token = file.token()
    file.path.unlink()
    assert file.known() is None
    assert file.token() != token


def test_a_disk_that_fails_does_not_lock_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the disk says nothing about the token."""
    file = TokenFile(tmp_path)
    token = file.token()
    assert file.known() == token
    with monkeypatch.context() as bad:
        bad.setattr(Path, "stat", _fails)
        assert file.known() == token
    os.utime(file.path)
    with monkeypatch.context() as bad:
        bad.setattr(Path, "read_bytes", _fails)
        assert [file.known(), file.known()] == [token, token]
    assert file.known() == token
    assert TokenFile(tmp_path).renew() == file.known() != token


def _fails(*_: object, **__: object) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_disk_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as some in a network."""

    def refuses(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuses)
    token = TokenFile(tmp_path).token()
    assert TokenFile(tmp_path).known() == token
    assert names(tmp_path) == ["admin-token"]


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    file = TokenFile(tmp_path)
    file.path.mkdir()
    assert file.known() is None
    with pytest.raises(AccessError, match="Is a directory"):
        file.token()
    assert names(tmp_path) == ["admin-token"]


def test_a_read_only_disk(small_disk: SmallDisk) -> None:
    small_disk.set_read_only()
    with pytest.raises(AccessError, match="cannot be written") as caught:
        TokenFile(small_disk.folder).token()
    assert "read-only" in caught.value.remedy
    small_disk.set_read_only(False)
    token = TokenFile(small_disk.folder).token()
    (small_disk.folder / "admin-token").chmod(0o644)
    small_disk.set_read_only()
    file = TokenFile(small_disk.folder)
    assert file.token() == token  # it can be read
    with pytest.raises(AccessError, match="cannot be written"):
        file.renew()
    assert file.known() == token


def test_a_full_disk(small_disk: SmallDisk) -> None:
    file = TokenFile(small_disk.folder)
    token = file.token()
    small_disk.fill()
    with pytest.raises(AccessError, match="is full"):
        file.renew()
    assert file.known() == token
    assert names(small_disk.folder) == ["admin-token", "filler"]
    small_disk.make_room()
    assert file.renew() == file.known() != token


AS_NOBODY = f"""
import json, os, sys
from pathlib import Path
from typing import Any
from assistant.access.errors import AccessError
from assistant.access.token_file import TokenFile
os.setgid({NOBODY})
os.setuid({NOBODY})
file = TokenFile(Path(sys.argv[1]))
said = {{"known": file.known()}}
for verb in ("token", "renew"):
    try:
        said[verb] = getattr(file, verb)()
    except AccessError as error:
        said[verb] = f"error: {{error}}"
print(json.dumps(said))
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach."""
    if not is_root():
        pytest.skip("only root can become another user")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def as_nobody(folder: Path) -> dict[str, Any]:
    """What another user than the owner of everything gets."""
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(folder)],
        capture_output=True, text=True, timeout=60, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


class TestOtherUser:
    """Started by somebody to whom the files do not belong."""

    def test_may_not_enter_the_folder(self, open_folder: Path) -> None:
        TokenFile(open_folder / "data").token()
        said = as_nobody(open_folder / "data")
        assert said["known"] is None
        for verb in ("token", "renew"):
            assert "may not be entered by this user" in said[verb]
            assert "chown" in said[verb]

    def test_may_neither_read_nor_replace_the_file(self, open_folder: Path) -> None:
        token = TokenFile(open_folder).token()
        said = as_nobody(open_folder)
        assert said["known"] is None
        assert "may not be read by this user" in said["token"]
        assert "chown" in said["token"]
        assert "cannot be written" in said["renew"]
        assert TokenFile(open_folder).token() == token

    def test_does_not_replace_what_he_may_not_read(self, open_folder: Path) -> None:
        """Somebody signs in with it."""
        token = TokenFile(open_folder).token()
        os.chown(open_folder, NOBODY, NOBODY)
        said = as_nobody(open_folder)
        assert "may not be read by this user" in said["token"]
        assert TokenFile(open_folder).token() == said["renew"] != token  # unless he says so

    def test_may_not_make_it(self, open_folder: Path) -> None:
        assert "belong to another user" in as_nobody(open_folder)["token"]
        assert "belong to another user" in as_nobody(open_folder / "data")["token"]

    def test_root_makes_it_for_the_folder_s_owner(self, open_folder: Path) -> None:
        os.chown(open_folder, NOBODY, NOBODY)
        token = TokenFile(open_folder).token()
        found = (open_folder / "admin-token").stat()
        assert (found.st_uid, found.st_gid) == (NOBODY, NOBODY)
        assert as_nobody(open_folder)["token"] == token
        token = TokenFile(open_folder).renew()
        assert as_nobody(open_folder)["token"] == token
