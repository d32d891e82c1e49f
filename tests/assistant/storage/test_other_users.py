"""A program that is started by another user than the owner of the files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.storage.database import Database
from tests.assistant.storage.disks import (
    insert,
    is_root,
    made,
    steps,
)
from tests.conftest import ROOT

pytestmark = pytest.mark.unit


NOBODY = 65534
"""A user to whom nothing belongs."""

UNPRIVILEGED = f"""
import asyncio, json, os, sys, tempfile
from pathlib import Path
from assistant.storage.database import Database
from assistant.storage.errors import StorageError
from tests.assistant.storage.disks import insert, rows, steps

async def use(path):
    said = {{}}
    try:
        async with Database(path, migrations=steps(1)) as database:
            said["problem"] = database.problem and database.problem.code
            said["rows"] = await database.read(rows)
            try:
                await database.write(insert(2))
            except StorageError as error:
                said["write"] = error.code
            said["rows after"] = await database.read(rows)
    except StorageError as error:
        said["error"] = str(error)
    return said

# Once before it gives up being root: Python may lie where others cannot read.
with tempfile.TemporaryDirectory() as folder:
    asyncio.run(use(Path(folder) / "warm.db"))
os.setgid({NOBODY})
os.setuid({NOBODY})
print(json.dumps(asyncio.run(use(Path(sys.argv[1])))))
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


def as_nobody(path: Path) -> dict[str, Any]:
    """What another user than the owner of everything sees."""
    done = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED, str(path)],
        cwd=ROOT,
        check=False,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


READ_ONLY = {"problem": "storage_read_only", "rows": [1], "write": "storage_read_only", "rows after": [1]}


class TestOtherUser:
    """Started by somebody to whom the files do not belong."""

    async def test_may_read(self, open_folder: Path) -> None:
        path = open_folder / "assistant.db"
        await made(path, 1)
        path.chmod(0o644)
        assert as_nobody(path) == READ_ONLY
        async with Database(path, migrations=steps(1)):  # while the owner has it open
            assert as_nobody(path) == READ_ONLY | {"problem": None}

    async def test_may_write_the_file_but_not_its_folder(self, open_folder: Path) -> None:
        path = open_folder / "assistant.db"
        await made(path, 1)
        path.chmod(0o666)
        assert as_nobody(path) == READ_ONLY
        assert [file.name for file in open_folder.iterdir()] == ["assistant.db"]

    async def test_may_not_even_read(self, open_folder: Path) -> None:
        path = open_folder / "assistant.db"
        await made(path, 1)
        assert "may not be read by this user" in as_nobody(path)["error"]
        assert "chown" in as_nobody(path)["error"]

    async def test_may_not_enter_its_folder(self, open_folder: Path) -> None:
        """The program makes it so; then somebody else starts it."""
        path = open_folder / "data" / "assistant.db"
        await made(path, 1)
        assert path.parent.stat().st_mode & 0o777 == 0o700
        for file in (path, path.parent / "deeper" / "assistant.db"):
            assert "may not be entered by this user" in as_nobody(file)["error"]
            assert "chown" in as_nobody(file)["error"]

    async def test_may_not_make_it(self, open_folder: Path) -> None:
        for path in (open_folder / "assistant.db", open_folder / "data" / "assistant.db"):
            assert "belong to another user" in as_nobody(path)["error"]

    async def test_has_it_for_himself(self, open_folder: Path) -> None:
        folder = open_folder / "data"
        folder.mkdir(mode=0o700)
        os.chown(folder, NOBODY, NOBODY)
        assert as_nobody(folder / "assistant.db") == {"problem": None, "rows": [], "rows after": [2]}
        await made(folder / "assistant.db", 3)  # root calls the command line
        async with Database(folder / "assistant.db", migrations=steps(1)) as database:
            await database.write(insert(4))
            assert {file.stat().st_uid for file in folder.iterdir()} == {NOBODY}
