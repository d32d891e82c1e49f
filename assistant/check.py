"""What works on this machine, what does not, and what to do: for the technician in the shop."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from assistant import output, settings
from assistant.access.token_file import TokenFile
from assistant.app import App
from assistant.checking import parts
from assistant.checking.finding import Finding, State, failing
from assistant.checking.licences import licences
from assistant.checking.personalities import personalities
from assistant.checking.quota import quota
from assistant.checking.storage import cache, disk, stored
from assistant.daemon_client import asked
from assistant.recordings import recording_finding
from assistant.samples.opening import sample_store
from pipeline.errors import AssistantError

__all__ = ["Finding", "State", "findings", "print_table"]


async def findings(config: Path | None) -> list[Finding]:
    """Try every part once. Nothing is fetched and nothing is changed."""
    try:
        loaded, folder = settings.load(config)
    except AssistantError as error:
        return [Finding("settings", State.FAILS, error.message, error.remedy)]
    with _quiet():
        return [
            Finding("settings", State.WORKS, f"read from {settings.config_path(config)}"),
            *await _everything(App(loaded, folder)),
        ]


async def _everything(app: App) -> list[Finding]:
    seen = parts.Seen()
    found = [*await _devices(app), await parts.echo(app, seen)]
    for part, stage in (("wake word", "wake_word"), ("voice activity", "vad")):
        found.append(await _tried(part, partial(_stage, part, stage, app, seen)))
    found.append(await parts.end_of_turn(app, seen))
    found += await parts.recognisers(app, seen)
    found.append(await _tried("agent", lambda: parts.provider("agent", app.agent(), app, seen)))
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(stored(app))
        samples = await stack.enter_async_context(sample_store(app.settings, app.folder))
        app.resources = replace(app.resources, samples=samples)
        voices = await parts.voices(app, stack, seen)
        found += [*voices.findings, *await personalities(app, database, voices, seen), database.finding]
        found.append(await _tried("speech cache", lambda: cache(app, database)))
        found.append(await _tried("quota", lambda: quota(app, database)))
    section = app.settings.recordings
    found += recording_finding(app.recording_files(), on=section.enabled, keep_days=section.keep_days)
    return [*found, parts.cloud(app, seen), _pronunciations(app), licences(app, seen), disk(app)]


async def _devices(app: App) -> list[Finding]:
    """Those that the running assistant has open can often be opened by nobody else, so it is asked."""
    token = TokenFile(app.folder / app.settings.storage.folder).known()
    health = None if token is None else await asked(app, token, "/api/health")
    told = {one["part"]: one for one in health.get("findings", ())} if isinstance(health, dict) else {}
    found = []
    for part, attempt in (("microphone", parts.microphone), ("loudspeaker", parts.loudspeaker)):
        if (one := told.get(part)) is not None:
            reason = f"{one['reason']} (as the assistant says that is running)"
            found.append(Finding(part, State(one["state"]), reason, one["remedy"]))
        else:
            found.append(await _tried(part, partial(attempt, app)))
    return found


async def _stage(part: str, stage: str, app: App, seen: parts.Seen) -> Finding:
    return await parts.provider(part, app.provider(stage), app, seen)


async def _tried(part: str, attempt: Callable[[], Awaitable[Finding]]) -> Finding:
    try:
        return await attempt()
    except AssistantError as error:
        return failing(part, error)


@contextmanager
def _quiet() -> Iterator[None]:
    """What parts would log stands in the findings."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _pronunciations(app: App) -> Finding:
    try:
        app.speakable()
    except AssistantError as error:
        return failing("pronunciations", error)
    return Finding("pronunciations", State.WORKS, "can be read")


def print_table(findings: list[Finding]) -> None:
    """For people: one line each, the remedy below; then the licences."""
    width = max(len(finding.part) for finding in findings)
    for finding in findings:
        output.print_line(f"{finding.state:<6} {finding.part:<{width}}  {finding.reason}")
        if finding.remedy and finding.state is not State.WORKS:
            output.print_line(f"{'':<{width + 9}}→ {finding.remedy}")
    for finding in findings:
        if finding.part == "licences" and finding.rows:
            _print_licences(finding)


def _print_licences(finding: Finding) -> None:
    keys = ("name", "state", "licence", "commercial", "verdict", "terms")
    output.print_line(f"\nLicences, and what they say to {finding.rows[0]['use']} use (deployment.use):")
    output.print_table(
        ("MODEL OR PROGRAM", "HERE", "LICENCE", "IN A SHOP", "VERDICT", "TERMS"),
        [[str(row[key]) for key in keys] for row in finding.rows],
    )
