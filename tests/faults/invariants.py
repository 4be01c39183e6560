"""What must hold at every moment, whatever fails: pure checks over the whole history of a namespace.

A check looks at each version of each object that was ever stored, in the order of etcd, so nothing is missed between
two looks. What a stranger wrote over the operator's objects is not the operator's doing and is left out.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from faults.history import Change, History
from shipway.api import labels
from shipway.integrations.kserve import POD_LABEL
from shipway.kube.resource import (
    HTTP_ROUTE,
    INCIDENT,
    INFERENCE_SERVICE,
    MODEL_VERSION,
    OWN,
    POD,
    SERVING_DEPLOYMENT,
    TRAINING_JOB,
    Object,
)

Check = Callable[[History], Iterator[str]]
ENDED = ("Completed", "Aborted", "Superseded")
TERMINAL = ("Succeeded", "Failed")
NEWS_SECONDS = 15.0
"""How old what the operator knows may be under faults: a watch in the dark until the sweep."""
UNDER_WAY_SECONDS = 2.0
"""How long a request may be under way whose sender is dead: nothing takes it back, and nobody knows of it."""
MISLED_SECONDS = 3.0
"""How long an operator may believe an older list of pods, until a watch from there has told it the rest. The API server
never answers so to a plain list; where something before it does, nobody can know of the pods that are left out."""


def violations(history: History) -> list[str]:
    """Everything that must not have happened, in words; each sentence once."""
    return list(dict.fromkeys(sentence for check in CHECKS for sentence in check(history)))


def no_orphan(history: History) -> Iterator[str]:
    """Nothing is made for an owner that was gone already, save in the moment in which the news was under way."""
    gone: dict[str, float] = {}
    for change, _ in history.steps():
        if change.type == "DELETED":
            gone[change.uid] = history.seen_at[change.version]
        owner = _owner(change.object)
        if change.type == "ADDED" and owner in gone and history.seen_at[change.version] - gone[owner] > NEWS_SECONDS:
            yield f"{change.kind} {change.name} was made {NEWS_SECONDS:g} s after its owner was gone"


def no_duplicate_child(history: History) -> Iterator[str]:
    """No two live pods of one rank of a job, no two InferenceServices of one version, no two Incidents of one."""
    stripped: set[str] = set()
    posthumous: set[str] = set()
    for change, world in history.steps():
        if change.version in history.foreign and change.type == "MODIFIED":
            stripped.add(change.uid)
        if change.type != "ADDED" or change.kind not in (POD.kind, INFERENCE_SERVICE.kind, INCIDENT.kind):
            continue
        if _was_under_way(history, history.seen_at[change.version]):
            posthumous.add(change.uid)
        twin = _twin(change.object)
        if twin is None or (change.kind == POD.kind and _was_misled(history, history.seen_at[change.version])):
            continue
        for other in world.values():
            meta, excused = other["metadata"], stripped | posthumous
            if other["kind"] == change.kind and _twin(other) == twin and meta["uid"] not in excused and _lives(other):
                yield f"{change.kind} {change.name} was made while {meta['name']} was there: both are {twin}"


def user_spec_is_the_users(history: History) -> Iterator[str]:
    """The generation of what users wrote grows by their writes only."""
    for change, world in history.steps():
        if change.kind not in OWN or change.type != "MODIFIED":
            continue
        before = world.get((change.kind, change.name))
        if before is None or before["metadata"]["uid"] != change.uid:
            continue
        changed = before["spec"] != change.object["spec"] or _of_users(before) != _of_users(change.object)
        if changed and change.version not in history.foreign:
            yield f"{change.kind} {change.name}: spec or metadata was changed by nobody who may"


def weights_are_never_all_zero(history: History) -> Iterator[str]:
    """A route that the operator wrote sends its traffic somewhere."""
    for change, _ in _routes(history):
        weights = _weights(change.object)
        if sum(weights.values()) == 0:
            yield f"HTTPRoute {change.name} sends nothing to anybody: {weights}"


def no_weight_without_a_ready_replica(history: History) -> Iterator[str]:
    """Nobody gets more traffic who has no ready replica, save in the moment in which the news is under way."""
    ready: dict[str, set[str]] = defaultdict(set)
    last: dict[str, float] = {}
    routes = {change.version: before for change, before in _routes(history)}
    for change, _ in history.steps():
        now = history.seen_at[change.version]
        if change.kind == POD.kind:
            name = (change.object["metadata"].get("labels") or {}).get(POD_LABEL, "")
            if ready[name]:
                last[name] = now
            (ready[name].add if change.type != "DELETED" and _is_ready(change.object) else ready[name].discard)(
                change.uid
            )
        if change.version not in routes:
            continue
        before = routes[change.version]
        old = _weights(before) if before else {}
        for name, weight in _weights(change.object).items():
            unready = not ready[name] and now - last.get(name, 0.0) > NEWS_SECONDS
            if weight > old.get(name, 0) and unready:
                yield f"HTTPRoute {change.name} gives {weight} to {name}, which has no ready pod"


def steps_go_forward(history: History) -> Iterator[str]:
    """Within one rollout and one plan of steps, the step never goes back."""
    reached: dict[tuple[str, str, str], int] = {}
    for obj in _versions_of(history, SERVING_DEPLOYMENT.kind):
        rollout = obj.get("status", {}).get("rollout")
        if not rollout or not rollout.get("stepHash"):
            continue
        where = (obj["metadata"]["uid"], rollout["id"], rollout["stepHash"])
        index = rollout.get("stepIndex", 0)
        if index < reached.get(where, 0):
            yield f"rollout {rollout['id']} went back from step {reached[where]} to {index}"
        reached[where] = index


def rollouts_end_once(history: History) -> Iterator[str]:
    """An ended rollout stays as it ended."""
    ended: dict[tuple[str, str], str] = {}
    for obj in _versions_of(history, SERVING_DEPLOYMENT.kind):
        rollout = obj.get("status", {}).get("rollout")
        if not rollout:
            continue
        where = (obj["metadata"]["uid"], rollout["id"])
        if where in ended and rollout["state"] != ended[where]:
            yield f"rollout {rollout['id']} was {ended[where]} and became {rollout['state']}"
        if rollout["state"] in ENDED:
            ended[where] = rollout["state"]


def what_was_taken_back_gets_nothing(history: History) -> Iterator[str]:
    """Once the route is confirmed to be without a rolled-back version, no route gives it traffic until a retry."""
    back: dict[str, str] = {}
    routes = {change.version: before for change, before in _routes(history)}
    for change, _ in history.steps():
        if change.kind == SERVING_DEPLOYMENT.kind:
            status = change.object.get("status", {})
            abort, rollout = status.get("abort") or {}, status.get("rollout") or {}
            if abort.get("routeConfirmedAt") and rollout.get("state") == "Aborted" and not _retried(change.object):
                back[change.name] = rollout["inferenceService"]
            else:
                back.pop(change.name, None)
        if change.version in routes:
            before = routes[change.version]
            rises = _weights(change.object).get(back.get(change.name, ""), 0)
            if rises > (_weights(before) if before else {}).get(back.get(change.name, ""), 0):
                yield f"HTTPRoute {change.name} gives {rises} to {back[change.name]}, which was taken back"


def terminal_conditions_stick(history: History) -> Iterator[str]:
    """A finished job stays finished, in the same way, with the same attempts."""
    finished: dict[str, tuple[str, int]] = {}
    for obj in _versions_of(history, TRAINING_JOB.kind):
        status, uid, name = obj.get("status", {}), obj["metadata"]["uid"], obj["metadata"]["name"]
        now = {c["type"] for c in status.get("conditions", ()) if c["type"] in TERMINAL and c["status"] == "True"}
        if len(now) > 1:
            yield f"TrainingJob {name} is {' and '.join(sorted(now))} at once"
        if uid in finished and finished[uid] != (next(iter(now), ""), status.get("attempt", 0)):
            yield f"TrainingJob {name} was {finished[uid]} and became {now} at attempt {status.get('attempt')}"
        if now:
            finished.setdefault(uid, (next(iter(now)), status.get("attempt", 0)))


def verdicts_stick(history: History) -> Iterator[str]:
    """What a ModelVersion was found to be stays; its spec is never another."""
    found: dict[str, Any] = {}
    for obj in _versions_of(history, MODEL_VERSION.kind):
        digest, uid = obj.get("status", {}).get("verifiedDigest"), obj["metadata"]["uid"]
        if uid in found and found[uid] != digest:
            yield f"ModelVersion {obj['metadata']['name']} had digest {found[uid]} and has {digest}"
        if digest:
            found[uid] = digest


def attempts_count_by_one(history: History) -> Iterator[str]:
    """No attempt is skipped or taken back, and restarts never shrink.

    A first attempt is told of when it runs. One that ended before is known by its pods alone.
    """
    known: dict[str, tuple[int, int]] = {}
    tried: set[str] = set()
    for change, _ in history.steps():
        obj = change.object
        if change.kind == POD.kind and (obj["metadata"].get("labels") or {}).get(labels.ATTEMPT) == "1":
            tried.add(_owner(obj))
        if change.kind != TRAINING_JOB.kind or change.type == "DELETED":
            continue
        status, uid = obj.get("status", {}), obj["metadata"]["uid"]
        attempt, restarts = status.get("attempt", 0), status.get("restarts", 0)
        before = known.get(uid, (0, 0))
        if before == (0, 0) and attempt and uid in tried:
            before = (1, 0)
        if attempt - before[0] not in (0, 1) or restarts - before[1] not in (0, 1):
            yield f"TrainingJob {obj['metadata']['name']}: attempt, restarts went from {before} to {attempt, restarts}"
        known[uid] = (attempt, restarts)


def observed_generation_is_honest(history: History) -> Iterator[str]:
    """No status claims a generation that is not there yet, and none goes back."""
    observed: dict[str, int] = {}
    for kind in OWN:
        for obj in _versions_of(history, kind):
            meta, status = obj["metadata"], obj.get("status", {})
            claims = [status.get("observedGeneration", 0)]
            claims += [c.get("observedGeneration", 0) for c in status.get("conditions", ())]
            if max(claims) > meta["generation"]:
                yield f"{kind} {meta['name']} claims generation {max(claims)} and has {meta['generation']}"
            if claims[0] < (before := observed.get(meta["uid"], claims[0])):
                yield f"{kind} {meta['name']} observed generation {before} and then {claims[0]}"
            observed[meta["uid"]] = claims[0]


CHECKS: tuple[Check, ...] = (
    no_orphan,
    no_duplicate_child,
    user_spec_is_the_users,
    weights_are_never_all_zero,
    no_weight_without_a_ready_replica,
    steps_go_forward,
    rollouts_end_once,
    what_was_taken_back_gets_nothing,
    terminal_conditions_stick,
    verdicts_stick,
    attempts_count_by_one,
    observed_generation_is_honest,
)


def _versions_of(history: History, kind: str) -> Iterator[Object]:
    return (change.object for change, _ in history.steps() if change.kind == kind and change.type != "DELETED")


def _routes(history: History) -> Iterator[tuple[Change, Object | None]]:
    """The specs of routes that the operator wrote, each with the route before it."""
    for change, world in history.steps():
        if change.kind != HTTP_ROUTE.kind or change.type == "DELETED" or change.version in history.foreign:
            continue
        before = world.get((change.kind, change.name))
        if before is None or before["spec"] != change.object["spec"]:
            yield change, before


def _weights(route: Object) -> dict[str, int]:
    refs = [ref for rule in route["spec"].get("rules", ()) for ref in rule.get("backendRefs", ())]
    return {ref["name"].removesuffix("-predictor"): ref.get("weight", 1) for ref in refs}


def _owner(obj: Object) -> str:
    references = obj["metadata"].get("ownerReferences", ())
    return next((str(ref["uid"]) for ref in references if ref.get("controller")), "")


def _twin(obj: Object) -> tuple[str, ...] | None:
    """What there may be only one of."""
    marks = obj["metadata"].get("labels") or {}
    if obj["kind"] == POD.kind and labels.RANK in marks:
        return _owner(obj), marks[labels.RANK]
    if obj["kind"] == INFERENCE_SERVICE.kind:
        return _owner(obj), marks.get(labels.VERSION, "")
    if obj["kind"] == INCIDENT.kind:
        return obj["spec"]["subject"]["uid"], obj["spec"]["version"], obj["spec"]["type"]
    return None


def _was_under_way(history: History, moment: float) -> bool:
    return any(death <= moment <= death + UNDER_WAY_SECONDS for death in history.deaths)


def _was_misled(history: History, moment: float) -> bool:
    return any(told <= moment <= told + MISLED_SECONDS for told in history.misled)


def _lives(obj: Object) -> bool:
    return "deletionTimestamp" not in obj["metadata"] and obj.get("status", {}).get("phase") not in TERMINAL


def _is_ready(pod: Object) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions", ()))


def _of_users(obj: Object) -> tuple[Any, ...]:
    meta = obj["metadata"]
    return meta.get("labels"), meta.get("annotations"), meta.get("finalizers"), meta.get("ownerReferences")


def _retried(obj: Object) -> bool:
    return (obj["metadata"].get("annotations") or {}).get(labels.ACTION) == "retry"
