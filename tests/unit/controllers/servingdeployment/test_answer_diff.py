"""Both versions' answers to one request, laid side by side while the new one is mirrored, told on a small cluster."""

from typing import Any

from unit.controllers.servingdeployment.world import GATES, World

SHADOW: list[dict[str, Any]] = [
    {"mirror": {}},
    {"pause": {"seconds": 20}},
    {"setWeight": 50},
    {"pause": {"seconds": 5}},
]
ANSWERS: dict[str, Any] = {"name": "answers", "type": "AnswerDiff", "tolerance": "0.01", "margin": "0.02"}


def mirrored(differs: float = 0.0, *, copies_ids: bool = True, **gate: Any) -> World:
    world = World(
        rollout={"steps": SHADOW, "gates": [*GATES, {**ANSWERS, "onFail": "Abort", **gate}], "bakeSeconds": 5}
    )
    world.differs["v2"], world.copies_ids = differs, copies_ids
    world.until(lambda: world.serves("v1"))
    world.change(version="v2")
    world.until(lambda: world.is_mirrored("v2"))
    return world


def says(world: World) -> tuple[str, str]:
    found = next(status for status in world.status.rollout.gates if status.name == "answers")
    return found.verdict, found.message


def test_a_version_that_answers_the_same_goes_on_and_every_request_was_counted_once():
    world = mirrored()
    world.until(lambda: world.share("v2") == 50)
    (kept,) = world.statuses[-1].rollout.evidence[0].pairs or [None]
    world.until(lambda: world.serves("v2"))
    counted = max(
        seen.answered
        for status in world.statuses
        if status.rollout
        for role in status.rollout.evidence
        for seen in role.pairs
    )
    assert 500 < counted <= 40 * 24
    assert kept is not None
    assert world.incidents() == []


def test_a_version_that_answers_otherwise_is_taken_back_before_anybody_gets_its_answers():
    world = mirrored(differs=0.2)
    world.until(lambda: world.state() == "Aborted")
    assert set(world.route_shares("v2")) == {0}
    (incident,) = world.incidents()
    assert incident["spec"]["gate"] == "answers"
    assert "differ" in incident["spec"]["summary"]


def test_differences_within_the_tolerance_are_none():
    world = mirrored(differs=1.0, tolerance="0.6")
    world.until(lambda: world.serves("v2"), within=120)


def test_it_is_only_shown_unless_it_is_to_decide():
    world = mirrored(differs=0.5, onFail=None)
    world.run(10)
    assert says(world)[0] == "Fail"
    world.until(lambda: world.serves("v2"), within=120)


def test_a_predictor_that_does_not_tell_its_answers_holds_the_release_and_is_named():
    world = mirrored()
    world.secretive.add("v2")
    world.run(30)
    assert world.is_mirrored("v2")
    assert "the predictor of the new version does not tell its answers" in world.status.summary


def test_a_gateway_that_gives_copies_other_ids_holds_the_release_and_is_told_what_is_needed():
    world = mirrored(copies_ids=False)
    world.run(40)
    assert (world.is_mirrored("v2"), world.share("v2")) == (True, 0)
    assert world.ready() == ("False", "NotComparable")
    assert "answers: both versions answer, and no request is known by one x-request-id to both" in world.status.summary
    assert says(world)[0] == "Error"
    assert world.incidents() == []
    world.copies_ids = True
    world.until(lambda: world.serves("v2"))


def test_with_a_weight_there_is_nothing_to_compare():
    world = mirrored()
    world.until(lambda: world.share("v2") == 50)
    world.run(3)
    assert says(world) == ("NoEvidenceOfHarm", "no request is answered by both versions now")


def test_a_restarted_operator_goes_on_with_what_was_counted():
    world = mirrored()
    world.run(8)
    counted = world.status.rollout.evidence[0].pairs[0].answered
    assert counted > 100
    world.restart_operator()
    world.run(3)
    assert world.status.rollout.evidence[0].pairs[0].answered > counted
