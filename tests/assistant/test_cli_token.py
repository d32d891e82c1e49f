"""``assistant token …``: who may sign in, also while the daemon has the database open."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assistant.access.token_file import FORM
from assistant.access.tokens import Caller, TokenStore
from assistant.cli import main
from assistant.storage.database import Database
from tests.assistant.storage.disks import SmallDisk, mode_of, small_disk
from tests.assistant.test_other_users import WITHOUT_RIGHTS
from tests.conftest import ROOT
from tests.program import Ran, assistant

__all__ = ["small_disk"]

pytestmark = pytest.mark.unit


class Shop:
    """A folder with a settings file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"

    def run(self, *arguments: str, config: str = "deployment: {tenant: ours}") -> Ran:
        return assistant("token", *arguments, config=config, folder=self.folder)

    def added(self, *arguments: str, **more: str) -> dict[str, Any]:
        ran = self.run("add", "--json", *arguments, **more)
        assert ran.code == 0, ran.err
        made: dict[str, Any] = json.loads(ran.out)
        return made

    def listed(self) -> list[dict[str, Any]]:
        ran = self.run("list", "--json")
        assert ran.code == 0, ran.err
        rows: list[dict[str, Any]] = json.loads(ran.out)
        return rows


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_it_prints_the_administrators_token_and_nothing_else(shop: Shop) -> None:
    first = shop.run()
    assert (first.code, first.err) == (0, "")
    assert FORM.fullmatch(first.out.removesuffix("\n"))
    assert shop.run().out == first.out
    assert mode_of(shop.data / "admin-token") == 0o600
    assert not (shop.data / "assistant.db").exists()


def test_a_new_one_takes_its_place(shop: Shop) -> None:
    old = shop.run().out
    new = shop.run("new")
    assert new.code == 0
    assert FORM.fullmatch(new.out.strip())
    assert new.out != old
    assert shop.run().out == new.out


def test_a_damaged_file_is_told_beside_the_new_token(shop: Shop) -> None:
    shop.run()
    (shop.data / "admin-token").write_text("")
    ran = shop.run()
    assert ran.code == 0
    assert FORM.fullmatch(ran.out.strip())
    assert "holds no token" in ran.err


def test_it_needs_no_database(shop: Shop) -> None:
    shop.data.mkdir()
    (shop.data / "assistant.db").write_bytes(b"no database " * 1000)
    ran = shop.run()
    assert ran.code == 0
    assert FORM.fullmatch(ran.out.strip())
    for arguments in (("list",), ("add", "--role", "kiosk", "--name", "screen"), ("remove", "x")):
        ran = shop.run(*arguments)
        assert ran.code == 1
        assert "damaged" in ran.reason
        assert ran.out == ""


async def test_others_are_shown_once_and_kept_as_hashes(shop: Shop) -> None:
    screen = shop.added("--role", "kiosk", "--name", "front screen")
    boss = shop.added("--role", "admin", "--name", "their boss", "--tenant", "theirs")
    rows = [{key: value for key, value in made.items() if key != "token"} for made in (screen, boss)]
    assert sorted(shop.listed(), key=lambda one: str(one["name"])) == rows
    assert [(one["role"], one["tenant"], one["name"], one["last_used_on"]) for one in rows] == [
        ("kiosk", "ours", "front screen", ""),
        ("admin", "theirs", "their boss", ""),
    ]
    table = shop.run("list").out
    for made in (screen, boss):
        assert made["token"] not in table
        assert made["token"].encode() not in (shop.data / "assistant.db").read_bytes()
        assert made["id"] in table
    assert "never" in table
    async with Database(shop.data / "assistant.db") as database:
        tokens = TokenStore(database, shop.data, "ours")
        assert await tokens.check(screen["token"]) == Caller("kiosk", "ours", "front screen", screen["id"], True)
        assert await tokens.check(boss["token"]) == Caller("admin", "theirs", "their boss", boss["id"], False)


@pytest.mark.parametrize(
    ("http", "address"),
    [
        ("{}", "http://127.0.0.1:8420"),
        ("{host: 0.0.0.0}", "http://127.0.0.1:8420"),  # no browser may call it by the name that stands for all
        ("{host: '::1', port: 9000}", "http://[::1]:9000"),
    ],
)
def test_for_a_kiosk_it_tells_how_its_browser_signs_in(http: str, address: str, shop: Shop) -> None:
    ran = shop.run("add", "--role", "kiosk", "--name", "front screen", config=f"http: {http}")
    assert ran.code == 0
    assert FORM.fullmatch(ran.out.removesuffix("\n"))
    assert f"{address}/kiosk#token={ran.out}" in ran.err
    assert ran.err.count("sa_") == 1
    assert "once" in ran.err


def test_an_administrators_is_in_no_address(shop: Shop) -> None:
    """Addresses are kept in a browser's history."""
    ran = shop.run("add", "--role", "admin", "--name", "boss")
    assert ran.code == 0
    assert "sa_" not in ran.err
    assert "http://127.0.0.1:8420/" in ran.err


