"""A twin: a second copy of stable's version, begun with the new one, of its size and with its share of the traffic.

A new version is smaller, colder and younger than stable, and gates may take that for harm. Its twin is all of that
too, so what is left between them is the version (the baseline of Netflix's Kayenta, 2018). Where the status names
no twin the new version is compared with stable.
"""

from shipway.api.conditions import rfc3339
from shipway.api.v1alpha1.rollout import Rollout
from shipway.api.v1alpha1.servingdeployment import ServingDeploymentStatus, VersionRef
from shipway.controllers.servingdeployment import steps
from shipway.integrations import kserve


def is_asked_for(rules: Rollout) -> bool:
    """Whether a release that begins now gets a twin; nobody would look at it without gates."""
    if rules.compare_with != "Twin" or not any(gate.counts for gate in rules.gates):
        return False
    return any(0 < stage.weight < 100 for stage in steps.stages_of(rules.steps))


def twin_of(stable: VersionRef, *, rollout: str, candidate: VersionRef, now: float) -> VersionRef:
    """The twin for one rollout, at the size of the candidate."""
    suffix = kserve.short_hash(stable.inference_service, rollout, length=6)
    return stable.model_copy(
        update={
            "inference_service": kserve.second_name(stable.inference_service, suffix),
            "min_replicas": candidate.min_replicas,
            "start_seconds": None,
            "since": rfc3339(now),
            "baked": False,
            "twin": True,
        }
    )


def share_of(status: ServingDeploymentStatus) -> int:
    """Percent of the traffic the twin should have: as much as the new version, as far as that leaves as much."""
    if status.twin is None or status.rollout is None:
        return 0
    weight = status.rollout.weights.desired
    return min(weight, 100 - weight)


def compared_with(status: ServingDeploymentStatus) -> VersionRef | None:
    """Whose answers the candidate's are held against: the twin's, but for copies, of which stable alone answers all."""
    mirrored = status.rollout is not None and status.rollout.mirror
    return status.stable if status.twin is None or mirrored else status.twin
