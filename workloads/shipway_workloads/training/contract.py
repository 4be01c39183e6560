"""What a training pod and the operator tell each other; the public API for own training code.

The operator speaks through environment variables. The pod answers by progress posts while it runs and by one JSON
object at its end. A whole job is a function and one call:

    def train(context: TrainingContext) -> Result: ...

    if __name__ == "__main__":
        contract.run(train)

Imports nothing beyond the standard library and our own storage, so that any training code can use it.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from shipway_workloads import termination
from shipway_workloads.termination import WorkloadError

DEFAULT_CHECKPOINT_EVERY_STEPS = 100
DEFAULT_SEED = 1


class TrainingReason(StrEnum):
    """Why a training pod failed, beside the reasons of `storage.StorageReason`."""

    INVALID_ENVIRONMENT = "InvalidEnvironment"
    INVALID_PARAMETER = "InvalidParameter"
    INVALID_CHECKPOINT = "InvalidCheckpoint"
    STALE_ATTEMPT = "StaleAttempt"
    PEER_LOST = "PeerLost"
    LOSS_NOT_FINITE = "LossNotFinite"
    DATA_MISSING = "DataMissing"
    TRAINING_FAILED = "TrainingFailed"


class TrainingError(WorkloadError):
    """Training cannot go on; `reason` is one of `TrainingReason`."""


@dataclass(frozen=True, kw_only=True)
class TrainingContext:
    """Everything the operator told this process.

    Attributes:
        job: Name of the TrainingJob.
        namespace: Its namespace.
        attempt: 1 for the first try, counted up at each restart; fences checkpoints.
        seed: Seed of all randomness.
        parameters: The job's parameters, strings by name.
        checkpoint_uri: Folder of this job's checkpoints, its own alone; None when it keeps none.
        checkpoint_every_steps: Optimizer steps between two checkpoints.
        output_uri: Folder that takes the finished artifact.
        model: Name of the Model that the job makes a version of; empty for none.
        version: Name of that version; empty for none.
        progress_url: Where progress is posted; None for nowhere.
        token_file: File with the bearer token for it, replaced from time to time by the kubelet.
        rank: This process among all, from 0.
        world_size: Number of processes.
    """

    job: str
    namespace: str
    attempt: int
    seed: int
    parameters: Mapping[str, str]
    checkpoint_uri: str | None
    checkpoint_every_steps: int
    output_uri: str
    model: str
    version: str
    progress_url: str | None
    token_file: Path | None
    rank: int
    world_size: int

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> TrainingContext:
        """Reads the SHIPWAY_* variables and torchrun's RANK and WORLD_SIZE.

        Raises:
            TrainingError: InvalidEnvironment, naming the variable.
        """
        token_file = environ.get("SHIPWAY_TOKEN_FILE")
        nodes = _integer(environ, "PET_NNODES", default=1, least=1)
        return cls(
            job=_required(environ, "SHIPWAY_JOB"),
            namespace=_required(environ, "SHIPWAY_NAMESPACE"),
            attempt=_integer(environ, "SHIPWAY_ATTEMPT", default=1, least=1),
            seed=_integer(environ, "SHIPWAY_SEED", default=DEFAULT_SEED, least=0),
            parameters=_parameters(environ.get("SHIPWAY_PARAMETERS") or "{}"),
            checkpoint_uri=environ.get("SHIPWAY_CHECKPOINT_URI") or None,
            checkpoint_every_steps=_integer(
                environ, "SHIPWAY_CHECKPOINT_EVERY_STEPS", default=DEFAULT_CHECKPOINT_EVERY_STEPS, least=1
            ),
            output_uri=_required(environ, "SHIPWAY_OUTPUT_URI"),
            model=environ.get("SHIPWAY_MODEL", ""),
            version=environ.get("SHIPWAY_VERSION", ""),
            progress_url=environ.get("SHIPWAY_PROGRESS_URL") or None,
            token_file=Path(token_file) if token_file else None,
            rank=_integer(environ, "RANK", default=_integer(environ, "PET_NODE_RANK", default=0, least=0), least=0),
            world_size=_integer(environ, "WORLD_SIZE", default=nodes, least=1),
        )


@dataclass(frozen=True, kw_only=True)
class PublishedArtifact:
    """A finished artifact in storage: its folder, OMS root digest (`sha256:…`), size in bytes and format."""

    uri: str
    digest: str
    size_bytes: int
    format_name: str
    format_version: str


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """One number about the model on one data set; `slice` names the part of it, empty for all of it."""

    name: str
    value: float
    dataset: str
    slice: str = ""


@dataclass(frozen=True, kw_only=True)
class DatasetRef:
    """A data set that went into the model, by name and digest (`sha256:…`)."""

    name: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a successful job hands over.

    Attributes:
        artifact: Where the model lies.
        evaluation: Offline numbers.
        datasets: What it was trained on.
        code_revision: Revision of the code that made it.
        step: Optimizer steps made; None for a job without any.
        loss: Last global mean loss; None for a job without any.
        loss_trace_digest: SHA-256 over the float32 bytes of the loss of every step; equal for equal runs.
    """

    artifact: PublishedArtifact
    evaluation: Sequence[Evaluation] = ()
    datasets: Sequence[DatasetRef] = ()
    code_revision: str = ""
    step: int | None = None
    loss: float | None = None
    loss_trace_digest: str | None = None
    seed: int = field(default=DEFAULT_SEED)

    def to_json(self) -> dict[str, Any]:
        """The object that the operator reads; numbers that are not integers are strings."""
        artifact = {
            "uri": self.artifact.uri,
            "digest": self.artifact.digest,
            "sizeBytes": self.artifact.size_bytes,
            "format": {"name": self.artifact.format_name, "version": self.artifact.format_version},
        }
        evaluation = [
            {"name": e.name, "value": f"{e.value:.4f}", "dataset": e.dataset, "slice": e.slice} for e in self.evaluation
        ]
        lineage = {
            "datasets": [{"name": d.name, "digest": d.digest} for d in self.datasets],
            "codeRevision": self.code_revision,
            "seed": self.seed,
        }
        optional = {
            "step": self.step,
            "loss": None if self.loss is None else f"{self.loss:.6g}",
            "lossTraceDigest": self.loss_trace_digest,
        }
        present = {name: value for name, value in optional.items() if value is not None}
        return {"artifact": artifact, "evaluation": evaluation, "lineage": lineage, **present}


