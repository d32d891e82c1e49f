"""Access tokens: the installation's own in a file, others as hashes in the database."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assistant.access.errors import AccessError, TokenMissing
from assistant.access.token_file import FORM, TokenFile
from assistant.access.tokens import INSTALLATION, KNOWN_FOR_S, Caller, TokenStore
from assistant.storage.database import Database
from tests.conftest import ROOT
from tests.pipeline.scene import Clock

pytestmark = pytest.mark.unit


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(tmp_path / "assistant.db") as opened:
        yield opened


def store(database: Database | None, folder: Path, clock: Clock | None = None) -> TokenStore:
    today = datetime(2026, 5, 3, 12, tzinfo=UTC)
    return TokenStore(database, folder, "ours", clock=clock or Clock(), now=lambda: today)


async def test_the_installations_token_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "data")
    assert file.known() is None
    token = file.token()
    assert FORM.fullmatch(token)
    assert file.token() == token == TokenFile(tmp_path / "data").token()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [path.name for path in file.path.parent.iterdir()] == ["admin-token"]


async def test_it_works_without_a_database(tmp_path: Path) -> None:
    tokens = store(None, tmp_path)
    assert await tokens.check(tokens.file.token()) == Caller("admin", "ours", "administrator", INSTALLATION, True)
    with pytest.raises(AccessError, match="database"):
        await tokens.add("kiosk", "screen")


async def test_a_new_one_ends_the_old_one_at_once_in_every_process(tmp_path: Path) -> None:
    tokens, elsewhere = store(None, tmp_path), TokenFile(tmp_path)
    old = tokens.file.token()
    assert await tokens.check(old) is not None
    new = elsewhere.renew()
    assert await tokens.check(old) is None
    assert await tokens.check(new) is not None


@pytest.mark.parametrize("content", ["", "nonsense", "sa_short", "sa_" + "é" * 43])
async def test_a_damaged_file_lets_nobody_in_and_is_made_anew(
    content: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = TokenFile(tmp_path)
    file.path.write_text(content)
    file.path.chmod(0o600)
    tokens = store(None, tmp_path)
    assert await tokens.check(content) is None
    assert await tokens.check(file.token()) is not None
    assert "holds no token" in caplog.text
    assert not content or content not in caplog.text


async def test_a_file_that_others_can_read_is_closed_to_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = TokenFile(tmp_path)
    token = file.token()
    file.path.chmod(0o644)
    assert TokenFile(tmp_path).known() == token
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert "could be read by others" in caplog.text
    assert token not in caplog.text


def test_two_who_make_the_first_one_get_the_same(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from assistant.access.token_file import TokenFile;"
        "sys.stdin.read(1); print(TokenFile(Path(sys.argv[1])).token())"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    several = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    told = {one.communicate("x", timeout=30)[0].strip() for one in several}
    assert len(told) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(AccessError, match="cannot be written"):
        TokenFile(tmp_path).token()


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(AccessError, match="cannot be written") as told:
        TokenFile(tmp_path / "data").token()
    assert told.value.remedy


async def test_further_tokens_are_kept_as_hashes_only(database: Database, tmp_path: Path) -> None:
    tokens = store(database, tmp_path)
    listed, token = await tokens.add("kiosk", "front screen")
    theirs, their_token = await tokens.add("admin", "their boss", "theirs")
    assert await tokens.check(token) == Caller("kiosk", "ours", "front screen", listed.id, True)
    assert await tokens.check(their_token) == Caller("admin", "theirs", "their boss", theirs.id, False)
    await database.read(lambda db: db.execute("SELECT 1"))
    everything = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("assistant.db"))
    assert listed.id.encode() in everything
    assert token.encode() not in everything
    assert their_token.encode() not in everything


@pytest.mark.parametrize("wrong", ["", "x", "sa_" + "A" * 43, "Ä" * 50, "y" * 100_000, "\udc80"])
async def test_whatever_else_is_given_is_nobodys(wrong: str, database: Database, tmp_path: Path) -> None:
    tokens = store(database, tmp_path)
    await tokens.add("admin", "somebody")
    tokens.file.token()
    assert await tokens.check(wrong) is None


async def test_one_that_is_taken_away_is_refused_within_seconds_in_every_process(
    database: Database, tmp_path: Path
) -> None:
    clock = Clock()
    tokens, elsewhere = store(database, tmp_path, clock), store(database, tmp_path)
    listed, token = await elsewhere.add("kiosk", "screen")
    assert await tokens.check(token) is not None
    await elsewhere.remove(listed.id)
    assert await elsewhere.check(token) is None
    clock.s += KNOWN_FOR_S
    assert await tokens.check(token) is None
    with pytest.raises(TokenMissing):
        await elsewhere.remove(listed.id)


async def test_the_day_of_use_is_noted_once(database: Database, tmp_path: Path) -> None:
    clock = Clock()
    tokens = store(database, tmp_path, clock)
    _, token = await tokens.add("kiosk", "screen")
    assert [one.last_used_on for one in await tokens.everyone()] == [""]
    await tokens.check(token)
    assert [one.last_used_on for one in await tokens.everyone()] == ["2026-05-03"]
    version = await database.version()
    clock.s += 10 * KNOWN_FOR_S
    await tokens.check(token)
    assert await database.version() == version


async def test_a_database_that_fails_locks_nobody_out_who_was_known(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    tokens = store(database, tmp_path, clock)
    _, token = await tokens.add("kiosk", "screen")
    assert await tokens.check(token) is not None
    await database.write(lambda db: db.execute("DROP TABLE access_tokens"))
    for _ in range(3):
        clock.s += KNOWN_FOR_S
        assert await tokens.check(token) is not None
        assert await tokens.check(tokens.file.token()) is not None
    assert caplog.text.count("cannot be read") == 1
    assert caplog.records[-1].levelno == logging.ERROR
