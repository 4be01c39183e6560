"""What a release keeps to whatever happens: held against the world after every quarter of a second."""

from collections.abc import Sequence
from typing import Any

from shipway.api.v1alpha1.servingdeployment import RolloutStatus, ServingDeploymentSpec, ServingDeploymentStatus
from shipway.controllers.servingdeployment import steps
from shipway.controllers.servingdeployment.situation import ACTIVE
from unit.controllers.servingdeployment.world import World


class Promises:
    """Lets the time of a world pass, and looks whether it keeps its promises.

    Args:
        world: The world.
        plans: The steps that its releases may have.
    """

    def __init__(self, world: World, plans: Sequence[list[dict[str, Any]]]) -> None:
        self._world = world
        self._plans = [*(steps.stages_of(_parsed(plan).rollout.steps) for plan in plans), steps.ALL_AT_ONCE]
        self._seen = 0
        self._ended: dict[str, str] = {}
        self._walked: dict[str, list[tuple[int, int]]] = {}

    def run(self, quarters: int) -> None:
        """So many quarters of a second pass."""
        for _ in range(quarters):
            world = self._world
            answering = [name for name, share in world.shares().items() if share and name in world.services()]
            world.tick()
            assert set(answering) <= set(world.services()), "a version is deleted while it has traffic"
            self._look()

    def _look(self) -> None:
        status = self._world.status
        for told in self._world.statuses[self._seen :]:
            _says_why(told)
            if told.rollout is not None:
                self._check_history(told.rollout)
                self._check_end(told.rollout)
        self._seen = len(self._world.statuses)
        _says_why(status)
        _is_answered(self._world, status)
        _knows_the_way_back(self._world, status)
        _has_one_incident_for_each_end(self._world, status)
        ids = [record.id for record in status.actions]
        assert len(ids) == len(set(ids)), "an action ran twice"

    def _check_history(self, now: RolloutStatus) -> None:
        """No step is skipped and none is repeated."""
        plan = next((plan for plan in self._plans if steps.hash_of(plan) == now.step_hash), None)
        if plan is None:
            assert not now.step_hash
            return
        known = {stage.index: stage.weight for stage in plan}
        assert now.step_index in known
        walk = self._walked.setdefault(f"{now.id}/{now.step_hash}", [])
        place = (len(now.history), now.step_index)
        if walk and place != walk[-1]:
            assert place >= walk[-1], "a step is repeated"
            order = [stage.index for stage in plan]
            jump = order.index(now.step_index) - order.index(walk[-1][1])
            reached = now.history[-1].weight if now.history else 0
            assert jump <= 1 or reached >= known[now.step_index], "a step is skipped"
        if not walk or place != walk[-1]:
            walk.append(place)

    def _check_end(self, now: RolloutStatus) -> None:
        if now.id in self._ended:
            assert now.state == self._ended[now.id], "an end did not last"
        if now.state not in ACTIVE:
            self._ended[now.id] = now.state


def _says_why(status: ServingDeploymentStatus) -> None:
    """Ready is yes or no and never unknown; where it is no, there is a reason, a sentence, and what becomes of it."""
    told = {condition.type: condition for condition in status.conditions}
    ready = told["Ready"]
    assert ready.status in {"True", "False"}
    assert ready.reason
    assert ready.message.strip(" .;:")
    assert "None" not in ready.message
    assert status.summary == ready.message[:1024]
    pending = [told[name] for name in ("Stalled", "Reconciling") if name in told and told[name].status == "True"]
    assert [(each.reason, each.message) for each in pending] == (
        [] if ready.status == "True" else [(ready.reason, ready.message)]
    )
    if status.rollout is not None and status.rollout.error_incident:
        assert status.rollout.error_since
        assert status.rollout.state in ACTIVE


def _is_answered(world: World, status: ServingDeploymentStatus) -> None:
    """Somebody who is ready has the traffic, as long as one of those who are trusted is ready."""
    trusted = [ref.inference_service for ref in (status.stable, status.rollback_target) if ref]
    if not world.shares() or not any(world.ready_pods(name) for name in trusted):
        return
    answering = [name for name, share in world.shares().items() if share]
    assert answering, "nobody has the traffic"
    dead = [name for name in answering if not world.ready_pods(name)]
    assert not dead, f"{dead} has traffic without a ready replica although {trusted} could answer"


def _knows_the_way_back(world: World, status: ServingDeploymentStatus) -> None:
    """The gateway knows whom a rollback would go to."""
    if status.rollout is None or status.rollout.state not in ACTIVE or not world.shares():
        return
    fallback = status.rollback_target if status.rollout.state == "Baking" else status.stable
    if fallback and world.ready_pods(fallback.inference_service):
        assert fallback.inference_service in world.shares()


def _has_one_incident_for_each_end(world: World, status: ServingDeploymentStatus) -> None:
    """Who was taken back has its Incident, and no rollout has two."""
    names = [incident["metadata"]["name"] for incident in world.incidents()]
    if status.rollout and status.rollout.state == "Aborted" and status.abort:
        assert status.abort.incident in names
    blaming = [incident for incident in world.incidents() if incident["spec"]["type"] == "Rollback"]
    taken_back = [each for each in blaming if each["spec"]["gate"] != "undo"]
    rollouts = {told.rollout.id for told in world.statuses if told.rollout}
    blamed = [each["metadata"]["name"].removeprefix("ranker-") for each in taken_back]
    assert set(blamed) <= rollouts
    assert len(blamed) == len(set(blamed))


def _parsed(plan: list[dict[str, Any]]) -> ServingDeploymentSpec:
    spec = {"model": "m", "version": "v", "host": "h", "gateway": {"name": "g"}, "rollout": {"steps": plan}}
    return ServingDeploymentSpec.model_validate(spec)
