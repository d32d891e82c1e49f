"""The command line. Exit code 0: done; 1: failed, with a one-line reason on stderr; 2: wrong usage."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from assistant import check, config_file, credentials, demo, restart, settings, stages
from assistant.app import App
from assistant.cli_cache import add_cache_command
from assistant.cli_doctor import add_doctor_command
from assistant.cli_forget import add_forget_command
from assistant.cli_incidents import add_incidents_command
from assistant.cli_models import add_models_command
from assistant.cli_personality import add_personality_command
from assistant.cli_shell import add_shell_commands
from assistant.cli_stats import add_stats_command
from assistant.cli_token import add_token_command
from assistant.cli_tray import add_tray_command
from assistant.cli_voice import add_voice_command
from assistant.command import add_command, app_of
from assistant.daemon import Daemon
from assistant.event_lines import event_lines
from assistant.incidents import Incidents
from assistant.output import print_json, print_line, print_table, print_text, print_yaml
from assistant.parts import Companion, Ends, Memory
from assistant.systemd import Notifier
from pipeline.errors import AssistantError, SettingsError

log = logging.getLogger(__name__)

T = TypeVar("T")

STOPPED = 130
"""Exit code of a command that was stopped before it had a result, as shells know it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = parser().parse_args(arguments)
    credentials.name_files(os.environ)
    try:
        code: int = options.command(options)
    except KeyboardInterrupt:
        return STOPPED
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone; Python would complain while closing stdout
        return 1
    except Exception as error:  # noqa: BLE001 - the top of the program
        return _failed(error)
    return code


def _failed(error: Exception) -> int:
    """The reason on stderr, one line; a trace as well where it is not one of ours, for that is a defect."""
    if not isinstance(error, AssistantError):
        log.error("This should not have happened; please report it with these lines.", exc_info=error)
    sys.stderr.write(f"assistant: {' '.join(str(error).split()) or type(error).__name__}\n")
    return 1


def _run_until_stopped(work: Coroutine[Any, Any, T]) -> T:
    """What ``work`` returns. A signal ends it in order, files closed and devices given back: ``KeyboardInterrupt``."""

    async def watched() -> T:
        task = asyncio.current_task()
        assert task is not None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        return await work

    try:
        return asyncio.run(watched())
    except asyncio.CancelledError as error:
        raise KeyboardInterrupt from error


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    whole = argparse.ArgumentParser(prog="assistant", description="A voice assistant for a shop.")
    whole.add_argument("--config", type=Path, help="settings file (default: $ASSISTANT_CONFIG, else config.yaml)")
    whole.add_argument("--version", action="version", version=f"assistant {version('shop-assistant')}")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)

    run = add_command(commands, "run", _run, "listen and answer until stopped")
    run.add_argument("--input", default="mic", metavar="mic|F.wav", help="where sound comes from (default: mic)")
    run.add_argument("--output", default="speaker", metavar="speaker|F.wav", help="where sound goes (default: speaker)")
    run.add_argument("--fast", action="store_true", help="files pass as fast as the machine can")
    _add_events(run)

    show = add_command(commands, "demo", _demo, "a whole conversation without any device")
    show.add_argument("--say", metavar="TEXT", help="what the customer says (default: three questions)")
    show.add_argument("--output", type=Path, default=Path("demo.wav"), metavar="F.wav", help="the spoken replies")
    _add_events(show)

    say = add_command(commands, "say", _say, "speak a text")
    say.add_argument("text", metavar="TEXT")
    say.add_argument("--personality", metavar="ID", help="who speaks, by id or name (default: the one in use)")
    say.add_argument("--output", type=Path, metavar="F.wav", help="write a file instead of using the loudspeaker")

    transcribe = add_command(commands, "transcribe", _transcribe, "write down what a sound file says")
    transcribe.add_argument("file", type=Path, metavar="F")
    transcribe.add_argument("--json", action="store_true")

    add_command(commands, "check", _check, "what works, what does not, what to do").add_argument(
        "--json", action="store_true"
    )
    config = add_command(commands, "config", _config, "the settings in effect, secrets masked")
    config.add_argument("--json", action="store_true")
    config.add_argument("--defaults", action="store_true", help="config.yaml as it comes: all settings explained")
    add_command(commands, "devices", _devices, "microphones and loudspeakers").add_argument(
        "--json", action="store_true"
    )
    add_cache_command(commands)
    add_stats_command(commands)
    add_incidents_command(commands)
    add_forget_command(commands)
    add_doctor_command(commands)
    add_models_command(commands)
    add_personality_command(commands)
    add_voice_command(commands)
    add_token_command(commands)
    add_tray_command(commands)
    add_shell_commands(commands, parser)
    return whole


