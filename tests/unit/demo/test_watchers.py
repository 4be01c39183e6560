"""What the demonstration measures beside the story."""

import json
from pathlib import Path

from shipway_demo.watchers import OPERATOR_USER, RouteWatcher, Weights, refused, unlike, writes


async def nothing() -> None:
    return None


def watcher(*changes: Weights) -> RouteWatcher:
    return RouteWatcher(read=nothing, changes=list(changes))


def test_steps_are_the_weights_a_backend_went_through() -> None:
    seen = watcher(
        Weights(1, {"a": 100}),
        Weights(2, {"a": 95, "b": 5}),
        Weights(3, {"a": 75, "b": 25}),
        Weights(4, {"b": 100}),
    )
    assert seen.steps_of("b", since=0) == [5, 25, 100]
    assert seen.steps_of("b", since=2.5) == [25, 100]


def test_a_backend_is_off_since_it_last_lost_its_share() -> None:
    seen = watcher(Weights(1, {"a": 95, "b": 5}), Weights(2, {"a": 100, "b": 0}), Weights(3, {"a": 100}))
    assert seen.last_off("b", since=0) == 2
    assert watcher(Weights(1, {"a": 75, "b": 25})).last_off("b", since=0) is None


def test_steps_that_are_missing_or_repeated_are_counted() -> None:
    assert unlike([5, 25, 50, 100], [5, 25, 50, 100]) == 0
    assert unlike([5, 50, 100], [5, 25, 50, 100]) == 1
    assert unlike([5, 25, 5, 25, 50, 100], [5, 25, 50, 100]) == 2
    assert unlike([], [5, 25]) == 2
    assert unlike([5, 25, 50, 60, 100], [5, 25, 50, 100]) == 1


def entry(verb: str, resource: str, user: str = OPERATOR_USER) -> str:
    return json.dumps({"user": {"username": user}, "verb": verb, "objectRef": {"resource": resource, "name": "x"}})


def test_only_the_operators_writes_of_state_after_the_offset_count(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(entry("create", "pods") + "\n")
    offset = log.stat().st_size
    later = [
        entry("get", "pods"),
        entry("update", "leases"),
        entry("patch", "pods", "somebody"),
        entry("patch", "httproutes"),
    ]
    log.write_text(log.read_text() + "\n".join(later) + "\n")
    assert [w["resource"] for w in writes(log, offset=offset)] == ["httproutes"]


def test_what_rbac_refused_the_operator_is_counted_and_nothing_else(tmp_path: Path) -> None:
    def decided(decision: str, user: str = OPERATOR_USER) -> str:
        return json.dumps({"user": {"username": user}, "annotations": {"authorization.k8s.io/decision": decision}})

    log = tmp_path / "audit.log"
    log.write_text(
        "\n".join([decided("forbid"), decided("allow"), decided("forbid", "somebody"), entry("get", "pods")])
    )
    assert refused(log) == 1
