"""Verdicts about an attempt: what ended it, who was first, what its pods wait for, whose version it would publish."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from signal import Signals

from shipway.api.conditions import rfc3339
from shipway.api.v1alpha1.trainingjob import Cause
from shipway.controllers.pod import Ended, Pod, hindrance
from shipway.controllers.trainingjob.result import ProgramError, parse_error
from shipway.kube.resource import Object

GATHER_SECONDS = 3.0
"""How long a failed rank waits for a better culprit: the kubelet tells of two pods up to two seconds apart."""
SETTLE_SECONDS = 2.0
"""How long a pod that was seen once may be missing from the cache of an operator that has only just taken over."""
NAMED_PODS = 3
"""Pods named in a message; the rest is counted."""

_DISRUPTIONS = {
    "PreemptionByScheduler": Cause.PREEMPTED,
    "EvictionByEvictionAPI": Cause.EVICTED,
    "TerminationByKubelet": Cause.EVICTED,
    "DeletionByTaintManager": Cause.NODE_LOST,
    "DeletionByPodGC": Cause.NODE_LOST,
}
_KUBELET_EVICTIONS = frozenset({"Evicted", "Preempting", "Terminated", "NodeShutdown"})
_OUTSIDE = frozenset(
    {Cause.NODE_LOST, Cause.EVICTED, Cause.PREEMPTED, Cause.POD_DELETED, Cause.OOM_KILLED, Cause.KILLED}
)


@dataclass(frozen=True)
class Loss:
    """A pod whose end is the end of the attempt."""

    cause: Cause
    pod: str
    rank: int
    at: float
    """Unix seconds."""
    node: str = ""
    exit_code: int | None = None
    said: str = ""
    """The program's or the cluster's words."""
    is_echo: bool = False
    """Whether the program says that it failed because another one did."""

    @property
    def from_outside(self) -> bool:
        """Whether something other than the program ended it; then no peer can be the real culprit."""
        return self.cause in _OUTSIDE

    def sentence(self) -> str:
        """The loss in words: which pod, where, how."""
        where = f" on node {self.node}" if self.node else ""
        code = f", {_exit(self.exit_code)}" if self.exit_code is not None else ""
        said = f": {self.said}" if self.said else ""
        return f"pod {self.pod} (rank {self.rank}){where} {_VERBS[self.cause]}{code}{said}"


@dataclass(frozen=True)
class Undecided:
    """Something failed, but who failed first cannot be told before `until`."""

    until: float


def find_loss(
    pods: Mapping[int, Pod], *, names: Sequence[str], created_at: float | None, now: float
) -> Loss | Undecided | None:
    """What ended the attempt, if something did.

    When one rank is lost the others fail with collective errors, and news of them comes in any order. So whatever came
    from outside wins over the failure of a program, a program's own failure over an echo, and then the earliest end. A
    program's failure waits for news of the pods that have not ended, `GATHER_SECONDS` at most.

    Args:
        pods: Pods of the attempt by rank.
        names: Their names, all ranks in order.
        created_at: When all of them had been seen; None while some are still to be created, and none can be missing.
        now: Unix seconds.
    """
    vanished = _vanished(pods, names, created_at, now)
    if isinstance(vanished, Undecided):
        return vanished
    losses = [*vanished, *(loss for rank, pod in pods.items() if (loss := _loss(rank, pod, now)))]
    if not losses:
        return None
    first = min(losses, key=lambda loss: (not loss.from_outside, loss.is_echo, loss.at, loss.rank))
    last_call = min(loss.at for loss in losses) + GATHER_SECONDS
    if first.from_outside or now >= last_call or all(pod.finished for pod in pods.values()):
        return first
    return Undecided(last_call)


def waiting_for(pods: Sequence[Pod]) -> tuple[bool, str]:
    """Whether something hinders pods from running, and which pods wait since when for what."""
    pending = [pod for pod in pods if pod.phase == "Pending"]
    hindered = [pod for pod in pending if hindrance(pod)]
    shown = hindered or pending
    parts = [f"{pod.name} since {rfc3339(pod.created_at)}{_because(pod)}" for pod in shown[:NAMED_PODS]]
    if len(shown) > NAMED_PODS:
        parts.append(f"{len(shown) - NAMED_PODS} more")
    return bool(hindered), "; ".join(parts)


def version_conflict(version: Object, *, job_uid: str, digest: str | None) -> str | None:
    """Why an existing ModelVersion is not the one this run makes, and what to do; None when it is.

    Args:
        version: The ModelVersion with the wanted name.
        job_uid: The uid of this job.
        digest: The digest of this run's artifact; None before there is one.
    """
    name = version["metadata"]["name"]
    maker = version["spec"].get("lineage", {}).get("trainingJob", {})
    cure = "choose another output.version, or delete the ModelVersion, and create the job anew"
    if maker.get("uid") != job_uid:
        by = f"made by TrainingJob {maker['name']} (uid {maker['uid']})" if maker else "not made by a TrainingJob"
        return f"ModelVersion {name} exists already, {by}; {cure}"
    if digest is not None and version["spec"]["digest"] != digest:
        return f"ModelVersion {name} exists already with digest {version['spec']['digest']}, not {digest}; {cure}"
    return None


_VERBS = {
    Cause.NODE_LOST: "was lost with its node",
    Cause.EVICTED: "was evicted",
    Cause.PREEMPTED: "was preempted",
    Cause.POD_DELETED: "was deleted",
    Cause.OOM_KILLED: "ran out of memory",
    Cause.KILLED: "was killed",
    Cause.HUNG: "told of no further step",
    Cause.ERROR: "failed",
}


def _vanished(
    pods: Mapping[int, Pod], names: Sequence[str], created_at: float | None, now: float
) -> list[Loss] | Undecided:
    missing = [rank for rank in range(len(names)) if rank not in pods]
    if created_at is None or not missing:
        return []
    if now < created_at + SETTLE_SECONDS:
        return Undecided(created_at + SETTLE_SECONDS)
    return [Loss(Cause.POD_DELETED, names[rank], rank, at=now) for rank in missing]


def _loss(rank: int, pod: Pod, now: float) -> Loss | None:
    if pod.phase == "Succeeded":
        return None
    if not pod.deleting and pod.phase not in {"Failed", "Unknown"}:
        return None
    ended = pod.ended
    error = parse_error(ended.message) if ended else parse_error("")
    return Loss(
        cause=_cause(pod, ended, error),
        pod=pod.name,
        rank=rank,
        at=_end(pod, now),
        node=pod.node,
        exit_code=ended.exit_code if ended else None,
        said=f"{error.reason}: {error.message}".strip(": ") or pod.message,
        is_echo=error.is_echo,
    )


def _end(pod: Pod, now: float) -> float:
    if pod.ended and pod.ended.at is not None:
        return pod.ended.at
    # A pod the kubelet never let run has no end; its beginning lets it be judged at once.
    return now if pod.deleting else pod.created_at


def _cause(pod: Pod, ended: Ended | None, error: ProgramError) -> Cause:
    lost = pod.reason == "NodeLost" or pod.phase == "Unknown"
    killer = error.killer or (_signal(ended.exit_code) if ended else None)
    # First match wins: who ended the pod from outside says more than how its program took it.
    told = (
        (pod.disruption in _DISRUPTIONS, _DISRUPTIONS.get(pod.disruption, Cause.EVICTED)),
        (lost, Cause.NODE_LOST),
        (pod.reason in _KUBELET_EVICTIONS, Cause.EVICTED),
        (ended is not None and ended.reason == "OOMKilled", Cause.OOM_KILLED),
        (pod.deleting, Cause.POD_DELETED),
        # SIGABRT is how collective libraries end a rank whose peer is gone: no sign of an outside cause.
        (killer not in {None, Signals.SIGABRT}, Cause.KILLED),
    )
    return next((cause for holds, cause in told if holds), Cause.ERROR)


def _signal(exit_code: int) -> Signals | None:
    try:
        return Signals(exit_code - 128)
    except ValueError:
        return None


def _exit(exit_code: int) -> str:
    name = _signal(exit_code)
    return f"exit code {exit_code} ({name.name})" if name else f"exit code {exit_code}"


def _because(pod: Pod) -> str:
    why = hindrance(pod)
    return f": {why}" if why else ""
