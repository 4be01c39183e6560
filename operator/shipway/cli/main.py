"""`shipway`: the few things that are better as a command than as YAML."""

import argparse
import asyncio
import importlib.util
import sys
from collections.abc import Sequence

from shipway.cli import manifest, release, verbs
from shipway.cli.completion import COMPLETIONS
from shipway.cli.connection import CliError
from shipway.kube.credentials import CredentialsError
from shipway.kube.errors import ApiError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; errors are one line on standard error and exit code 1."""
    options = parser().parse_args(arguments)
    try:
        outcome = options.run(options)
        return int(asyncio.run(outcome) if asyncio.iscoroutine(outcome) else outcome or 0)
    except KeyboardInterrupt:
        return 130
    except (CliError, CredentialsError, ApiError) as error:
        print(f"shipway: {error}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(prog="shipway", description="The ML platform for Kubernetes, from the command line.")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    release.add_parser(commands)
    verbs.add_parsers(commands)
    manifest.add_parser(commands)
    _add_completion(commands)
    _add_lab(commands)
    return top


def _add_completion(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    completion = commands.add_parser("completion", help="print the completion script of a shell")
    completion.add_argument("shell", choices=sorted(COMPLETIONS))
    completion.set_defaults(run=lambda options: print(COMPLETIONS[options.shell](parser()), end=""))


def _add_lab(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    # The operator's image has no lab; a checkout does.
    if importlib.util.find_spec("shipway_lab") is None:
        return
    from shipway_lab.cli import add_parser  # noqa: PLC0415

    add_parser(commands)


if __name__ == "__main__":
    sys.exit(main())
