"""Each invariant can be broken, and says so."""

import copy
import time
from typing import Any

import pytest

from faults.history import Change, History
from faults.invariants import MISLED_SECONDS, violations
from shipway.api import labels
from shipway.kube.resource import Object


def test_a_history_without_a_fault_breaks_nothing() -> None:
    told = Tale()
    told.put(job(attempt=1)).put(pod("a-1-0", attempt="1", phase="Failed")).put(job(attempt=2, restarts=1))
    told.put(pod("a-2-0", attempt="2")).put(serving_pod("r-v1")).put(route(**{"r-v1": 100}))
    assert violations(told.history) == []


@pytest.mark.parametrize(
    ("versions", "complaint"),
    [
        ([{"attempt": 1}, {"attempt": 3}], "attempt, restarts went from"),
        ([{"attempt": 1, "restarts": 2}], "attempt, restarts went from"),
        ([{"attempt": 1, "done": "Failed"}, {"attempt": 1}], "was ('Failed', 1) and became"),
        ([{"attempt": 1, "done": "Failed"}, {"attempt": 1, "done": "Succeeded"}], "and became {'Succeeded'}"),
        ([{"attempt": 1, "observed": 2}], "claims generation 2 and has 1"),
        ([{"attempt": 1, "observed": 1}, {"attempt": 1, "observed": 0}], "observed generation 1 and then 0"),
        ([{"attempt": 1}, {"attempt": 1, "spec": {"nodes": 3}}], "was changed by nobody who may"),
    ],
)
def test_a_job_that_breaks_its_promise_is_told_of(versions: list[dict[str, Any]], complaint: str) -> None:
    told = Tale()
    for version in versions:
        told.put(job(**version))
    assert any(complaint in sentence for sentence in violations(told.history)), violations(told.history)


def test_a_first_attempt_that_ended_before_it_was_told_of_is_known_by_its_pods() -> None:
    second = job(attempt=2, restarts=1)
    assert violations(Tale().put(pod("a-1-0", attempt="1", phase="Failed")).put(second).history) == []
    assert "went from (0, 0) to (2, 1)" in violations(Tale().put(second).history)[0]


def test_two_live_pods_of_one_rank_are_told_of() -> None:
    told = Tale().put(job(attempt=1)).put(pod("a-1-0", attempt="1")).put(pod("a-2-0", attempt="2"))
    assert "a-2-0 was made while a-1-0 was there" in violations(told.history)[0]


def test_a_pod_that_a_dead_operator_had_asked_for_is_nobodys_fault() -> None:
    told = Tale().put(job(attempt=1))
    told.history.deaths.append(time.monotonic())
    told.put(pod("a-1-0", attempt="1")).put(job(attempt=2, restarts=1)).put(pod("a-2-0", attempt="2"))
    assert violations(told.history) == []


def test_a_pod_whose_predecessor_an_older_list_left_out_is_nobodys_fault_but_another_one_is() -> None:
    told = Tale().put(job(attempt=1)).put(pod("a-1-0", attempt="1"))
    told.history.misled.append(time.monotonic())
    told.put(job(attempt=2, restarts=1)).put(pod("a-2-0", attempt="2"))
    assert violations(told.history) == []
    told.history.misled = [told.history.misled[0] - 2 * MISLED_SECONDS]
    assert "a-2-0 was made while a-1-0 was there" in violations(told.history)[0]


def test_a_route_that_sends_nothing_is_told_of_unless_a_stranger_wrote_it() -> None:
    told = Tale().put(serving_pod("r-v1")).put(route(**{"r-v1": 100}))
    told.put(route(**{"r-v1": 0}), by_stranger=True)
    assert violations(told.history) == []
    told.put(route(**{"r-v1": 100})).put(route(**{"r-v1": 0}))
    assert "sends nothing to anybody" in violations(told.history)[0]


def test_weight_for_someone_without_a_ready_pod_is_told_of() -> None:
    told = Tale().put(serving_pod("r-v1")).put(route(**{"r-v1": 80, "r-v2": 20}))
    assert violations(told.history) == ["HTTPRoute r gives 20 to r-v2, which has no ready pod"]