def _add_events(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", metavar="F|-", help="write events as JSON lines to a file or to stdout (-)")


def _run(options: argparse.Namespace) -> int:
    if options.fast and (options.input == "mic" or options.output == "speaker"):
        sys.stderr.write("assistant: --fast needs files on both ends: --input F.wav --output F.wav\n")
        return 2
    if options.input != "mic" and options.output != "speaker" and _same(options.input, options.output):
        sys.stderr.write("assistant: --input and --output are the same file; the recording would be lost.\n")
        return 2
    notifier = Notifier.taken_from(os.environ)
    try:
        return _converse(options, notifier)
    except SettingsError as error:
        if notifier is None:
            raise
        notifier.status(str(error))
        _failed(error)
        return restart.WRONG_SETTINGS


def _converse(options: argparse.Namespace, notifier: Notifier | None) -> int:
    app = app_of(options)
    ends = Ends(
        None if options.input == "mic" else Path(options.input),
        None if options.output == "speaker" else Path(options.output),
        options.fast,
    )
    with event_lines(app.feed, options.events), ExitStack() as stack:
        companion = None
        if not ends.fast:  # a file in a hurry is over before anybody asks
            app.incidents = stack.enter_context(Incidents())
            companion = _serving() if app.settings.http.enabled else None
        daemon = Daemon(app, ends, notifier, lambda: app_of(options, app.feed), companion)
        with suppress(KeyboardInterrupt):  # to be stopped is how a daemon ends
            _run_until_stopped(daemon.run())
    return restart.code_after(supervised=notifier is not None)


def _serving() -> Callable[[App, Memory], Companion]:
    """The HTTP API and the panel beside the conversation."""
    from assistant.serving import Serving

    return Serving


def _same(one: str, other: str) -> bool:
    return Path(other).exists() and Path(one).exists() and Path(one).samefile(other)


def _demo(options: argparse.Namespace) -> int:
    app = app_of(options)
    with event_lines(app.feed, options.events):
        _run_until_stopped(demo.show(app, options.say, options.output, tell=options.events != "-"))
    return 0


def _say(options: argparse.Namespace) -> int:
    _run_until_stopped(stages.say(app_of(options), options.text, options.personality, options.output))
    return 0


def _transcribe(options: argparse.Namespace) -> int:
    result = _run_until_stopped(stages.transcribe(app_of(options), options.file))
    if options.json:
        print_json(result.as_dict())
    elif result.text:
        print_line(result.text)
    else:
        sys.stderr.write(f"assistant: no words were found in {options.file}.\n")
    return 0


def _check(options: argparse.Namespace) -> int:
    findings = _run_until_stopped(check.findings(options.config))
    if options.json:
        print_json([finding.as_dict() for finding in findings])
    else:
        check.print_table(findings)
    failing = [finding.part for finding in findings if finding.state == check.State.FAILS]
    if failing:
        sys.stderr.write(f"assistant: {len(failing)} of {len(findings)} parts do not work: {', '.join(failing)}.\n")
    return 1 if failing else 0


def _config(options: argparse.Namespace) -> int:
    if options.defaults:
        print_text(config_file.render(settings.settings_model()))
        return 0
    loaded, _ = settings.load(options.config)
    effective = settings.dump(loaded)
    if options.json:
        print_json(effective)
    else:
        print_yaml(effective)
    return 0


def _devices(options: argparse.Namespace) -> int:
    from providers.audio.portaudio import list_devices

    devices = list_devices()
    if options.json:
        print_json([asdict(device) for device in devices])
    elif devices:
        rows = [
            (str(one.number), one.name, one.system, _channels(one.input_channels, one.default_input),
             _channels(one.output_channels, one.default_output), f"{one.rate_hz} Hz")
            for one in devices
        ]  # fmt: skip
        print_table(("NUMBER", "NAME", "SYSTEM", "MICROPHONE", "LOUDSPEAKER", "RATE"), rows)
    else:
        print_line("No sound device was found. Is one plugged in? In a service, is the user in the group `audio`?")
    return 0


def _channels(count: int, default: bool) -> str:
    if count == 0:
        return "-"
    return f"{count} channel{'s' if count > 1 else ''}{', default' if default else ''}"
