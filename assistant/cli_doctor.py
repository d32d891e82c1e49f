"""``assistant doctor``."""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

from assistant.command import add_command
from assistant.doctor import Report, report
from assistant.output import print_line, print_text
from pipeline.errors import SettingsError

NAME = "shop-assistant-report"
"""Folder in the archive."""


def add_doctor_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``doctor``; it sets ``command`` to a function that returns the exit code."""
    doctor = add_command(commands, "doctor", _doctor, "a report for support, without secrets or speech")
    doctor.add_argument("--output", type=Path, metavar="F.zip|F.tar.gz", help="write a file instead of printing it")


def _doctor(options: argparse.Namespace) -> int:
    if options.output is not None and not options.output.name.endswith((".zip", ".tar.gz", ".tgz")):
        raise SettingsError(f"{options.output} is no .zip or .tar.gz.", remedy="Example: --output report.zip")
    found = asyncio.run(report(options.config))
    if options.output is None:
        print_text(found.text())
        return 0
    try:
        write(found, options.output)
    except OSError as error:
        raise SettingsError(f"{options.output} cannot be written: {error.strerror}.") from error
    print_line(
        f"{options.output} holds the report. It names devices, files and settings: read it before you pass it on."
    )
    return 0


def write(found: Report, file: Path) -> None:
    """A ZIP or gzipped TAR archive with the report as text and as JSON. Raises ``OSError``."""
    contents = {
        f"{NAME}/report.txt": found.text().encode(),
        f"{NAME}/report.json": json.dumps(found.sections, ensure_ascii=False, indent=2).encode(),
    }
    packed = _zip(contents) if file.suffix == ".zip" else _tar(contents)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(packed)


def _zip(contents: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _tar(contents: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
