"""`python -m shipway_workloads.training.report --seeds 3`: the ranker beside what it has to beat, as a table.

Each cell is a real run of the recipe with torchrun on this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shipway_workloads.training.movielens import Split

RUN_SECONDS = 300
COUNTED_BASELINES = ("userItemBias", "itemMean", "userMean", "popularity")
LABELS = {
    "userItemBias": "user + item mean",
    "itemMean": "item mean",
    "userMean": "user mean",
    "popularity": "popularity",
    "userItemBiasFitted": "user + item bias, fitted jointly",
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training run.

    Attributes:
        seed: Its seed.
        auc: AUC on the held-out part.
        log_loss: Log loss there, in nats.
        seconds: Wall-clock time of the whole process tree.
        cpu_seconds: Processor time of it, which other work on the machine disturbs less.
        steps: Optimizer steps.
        loss_trace_digest: Digest of all losses.
    """

    seed: int
    auc: float
    log_loss: float
    seconds: float
    cpu_seconds: float
    steps: int
    loss_trace_digest: str


@dataclass(frozen=True, kw_only=True)
class SplitReport:
    """All runs on one split, and the baselines' AUC there."""

    split: str
    runs: Sequence[Run]
    baselines: dict[str, float]

    @property
    def mean_auc(self) -> float:
        """Over all seeds."""
        return statistics.fmean(run.auc for run in self.runs)

    def beats(self, baseline: str) -> bool:
        """Whether every seed is better than the baseline."""
        return min(run.auc for run in self.runs) > self.baselines[baseline]


def report_split(split: Split, *, seeds: Sequence[int], ranks: int) -> SplitReport:
    """Trains once a seed and collects the numbers.

    Raises:
        subprocess.CalledProcessError: A run failed.
    """
    runs: list[Run] = []
    baselines: dict[str, float] = {}
    for seed in seeds:
        began, cpu_began = time.monotonic(), _children_cpu_seconds()
        result = train_locally({"split": split.value}, seed=seed, ranks=ranks)
        values = {entry["name"]: float(entry["value"]) for entry in result["evaluation"]}
        runs.append(
            Run(
                seed=seed,
                auc=values["auc"],
                log_loss=values["logLoss"],
                seconds=round(time.monotonic() - began, 1),
                cpu_seconds=round(_children_cpu_seconds() - cpu_began, 1),
                steps=result["step"],
                loss_trace_digest=result["lossTraceDigest"],
            )
        )
        baselines = {name: values[f"baselineAuc.{name}"] for name in LABELS}
    return SplitReport(split=split.value, runs=runs, baselines=baselines)


def train_locally(parameters: dict[str, str], *, seed: int, ranks: int) -> dict[str, Any]:
    """Runs the recipe with torchrun in a scratch folder.

    Returns:
        The job's result, as its termination message has it.

    Raises:
        subprocess.CalledProcessError: The run failed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        told = {
            "SHIPWAY_JOB": "report",
            "SHIPWAY_NAMESPACE": "local",
            "SHIPWAY_SEED": str(seed),
            "SHIPWAY_PARAMETERS": json.dumps(parameters),
            "SHIPWAY_OUTPUT_URI": (folder / "artifact").as_uri(),
            "SHIPWAY_TERMINATION_LOG": str(folder / "result.json"),
            "OMP_NUM_THREADS": "1",
        }
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
        subprocess.run(
            [*torchrun, "-m", "shipway_workloads.training.ranker"],
            env={**os.environ, **told},
            check=True,
            timeout=RUN_SECONDS,
        )
        result: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return result


def _children_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def table(report: SplitReport) -> str:
    """The report as lines of text."""
    head = f"{report.split}: AUC on held-out interactions"
    rows = [
        f"  ranker, seed {run.seed:<22}{run.auc:.4f}   log loss {run.log_loss:.4f},"
        f" {run.seconds:.1f} s, {run.cpu_seconds:.1f} CPU-s"
        for run in report.runs
    ]
    rows.append(f"  {'ranker, mean':<35}{report.mean_auc:.4f}")
    rows += [
        f"  {LABELS[name]:<35}{value:.4f}   {'beaten by every seed' if report.beats(name) else 'NOT beaten'}"
        for name, value in report.baselines.items()
    ]
    return "\n".join([head, *rows])


def to_json(reports: Sequence[SplitReport], *, ranks: int) -> dict[str, Any]:
    """The reports with the machine they were made on."""
    machine = {
        "cpus": len(os.sched_getaffinity(0)),
        "architecture": platform.machine(),
        "python": platform.python_version(),
    }
    splits = [{**asdict(report), "meanAuc": round(report.mean_auc, 4)} for report in reports]
    return {"machine": machine, "ranks": ranks, "splits": splits}


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the tables.

    Returns:
        1 when a seed does not beat every counted baseline on the user-tail split.
    """
    parser = argparse.ArgumentParser(prog="python -m shipway_workloads.training.report")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds, from 1 (default: %(default)s)")
    parser.add_argument("--ranks", type=int, default=2, help="processes a run (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="file that gets the numbers as JSON")
    arguments = parser.parse_args(argv)
    seeds = range(1, arguments.seeds + 1)
    reports = []
    for split in Split:
        reports.append(report_split(split, seeds=seeds, ranks=arguments.ranks))
        print(table(reports[-1]), end="\n\n", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(to_json(reports, ranks=arguments.ranks), indent=2) + "\n")
    return 0 if all(reports[0].beats(name) for name in COUNTED_BASELINES) else 1


if __name__ == "__main__":
    sys.exit(main())
