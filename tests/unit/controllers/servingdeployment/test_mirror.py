"""A new version is tried on copies of all requests: the gates judge it, and nobody gets an answer of it."""

import copy
from typing import Any

import pytest

from shipway.kube.resource import HTTP_ROUTE, Object
from unit.controllers.servingdeployment.world import GATES, World

SHADOW: list[dict[str, Any]] = [
    {"mirror": {}},
    {"pause": {"seconds": 10}},
    {"setWeight": 20},
    {"pause": {"seconds": 5}},
]


def rollout(steps: list[dict[str, Any]] = SHADOW, gates: list[dict[str, Any]] = GATES) -> dict[str, Any]:
    return {"steps": steps, "gates": gates, "bakeSeconds": 5}


def serving(**spec: Any) -> World:
    world = World(**({"rollout": rollout()} | spec))
    world.until(lambda: world.serves("v1"))
    return world


def mirrored(**spec: Any) -> World:
    """A world in which the mirror of v2 has just begun."""
    world = serving(**spec)
    world.change(version="v2")
    world.until(lambda: world.is_mirrored("v2") and walked(world) == [(0, True)])
    return world


def walked(world: World) -> list[tuple[int, bool]]:
    assert world.status.rollout is not None
    return [(record.weight, record.mirror) for record in world.status.rollout.history]


def said_of_mirror(world: World, edit: Any) -> None:
    """A stranger edits the filters of the route."""
    route = copy.deepcopy(world.find(HTTP_ROUTE, "ranker"))
    assert route is not None
    edit(route["spec"]["rules"][0])
    route["metadata"]["generation"] += 1
    world.put(route)


def only_incident(world: World) -> Object:
    (incident,) = world.incidents()
    return incident["spec"]


class TestGoodVersion:
    def test_is_mirrored_first_and_then_walks_on(self):
        world = mirrored()
        took = world.until(lambda: world.share("v2") == 20)
        assert 10 <= took <= 12
        world.until(lambda: world.serves("v2"))
        assert walked(world) == [(0, True), (20, False), (100, False)]

    def test_answers_nobody_while_it_is_mirrored(self):
        world = mirrored()
        world.run(8)
        assert (world.share("v1"), world.share("v2")) == (100, 0)
        assert world.status.rollout.evidence[0].requests > 300

    def test_loses_the_mirror_in_the_very_write_that_gives_it_a_weight(self):
        world = mirrored()
        world.until(lambda: world.share("v2") == 20)
        pairs = list(zip(world.route_shares("v2"), world.mirrorings("v2"), strict=True))
        last = max(place for place, (_, copied) in enumerate(pairs) if copied)
        assert pairs[last : last + 2] == [(0, True), (20, False)]
        assert not world.is_mirrored("v2")

    def test_is_said_to_be_mirrored(self):
        world = mirrored()
        world.run(3)
        assert world.status.summary.startswith("v2 is mirrored (step 1/3, ")
        assert world.ready() == ("False", "Progressing")

    def test_has_the_replicas_for_all_traffic_before_it_is_mirrored(self):
        world = serving(predictor={"minReplicas": 3, "maxReplicas": 8})
        world.boot["v2"] = 5.0
        world.change(version="v2")
        world.until(lambda: world.is_mirrored("v2"))
        assert len(world.ready_pods(world.service_of("v2"))) == 3

    def test_begins_its_first_weight_with_no_evidence_of_the_mirror(self):
        world = mirrored()
        world.until(lambda: len(walked(world)) == 2)
        world.run(2)
        assert world.status.rollout.evidence[0].requests < 60
        assert world.status.rollout.history[0].requests > 400

    def test_is_not_held_by_a_gate_that_compares_shares(self):
        world = mirrored(rollout=rollout(gates=[*GATES, {"name": "ratio", "type": "SampleRatio", "margin": "0.05"}]))
        world.run(5)
        assert {gate.verdict for gate in world.status.rollout.gates if gate.name == "ratio"} == {"Pass"}
        world.until(lambda: world.serves("v2"))

    def test_waits_for_a_person_where_the_mirror_has_no_end(self):
        world = mirrored(rollout=rollout([{"mirror": {}}, {"pause": {}}, {"setWeight": 50}]))
        world.run(60)
        assert world.is_mirrored("v2")
        assert world.ready() == ("False", "AwaitingPromotion")
        world.act("promote", id_="1")
        world.until(lambda: world.share("v2") == 50)

    def test_a_first_version_is_not_mirrored(self):
        world = serving()
        assert walked(world) == [(100, False)]

    def test_nobody_asks_and_the_mirror_proves_nothing(self):
        world = serving()
        world.rate = 0.0
        world.change(version="v2")
        world.run(60)
        assert world.is_mirrored("v2")
        assert world.ready() == ("False", "AwaitingEvidence")


