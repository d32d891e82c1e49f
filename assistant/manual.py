"""The manual page, made of the command line itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assistant.command_tree import Command, Option

_ENVIRONMENT = (
    ("ASSISTANT_CONFIG", "The settings file, where --config names none."),
    ("CREDENTIALS_DIRECTORY", "A folder of secrets, each a file named as in config.yaml, ${NAME}; set by systemd."),
    ("HF_ENDPOINT, HF_TOKEN", "The hub from which models are fetched, and whose account asks."),
)  # fmt: skip

_EXIT_CODES = (
    ("0", "Done."),
    ("1", "Failed, with a one-line reason on stderr."),
    ("2", "Wrong usage."),
    ("75", "run, where systemd started it: somebody asked for a restart."),
    ("78", "run, where systemd started it: the settings are wrong, so another start would not help."),
    ("130", "Stopped before it had a result."),
)


def page(tree: Sequence[Command]) -> str:
    """``assistant(1)`` in the language of man(7)."""
    return "\n".join(_lines(tree)) + "\n"


def _lines(tree: Sequence[Command]) -> Iterator[str]:
    whole, *others = tree
    yield '.\\" Made by `assistant manual`.'
    yield ".TH ASSISTANT 1"
    yield from (".SH NAME", f"assistant \\- {_text(whole.summary.rstrip('.').lower())}")
    yield from (".SH SYNOPSIS", ".B assistant", "[\\fIOPTION\\fR] \\fICOMMAND\\fR ...")
    yield from (".SH DESCRIPTION", "Listens for its wake word, answers customers aloud, and listens again.")
    yield "It is steered from its web panel, by HTTP, and by the commands below."
    yield ".SH OPTIONS"
    yield from _options(whole.options)
    yield ".SH COMMANDS"
    for command in others:
        yield f".SS assistant {_text(' '.join(command.words))}{_synopsis(command)}"
        yield _sentence(command.summary)
        yield from _options([one for one in command.options if one.flags != ("-h", "--help")])
    yield from _table("EXIT STATUS", _EXIT_CODES)
    yield from _table("ENVIRONMENT", _ENVIRONMENT)
    yield from _table("FILES", _FILES)
    yield from (".SH SEE ALSO", ".BR systemctl (1),", ".BR journalctl (1)")


_FILES = (
    ("/etc/shop-assistant/config.yaml", "Settings of the service; every one is explained there."),
    ("/etc/shop-assistant/shop/", "Questions and answers, products."),
    ("/etc/shop-assistant/credentials/", "Secrets, one in each file."),
    ("/var/lib/shop-assistant/", "Personalities, statistics, models."),
    ("~/.config/shop-assistant/, ~/.local/share/shop-assistant/", "The same for a service of one user."),
)


def _synopsis(command: Command) -> str:
    parts = [" ..."] if command.verbs else []
    for option in command.options:
        if not option.flags:
            parts.append(f" \\fI{_text(option.value)}\\fR" if option.required else f" [\\fI{_text(option.value)}\\fR]")
    return "".join(parts)


def _options(options: Sequence[Option]) -> Iterator[str]:
    for option in options:
        if not option.flags and not option.help:
            continue
        names = ", ".join(f"\\fB{_text(flag)}\\fR" for flag in option.flags)
        value = f"\\fI{_text(option.value)}\\fR" if option.value else ""
        yield from (".TP", " ".join(filter(None, (names, value))), _sentence(option.help) or "Data for programs.")


def _table(title: str, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield f".SH {title}"
    for name, text in rows:
        yield from (".TP", f"\\fB{_text(name)}\\fR", _text(text))


def _sentence(text: str) -> str:
    return _text(f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else "")


def _text(text: str) -> str:
    """What roff would take for a command of its own, escaped."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
