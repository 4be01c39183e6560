"""The command line: `shipway lab ...`, or `python -m shipway_lab ...`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from shipway_lab import isolation, jsonfile, keeper, lifecycle, parts, power, prerequisites, secret, status
from shipway_lab.artifacts.progress import Progress
from shipway_lab.errors import LabError
from shipway_lab.nodes import FIRST, NodeState
from shipway_lab.paths import LabPaths

_VERBS = {
    "stop": NodeState.STOPPED,
    "start": NodeState.RUNNING,
    "pause": NodeState.PAUSED,
    "resume": NodeState.RUNNING,
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `lab` with its own commands. The chosen one is in the arguments' `run`, which returns a code."""
    lab = subparsers.add_parser("lab", help="a real Kubernetes on this machine, without Docker")
    add_commands(lab)


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Add the lab's commands to a parser."""
    commands = parser.add_subparsers(dest="lab_command", required=True, metavar="COMMAND")
    _build_command(commands.add_parser("build", help="build what the lab is made from"))
    _up_command(commands.add_parser("up", help="start a lab"))
    _status_command(commands.add_parser("status", help="ports, readiness and memory of a lab"))
    _shell_command(commands.add_parser("shell", help="a shell or a command inside the lab's namespaces"))
    _logs_command(commands.add_parser("logs", help="the log of a part"))
    _node_command(commands.add_parser("node", help="stop, start, pause or resume a node, as if its machine did"))
    _secret_command(commands.add_parser("secret", help="the Secret with the object store's credentials, as YAML"))
    down = commands.add_parser("down", help="end a lab and remove everything of it")
    _add_name(down)
    down.set_defaults(run=_guarded(_down))


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit code: 0 for success, 1 for a failure that was explained.
    """
    parser = argparse.ArgumentParser(prog="python -m shipway_lab", description="The embedded cluster.")
    add_commands(parser)
    parsed = parser.parse_args(arguments)
    return int(parsed.run(parsed))


def _build_command(parser: argparse.ArgumentParser) -> None:
    _add_parts(parser)
    parser.set_defaults(run=_guarded(_build))


def _up_command(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    _add_parts(parser)
    for service, usual in lifecycle.DEFAULT_PORTS.items():
        parser.add_argument(
            f"--{service}-port",
            type=int,
            metavar="N",
            help=f"port on 127.0.0.1 for {service} (default: {usual}, or a free one if that is taken)",
        )
    parser.add_argument(
        "--provider",
        choices=["embedded", "existing"],
        default="embedded",
        help="embedded (default): the cluster of this machine; existing: say what a cluster of yours lacks",
    )
    parser.add_argument("--kubeconfig", type=Path, metavar="FILE", help="of the existing cluster")
    parser.add_argument("--fake-nodes", type=int, default=3, metavar="N", help="nodes of the part kwok (default: 3)")
    parser.set_defaults(run=_guarded(_up))


def _status_command(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")
    parser.set_defaults(run=_guarded(_status))


def _node_command(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument("verb", choices=_VERBS, help="stop kills every process of the node, pods included")
    parser.add_argument("node", help="for example node2")
    parser.set_defaults(run=_guarded(_node))


def _shell_command(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument("--node", metavar="NODE", help="on the machine of that node (default: the first)")
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="what to run instead of a shell")
    parser.set_defaults(run=_guarded(_shell))


def _logs_command(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument("log", nargs="?", help="name of the log; without it the logs are listed")
    parser.add_argument("-f", "--follow", action="store_true")
    parser.set_defaults(run=_guarded(_logs))


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--name", default="default", help="name of the lab (default: default); several run side by side"
    )


def _secret_command(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument("namespace", help="the namespace it is to be applied to")
    parser.set_defaults(run=_guarded(_secret))


def _add_parts(parser: argparse.ArgumentParser) -> None:
    choices = ", ".join([*parts.BUNDLES, *parts.ADD_ONS])
    parser.add_argument("--with", dest="add_ons", default="", metavar="PART,...", help=f"what to add: {choices}")
    nodes = parser.add_mutually_exclusive_group()
    nodes.add_argument("--nodes", type=int, default=1, metavar="N", help="nodes that run pods (default: 1)")
    nodes.add_argument(
        *("--no-node", "--no-nodes"),
        dest="nodes",
        action="store_const",
        const=0,
        help="only the control plane: no pods run, up in five seconds",
    )


def _guarded(command: Any) -> Any:
    def run(arguments: argparse.Namespace) -> int:
        # Terminated, it ends what it started as it does when interrupted: compilers, or a lab half up.
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            return int(command(arguments) or 0)
        except LabError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("\ninterrupted; what is built stays, and the next build goes on from here", file=sys.stderr)
            return 130
        finally:
            signal.signal(signal.SIGTERM, before)

    return run


def _parts(arguments: argparse.Namespace) -> tuple[str, ...]:
    return parts.resolve([word for word in arguments.add_ons.split(",") if word], nodes=arguments.nodes)


def _build(arguments: argparse.Namespace) -> None:
    prerequisites.check()
    for name, path in lifecycle.build(_parts(arguments), Progress()).items():
        print(f"{name:12} {path}")


def _up(arguments: argparse.Namespace) -> int:
    if arguments.provider == "existing":
        return _inspect(arguments.kubeconfig)
    prerequisites.check()
    ports = {service: getattr(arguments, f"{service}_port") for service in lifecycle.DEFAULT_PORTS}
    lifecycle.up(
        arguments.name,
        _parts(arguments),
        ports=ports,
        fake_nodes=arguments.fake_nodes,
        progress=Progress(),
    )
    paths = LabPaths.of(arguments.name)
    print(f"export KUBECONFIG={paths.kubeconfig}")
    return 0


def _inspect(kubeconfig: Path | None) -> int:
    from shipway_lab import existing  # noqa: PLC0415 - the only command that needs a whole client

    findings = existing.inspect(kubeconfig)
    print("\n".join(finding.line() for finding in findings))
    return 0 if all(finding.found for finding in findings) else 1


def _status(arguments: argparse.Namespace) -> int:
    found = status.gather(arguments.name)
    if found is None:
        raise LabError(f"lab {arguments.name} is not up{status.last_error(arguments.name)}")
    print(json.dumps(found, indent=1) if arguments.output == "json" else status.describe(found))
    return 0


def _shell(arguments: argparse.Namespace) -> int:
    paths = LabPaths.of(arguments.name)
    kept = jsonfile.read(paths.keeper)
    if not kept or not keeper.alive(paths):
        raise LabError(f"lab {arguments.name} is not up")
    words = [word for word in arguments.words if word != "--"] or [os.environ.get("SHELL", "/bin/bash")]
    enter = ["nsenter", "-t", str(kept["init"]), "-m", "-n", "-C", "-p"]
    if arguments.node and arguments.node != FIRST.name:
        enter += isolation.join_machine(power.known_node(paths, arguments.node).name)
    # Entering a mount namespace puts one into its root folder.
    script = 'cd "$0" 2>/dev/null; exec "$@"'
    env = {
        **os.environ,
        "KUBECONFIG": str(paths.inner_kubeconfig),
        "PATH": f"{paths.bin}:{os.environ.get('PATH', '')}",
    }
    return subprocess.call([*enter, "sh", "-c", script, str(Path.cwd()), *words], env=env)


def _node(arguments: argparse.Namespace) -> None:
    state = _VERBS[arguments.verb]
    power.switch(arguments.name, arguments.node, state)
    print(f"{arguments.node} is {state}")


def _logs(arguments: argparse.Namespace) -> int:
    paths = LabPaths.of(arguments.name)
    logs = sorted(file.name.removesuffix(".log") for file in paths.logs.glob("*.log"))
    if arguments.log is None:
        print("\n".join(logs))
        return 0
    if arguments.log not in logs:
        raise LabError(f"lab {arguments.name} has no log {arguments.log!r}; it has {', '.join(logs) or 'none'}")
    follow = ["-F"] if arguments.follow else []
    return subprocess.call(["tail", "-n", "+1", *follow, str(paths.logs / f"{arguments.log}.log")])


def _secret(arguments: argparse.Namespace) -> None:
    found = status.gather(arguments.name)
    if found is None or not found["s3"]:
        start = f"up --with s3 --name {arguments.name}"
        raise LabError(f"lab {arguments.name} has no object store; start one with: {start}")
    print(secret.manifest(found["s3"], arguments.namespace), end="")


def _down(arguments: argparse.Namespace) -> None:
    print(f"lab {arguments.name} is {'down' if lifecycle.down(arguments.name) else 'not up'}")