async def test_what_it_does_counts_for_the_daemon(shop: Shop) -> None:
    shop.run()
    clock_s = [0.0]
    async with Database(shop.data / "assistant.db") as database:
        tokens = TokenStore(database, shop.data, "ours", clock=lambda: clock_s[0])
        own = tokens.file.token()
        assert await tokens.check(own) is not None
        screen = shop.added("--role", "kiosk", "--name", "screen")
        clock_s[0] += 4
        assert await tokens.check(screen["token"]) is not None
        assert shop.listed()[0]["last_used_on"] != ""
        ran = shop.run("remove", screen["id"])
        assert ran.code == 0
        assert "screen" in ran.out
        clock_s[0] += 4
        assert await tokens.check(screen["token"]) is None
        assert shop.listed() == []
        new = shop.run("new").out.strip()
        assert await tokens.check(own) is None
        assert await tokens.check(new) is not None


def test_one_takes_the_place_of_those_called_the_same(shop: Shop) -> None:
    shop.added("--role", "admin", "--name", "tray of clerk")
    others = [
        shop.added("--role", "kiosk", "--name", "screen"),
        shop.added("--role", "admin", "--name", "tray of clerk", "--tenant", "theirs"),
    ]
    new = shop.added("--role", "admin", "--name", "tray of clerk", "--replace")
    assert {one["id"] for one in shop.listed()} == {one["id"] for one in (*others, new)}


def test_nobody_is_listed_in_words(shop: Shop) -> None:
    ran = shop.run("list")
    assert ran.code == 0
    assert "administrator" in ran.out
    assert shop.listed() == []


def test_one_that_is_not_there_cannot_be_removed(shop: Shop) -> None:
    shop.added("--role", "kiosk", "--name", "screen")
    for identity in ("installation", "%", "x" * 5000):
        ran = shop.run("remove", identity)
        assert ran.code == 1
        assert "There is no token" in ran.reason
        assert "assistant token list" in ran.reason
        assert len(ran.reason) < 200
    assert len(shop.listed()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("frob",),
        ("add",),
        ("add", "--name", "x"),
        ("add", "--role", "kiosk"),
        ("add", "--role", "owner", "--name", "x"),
        ("remove",),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["token", *arguments])
    assert ended.value.code == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("option", "value"),
    [("--name", ""), ("--name", "   "), ("--name", "x" * 61), ("--name", "a\nb"), ("--name", "a\x1b[31mb"),
     ("--tenant", "North Street"), ("--tenant", "../x"), ("--tenant", "x" * 41)],
)  # fmt: skip
def test_values_that_cannot_be(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is typed comes out on terminals and pages again."""
    given = {"--role": "kiosk", "--name": "screen"} | {option: value}
    assert main(["token", "add", *(part for pair in given.items() for part in pair)]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"assistant: {option} must be")
    assert told.err.count("\n") == 1


def test_a_name_in_any_language(shop: Shop) -> None:
    assert shop.added("--role", "kiosk", "--name", "  Señal de la entrada ☕ ")["name"] == "Señal de la entrada ☕"


def test_the_table_holds_nothing_to_sign_in_with(shop: Shop) -> None:
    made = shop.added("--role", "kiosk", "--name", "screen")
    with closing(sqlite3.connect(shop.data / "assistant.db")) as database:
        assert made["token"] not in "\n".join(database.iterdump())


def test_a_disk_that_cannot_be_written(small_disk: SmallDisk) -> None:
    shop = Shop(small_disk.folder)
    token, made = shop.run().out, shop.added("--role", "kiosk", "--name", "screen")
    small_disk.set_read_only()
    config = small_disk.folder / "config.yaml"

    def run(*arguments: str) -> Ran:
        return assistant("--config", str(config), "token", *arguments)

    assert run().out == token
    assert made["id"] in run("list").out
    for arguments in (("new",), ("add", "--role", "kiosk", "--name", "x"), ("remove", made["id"])):
        ran = run(*arguments)
        assert ran.code == 1
        assert ran.out == ""
        assert "cannot be written" in ran.reason
        assert "read-only" in ran.reason


def test_data_that_belong_to_somebody_else(shop: Shop) -> None:
    if WITHOUT_RIGHTS and shutil.which("setpriv") is None:
        pytest.skip("root needs setpriv to give up its rights")
    shop.run()
    shop.data.chmod(0o000)
    try:
        for verb in ("", "new", "list"):
            done = subprocess.run(
                [*WITHOUT_RIGHTS, sys.executable, "-m", "assistant", "--config", str(shop.folder / "config.yaml"),
                 "token", *verb.split()],
                capture_output=True, text=True, timeout=60, cwd=ROOT, check=False,
            )  # fmt: skip
            ran = Ran(done.returncode, done.stdout, done.stderr)
            assert (ran.code, ran.out) == (1, "")
            assert f"{shop.data} may not be entered by this user" in ran.reason
            assert "chown" in ran.reason
    finally:
        shop.data.chmod(0o700)
