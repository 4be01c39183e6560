"""What a training program leaves in its termination message: a result, or an error in its own words."""

import json
import re
from dataclasses import dataclass
from signal import Signals
from typing import Annotated, Any

from pydantic import Field, ValidationError

from shipway.api.schema import ApiModel, Decimal, Digest, ShortText, Uri
from shipway.api.v1alpha1.modelversion import DatasetRef, Evaluation, FeatureViewRef, Format

PEER_LOST = "PeerLost"
"""The reason of a program that failed because another one did."""


class Artifact(ApiModel):
    """The finished model."""

    uri: Uri
    """Its folder."""
    digest: Digest
    """Its OpenSSF Model Signing root digest."""
    size_bytes: Annotated[int, Field(ge=0)] = 0
    """Size of all files."""
    format: Format
    """What it is."""


class ResultLineage(ApiModel):
    """What the program knows of its origin."""

    datasets: Annotated[tuple[DatasetRef, ...], Field(max_length=32)] = ()
    """The data it was trained on."""
    feature_views: Annotated[tuple[FeatureViewRef, ...], Field(max_length=32)] = ()
    """The features the version reads when it answers."""
    code_revision: ShortText = ""
    """Revision of the training code."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """The seed it used."""


class Result(ApiModel):
    """The result of a run."""

    artifact: Artifact | None = None
    """The finished model; needed when the job has an output."""
    evaluation: Annotated[tuple[Evaluation, ...], Field(max_length=64)] = ()
    """How good it is."""
    lineage: ResultLineage = ResultLineage()
    """Where it came from."""
    step: Annotated[int, Field(ge=0)] | None = None
    """Optimizer steps made."""
    loss: Decimal | None = None
    """The last loss."""
    loss_trace_digest: Digest | None = None
    """Digest of the losses of every step."""


@dataclass(frozen=True)
class Invalid:
    """A message that is no result, with what is wrong about it."""

    message: str


@dataclass(frozen=True)
class ProgramError:
    """What a failed program said."""

    reason: str
    message: str
    killer: Signals | None = None
    """The signal that ended one of the pod's processes, as its launcher tells."""

    @property
    def is_echo(self) -> bool:
        """Whether it failed only because another one did."""
        return self.reason == PEER_LOST


def parse_result(message: str, *, needs_artifact: bool) -> Result | Invalid:
    """The result in a termination message; nothing at all is a result only where no artifact is needed."""
    if not message.strip() and not needs_artifact:
        return Result()
    decoded = _decode(message)
    if decoded is None:
        return Invalid(f"the termination message of rank 0 is no JSON object: {_quoted(message)}; {_CURE}")
    try:
        result = Result.model_validate(decoded)
    except ValidationError as error:
        return Invalid(f"the termination message of rank 0: {_first(error)}; {_CURE}")
    if needs_artifact and result.artifact is None:
        return Invalid(f"the termination message of rank 0 has no artifact, which spec.output needs; {_CURE}")
    return result


def parse_error(message: str) -> ProgramError:
    """The error in a termination message; a program that does not keep to the contract is quoted from its end."""
    error = (_decode(message) or {}).get("error")
    if isinstance(error, dict):
        return ProgramError(str(error.get("reason", ""))[:64], str(error.get("message", ""))[:1024])
    root_cause = _LAUNCHER.search(message)
    if root_cause is None:
        return ProgramError("", _tail(message))
    killer = _signal(-int(root_cause["code"]))
    how = f"by {killer.name}" if killer else f"with exit code {root_cause['code']}"
    own_words = _tail(message[: message.find(_LAUNCHER_LOG)].rpartition("\n")[0])
    return ProgramError("", own_words or f"one of its processes ended {how}", killer)


_LAUNCHER_LOG = "torch/distributed/elastic/"
_LAUNCHER = re.compile(r"^Root Cause.*?^\s*exitcode\s*: (?P<code>-?\d+)", re.MULTILINE | re.DOTALL)
"""What torchrun prints when one of its processes fails; its own exit code is 1 whatever theirs was."""
_CURE = "write the result with shipway_workloads.training.contract, or set no output"


def _decode(message: str) -> dict[str, Any] | None:
    try:
        decoded = json.loads(message)
    except ValueError:
        return None
    return decoded if isinstance(decoded, dict) else None


def _tail(text: str) -> str:
    return " ".join(text.split())[-500:]


def _signal(number: int) -> Signals | None:
    try:
        return Signals(number)
    except ValueError:
        return None


def _first(error: ValidationError) -> str:
    problem = error.errors()[0]
    path = ".".join(str(part) for part in problem["loc"])
    return f"{path}: {problem['msg']}"


def _quoted(message: str) -> str:
    return repr(message if len(message) <= 120 else f"{message[:120]}…")
