"""What must hold of every write of the operator, whatever happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.controllers.servingdeployment.children import ROLLED_BACK
from shipway.integrations.tally import Reading
from shipway.kube.resource import HTTP_ROUTE, INCIDENT, Object
from shipway.runtime.plan import Apply, Create, Delete, Write
from unit.controllers.servingdeployment.surroundings import mirror_of, weights_of

if TYPE_CHECKING:
    from unit.controllers.servingdeployment.world import World


def check(world: World, write: Write, reading: Reading | None) -> None:
    """Fails where a write must not be made in the world as it is, with what the counters say."""
    if isinstance(write, Apply) and write.resource == HTTP_ROUTE:
        _check_route(world, write.body, reading)
    if isinstance(write, Create) and write.resource == INCIDENT and write.body["spec"]["type"] != "Rollback":
        assert not write.body["spec"]["quarantine"], "a version is held that no gate has judged"
    elif isinstance(write, Create) and write.resource == INCIDENT and write.body["spec"]["gate"] != "undo":
        rollout = world.status.rollout
        assert rollout is not None
        share = world.shares().get(rollout.inference_service, 0)
        assert share == 0, "an Incident is written while the bad version still gets traffic"
        assert world.mirror() != rollout.inference_service, "an Incident is written while it is still mirrored"
    if isinstance(write, Delete):
        assert write.name not in _needed(world), "a version that is needed is deleted"
        assert write.name not in world.shares(), "a version that the gateway knows of is deleted"
        assert write.name != world.mirror(), "a version that is mirrored is deleted"


def _check_route(world: World, body: Object, reading: Reading | None) -> None:
    weights, mirror = weights_of(body), mirror_of(body)
    assert sum(weights.values()) == 100
    assert not mirror or weights[mirror] == 0, f"{mirror} is mirrored and answers as well"
    for name in weights:
        assert world.ready_pods(name), f"traffic for {name}, which has no ready pod"
    _check_held(world, weights)
    rollout, gates = world.status.rollout, world.sdep["spec"].get("rollout", {}).get("gates")
    for name in set(weights) - set(world.shares()):
        assert name in _needed(world), f"{name} joins the route, and nobody needs it"
    if "resourceVersion" in body["metadata"]:
        _check_newcomer(world, weights)
    counting = gates is None or any(gate["type"] not in {"PromQL", "Webhook", "Evaluation"} for gate in gates)
    if rollout is None or rollout.undo or not rollout.baseline or not counting:
        return
    if ROLLED_BACK in str(body["metadata"]):
        return
    raised = weights.get(rollout.inference_service, 0) > world.shares().get(rollout.inference_service, 0)
    under_way = rollout.state in {"Stepping", "Paused"}
    stable = world.status.stable
    if raised and under_way and stable and world.ready_pods(stable.inference_service):
        assert reading is not None
        assert reading.fresh, "the route is raised without fresh evidence"


def _needed(world: World) -> set[str]:
    status = world.status
    return {ref.inference_service for ref in status.running}


def _check_newcomer(world: World, weights: dict[str, int]) -> None:
    """Who gets its first share is known to the gateway, unless nobody else would answer."""
    known = world.shares()
    if not known or not all(world.ready_pods(other) for other, share in known.items() if share):
        return
    for name in (name for name, weight in weights.items() if weight):
        assert name in known, f"{name} gets {weights[name]} % before the gateway knows of it"


def _check_held(world: World, weights: dict[str, int]) -> None:
    """A version that was taken back and has not been let try again is given nothing."""
    ref = world.status.candidate
    if ref is None or weights.get(ref.inference_service, 0) <= world.shares().get(ref.inference_service, 0):
        return
    holding = [incident for incident in world.incidents() if incident["spec"]["quarantine"]]
    same = (ref.digest, ref.predictor_hash)
    about = [each for each in holding if (each["spec"]["digest"], each["spec"]["predictorHash"]) == same]
    held = [each["metadata"]["name"] for each in about if "lifted" not in each.get("status", {})]
    assert not held, f"{ref.version} gets traffic again although {held} hold it"
