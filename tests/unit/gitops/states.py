"""Objects in every state a controller can tell, each made by the real controller in a small world."""

import copy
from collections.abc import Callable
from typing import Any

from shipway.api.conditions import rfc3339
from shipway.controllers.incident.people import ACKNOWLEDGED_BY, RESOLVED_BY
from shipway.controllers.incident.reconcile import Snapshot as IncidentSnapshot
from shipway.controllers.incident.reconcile import reconcile as reconcile_incident
from shipway.kube.resource import MODEL_VERSION, TRAINING_JOB, Object
from shipway.runtime.plan import Create, Refusal, Write
from unit.controllers.incident.test_reconcile import NOW, incident, subject
from unit.controllers.model.test_reconcile import Registry
from unit.controllers.modelversion.test_reconcile import OTHER, Verification
from unit.controllers.servingdeployment.beginnings import at, released
from unit.controllers.servingdeployment.test_edges import route_of_another
from unit.controllers.servingdeployment.test_objectives import burn, burning, tell
from unit.controllers.servingdeployment.test_turn import waiting_behind
from unit.controllers.servingdeployment.world import GATES, STEPS, World
from unit.controllers.team.test_reconcile import judged, team
from unit.controllers.training import Training, error

Build = Callable[[], Object]


# TrainingJob


def _job(play: Callable[[Training], object], **spec: Any) -> Build:
    def build() -> Object:
        training = Training(**spec)
        play(training)
        training.settle()
        return training.job

    return build


def _pod_without_node(training: Training) -> None:
    training.settle()
    unplaced = [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}]
    training.world.set_pod(training.pod(1), node="", conditions=unplaced)


def _lose_a_pod(training: Training) -> None:
    training.run()
    training.world.end(training.pod(0), code=137)


def _fail(training: Training) -> None:
    training.run()
    for rank in range(2):
        training.world.end(training.pod(rank), code=1, message=error("InvalidParameter", "epochs must be 1 or more"))


def _refuse(kind: str, *, invalid: bool = False) -> Callable[[Write], Refusal | None]:
    def refusal(write: Write) -> Refusal | None:
        of_kind = isinstance(write, Create) and write.resource.kind == kind
        return Refusal(write, invalid=invalid, message="exceeded quota") if of_kind else None

    return refusal


def _refuse_pods(training: Training) -> None:
    training.world.refusal = _refuse("Pod")


def _refuse_the_version(training: Training) -> None:
    training.world.refusal = _refuse(MODEL_VERSION.kind)
    training.run().succeed()


def _somebody_elses_version(training: Training) -> None:
    spec = {"digest": OTHER, "lineage": {"trainingJob": {"name": "ranker", "uid": "another"}}}
    training.world.put({"kind": MODEL_VERSION.kind, "metadata": {"name": "ranker-v1"}, "spec": spec})


def _makes_no_more_steps(training: Training) -> None:
    training.run().steps().listen(124)


JOBS: dict[str, Build] = {
    "its pods take long to start": _job(lambda t: t.settle() and t.pass_time(60)),
    "a pod finds no node": _job(_pod_without_node),
    "it runs": _job(lambda t: t.run()),
    "it makes no more steps": _job(_makes_no_more_steps),
    "it starts anew after a lost pod": _job(_lose_a_pod),
    "it is suspended": _job(lambda t: t.run() and t.world.change(TRAINING_JOB, "ranker", {"suspend": True})),
    "it was made suspended": _job(lambda t: None, suspend=True),
    "quota forbids its pods": _job(_refuse_pods),
    "its version cannot be written": _job(_refuse_the_version),
    "it is done": _job(lambda t: t.run().succeed()),
    "its restarts are used up": _job(_fail, maxRestarts=0),
    "its time is over": _job(lambda t: t.run().pass_time(60), activeDeadlineSeconds=60),
    "its result makes no sense": _job(lambda t: t.run().succeed("no result")),
    "its version is somebody else's": _job(_somebody_elses_version),
}


# Model


def _model(play: Callable[[Registry], object]) -> Build:
    def build() -> Object:
        registry = Registry()
        play(registry)
        registry.settle()
        return registry.model

    return build


MODELS: dict[str, Build] = {
    "it has no version yet": _model(lambda r: None),
    "its aliases name versions": _model(lambda r: (r.publish("v1"), r.alias(champion="v1"))),
    "an alias names nothing": _model(lambda r: r.alias(champion="v1")),
}


# ModelVersion


def _version(play: Callable[[Verification], object], *, with_model: bool = True) -> Build:
    def build() -> Object:
        verification = Verification(with_model=with_model)
        play(verification)
        verification.settle()
        return verification.version

    return build


def _taken_back(verification: Verification) -> None:
    verification.succeed()
    about = incident()
    about["spec"] |= {"version": "v1", "digest": verification.version["spec"]["digest"]}
    verification.world.put(about)


