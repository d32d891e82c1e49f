"""A recording as it arrives: a path that somebody typed, or a file that a web server holds open."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from assistant.samples.decoding import opened
from assistant.samples.errors import SampleRefused


@contextmanager
def opened_recording(file: Path | BinaryIO, most_bytes: int) -> Iterator[BinaryIO]:
    """The recording as an open regular file, whatever it came as. Raises ``SampleRefused``."""
    if isinstance(file, Path):
        with opened(file, most_bytes) as named_file:
            yield named_file
        return
    try:
        size = os.fstat(file.fileno()).st_size
    except io.UnsupportedOperation:
        size = file.seek(0, io.SEEK_END)
    if size > most_bytes:
        raise SampleRefused(
            f"The recording has {size / 1e6:.0f} MB; at most {most_bytes / 1e6:.0f} are taken.",
            reason="too_large",
            remedy="Cut 10 to 30 seconds out of it, or export it as MP3.",
        )
    file.seek(0)
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(file, copy)
        copy.flush()
        yield cast(BinaryIO, copy)
