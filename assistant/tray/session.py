"""The tray in a desktop's session: one icon for each assistant, and an entry that starts it with the session."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from assistant.file_lock import FileLock

ENTRY = """\
[Desktop Entry]
Type=Application
Name=Shop assistant
Comment=Shows and steers the voice assistant of the shop
TryExec={program}
Exec={command}
Icon=audio-input-microphone
Terminal=false
"""


def session_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """For files that go with the session, where the system has such a folder."""
    named = environment.get("XDG_RUNTIME_DIR", "")
    return Path(named) if named and Path(named).is_dir() else Path(tempfile.gettempdir())


@contextmanager
def only_one(url: str, environment: Mapping[str, str] = os.environ) -> Iterator[bool]:
    """False where this session has an icon for that assistant already; True keeps others away until the end.

    Where no lock can be had (a full disk, say) two icons are better than none.
    """
    screen = environment.get("WAYLAND_DISPLAY") or environment.get("DISPLAY", "")
    name = hashlib.sha256(f"{os.getuid()} {screen} {url}".encode()).hexdigest()[:16]
    with ExitStack() as stack:
        try:
            lock = FileLock(session_folder(environment) / f"shop-assistant-tray-{name}.lock")
            first = stack.enter_context(lock).taken()
        except OSError:
            first = True
        yield first


def autostart(*words: str) -> str:
    """What a desktop keeps in ``~/.config/autostart``; ``words`` follow ``assistant tray``.

    Source: Desktop Entry Specification 1.5, the key Exec. Desktops ignore it once the program is no longer there.
    """
    program = str(_program())
    return ENTRY.format(program=_escaped(program), command=_escaped(" ".join(map(_quoted, (program, "tray", *words)))))


def _program() -> Path:
    """As it was called, so that the link of a service's newest version stays one."""
    called = Path(sys.argv[0])
    return called.absolute() if called.name == "assistant" else Path(sys.executable).parent / "assistant"


def _quoted(word: str) -> str:
    """A word of a command."""
    word = word.replace("%", "%%")
    if re.fullmatch(r"[\w@%+=:,./-]+", word, re.ASCII):
        return word
    return '"' + re.sub(r'(["`$\\])', r"\\\1", word) + '"'


def _escaped(text: str) -> str:
    """A value of a key."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