class TestBadVersion:
    def test_is_taken_back_before_it_has_answered_anybody(self):
        world = serving()
        world.errors["v2"] = 0.3
        world.change(version="v2")
        world.until(lambda: world.state() == "Aborted")
        world.run(8)
        assert set(world.route_shares("v2")) == {0}
        assert world.mirror() == ""
        incident = only_incident(world)
        assert (incident["gate"], incident["weight"], incident.get("exposedAt")) == ("errors", 0, None)
        assert incident["summary"].endswith("it was only mirrored: nobody got an answer of it")
        assert world.ready() == ("False", "Quarantined")
        assert list(world.services()) == [world.status.stable.inference_service]

    def test_is_taken_back_for_what_it_predicts(self):
        shift = {"name": "scores", "type": "PredictionShift", "margin": "0.1", "onFail": "Abort"}
        world = serving(rollout=rollout(gates=[*GATES, shift]))
        world.scores["v2"] = (0.0,) * 5 + (0.2,) * 5
        world.change(version="v2")
        world.until(lambda: world.state() == "Aborted")
        assert only_incident(world)["gate"] == "scores"

    def test_that_was_given_a_weight_as_well_is_not_said_to_have_answered_nobody(self):
        world = mirrored()
        world.until(lambda: world.share("v2") == 20)
        world.errors["v2"] = 0.5
        world.until(lambda: world.state() == "Aborted")
        assert "mirrored" not in only_incident(world)["summary"]

    def test_that_dies_is_no_longer_mirrored_and_taken_back_in_time(self):
        world = mirrored(rollout=rollout() | {"progressDeadlineSeconds": 10})
        world.set_ready("v2", ready=False)
        world.run(1)
        assert world.mirror() == ""
        world.until(lambda: world.state() == "Aborted", within=20)


class TestOnTheWay:
    def test_abort_takes_the_mirror_away(self):
        world = mirrored()
        world.act("abort", id_="1")
        world.run(1)
        assert (world.mirror(), world.state()) == ("", "Aborted")

    def test_another_version_takes_its_place(self):
        world = mirrored()
        world.change(version="v3")
        world.until(lambda: world.is_mirrored("v3"))
        assert world.incidents() == []
        world.until(lambda: world.serves("v3"))

    def test_a_pause_keeps_the_mirror(self):
        world = mirrored()
        world.act("pause", id_="1")
        world.run(40)
        assert (world.is_mirrored("v2"), world.state()) == (True, "Paused")
        world.act("resume", id_="2")
        world.until(lambda: world.serves("v2"))

    def test_an_undo_mirrors_nothing(self):
        world = serving()
        world.release("v2")
        world.run(8)
        before = len(world.mirrorings("v1"))
        world.act("undo", id_="1")
        world.until(lambda: world.share("v1") == 100)
        assert not any(world.mirrorings("v1")[before:])

    @pytest.mark.parametrize(
        ("steps", "weights"),
        [
            ([{"mirror": {}}, {"pause": {"seconds": 4}}, {"setWeight": 50}], [(0, True), (0, True), (50, False)]),
            ([{"setWeight": 30}, {"pause": {"seconds": 4}}], [(0, True), (30, False), (100, False)]),
            ([], [(0, True), (100, False)]),
        ],
        ids=["another mirror", "no mirror", "no steps"],
    )
    def test_steps_edited_in_the_mirror_are_followed(
        self, steps: list[dict[str, Any]], weights: list[tuple[int, bool]]
    ):
        world = mirrored()
        world.run(2)
        world.change(rollout=rollout(steps))
        world.until(lambda: world.serves("v2"))
        assert walked(world)[: len(weights)] == weights

    def test_steps_edited_so_that_nothing_is_mirrored_wait_for_the_gates(self):
        world = serving()
        world.rate = 0.0
        world.change(version="v2")
        world.run(5)
        world.change(rollout=rollout([{"setWeight": 50}]))
        world.run(10)
        assert world.share("v2") == 0
        world.rate = 50.0
        world.until(lambda: world.share("v2") == 50)

    @pytest.mark.parametrize(
        "edit",
        [
            lambda rule: rule.pop("filters"),
            lambda rule: rule["filters"][0]["requestMirror"]["backendRef"].update(name="stranger-predictor"),
            lambda rule: rule["filters"][0]["requestMirror"].update(percent=1),
        ],
        ids=["taken away", "of somebody else", "of a part"],
    )
    def test_what_a_stranger_does_to_the_mirror_is_put_back(self, edit: Any):
        world = mirrored()
        said_of_mirror(world, edit)
        world.reconcile_gateway()
        world.reconcile()
        route = world.find(HTTP_ROUTE, "ranker")
        assert route is not None
        (mirror,) = route["spec"]["rules"][0]["filters"]
        assert "percent" not in mirror["requestMirror"]
        assert world.is_mirrored("v2")


class TestGatewayThatDoesNotMirror:
    def test_has_the_version_taken_back_and_says_so(self):
        world = serving()
        world.mirrors_work = False
        world.change(version="v2")
        world.until(lambda: world.state() == "Aborted")
        world.run(8)
        assert world.mirror() == ""
        assert world.status.abort.reason == "MirrorRefused"
        assert world.ready() == ("False", "RolledBack")
        assert "the gateway does not mirror: Accepted is False: UnsupportedValue" in world.status.summary
        assert only_incident(world)["quarantine"] is False

    def test_releases_it_once_the_step_is_gone(self):
        world = serving()
        world.mirrors_work = False
        world.change(version="v2")
        world.until(lambda: world.state() == "Aborted")
        world.change(rollout=rollout([{"setWeight": 50}]))
        world.act("retry", id_="1")
        world.until(lambda: world.serves("v2"))
