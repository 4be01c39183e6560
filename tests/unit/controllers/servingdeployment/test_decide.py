"""The decisions alone, against a model of what they must never do: nothing is rendered, so many lives are tried."""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from shipway.analysis.counts import Count
from shipway.analysis.judgement import Judgement
from shipway.api.v1alpha1.gates import Verdict
from shipway.api.v1alpha1.servingdeployment import (
    Reason,
    RolloutStatus,
    ServingDeploymentSpec,
    ServingDeploymentStatus,
    Verb,
    VersionRef,
)
from shipway.controllers.servingdeployment import machine, steps, traffic
from shipway.controllers.servingdeployment.bookkeeping import keep_books
from shipway.controllers.servingdeployment.decision import KEPT_LIMIT, Decision
from shipway.controllers.servingdeployment.draining import due
from shipway.controllers.servingdeployment.freeze import Frozen
from shipway.controllers.servingdeployment.situation import (
    ACTIVE,
    NO_FLEET,
    Action,
    Findings,
    Fleet,
    Hold,
    Mark,
    Problem,
    Situation,
    Wanted,
    is_of,
    same,
)
from shipway.controllers.servingdeployment.turn import Turn
from shipway.integrations.gateway import RouteView
from unit.controllers.servingdeployment.world import EPOCH

QUICK: list[dict[str, Any]] = [{"setWeight": 10}, {"pause": {"seconds": 5}}, {"setWeight": 40}, {"pause": {}}]
OTHER: list[dict[str, Any]] = [{"setWeight": 30}, {"pause": {"seconds": 2}}, {"setWeight": 100}, {"pause": {}}]
SHADOW: list[dict[str, Any]] = [{"mirror": {}}, {"pause": {"seconds": 4}}, {"setWeight": 20}, {"pause": {"seconds": 3}}]
PLANS = (QUICK, OTHER, SHADOW, [])
VERSIONS = ("v1", "v2", "v3", "v4")
SOME = st.sampled_from(VERSIONS)
COUNT = Count(100, 1)


def spec_of(plan: list[dict[str, Any]]) -> ServingDeploymentSpec:
    rollout = {
        "steps": plan,
        "gates": [{"name": "errors", "type": "ErrorRate"}],
        "bakeSeconds": 4,
        "progressDeadlineSeconds": 10,
        "inconclusive": {"holdSeconds": 3, "then": "Pause"},
    }
    spec = {"model": "ranker", "version": "v1", "host": "h", "gateway": {"name": "g"}, "rollout": rollout}
    return ServingDeploymentSpec.model_validate(spec)


def ref(version: str) -> VersionRef:
    return VersionRef(
        version=version, digest=f"sha256:{version}", inference_service=f"ranker-{version}", predictor_hash="p"
    )


def turn(*, busy: bool) -> Turn:
    """The first in the queue for the one place there is."""
    return Turn(limit=1, under_way=("another",) * busy, taken=int(busy), asks=1, asked_before=0, place=1, waiting=1)