def run(train: Callable[[TrainingContext], Result | None]) -> NoReturn:
    """Runs a training function under the contract and ends the process.

    Rank 0's result becomes the termination message. A `WorkloadError` becomes an error with its own reason, anything
    else `TrainingFailed`; both exit with 1.
    """
    try:
        context = TrainingContext.from_environment()
        result = train(context)
        if result is not None and context.rank == 0:
            termination.write(result.to_json())
    except WorkloadError as error:
        _fail(error)
    except Exception as error:
        traceback.print_exc()
        _fail(TrainingError(TrainingReason.TRAINING_FAILED, f"{type(error).__name__}: {error}"))
    sys.exit(0)


def _fail(error: WorkloadError) -> NoReturn:
    # What broke elsewhere is an echo here: it must not hide the first cause, told by another process of this pod.
    termination.write_error(error, keep_existing=error.reason == TrainingReason.PEER_LOST)
    print(error, file=sys.stderr, flush=True)
    sys.exit(1)


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise TrainingError(
            TrainingReason.INVALID_ENVIRONMENT, f"{name} is not set; the operator sets it in every training pod"
        )
    return value


def _integer(environ: Mapping[str, str], name: str, *, default: int, least: int) -> int:
    text = environ.get(name) or str(default)
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise TrainingError(
            TrainingReason.INVALID_ENVIRONMENT, f"{name}={text!r} must be an integer of {least} or more"
        )
    return value


def _parameters(text: str) -> Mapping[str, str]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise TrainingError(
            TrainingReason.INVALID_ENVIRONMENT,
            'SHIPWAY_PARAMETERS must be a JSON object of strings, for example {"epochs": "8"}',
        )
    return MappingProxyType(value)
