"""Completion scripts, made from the parser itself so that they cannot go stale."""

import argparse
from collections.abc import Callable, Iterator


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, list[str]]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                nested = [n for n, _ in _commands(command)]
                options = [o for a in command._actions for o in a.option_strings]
                yield name, nested + options


def bash(parser: argparse.ArgumentParser) -> str:
    """For bash: `source <(shipway completion bash)`."""
    table = dict(_commands(parser))
    cases = "\n".join(f'    {name}) words="{" ".join(words)}";;' for name, words in table.items())
    return f"""_shipway() {{
  local words="{" ".join(table)}"
  if [ "$COMP_CWORD" -gt 1 ]; then case "${{COMP_WORDS[1]}}" in
{cases}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -F _shipway shipway
"""


def zsh(parser: argparse.ArgumentParser) -> str:
    """For zsh: `source <(shipway completion zsh)`."""
    return f"autoload -U +X bashcompinit && bashcompinit\n{bash(parser)}"


COMPLETIONS: dict[str, Callable[[argparse.ArgumentParser], str]] = {"bash": bash, "zsh": zsh}
