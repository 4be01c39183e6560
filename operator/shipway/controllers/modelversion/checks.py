"""Verdicts about a ModelVersion: what the verify pod found, when to try again, who serves it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shipway.api.v1alpha1.modelversion import ModelVersionSpec, ServedBy
from shipway.controllers.pod import Pod, hindrance
from shipway.kube.resource import Object

FIRST_RETRY_SECONDS = 10.0
LONGEST_RETRY_SECONDS = 600.0


@dataclass(frozen=True)
class Measured:
    """The digest the pod computed, and when."""

    digest: str
    at: float


@dataclass(frozen=True)
class Unreadable:
    """The pod could not read the artifact."""

    message: str
    at: float


@dataclass(frozen=True)
class Underway:
    """The pod has not ended; what hinders it, if something does."""

    hindrance: str


def outcome(pod: Pod) -> Measured | Unreadable | Underway:
    """What the verify pod says."""
    if not pod.finished:
        return Underway(hindrance(pod))
    ended = pod.ended
    at = ended.at if ended and ended.at is not None else pod.created_at
    if ended is None:
        return Unreadable(f"pod {pod.name} did not run: {pod.reason} {pod.message}".rstrip(": "), at)
    said = _said(ended.message)
    digest = said.get("digest")
    if pod.phase == "Succeeded" and isinstance(digest, str):
        return Measured(digest, at)
    error = said.get("error")
    if isinstance(error, dict):
        return Unreadable(f"{error.get('reason', 'Error')}: {error.get('message', '')}".rstrip(": "), at)
    words = " ".join(ended.message.split())[-500:]
    return Unreadable(f"exit code {ended.exit_code} {ended.reason}: {words or pod.message}".rstrip(": "), at)


def retry_after(failures: int) -> float:
    """Seconds from a failed verification to the next: doubling from ten seconds to ten minutes."""
    return min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(max(failures - 1, 0), 32))


def served_by(deployments: Iterable[Object], spec: ModelVersionSpec) -> list[ServedBy]:
    """The ServingDeployments that send traffic to the version, with their share in percent."""
    shares = (
        ServedBy(name=deployment["metadata"]["name"], weight=_share(deployment.get("status", {}), spec.version))
        for deployment in deployments
        if deployment["spec"]["model"] == spec.model_name
    )
    return sorted((share for share in shares if share.weight), key=lambda share: share.name)


def _share(status: Mapping[str, Any], version: str) -> int:
    stable, candidate = status.get("stable"), status.get("candidate")
    new = status.get("rollout", {}).get("weights", {}).get("observed", 0) if candidate else 0
    of_stable = 100 - new if stable and stable["version"] == version else 0
    of_candidate = new if candidate and candidate["version"] == version else 0
    return int(of_stable + of_candidate)


def _said(message: str) -> dict[str, object]:
    try:
        said = json.loads(message)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
