"""The installation's own administrator token, in a file that only its owner may read.

So staff can sign in, and the tray can talk to the daemon, even where the database cannot be opened.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from assistant.access.errors import AccessError
from assistant.storage.errors import translated

log = logging.getLogger(__name__)

NAME = "admin-token"
"""Of the file, in the data folder."""

FORM = re.compile(r"sa_[A-Za-z0-9_-]{43}")
"""What a token looks like: 256 bits at random."""

LONGEST_BYTES = 200
"""A larger file holds something else and is not read."""


def new_token() -> str:
    """One that nobody can guess."""
    return f"sa_{secrets.token_urlsafe(32)}"


class TokenFile:
    """Read anew where it changed: another process may replace the token."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is the data folder."""
        self.path = folder / NAME
        self._seen: tuple[int, ...] | None = None
        self._token: str | None = None
        self._complained = False

    def token(self) -> str:
        """The token; made where there is none. Raises ``AccessError``."""
        return self.known() or self._write(replace=False)

    def known(self) -> str | None:
        """The token, None where there is none that can be used. Never raises.

        A disk that reports errors says nothing about the token: the one that was read before stays valid.
        """
        try:
            found = self.path.stat()
            seen = (found.st_ino, found.st_ctime_ns, found.st_mtime_ns, found.st_size)  # ctime: its mode changed
            if seen != self._seen:
                self._token = self._read(found)
                self._seen = seen
        except (FileNotFoundError, NotADirectoryError):
            self._seen = self._token = None
        except OSError as error:
            if not self._complained:
                log.error("%s cannot be read: %s.", self.path, error.strerror)
            self._complained = True
        else:
            self._complained = False
        return self._token

    def renew(self) -> str:
        """Another token in its place; the old one is invalid from now on. Raises ``AccessError``."""
        return self._write(replace=True)

    def _read(self, found: os.stat_result) -> str | None:
        """None where it holds no token, or is not for this user. Raises ``OSError`` where the disk fails."""
        if stat.S_IMODE(found.st_mode) & 0o077:
            log.warning(
                "%s could be read by others; now only its owner can. `assistant token new` makes another.", self.path
            )
            with suppress(OSError):
                self.path.chmod(0o600)
        text = b""
        if stat.S_ISREG(found.st_mode) and found.st_size <= LONGEST_BYTES:
            try:
                text = self.path.read_bytes().strip()
            except PermissionError:
                log.warning("%s may not be read by this user.", self.path)
                return None
        token = text.decode("ascii", errors="replace")
        if FORM.fullmatch(token):
            return token
        log.warning("%s holds no token; `assistant token` makes a new one.", self.path)
        return None

    def _write(self, *, replace: bool) -> str:
        """A new one. Not where there is one already, unless it is to be replaced. Raises ``AccessError``."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _alone_in(self.path.parent) as folder:
                if not replace:
                    if self.path.exists() and not os.access(self.path, os.R_OK):
                        # Somebody may sign in with it: it is not replaced unasked.
                        raise AccessError(
                            f"{self.path} may not be read by this user.",
                            remedy=f"Give it to the user of the assistant: chown USER {self.path}",
                        )
                    if made := self.known():  # by another process, a moment ago
                        return made
                return self._put(folder)
        except OSError as error:
            failure = translated(error, self.path)
            raise AccessError(
                f"The administrator's token cannot be written: {failure.message}", remedy=failure.remedy
            ) from error

    def _put(self, folder: int) -> str:
        """In one step, so that nobody ever reads half of it. Raises ``OSError``."""
        token = new_token()
        handle, name = tempfile.mkstemp(prefix=f".{NAME}.", dir=self.path.parent)  # mode 0600
        try:
            with os.fdopen(handle, "w") as file:
                file.write(f"{token}\n")
                file.flush()
                if os.geteuid() == 0:  # who has root write it still wants the assistant to read it
                    owner = os.fstat(folder)
                    with suppress(OSError):
                        os.fchown(handle, owner.st_uid, owner.st_gid)
                os.fsync(handle)
            os.replace(name, self.path)  # noqa: PTH105 - beside the next
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(name)  # noqa: PTH108
            raise
        with suppress(OSError):  # it is in its place; only a power cut within seconds could undo that
            os.fsync(folder)
        self._seen = None  # a file made this soon may have the same number and times
        return token


@contextmanager
def _alone_in(folder: Path) -> Iterator[int]:
    """The folder, opened; of all processes that come here only one at a time is let in. Raises ``OSError``."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # some network disks know no locks: then two may make a token each, the last one counts
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
