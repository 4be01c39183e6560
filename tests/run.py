"""Runs the test tiers in order, each within its budget, and prints the table.

A tier that fails ends the run. With CI set, a tier over its budget fails as well: what does not fit belongs elsewhere.
"""

import argparse
import os
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Tier:
    """One tier: its commands, and the minutes CI grants it on a warm machine."""

    name: str
    minutes: float
    commands: tuple[tuple[str, ...], ...]
    fast: bool = False


def _python(*args: str) -> tuple[str, ...]:
    return (sys.executable, *args)


def _tool(name: str, *args: str) -> tuple[str, ...]:
    return (str(BIN / name), *args)


_KILLED = ("-W", "ignore::pytest.PytestUnraisableExceptionWarning")
"""What operators held that are killed in the middle of things is found by the garbage collector, which complains."""

TIERS = (
    Tier(
        "static",
        3,
        (
            _tool("ruff", "check", "--quiet", "."),
            _tool("ruff", "format", "--quiet", "--check", "."),
            _tool("mypy"),
            _tool("lint-imports", "--no-cache"),
            _python("-m", "shipway.crdgen", "--check"),
        ),
        fast=True,
    ),
    Tier("unit", 6, (_python("-m", "pytest", "-q", "-n", "2", "tests/unit"),), fast=True),
    Tier("chart", 2, (_python("tests/chart_scan.py"),)),
    Tier("build", 23, (_python("-m", "shipway_lab", "build", "--with", "demo,kwok,prometheus,alertmanager"),)),
    Tier("integration", 38, (_python("-m", "pytest", "-q", "tests/integration"),)),
    Tier("faults", 4, (_python("-m", "pytest", "-q", *_KILLED, "tests/faults"),)),
    Tier("benchmark", 6, (("env", "PYTHONPATH=tests:.", *_python("benchmarks/control-plane", "--quick")),)),
    Tier("demo", 8, (_python("-m", "shipway_demo"),)),
)


def main() -> int:
    """Runs what was asked for; the exit code is that of the first failure."""
    options = _arguments()
    chosen = [t for t in TIERS if (not options.fast or t.fast) and (not options.only or t.name in options.only)]
    rows: list[tuple[str, str, float, float]] = []
    for tier in chosen:
        seconds, code = _run(tier)
        over = seconds > tier.minutes * 60
        outcome = "failed" if code else ("over budget" if over else "ok")
        rows.append((tier.name, outcome, seconds, tier.minutes * 60))
        if code or (over and os.environ.get("CI")):
            _table(rows)
            return code or 1
    _table(rows)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="only the tiers that need no cluster")
    parser.add_argument("--only", action="append", choices=[t.name for t in TIERS], help="only this tier (repeatable)")
    return parser.parse_args()


def _run(tier: Tier) -> tuple[float, int]:
    began = time.monotonic()
    for command in tier.commands:
        print(f"\n== {tier.name}: {' '.join(_short(part) for part in command)}", flush=True)
        code, errors = _told(command)
        if code < 0:
            _say_once_more(errors)
        if code:
            return time.monotonic() - began, code
    return time.monotonic() - began, 0


def _told(command: tuple[str, ...]) -> tuple[int, list[str]]:
    """Runs a command; its exit code and the end of what it said on standard error, which is passed on as it comes."""
    errors: deque[str] = deque(maxlen=5000)
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stderr is not None
        for line in process.stderr:
            sys.stderr.write(line)
            sys.stderr.flush()
            errors.append(line)
    return process.returncode, list(errors)


def _say_once_more(errors: list[str]) -> None:
    """What a process died of stands above the stacks of all its threads, where the end of a log does not reach."""
    fatal = next((at for at, line in enumerate(errors) if "Fatal Python error" in line), None)
    thread = next((at for at, line in enumerate(errors) if line.startswith("Current thread")), None)
    for start, lines in ((fatal, 2), (thread, 15)):
        if start is not None:
            print("".join(("\n", *errors[max(0, start - 2) : start + lines])), flush=True)


def _short(part: str) -> str:
    return Path(part).name if part.startswith(str(BIN)) else part


def _table(rows: list[tuple[str, str, float, float]]) -> None:
    print(f"\n{'tier':<14}{'outcome':<14}{'seconds':>9}{'budget':>9}")
    for name, outcome, seconds, budget in rows:
        print(f"{name:<14}{outcome:<14}{seconds:>9.0f}{budget:>9.0f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
