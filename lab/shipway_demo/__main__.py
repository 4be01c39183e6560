"""`python -m shipway_demo`: the demonstration, from an empty machine to a bad model rolled back."""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from shipway_demo.claims import Report
from shipway_demo.cluster import Cluster, Lab
from shipway_demo.screen import Screen
from shipway_demo.story import DemoError, Story

ROOT = Path(__file__).resolve().parents[2]
LAB = "demo"


def main() -> int:
    """Exit code 0 if every claim holds."""
    options = _arguments()
    screen = Screen(Console(soft_wrap=True))
    report = Report()
    began = time.monotonic()
    problem = ""
    try:
        with screen.step("Start a Kubernetes with KServe, a gateway and an object store") as step:
            lab = _start_lab(step.say)
            step.done(f"{lab.pss_mib:.0f} MiB")
        asyncio.run(_tell(screen, report, lab))
    except (DemoError, subprocess.CalledProcessError, TimeoutError) as error:
        problem = str(error)
    finally:
        report.seconds = time.monotonic() - began
        if not options.keep:
            _shipway_lab("down", "--name", LAB)
    report.write(options.report)
    screen.table(report)
    if problem:
        screen.console.print(f"\n[bold red]The story ended early:[/] {problem}", highlight=False)
    elif options.keep:
        screen.console.print(f"\nThe cluster is still up: export KUBECONFIG={lab.kubeconfig}", highlight=False)
    return 0 if report.holds and not problem else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m shipway_demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the cluster running at the end")
    parser.add_argument("--report", type=Path, default=ROOT / "demo-report.json", help="where the report goes")
    return parser.parse_args()


async def _tell(screen: Screen, report: Report, lab: Lab) -> None:
    async with Cluster.connect(lab) as cluster:
        with screen.step("Install the chart into a restricted namespace"):
            await cluster.install(ROOT / "charts" / "shipway")
        await Story(cluster, screen, report, ROOT / "examples" / "quickstart").tell()


def _start_lab(say: Callable[[str], None]) -> Lab:
    command = [sys.executable, "-m", "shipway_lab", "up", "--with", "demo", "--name", LAB]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        last: list[str] = []
        for line in process.stdout:
            if text := line.strip():
                say(text)
                last = [*last, text][-12:]
    if process.returncode:
        raise DemoError("the lab did not start:\n" + "\n".join(last))
    return Lab.parse(json.loads(_shipway_lab("status", "--name", LAB, "-o", "json")))


def _shipway_lab(*arguments: str) -> str:
    command = [sys.executable, "-m", "shipway_lab", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
