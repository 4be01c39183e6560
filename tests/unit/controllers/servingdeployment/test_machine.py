"""Whatever happens in whatever order, and wherever the operator dies, a release keeps its promises."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shipway.api.v1alpha1.servingdeployment import RolloutStatus, ServingDeploymentSpec
from shipway.controllers.servingdeployment import steps
from shipway.controllers.servingdeployment.situation import ACTIVE
from shipway.kube.resource import HTTP_ROUTE
from unit.controllers.servingdeployment.diagram import drawn, walked
from unit.controllers.servingdeployment.world import GATES, World

QUICK: list[dict[str, Any]] = [
    {"setWeight": 10},
    {"pause": {"seconds": 2}},
    {"setWeight": 40},
    {"pause": {"seconds": 2}},
]
OTHER: list[dict[str, Any]] = [{"setWeight": 30}, {"pause": {"seconds": 1}}, {"setWeight": 60}]
VERSIONS = st.sampled_from(["v1", "v2", "v3"])
COMPARED = st.sampled_from(["Stable", "Twin"])


def rollout(plan: list[dict[str, Any]], compare_with: str) -> dict[str, Any]:
    return {
        "steps": plan,
        "compareWith": compare_with,
        "gates": [GATES[0] | {"minSamples": 10}],
        "bakeSeconds": 3,
        "progressDeadlineSeconds": 12,
        "errorSeconds": 10,
        "inconclusive": {"holdSeconds": 4, "then": "Pause"},
    }


class Releases(RuleBasedStateMachine):
    """One deployment, its users, its strangers, its breakdowns."""

    @initialize(served=st.integers(0, 3), compare_with=COMPARED)
    def begin(self, served: int, compare_with: str) -> None:
        self.world = World(rollout=rollout(QUICK, compare_with))
        self.world.rate = 100.0
        if served:
            self.world.until(lambda: self.world.serves("v1"))
        self.seen = 0
        self.ended: dict[str, str] = {}
        self.ids = 0

    @rule(quarters=st.integers(1, 24))
    def time_passes(self, quarters: int) -> None:
        for _ in range(quarters):
            self.world.tick()
        self._check_fallback()

    @rule(version=VERSIONS, share=st.sampled_from([0.0, 0.3]), quarters=st.integers(8, 100))
    def a_release_runs(self, version: str, share: float, quarters: int) -> None:
        self.world.change(version=version)
        self.world.errors[version] = share
        self.time_passes(quarters)

    @rule(share=st.sampled_from([0.0, 0.5]), quarters=st.integers(4, 60))
    def the_newest_gets_worse(self, share: float, quarters: int) -> None:
        rollout_now = self.world.status.rollout
        if rollout_now is not None and rollout_now.state in ACTIVE:
            self.world.errors[rollout_now.version] = share
        self.time_passes(quarters)

    @rule(after=st.integers(1, 6))
    def operator_will_die(self, after: int) -> None:
        self.world.crash_at = self.world.writes + after

    @rule(quarters=st.integers(1, 20))
    def operator_is_down(self, quarters: int) -> None:
        for _ in range(quarters):
            self.world.tick_without_operator()
        self.world.restart_operator()

    @rule(version=VERSIONS)
    def a_version_is_wanted(self, version: str) -> None:
        self.world.change(version=version)

    @rule(version=VERSIONS, share=st.sampled_from([0.0, 0.0, 0.05, 0.5]))
    def a_version_fails(self, version: str, share: float) -> None:
        self.world.errors[version] = share

    @rule(version=VERSIONS, ready=st.booleans())
    def a_version_is_ready_or_not(self, version: str, ready: bool) -> None:
        if any(f"-{version}-" in name for name in self.world.services()):
            self.world.set_ready(version, ready)

    @rule(
        verb=st.sampled_from(["promote", "pause", "resume", "abort", "retry", "undo", "nonsense"]), named=st.booleans()
    )
    def someone_acts(self, verb: str, named: bool) -> None:
        self.ids += 1
        self.world.act(verb, id_=str(self.ids) if named else "")

    @rule(works=st.booleans())
    def metrics_work_or_not(self, works: bool) -> None:
        self.world.metrics_work = works

    @rule(works=st.booleans())
    def the_gateway_works_or_not(self, works: bool) -> None:
        self.world.gateway_works = works

    @rule(rate=st.sampled_from([0.0, 20.0, 100.0]))
    def people_ask(self, rate: float) -> None:
        self.world.rate = rate

    @rule(plan=st.sampled_from([QUICK, OTHER, []]), compare_with=COMPARED)
    def steps_are_edited(self, plan: list[dict[str, Any]], compare_with: str) -> None:
        self.world.change(rollout=rollout(plan, compare_with))

    @rule()
    def a_stranger_deletes_the_route(self) -> None:
        self.world.objects.pop(("HTTPRoute", "ranker"), None)

    @rule(version=VERSIONS)
    def a_stranger_deletes_a_predictor(self, version: str) -> None:
        for name in list(self.world.services()):
            if f"-{version}-" in name:
                del self.world.objects["InferenceService", name]

    @invariant()
    def history_neither_skips_nor_repeats(self) -> None:
        for status in self._new_statuses():
            if status.rollout is not None:
                self._check_history(status.rollout)
                self._check_end(status.rollout)

    @invariant()
    def actions_run_once(self) -> None:
        ids = [record.id for record in self.world.status.actions] if hasattr(self, "world") else []
        assert len(ids) == len(set(ids))

    @invariant()
    def the_route_is_never_empty(self) -> None:
        if hasattr(self, "world") and self.world.find(HTTP_ROUTE, "ranker"):
            assert sum(self.world.shares().values()) == 100

    @invariant()
    def gates_are_called_blind_while_a_release_is_under_way_and_only_then(self) -> None:
        status = self.world.status if hasattr(self, "world") else None
        if status is not None and status.rollout is not None and status.rollout.error_incident:
            assert status.rollout.error_since
            assert status.rollout.state in ACTIVE

    @invariant()
    def a_release_that_was_taken_back_has_its_incident(self) -> None:
        status = self.world.status if hasattr(self, "world") else None
        if status and status.rollout and status.rollout.state == "Aborted" and status.abort:
            names = [incident["metadata"]["name"] for incident in self.world.incidents()]
            assert status.abort.incident in names

    def teardown(self) -> None:
        """When everything works again, everything comes to rest."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.crash_at, world.metrics_work, world.gateway_works, world.rate = None, True, True, 100.0
        world.errors.clear()
        for version in ("v1", "v2", "v3"):
            world.boot[version] = 0.5
        world.act("resume", id_="the end")
        world.run(60)
        for attempt in range(6):
            if world.ready()[1] in {"AwaitingEvidence", "Paused"}:
                world.act("promote", id_=f"a person decides {attempt}")
                world.run(15)
        rollout_now = world.status.rollout
        assert rollout_now is not None
        assert rollout_now.state not in ACTIVE, world.status.summary
        before = world.writes
        world.run(30)
        assert world.writes == before, "it does not come to rest"
        assert walked(world.statuses) <= drawn(), "a way that the page about releases does not draw"
        stable = world.status.stable
        assert stable is not None
        assert world.shares() == {stable.inference_service: 100}
        assert list(world.services()) == [stable.inference_service]

    def _new_statuses(self) -> list[Any]:
        if not hasattr(self, "world"):
            return []
        new = self.world.statuses[self.seen :]
        self.seen = len(self.world.statuses)
        return new

    def _check_history(self, now: RolloutStatus) -> None:
        plans = [steps.stages_of(_parsed(plan).rollout.steps) for plan in (QUICK, OTHER, [])] + [steps.ALL_AT_ONCE]
        plan = next((plan for plan in plans if steps.hash_of(plan) == now.step_hash), None)
        if plan is None:
            assert not now.step_hash
            return
        known = {stage.index: stage.weight for stage in plan}
        assert now.step_index in known
        walked: dict[str, list[tuple[int, int]]] = getattr(self, "walked", {})
        self.walked = walked
        walk = walked.setdefault(f"{now.id}/{now.step_hash}", [])
        place = (len(now.history), now.step_index)
        if walk and place != walk[-1]:
            assert place >= walk[-1], "a step is repeated"
            order = [stage.index for stage in plan]
            jump = order.index(now.step_index) - order.index(walk[-1][1])
            reached = now.history[-1].weight if now.history else 0
            assert jump <= 1 or reached >= known[now.step_index], "a step is skipped"
        if not walk or place != walk[-1]:
            walk.append(place)

    def _check_fallback(self) -> None:
        """The gateway knows whom a rollback would go to."""
        status = self.world.status
        if status.rollout is None or not self.world.shares():
            return
        baking = status.rollout.state == "Baking"
        fallback = status.rollback_target if baking else status.stable
        if status.rollout.state in ACTIVE and fallback and self.world.ready_pods(fallback.inference_service):
            assert fallback.inference_service in self.world.shares()

    def _check_end(self, now: RolloutStatus) -> None:
        if now.id in self.ended:
            assert now.state == self.ended[now.id], "an end did not last"
        if now.state not in ACTIVE:
            self.ended[now.id] = now.state


def _parsed(plan: list[dict[str, Any]]) -> ServingDeploymentSpec:
    spec = {"model": "m", "version": "v", "host": "h", "gateway": {"name": "g"}, "rollout": {"steps": plan}}
    return ServingDeploymentSpec.model_validate(spec)


TestReleases = Releases.TestCase
TestReleases.settings = settings(
    max_examples=20,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