def test_a_step_back_and_a_second_end_of_a_rollout_are_told_of() -> None:
    told = Tale()
    for index, state in ((0, "Stepping"), (2, "Stepping"), (1, "Aborted"), (1, "Completed")):
        told.put(deployment(stepIndex=index, state=state))
    assert violations(told.history) == [
        "rollout v2-1 went back from step 2 to 1",
        "rollout v2-1 was Aborted and became Completed",
    ]


def test_traffic_for_a_version_that_was_taken_back_is_told_of() -> None:
    told = Tale().put(serving_pod("r-v1")).put(serving_pod("r-v2")).put(route(**{"r-v1": 100}))
    told.put(deployment(state="Aborted", confirmed=True)).put(route(**{"r-v1": 80, "r-v2": 20}))
    assert violations(told.history) == ["HTTPRoute r gives 20 to r-v2, which was taken back"]


def test_a_child_made_long_after_its_owner_was_gone_is_told_of() -> None:
    told = Tale().put(job(attempt=1)).delete(job(attempt=1))
    told.put(pod("a-1-0", attempt="1"))
    told.history.seen_at[told.version] += 60
    assert "was made 15 s after its owner was gone" in violations(told.history)[0]


class Tale:
    """A history told object by object."""

    def __init__(self) -> None:
        self.history = History()
        self.version = 0
        self._known: set[tuple[str, str]] = set()

    def put(self, obj: Object, *, by_stranger: bool = False) -> "Tale":
        place = (obj["kind"], obj["metadata"]["name"])
        if by_stranger:
            self.history.foreign.add(self.version + 1)
        return self._take("MODIFIED" if place in self._known else "ADDED", obj)

    def delete(self, obj: Object) -> "Tale":
        return self._take("DELETED", obj)

    def _take(self, type_: str, obj: Object) -> "Tale":
        self.version += 1
        obj = copy.deepcopy(obj)
        obj["metadata"]["resourceVersion"] = str(self.version)
        self._known.add((obj["kind"], obj["metadata"]["name"]))
        self.history.take(Change(type_, obj))
        return self


def _object(kind: str, name: str, **rest: Any) -> Object:
    return {"kind": kind, "metadata": {"name": name, "uid": f"{kind}-{name}", "generation": 1}, **rest}


def _owned(obj: Object, owner: str, **marks: str) -> Object:
    obj["metadata"]["ownerReferences"] = [{"uid": owner, "controller": True}]
    obj["metadata"]["labels"] = marks
    return obj


def job(
    *, attempt: int, restarts: int = 0, done: str = "", observed: int = 1, spec: dict[str, Any] | None = None
) -> Object:
    conditions = [{"type": done, "status": "True"}] if done else []
    status = {"attempt": attempt, "restarts": restarts, "conditions": conditions, "observedGeneration": observed}
    return _object("TrainingJob", "a", spec=spec or {"nodes": 2}, status=status)


def pod(name: str, *, attempt: str, phase: str = "Running") -> Object:
    marks = {labels.RANK: "0", labels.ATTEMPT: attempt}
    return _owned(_object("Pod", name, spec={}, status={"phase": phase}), "TrainingJob-a", **marks)


def serving_pod(service: str) -> Object:
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    marks = {"serving.kserve.io/inferenceservice": service}
    return _owned(_object("Pod", f"{service}-0", spec={}, status=status), "x", **marks)


def route(**weights: int) -> Object:
    refs = [{"name": f"{name}-predictor", "weight": weight} for name, weight in weights.items()]
    return _object("HTTPRoute", "r", spec={"rules": [{"backendRefs": refs}]})


def deployment(*, state: str, stepIndex: int = 0, confirmed: bool = False) -> Object:  # noqa: N803
    rollout = {"id": "v2-1", "stepHash": "h", "stepIndex": stepIndex, "state": state, "inferenceService": "r-v2"}
    status: dict[str, Any] = {"rollout": rollout}
    if confirmed:
        status["abort"] = {"routeConfirmedAt": "2026-01-01T00:00:00Z"}
    return _object("ServingDeployment", "r", spec={}, status=status)