class Decisions(RuleBasedStateMachine):
    """A status, a route and the versions behind it; each pass decides, writes and may die between two writes."""

    @initialize()
    def begin(self) -> None:
        self.now = EPOCH
        self.spec = spec_of(QUICK)
        self.status = ServingDeploymentStatus()
        self.weights: dict[str, int] | None = None
        self.mirror = ""
        self.accepted = False
        self.gateway_works = True
        self.mirrors_work = True
        self.mark: Mark | None = None
        self.wanted = "v1"
        self.able = dict.fromkeys(VERSIONS, True)
        self.running: set[str] = set()
        self.held: set[str] = set()
        self.verdict = dict.fromkeys(VERSIONS, Verdict.PASS)
        self.frozen = False
        self.unsupported: Problem | None = None
        self.turn: Turn | None = None
        self.action: Action | None = None
        self.dies_after: int | None = None
        self.ended: dict[str, str] = {}
        self.walks: dict[tuple[str, str], list[tuple[int, int]]] = {}
        self.life(6)

    # What happens around it.

    @rule(seconds=st.integers(1, 12))
    def life(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1
            self.passes()

    @rule(version=SOME)
    def wants(self, version: str) -> None:
        self.wanted = version
        self.life(8)

    @rule(version=SOME, able=st.booleans())
    def gets_ready_or_not(self, version: str, able: bool) -> None:
        self.able[version] = able
        self.passes()

    @rule(version=SOME, verdict=st.sampled_from([Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR]))
    def judges(self, version: str, verdict: Verdict) -> None:
        self.verdict[version] = verdict
        self.life(2)

    @rule(frozen=st.booleans())
    def freezes(self, frozen: bool) -> None:
        self.frozen = frozen
        self.life(2)

    @rule(unsupported=st.booleans())
    def kserve_runs_what_is_released_as_no_route_can_serve(self, unsupported: bool) -> None:
        self.unsupported = Problem(Reason.INTEGRATION_UNSUPPORTED, "in Knative mode") if unsupported else None
        self.life(4)

    @rule(busy=st.sampled_from([None, False, True]))
    def others_take_places(self, busy: bool | None) -> None:
        self.turn = None if busy is None else turn(busy=busy)
        self.life(4)

    @rule(works=st.booleans())
    def gateway_works_or_not(self, works: bool) -> None:
        self.gateway_works = works
        self.passes()

    @rule(works=st.booleans())
    def gateway_mirrors_or_not(self, works: bool) -> None:
        self.mirrors_work = works
        self.passes()

    @rule(plan=st.sampled_from(PLANS))
    def edits_steps(self, plan: list[dict[str, Any]]) -> None:
        self.spec = spec_of(plan)
        self.passes()

    @rule(verb=st.sampled_from(list(Verb)), to=st.sampled_from(["", "", *VERSIONS]))
    def asks(self, verb: Verb, to: str) -> None:
        number = int(self.action.id) + 1 if self.action else 1
        self.action = Action(str(number), verb, "ada", "because", to)
        self.passes()

    @rule(version=SOME)
    def another_deployment_takes_back(self, version: str) -> None:
        self.held.add(f"ranker-{version}")
        self.passes()

    @rule(writes=st.integers(0, 2))
    def will_die(self, writes: int) -> None:
        self.dies_after = writes
        self.life(3)

    @rule()
    def a_stranger_deletes_the_route(self) -> None:
        self.weights, self.mirror = None, ""
        self.passes()

    @rule()
    def a_stranger_takes_the_mirror_away(self) -> None:
        self.mirror = ""
        self.passes()

    # One pass after the other.

    def passes(self) -> None:
        for _ in range(16):
            if not self.one_pass():
                return
        raise AssertionError(f"it does not come to rest: {self.status}")

    def one_pass(self) -> bool:
        """Decide and write; whether anything was written."""
        s = self.situation()
        before = (self.status, self.weights, self.mirror, frozenset(self.held))
        decision = machine.decide(s)
        status = keep_books(s, decision.status, existing=sorted(self.running))
        if self.write(s, decision, status) and self.dies_after is None:
            after = (self.status, self.weights, self.mirror, frozenset(self.held))
            return after != before
        self.dies_after = None
        return True

    def write(self, s: Situation, decision: Decision, status: ServingDeploymentStatus) -> bool:
        """The writes of a pass in their order; False when the operator died on the way."""
        for write in (self.write_route, self.write_records, self.write_status):
            if self.dies_after == 0:
                return False
            write(s, decision, status)
            self.dies_after = None if self.dies_after is None else self.dies_after - 1
        return True

    def write_route(self, s: Situation, decision: Decision, _: ServingDeploymentStatus) -> None:
        if decision.rollback is not None:
            target = traffic.with_leaving(s, traffic.shares(decision.status, s.fleets))
            self.set_route(target, s, decision.status, mark=decision.rollback.mark)
            return
        target = traffic.with_leaving(s, traffic.shares(s.status, s.fleets))
        if target and traffic.may_send(s, target):
            self.set_route(traffic.made_known(s, target), s, s.status, mark=None)
        for name in due(s):
            assert name not in (self.weights or {}), f"{name} is deleted while the gateway knows of it"
            assert name != self.mirror, f"{name} is deleted while it is mirrored"
            self.running.discard(name)

    def write_records(self, s: Situation, decision: Decision, _: ServingDeploymentStatus) -> None:
        mark = decision.rollback.mark if decision.rollback else None
        if mark is not None and mark.quarantine and s.subject is not None:
            self.held.add(s.subject.inference_service)
        if decision.undone is not None:
            self.held.add(decision.undone.subject.inference_service)
        if decision.lift is not None:
            spared = s.fallback if decision.rollback else None
            self.held.discard(spared.inference_service if spared else f"ranker-{self.wanted}")

    def write_status(self, s: Situation, _: Decision, status: ServingDeploymentStatus) -> None:
        self.check_status(s, status)
        self.status = status
        needed = (status.stable, status.candidate, status.rollback_target)
        self.running |= {found.inference_service for found in needed if found}

    def set_route(self, weights: Any, s: Situation, status: ServingDeploymentStatus, *, mark: Mark | None) -> None:
        mirror = traffic.mirrored(status, weights)
        if not weights or (weights, mirror) == (self.weights, self.mirror):
            return
        self.check_route(dict(weights), s, status)
        self.check_mirror(mirror, dict(weights), s)
        self.weights, self.mirror, self.accepted, self.mark = dict(weights), mirror, False, mark

    def situation(self) -> Situation:
        wanted, status = ref(self.wanted), self.status
        self.accepted = self.accepted or self.gateway_works
        incidents = ("incident",) if wanted.inference_service in self.held else ()
        aborted = status.abort is not None and is_of(status.abort, wanted)
        held = incidents or aborted
        fleets = {name: self.fleet(name.removeprefix("ranker-")) for name in self.running}
        situation = Situation(
            name="ranker",
            spec=self.spec,
            status=status,
            wanted=Wanted(wanted),
            hold=Hold(Reason.QUARANTINED, "held", incidents) if held else None,
            fleets=fleets,
            route=None if self.weights is None else self.view(self.weights),
            mark=self.mark if self.weights is not None else None,
            findings=Findings(),
            action=self.action,
            now=self.now,
            unsupported=self.unsupported,
            frozen=Frozen(None, "frozen") if self.frozen else None,
            turn=self.turn,
            obstacles=dict.fromkeys(self.held, "held"),
        )
        return replace(situation, findings=self.findings(situation))

    def fleet(self, version: str) -> Fleet:
        return Fleet(ready=1, settled=True) if self.able[version] else Fleet(message="not ready")

    def view(self, weights: dict[str, int]) -> RouteView:
        shares = {name: weight for name, weight in weights.items() if weight}
        refused = bool(self.mirror) and not self.mirrors_work
        accepted = self.accepted and not refused
        return RouteView(shares, accepted, "not yet", frozenset(weights), mirror=self.mirror, unsupported=refused)

    def findings(self, s: Situation) -> Findings:
        if not s.gates or s.subject is None:
            return Findings()
        verdict = self.verdict[s.subject.version]
        if verdict is Verdict.ERROR:
            return Findings(problem="connection refused")
        return Findings(judgements={"errors": Judgement(verdict, COUNT, COUNT, 0.0, 0.0, "as it is", "")}, fresh=True)

    # What must hold of every write.

    def check_route(self, weights: dict[str, int], s: Situation, status: ServingDeploymentStatus) -> None:
        assert sum(weights.values()) == 100
        before = self.weights or {}
        trusted = {found.inference_service for found in (status.stable, status.rollback_target) if found}
        stable_answers = any(s.fleets.get(name, NO_FLEET).ready for name in trusted)
        for name, weight in weights.items():
            assert s.fleets.get(name, NO_FLEET).ready or weight < before.get(name, 0), f"{name} is not ready"
            if weight <= before.get(name, 0) or not stable_answers or name in trusted:
                continue
            assert name not in self.held, f"{name} is held and gets more"
            assert s.findings.outcome(s.gates) is not Verdict.FAIL, f"{name} fails and gets more"
        fallback = s.fallback
        if s.rollout is not None and fallback is not None and s.fleet(fallback).ready:
            assert fallback.inference_service in weights, "the gateway does not know whom a rollback goes to"

    def check_mirror(self, mirror: str, weights: dict[str, int], s: Situation) -> None:
        if not mirror:
            return
        assert weights[mirror] == 0, f"{mirror} is mirrored and answers as well"
        assert s.fleets.get(mirror, NO_FLEET).ready, f"{mirror} is not ready and mirrored"

    def check_status(self, s: Situation, status: ServingDeploymentStatus) -> None:
        rollout, stable = status.rollout, status.stable
        baking = rollout is not None and rollout.state == "Baking"
        assert (status.rollback_target is not None) <= baking, "an old version is pinned for nothing"
        assert (status.candidate is not None) == (rollout is not None and rollout.state in ACTIVE - {"Baking"})
        if stable is not None and not same(stable, self.status.stable):
            assert any(same(stable, found) for found in (self.status.candidate, self.status.rollback_target))
        kept = [found.inference_service for found in status.kept]
        assert len(kept) == len(set(kept)) <= KEPT_LIMIT
        assert stable is None or baking or stable.inference_service not in kept, "what runs is no way back"
        assert len(status.actions) == len({record.id for record in status.actions})
        if rollout is not None:
            self.check_rollout(s, rollout)

    def check_rollout(self, s: Situation, now: RolloutStatus) -> None:
        known = self.ended.get(now.id, now.state)
        assert known in ACTIVE or now.state == known, "an end did not last"
        self.ended[now.id] = now.state
        before = self.status.rollout
        if before is not None and before.id == now.id and now.weights.desired > before.weights.desired:
            assert self.unsupported is None, "it gets more although no route can serve it"
        if before is not None and before.id == now.id and now.weights.desired > before.weights.desired and not now.undo:
            assert not self.frozen, "it gets more in a freeze"
            assert s.findings.outcome(s.gates) is not Verdict.FAIL, "it gets more although a gate fails"
        if (before is None or before.id != now.id) and s.status.stable is not None and not now.undo:
            assert not self.frozen, "it starts in a freeze"
            assert self.turn is None or self.turn.has_come, "it starts before its turn"
        self.check_walk(now)

    def check_walk(self, now: RolloutStatus) -> None:
        """Within one list of steps the index only grows, and by one at a time where the weight was not reached."""
        if not now.step_hash:
            return
        walk = self.walks.setdefault((now.id, now.step_hash), [])
        place = (len(now.history), now.step_index)
        if not walk or place != walk[-1]:
            assert not walk or place >= walk[-1], "a step is repeated"
            walk.append(place)
        plan = self.plan_of(now)
        if plan is not None:
            assert now.step_index in {stage.index for stage in plan}
        if plan is not None and now.state in {"Stepping", "Paused"}:
            stage = steps.at(plan, now.step_index)
            assert (now.weights.desired, now.mirror) == (stage.weight, stage.mirror)

    def plan_of(self, now: RolloutStatus) -> tuple[steps.Stage, ...] | None:
        plans = [steps.ALL_AT_ONCE, *(steps.stages_of(spec_of(plan).rollout.steps) for plan in PLANS)]
        return next((plan for plan in plans if steps.hash_of(plan) == now.step_hash), None)

    def teardown(self) -> None:
        """When everything works again, one version has everything and nothing is written any more."""
        if not hasattr(self, "now"):
            return
        self.frozen, self.turn, self.gateway_works, self.dies_after = False, None, True, None
        self.mirrors_work = True
        self.able = dict.fromkeys(VERSIONS, True)
        self.verdict = dict.fromkeys(VERSIONS, Verdict.PASS)
        for _ in range(8):
            self.asks(Verb.RESUME, "")
            self.asks(Verb.PROMOTE, "")
            self.life(15)
        rollout = self.status.rollout
        assert rollout is not None
        assert rollout.state not in ACTIVE
        assert self.status.stable is not None
        assert (self.weights, self.mirror) == ({self.status.stable.inference_service: 100}, "")
        assert self.running == {self.status.stable.inference_service}
        before = (self.status, self.weights)
        self.life(30)
        assert (self.status, self.weights) == before


TestDecisions = Decisions.TestCase
TestDecisions.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