def _refuse_the_verifier(verification: Verification) -> None:
    verification.pod_is_gone()
    verification.world.refusal = _refuse("Pod")


VERSIONS: dict[str, Build] = {
    "it is being read": _version(lambda v: None),
    "its digest is right": _version(lambda v: v.succeed()),
    "its digest is wrong": _version(lambda v: v.succeed(OTHER)),
    "it cannot be read": _version(lambda v: v.fail()),
    "its model is missing": _version(lambda v: v.succeed(), with_model=False),
    "quota forbids the verifier": _version(_refuse_the_verifier),
    "it was taken back": _version(_taken_back),
}


# ServingDeployment


def _deployment(play: Callable[[], World]) -> Build:
    return lambda: play().sdep


def new(
    seconds: float = 1.0, *, without: tuple[str, str] | None = None, absent: str = "", refuse: str = "", **spec: Any
) -> World:
    """A first version some seconds after it was asked for, in a cluster that may lack something."""
    world = World(**spec)
    world.absent, world.refuse = {absent}, refuse
    if without:
        del world.objects[without]
    world.run(seconds)
    return world


def _unverified() -> World:
    world = World()
    unverified = world.objects["ModelVersion", "ranker-v1"]["status"]["conditions"][0]
    unverified |= {"status": "False", "reason": "Verifying", "message": "a pod reads it"}
    world.run(1)
    return world


def _gateway_refuses() -> World:
    world = World()
    world.gateway_works = False
    world.run(10)
    return world


def _wanted_by_nobody_yet() -> World:
    world = released()
    world.change(version="v2")
    world.reconcile()
    return world


def under_way() -> World:
    """A release at a quarter of the traffic."""
    world = at("v2", 25)
    world.run(1)
    return world


def acted(verb: str) -> World:
    """A release at a quarter of the traffic, after somebody asked for something."""
    world = under_way()
    world.act(verb, id_="1")
    world.run(1)
    return world


def resumed() -> World:
    """A release that was paused for a while."""
    world = acted("pause")
    world.act("resume", id_="2")
    world.run(1)
    return world


def until_promoted() -> World:
    """A release that goes on when a person says so."""
    world = at("v2", 20, rollout={"steps": [{"setWeight": 20}, {"pause": {}}], "gates": GATES, "bakeSeconds": 1})
    world.run(30)
    return world


def _too_few_answers(then: str = "Pause", *, hold: int = 300) -> World:
    rules = {"holdSeconds": hold, "then": then}
    world = at("v2", 5, rollout={"steps": STEPS, "gates": GATES, "inconclusive": rules})
    world.rate = 0.0
    world.run(30)
    return world


def _no_counters() -> World:
    world = at("v2", 5)
    world.metrics_work = False
    world.run(10)
    return world


def _answers_lost() -> World:
    ratio = {"name": "ratio", "type": "SampleRatio", "margin": "0.02"}
    world = at("v2", 25, rollout={"steps": STEPS, "gates": [*GATES, ratio]})
    world.lost["v2"] = 0.6
    world.run(20)
    return world


def baking() -> World:
    """A release at all the traffic, still watched."""
    world = at("v2", 100)
    world.until(lambda: world.state() == "Baking")
    return world


def _nobody_to_go_back_to() -> World:
    world = at("v2", 50)
    world.run(3)
    world.errors["v2"] = 0.5
    world.set_ready("v1", False)
    world.run(5)
    return world


def taken_back() -> World:
    """A bad version, held back while stable answers."""
    world = at("v3", 25)
    world.errors["v3"] = 0.5
    world.until(lambda: world.state() == "Aborted")
    world.run(1)
    return world


def _reverted() -> World:
    world = taken_back()
    world.change(version="v1")
    world.run(1)
    return world


def _in_knative_mode() -> World:
    world = released()
    world.default_mode = "Knative"
    world.change(version="v2")
    world.until(lambda: world.ready()[1] == "IntegrationUnsupported")
    return world


def _never_ready() -> World:
    world = released(rollout={"steps": STEPS, "gates": GATES, "progressDeadlineSeconds": 10})
    world.boot["v2"] = float("inf")
    world.change(version="v2")
    world.until(lambda: world.state() == "Aborted")
    world.run(1)
    return world


def _stable_died() -> World:
    world = released()
    world.set_ready("v1", False)
    world.run(1)
    return world


def _in_a_freeze() -> World:
    world = released()
    window = {"name": "fair", "start": "2027-01-01 00:00", "end": "2027-02-01 00:00"}
    world.change(version="v2", rollout={"steps": STEPS, "gates": GATES, "freeze": [window]})
    world.run(1)
    return world


