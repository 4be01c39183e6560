"""Whatever happens in whatever order, and wherever the operator dies, a release keeps its promises (promises.py).

`make test-deep` draws thousands of stories instead of a few dozen.
"""

import copy
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from shipway.api.conditions import rfc3339
from shipway.controllers.servingdeployment.situation import ACTIVE
from shipway.kube.resource import HTTP_ROUTE
from unit.controllers.servingdeployment.diagram import drawn, walked
from unit.controllers.servingdeployment.neighbours import peer, route_of_another
from unit.controllers.servingdeployment.promises import Promises
from unit.controllers.servingdeployment.world import GATES, World, model_version

QUICK: list[dict[str, Any]] = [
    {"setWeight": 10},
    {"pause": {"seconds": 2}},
    {"setWeight": 40},
    {"pause": {"seconds": 2}},
]
OTHER: list[dict[str, Any]] = [{"setWeight": 30}, {"pause": {"seconds": 1}}, {"setWeight": 60}]
SHADOW: list[dict[str, Any]] = [{"mirror": {}}, {"pause": {"seconds": 2}}, {"setWeight": 40}, {"pause": {"seconds": 2}}]
PLANS = [QUICK, OTHER, SHADOW, []]
VERSIONS = st.sampled_from(["v1", "v2", "v3"])
COMPARED = st.sampled_from(["Stable", "Twin"])
ERRORS = GATES[0] | {"minSamples": 10}
OF_ONE_TENANT = ERRORS | {"slices": ["acme"]}
ANOTHER_DIGEST = "sha256:" + "a" * 64


