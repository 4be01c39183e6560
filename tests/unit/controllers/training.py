"""Builders and a player for training tests."""

import json
from typing import Any

from shipway.controllers.trainingjob.controller import TrainingJobController
from shipway.integrations.progress import ProgressBoard
from shipway.integrations.report import Report
from shipway.kube.resource import ENDPOINT_SLICE, TRAINING_JOB, Key, Object
from unit.controllers.world import World

KEY = Key(TRAINING_JOB.kind, "team", "ranker")
DIGEST = "sha256:" + "a" * 64
OTHER_DIGEST = "sha256:" + "b" * 64
TRACE = "sha256:" + "c" * 64


def training_job(name: str = "ranker", **spec: Any) -> Object:
    return {
        "apiVersion": TRAINING_JOB.api_version,
        "kind": TRAINING_JOB.kind,
        "metadata": {"name": name, "namespace": "team"},
        "spec": {
            "nodes": 2,
            "recipe": {"name": "ranker", "parameters": {"epochs": "4"}},
            "storage": {"uri": "s3://models/reco", "secretName": "storage"},
            "output": {"model": "ranker", "version": "v1"},
            "seed": 7,
            **spec,
        },
    }


def result(digest: str = DIGEST, **changes: Any) -> str:
    return json.dumps(
        {
            "artifact": {
                "uri": "s3://models/reco/team/ranker/v1-12345678",
                "digest": digest,
                "sizeBytes": 4096,
                "format": {"name": "shipway-ranker", "version": "1"},
            },
            "evaluation": [{"name": "auc", "value": "0.7923", "dataset": "movielens-100k/user-tail-20", "slice": ""}],
            "lineage": {"datasets": [{"name": "movielens-100k", "digest": DIGEST}], "codeRevision": "abc", "seed": 7},
            "step": 800,
            "loss": "0.49",
            "lossTraceDigest": TRACE,
            **changes,
        }
    )


def error(reason: str, message: str) -> str:
    return json.dumps({"error": {"reason": reason, "message": message}})


class Training:
    """One job in a world of its own, with the operator's controller."""

    def __init__(self, **spec: Any) -> None:
        self.world = World()
        self.woken: list[Key] = []
        self.set_ahead = 0.0
        self.restart_operator()
        self.world.put(training_job(**spec))

    def restart_operator(self, *, workloads_image: str = "ghcr.io/shipway-ml/workloads:0.1.0") -> None:
        """A new process: nothing in memory survives."""
        self.board = ProgressBoard(
            on_report=self.woken.append,
            clock=lambda: self.world.now,
            monotonic=lambda: self.world.now - self.set_ahead,
        )
        self.controller = TrainingJobController(
            workloads_image=workloads_image, progress_url="http://operator", board=self.board
        )

    @property
    def job(self) -> Object:
        job = self.world.get(TRAINING_JOB, "team", "ranker")
        assert job is not None
        return job

    @property
    def status(self) -> dict[str, Any]:
        return self.job["status"]

    @property
    def attempt(self) -> int:
        return int(self.job.get("status", {}).get("attempt", 0))

    def pod(self, rank: int, attempt: int | None = None) -> str:
        return f"ranker-{attempt or self.attempt or 1}-{rank}"  # the first attempt is told of when its pods run

    def leads_to(self, pod: str) -> str:
        """The address that the name of a pod stands for."""
        (endpoint,) = self.world.get(ENDPOINT_SLICE, "team", pod)["endpoints"]
        assert endpoint["hostname"] == pod
        return str(endpoint["addresses"][0])

    def settle(self, **crash: Any) -> Any:
        return self.world.settle(self.controller, KEY, **crash)

    def run(self) -> "Training":
        """Bring the current attempt up."""
        self.settle()
        for rank in range(self.job["spec"]["nodes"]):
            self.world.start(self.pod(rank))
        self.settle()
        self.pass_time(5)
        return self

    def pass_time(self, seconds: float) -> "Training":
        self.world.now += seconds
        return self

    def set_clock_ahead(self, seconds: float) -> "Training":
        """Somebody sets the operator's clock; nothing else has changed."""
        self.world.now += seconds
        self.set_ahead += seconds
        return self

    def listen(self, seconds: int, *, every: int = 4) -> "Training":
        """Time passes in which the operator looks and nobody reports."""
        for _ in range(seconds // every):
            self.pass_time(every).settle()
        return self

    def steps(self, *, first: int = 1, last: int = 10, every: int = 2) -> "Training":
        """Rank 0 tells of a step at a time."""
        for step in range(first, last + 1):
            self.pass_time(every).report(step)
            self.settle()
        return self

    def report(self, step: int, *, attempt: int | None = None, **changes: Any) -> None:
        self.board.post(
            KEY,
            Report(
                attempt=attempt or self.attempt or 1,
                step=step,
                total_steps=800,
                **{"loss": "0.5312", "samples_per_second": "20411.3", **changes},
            ),
        )

    def succeed(self, message: str | None = None) -> None:
        for rank in range(self.job["spec"]["nodes"]):
            self.world.end(self.pod(rank), message=(result() if message is None else message) if rank == 0 else "")
        self.settle()
