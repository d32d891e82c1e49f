"""What teaches a shell to complete ``assistant``: words, options and their values, files where a file is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from assistant.command_tree import Command, Option

_BASH = """\
# Completion of `assistant` for bash; `assistant completion bash` prints it.
_assistant() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} path= word
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$path $word" in
            {paths}) path="$path $word" ;;
        esac
    done
    case "$path $before" in
{values}
    esac
    COMPREPLY=()
    case "$path" in
{words}
    esac
    [[ $current == -* || $COMP_CWORD -eq 1 ]] || COMPREPLY+=($(compgen -f -- "$current"))
}}
complete -o filenames -F _assistant assistant
"""

_ZSH = """\
#compdef assistant
# Completion of `assistant` for zsh; `assistant completion zsh` prints it.
_assistant() {{
    local current=$words[CURRENT] before=$words[CURRENT-1] route= word
    local -a found
    for word in "${{(@)words[2,CURRENT-1]}}"; do
        case "$route $word" in
            ({paths}) route="$route $word" ;;
        esac
    done
    case "$route $before" in
{values}
    esac
    case "$route" in
{words}
    esac
    _describe -t commands assistant found
    [[ $current == -* || $CURRENT -eq 2 ]] || _files
}}
if [ "$funcstack[1]" = _assistant ]; then _assistant "$@"; else compdef _assistant assistant; fi
"""


def bash(tree: Sequence[Command]) -> str:
    """A script for ``/usr/share/bash-completion/completions/assistant``."""
    values = [
        f"        {_cases(one, flags)}) {_bash_values(option)}; return ;;" for one, flags, option in _taking(tree)
    ]
    words = [
        f'        {_quoted(_path(one))}) COMPREPLY=($(compgen -W {_quoted(" ".join(_words(one)))} -- "$current")) ;;'
        for one in tree
    ]
    return _BASH.format(paths=_paths(tree), values="\n".join(values), words="\n".join(words))


def _bash_values(option: Option) -> str:
    if option.choices:
        return f'COMPREPLY=($(compgen -W {_quoted(" ".join(option.choices))} -- "$current"))'
    return 'COMPREPLY=($(compgen -f -- "$current"))' if option.takes_file else "COMPREPLY=()"


def zsh(tree: Sequence[Command]) -> str:
    """A function ``_assistant`` for a folder of ``$fpath``."""
    values = [
        f"        ({_cases(one, flags)}) {_zsh_values(option)}; return ;;" for one, flags, option in _taking(tree)
    ]
    words = [
        f"        ({_quoted(_path(one))}) found=({' '.join(_quoted(line) for line in _described(one))}) ;;"
        for one in tree
    ]
    return _ZSH.format(paths=_paths(tree), values="\n".join(values), words="\n".join(words))


def _zsh_values(option: Option) -> str:
    if option.choices:
        return f"compadd -- {' '.join(map(_quoted, option.choices))}"
    return "_files" if option.takes_file else f"_message {_quoted(option.value)}"


def _described(command: Command) -> list[str]:
    options = [(flag, option.help) for option in command.options for flag in option.flags]
    return [f"{word}:{text}" for word, text in [*command.verbs, *options]]


def fish(tree: Sequence[Command]) -> str:
    """A file for ``/usr/share/fish/vendor_completions.d/assistant.fish``."""
    lines = ["# Completion of `assistant` for fish; `assistant completion fish` prints it."]
    for command in tree:
        when = _fish_condition(command)
        for word, text in command.verbs:
            lines.append(f"complete -c assistant -f -n {_fish_quoted(when)} -a {word} -d {_fish_quoted(text)}")
        for option in command.options:
            if not option.flags:
                continue
            names = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags)
            takes = ""
            if option.choices:
                takes = f" -x -a {_fish_quoted(' '.join(option.choices))}"
            elif option.value:
                takes = " -r -F" if option.takes_file else " -x"
            lines.append(f"complete -c assistant -n {_fish_quoted(when)} {names}{takes} -d {_fish_quoted(option.help)}")
    return "\n".join(lines) + "\n"


def _fish_condition(command: Command) -> str:
    if not command.words:
        return "__fish_use_subcommand"
    seen = " and ".join(f"__fish_seen_subcommand_from {word}" for word in command.words).replace(" and ", "; and ")
    if command.verbs:
        seen += f"; and not __fish_seen_subcommand_from {' '.join(word for word, _ in command.verbs)}"
    return seen


SHELLS: dict[str, Callable[[Sequence[Command]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
"""What each shell reads."""


def _path(command: Command) -> str:
    return "".join(f" {word}" for word in command.words)


def _paths(tree: Iterable[Command]) -> str:
    return "|".join(_quoted(_path(one)) for one in tree if one.words)


def _words(command: Command) -> list[str]:
    return [word for word, _ in command.verbs] + [flag for option in command.options for flag in option.flags]


def _taking(tree: Iterable[Command]) -> list[tuple[Command, tuple[str, ...], Option]]:
    """Options that take a value."""
    return [(one, option.flags, option) for one in tree for option in one.options if option.flags and option.value]


def _cases(command: Command, flags: Iterable[str]) -> str:
    return "|".join(_quoted(f"{_path(command)} {flag}") for flag in flags)


def _quoted(text: str) -> str:
    """For bash and zsh."""
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