class Releases(RuleBasedStateMachine):
    """One deployment, its users, its neighbours, its strangers, its breakdowns."""

    @initialize(
        served=st.integers(0, 3), compare_with=COMPARED, plan=st.sampled_from([QUICK, SHADOW]), sliced=st.booleans()
    )
    def begin(self, *, served: int, compare_with: str, plan: list[dict[str, Any]], sliced: bool) -> None:
        self.rules_now: dict[str, Any] = {
            "steps": plan,
            "compareWith": compare_with,
            "gates": [OF_ONE_TENANT if sliced else ERRORS],
            "bakeSeconds": 3,
            "progressDeadlineSeconds": 12,
            "errorSeconds": 10,
            "inconclusive": {"holdSeconds": 4, "then": "Pause"},
        }
        self.world = World(rollout=self.rules_now)
        self.world.rate, self.world.parts = 100.0, {"acme": 0.2}
        self.promises = Promises(self.world, PLANS)
        self.ids = 0
        if served:
            self.world.until(lambda: self.world.serves("v1"))

    # Releases, good and bad.

    @rule(quarters=st.integers(1, 24))
    def time_passes(self, quarters: int) -> None:
        self.promises.run(quarters)

    @rule(version=VERSIONS, share=st.sampled_from([0.0, 0.3]), quarters=st.integers(8, 100))
    def a_release_runs(self, version: str, share: float, quarters: int) -> None:
        self.world.change(version=version)
        self.world.errors[version] = share
        self.promises.run(quarters)

    @rule(share=st.sampled_from([0.0, 0.5]), quarters=st.integers(4, 60))
    def the_newest_gets_worse(self, share: float, quarters: int) -> None:
        rollout_now = self.world.status.rollout
        if rollout_now is not None and rollout_now.state in ACTIVE:
            self.world.errors[rollout_now.version] = share
        self.promises.run(quarters)

    @rule(version=VERSIONS)
    def a_version_is_wanted(self, version: str) -> None:
        self.world.change(version=version)

    @rule(version=VERSIONS, share=st.sampled_from([0.0, 0.0, 0.05, 0.5]))
    def a_version_fails(self, version: str, share: float) -> None:
        self.world.errors[version] = share

    @rule(version=VERSIONS, share=st.sampled_from([0.0, 0.8]))
    def a_version_fails_one_tenant(self, version: str, share: float) -> None:
        self.world.errors_of[version, "acme"] = share

    @rule(version=VERSIONS, ready=st.booleans())
    def a_version_is_ready_or_not(self, version: str, *, ready: bool) -> None:
        if any(f"-{version}-" in name for name in self.world.services()):
            self.world.set_ready(version, ready)

    # People.

    @rule(
        verb=st.sampled_from(["promote", "pause", "resume", "abort", "retry", "undo", "nonsense"]), named=st.booleans()
    )
    def someone_acts(self, *, verb: str, named: bool) -> None:
        self.ids += 1
        self.world.act(verb, id_=str(self.ids) if named else "")

    @rule(rate=st.sampled_from([0.0, 20.0, 100.0]))
    def people_ask(self, rate: float) -> None:
        self.world.rate = rate

    @rule(plan=st.sampled_from(PLANS), compare_with=COMPARED)
    def steps_are_edited(self, plan: list[dict[str, Any]], compare_with: str) -> None:
        self._declare(steps=plan, compareWith=compare_with)

    @rule(minutes=st.integers(0, 2))
    def releases_are_frozen_or_not(self, minutes: int) -> None:
        texts = [rfc3339(self.world.now + at).replace("T", " ")[:16] for at in (-60, 60 * minutes)]
        self._declare(freeze=[{"name": "fair", "start": texts[0], "end": texts[1]}] if minutes else [])

    @rule(names=st.sampled_from([[], [], ["eu"]]))
    def it_comes_after_another_or_not(self, names: list[str]) -> None:
        self._declare(after=[{"name": name} for name in names])

    @rule(version=VERSIONS, state=st.sampled_from(["Completed", "Stepping", "Aborted"]))
    def the_other_releases(self, version: str, state: str) -> None:
        peer(self.world, "eu", version, state=state)

    # Breakdowns.

    @rule(after=st.integers(1, 6))
    def operator_will_die(self, after: int) -> None:
        self.world.crash_at = self.world.writes + after

    @rule(quarters=st.integers(1, 20))
    def operator_is_down(self, quarters: int) -> None:
        for _ in range(quarters):
            self.world.tick_without_operator()
        self.world.restart_operator()

    @rule(works=st.booleans())
    def metrics_work_or_not(self, *, works: bool) -> None:
        self.world.metrics_work = works

    @rule(works=st.booleans())
    def the_gateway_works_or_not(self, *, works: bool) -> None:
        self.world.gateway_works = works

    @rule(works=st.booleans())
    def the_gateway_mirrors_or_not(self, *, works: bool) -> None:
        self.world.mirrors_work = works

    @rule(back=st.sampled_from([3.0, 60.0, 3600.0]))
    def the_clock_goes_back(self, back: float) -> None:
        self.world.now -= back

    # Strangers.

    @rule()
    def a_stranger_deletes_the_route(self) -> None:
        self.world.objects.pop(("HTTPRoute", "ranker"), None)

    @rule(weights=st.lists(st.sampled_from([0, 1, 50, 100]), min_size=4, max_size=4))
    def a_stranger_edits_the_weights(self, weights: list[int]) -> None:
        known = self.world.find(HTTP_ROUTE, "ranker")
        if known is None:
            return
        route = copy.deepcopy(known)
        for ref, weight in zip(route["spec"]["rules"][0]["backendRefs"], weights, strict=False):
            ref["weight"] = weight
        route["metadata"]["generation"] += 1
        self.world.put(route)

    @rule(version=VERSIONS)
    def a_stranger_deletes_a_predictor(self, version: str) -> None:
        for name in list(self.world.services()):
            if f"-{version}-" in name:
                del self.world.objects["InferenceService", name]

    @rule(version=VERSIONS)
    def a_modelversion_is_lost(self, version: str) -> None:
        self.world.objects.pop(("ModelVersion", f"ranker-{version}"), None)

    @rule(version=VERSIONS, digest=st.sampled_from(["", "", ANOTHER_DIGEST]))
    def a_modelversion_is_made_anew(self, version: str, digest: str) -> None:
        self._publish(version, digest)

    @rule(comes=st.booleans())
    def another_deployment_has_the_host_or_not(self, *, comes: bool) -> None:
        self.world.objects.pop(("HTTPRoute", "another"), None)
        if comes:
            route_of_another(self.world)

    def teardown(self) -> None:
        """When everything works again, everything comes to rest."""
        if not hasattr(self, "world"):
            return
        world = self.world
        self._mend()
        world.act("resume", id_="the end")
        self.promises.run(240)
        for attempt in range(6):
            if world.ready()[1] in {"AwaitingEvidence", "Paused"}:
                world.act("promote", id_=f"a person decides {attempt}")
                self.promises.run(60)
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
        assert world.ready()[0] == "True" or world.condition("Stalled")[0] == "True", world.status.summary

    def _declare(self, **rules: Any) -> None:
        self.rules_now |= rules
        self.world.change(rollout=copy.deepcopy(self.rules_now))

    def _publish(self, version: str, digest: str = "") -> None:
        made = model_version(version)
        self.world.put({**made, "spec": made["spec"] | {"digest": digest or made["spec"]["digest"]}})

    def _mend(self) -> None:
        world = self.world
        world.crash_at, world.metrics_work, world.gateway_works, world.rate = None, True, True, 100.0
        world.mirrors_work = True
        world.errors.clear()
        world.errors_of.clear()
        world.objects.pop(("HTTPRoute", "another"), None)
        self._declare(freeze=[], after=[])
        running = {ref.version: ref.digest for ref in reversed(world.status.running)}
        for version in ("v1", "v2", "v3"):
            world.boot[version] = 0.5
            self._publish(version, running.get(version, ""))


DEEP = settings.get_current_profile_name() == "deep"
TestReleases = Releases.TestCase
TestReleases.settings = settings(
    max_examples=settings().max_examples if DEEP else 40,
    stateful_step_count=25,
    deadline=None,
    derandomize=not DEEP,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
