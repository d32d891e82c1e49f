"""A report for whoever helps from afar: what this installation is, has and went through, without secrets or speech."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from assistant import check, doctor_machine, doctor_service, settings
from assistant.access.token_file import TokenFile
from assistant.app import App
from assistant.checking.storage import Stored, stored
from assistant.doctor_secrets import Secrets
from assistant.incident_log import IncidentLog
from assistant.runs import Process
from pipeline.errors import AssistantError, without_words

INCIDENTS = 100
"""The last ones that are told."""

RUNS = 20

Section = Callable[[], Awaitable[Any] | Any]
"""Makes plain data."""


class Report:
    """Sections by their titles, in order. What cannot be found out is told in its place."""

    def __init__(self, secrets: Secrets) -> None:
        self.sections: dict[str, Any] = {}
        self._secrets = secrets

    async def add(self, title: str, section: Section) -> Any:
        """Find something out, and leave out what is secret in it. The whole of it is returned."""
        try:
            found = section()
            if isinstance(found, Awaitable):
                found = await found
        except Exception as error:  # noqa: BLE001 - a broken machine is what the report is for
            found = f"cannot be told: {without_words(error)}"
        self.sections[title] = self._secrets.left_out(found)
        return found

    def text(self) -> str:
        """For people."""
        return "\n".join(
            f"== {title}\n{found}\n" if isinstance(found, str) else f"== {title}\n{_plain(found)}"
            for title, found in self.sections.items()
        )


async def report(config: Path | None) -> Report:
    """The whole of it. Nothing is changed; where the daemon does not answer, its parts are tried as by ``check``."""
    try:
        loaded, folder = settings.load(config)
    except AssistantError as error:
        whole = Report(Secrets(None, None))
        await _about_the_machine(whole, Path.cwd())
        problem = str(error)
        await whole.add("settings", lambda: problem)
        return whole
    app = App(loaded, folder)
    token = TokenFile(folder / loaded.storage.folder).known()
    whole = Report(Secrets(loaded, token))
    await _about_the_machine(whole, folder)
    await whole.add("settings", lambda: settings.dump(loaded))
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(stored(app))
        log = IncidentLog(database.database)
        await whole.add("storage", lambda: _storage(app, database))
        runs = await whole.add("runs", lambda: log.runs(RUNS))
        await whole.add("incidents", lambda: _incidents(log))
    pid = _running(runs)
    await whole.add("process", lambda: doctor_machine.process(pid))
    health = await whole.add("health", lambda: doctor_service.health(app, token))
    await whole.add("status", lambda: doctor_service.status(app, token))
    if not isinstance(health, dict):
        await whole.add("check", lambda: _check(config))
    await whole.add("models", lambda: doctor_machine.models(app))
    await whole.add("systemd", doctor_service.units)
    await whole.add("log", doctor_service.log_lines)
    return whole


async def _about_the_machine(whole: Report, folder: Path) -> None:
    await whole.add("report", lambda: {"at": datetime.now().astimezone().isoformat(timespec="seconds")})
    await whole.add("program", lambda: doctor_machine.program(folder))
    await whole.add("machine", lambda: doctor_machine.machine(folder))
    await whole.add("sound devices", doctor_machine.sound)


async def _storage(app: App, found: Stored) -> dict[str, Any]:
    """Sizes and rows; of a copy, so that the database itself is only read."""
    data = app.folder / app.settings.storage.folder
    told: dict[str, Any] = {
        "state": f"{found.finding.state}: {found.finding.reason}",
        "files_bytes": {path.name: path.stat().st_size for path in sorted(data.glob("assistant.db*"))},
        "recordings": app.recording_files().kept().files,
    }
    if found.database is not None and found.exists:
        told["rows"] = await found.database.read(
            lambda db: {name: db.table(name).count for name in sorted(db.table_names())}
        )
    return told


async def _incidents(log: IncidentLog) -> list[str]:
    rows, _ = await log.page(limit=INCIDENTS)
    return [f"{one['at']} {one['level']} {one['part']} {one['times']}x: {one['message']}" for one in rows]


async def _check(config: Path | None) -> list[str]:
    found = await check.findings(config)
    return [f"[{one.state}] {one.part}: {one.reason}{f' -> {one.remedy}' if one.remedy else ''}" for one in found]


def _running(runs: Any) -> int | None:
    """The daemon's process, None where none runs."""
    if not isinstance(runs, list):
        return None
    for one in runs:
        if one["ended_at"] is None and Process(one["boot"], one["pid"], one["born"]).lives():
            return int(one["pid"])
    return None


def _plain(found: Any) -> str:
    return yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=1000)
