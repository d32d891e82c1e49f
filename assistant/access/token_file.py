"""The installation's own administrator token, in a file that only its owner may read.

So staff can sign in, and the tray can talk to the daemon, even where the database cannot be opened.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from assistant.access.errors import AccessError

log = logging.getLogger(__name__)

NAME = "admin-token"
"""Of the file, in the data folder."""

FORM = re.compile(r"sa_[A-Za-z0-9_-]{43}")
"""What a token looks like: 256 bits at random."""


def new_token() -> str:
    """One that nobody can guess."""
    return f"sa_{secrets.token_urlsafe(32)}"


class TokenFile:
    """Read anew where it changed: another process may replace the token."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is the data folder."""
        self.path = folder / NAME
        self._seen: tuple[int, int, int] | None = None
        self._token: str | None = None

    def token(self) -> str:
        """The token; made where there is none. Raises ``AccessError``."""
        return self.known() or self._make()

    def known(self) -> str | None:
        """The token, None where there is none that can be used. Never raises."""
        try:
            found = self.path.stat()
        except OSError:
            self._seen = self._token = None
            return None
        seen = (found.st_ino, found.st_mtime_ns, found.st_size)
        if seen != self._seen:
            self._token, self._seen = self._read(found), seen
        return self._token

    def renew(self) -> str:
        """Another token in its place. Raises ``AccessError``."""
        return self._write(replace=True)

    def _make(self) -> str:
        return self._write(replace=self.path.exists())

    def _read(self, found: os.stat_result) -> str | None:
        if stat.S_IMODE(found.st_mode) & 0o077:
            log.warning(
                "%s could be read by others; now only its owner can. `assistant token new` makes another.", self.path
            )
            with suppress(OSError):
                self.path.chmod(0o600)
        try:
            text = self.path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            text = ""
        if FORM.fullmatch(text):
            return text
        log.warning("%s holds no token; `assistant token` makes a new one.", self.path)
        return None

    def _write(self, *, replace: bool) -> str:
        """In one step, so that nobody ever reads half of it; of two who make the first one, both get the same."""
        token = new_token()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{NAME}.", dir=self.path.parent)  # mode 0600
            try:
                with os.fdopen(handle, "w") as file:
                    file.write(f"{token}\n")
                    file.flush()
                    os.fsync(handle)
                if replace:
                    os.replace(name, self.path)  # noqa: PTH105 - beside os.link
                else:
                    os.link(name, self.path)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(name)  # noqa: PTH108
        except FileExistsError:
            return self.known() or self._write(replace=True)
        except OSError as error:
            raise AccessError(
                f"The administrator's token cannot be written to {self.path}: {error.strerror}.",
                remedy="May this user write there, and is there room?",
            ) from error
        return token