def _after(name: str) -> World:
    world = released()
    world.change(version="v2", rollout={"steps": STEPS, "gates": GATES, "after": [{"name": name}]})
    world.run(1)
    return world


def _host_taken() -> World:
    world = released()
    route_of_another(world)
    world.run(1)
    return world


def _undone() -> World:
    world = released("v2")
    world.act("undo", id_="1")
    world.until(lambda: world.ready()[1] == "Quarantined")
    return world


DEPLOYMENTS: dict[str, Build] = {
    "a freeze holds": _deployment(_in_a_freeze),
    "another answers its host": _deployment(_host_taken),
    "others have all places": _deployment(lambda: waiting_behind("Stepping")),
    "another is to be released first": _deployment(lambda: _after("eu")),
    "it is to be released after itself": _deployment(lambda: _after("ranker")),
    "a person undid it": _deployment(_undone),
    "its model is missing": _deployment(lambda: new(without=("Model", "ranker"))),
    "its version is missing": _deployment(lambda: new(version="v9")),
    "its version is being verified": _deployment(_unverified),
    "its alias names nothing": _deployment(lambda: new(version=None, alias="champion")),
    "KServe is missing": _deployment(lambda: new(absent="InferenceService")),
    "KServe runs it as no route can serve": _deployment(_in_knative_mode),
    "its predictor is refused": _deployment(lambda: new(refuse="InferenceService")),
    "a first version starts": _deployment(new),
    "the gateway does not accept it": _deployment(_gateway_refuses),
    "a version serves": _deployment(released),
    "all replicas of the only version died": _deployment(_stable_died),
    "another version starts": _deployment(_wanted_by_nobody_yet),
    "a step is under way": _deployment(under_way),
    "a person paused it": _deployment(lambda: acted("pause")),
    "a person resumed it": _deployment(resumed),
    "a person aborted it": _deployment(lambda: acted("abort")),
    "a step lasts until someone promotes": _deployment(until_promoted),
    "a step is over and too few have asked": _deployment(_too_few_answers),
    "the hold is over and it paused": _deployment(lambda: _too_few_answers(hold=5)),
    "the hold is over and it was taken back": _deployment(lambda: _too_few_answers("Abort", hold=5)),
    "its counters cannot be read": _deployment(_no_counters),
    "its answers get lost on the way": _deployment(_answers_lost),
    "it bakes": _deployment(baking),
    "a gate fails and stable is dead": _deployment(_nobody_to_go_back_to),
    "a gate failed": _deployment(taken_back),
    "a gate failed and Git wants stable again": _deployment(_reverted),
    "it never got ready": _deployment(_never_ready),
    "its error budget burns": _deployment(burning),
}


# Incident


def _incident(*, mitigated: bool, **annotations: str) -> Build:
    def build() -> Object:
        obj = incident(**annotations)
        about = subject(rfc3339(NOW + 3) if mitigated else None)
        plan = reconcile_incident(IncidentSnapshot(obj, about, NOW + 60))
        return {**obj, "status": copy.deepcopy(plan.status)}

    return build


def _about_gates(*, still: bool) -> Build:
    def build() -> Object:
        obj = incident()
        obj["spec"] |= {"type": "GateError", "quarantine": False}
        about = under_way().sdep
        about["status"]["rollout"] |= {"errorIncident": obj["metadata"]["name"] if still else ""}
        plan = reconcile_incident(IncidentSnapshot(obj, about, NOW + 60))
        return {**obj, "status": copy.deepcopy(plan.status)}

    return build


def _about_a_budget(*, still: bool) -> Build:
    def build() -> Object:
        world = burning()
        obj = dict(world.incidents()[0])
        if not still:
            tell(world, burn(0.0))
        plan = reconcile_incident(IncidentSnapshot(obj, world.sdep, world.now + 60))
        return {**obj, "status": copy.deepcopy(plan.status)}

    return build


INCIDENTS: dict[str, Build] = {
    "an error budget burns": _about_a_budget(still=True),
    "it burns no more": _about_a_budget(still=False),
    "the gates of a release cannot tell": _about_gates(still=True),
    "they can tell again": _about_gates(still=False),
    "the traffic is not back yet": _incident(mitigated=False),
    "nobody looks after it": _incident(mitigated=True),
    "somebody looks after it": _incident(mitigated=True, **{ACKNOWLEDGED_BY: "ada"}),
    "somebody has closed it while the traffic is not back": _incident(mitigated=False, **{RESOLVED_BY: "ada"}),
}


# Team

TEAMS: dict[str, Build] = {
    "its namespaces are there": lambda: judged(team("reco", "team-a")),
    "a namespace is missing": lambda: judged(team("reco", "team-a"), there=()),
    "another team claims a namespace": lambda: judged(team("reco", "team-a"), team("ads", "team-a")),
}
