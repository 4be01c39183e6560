"""Gates on slices: a version that is bad for one tenant alone is taken back, and a rare tenant holds up nothing."""

from typing import Any

from unit.controllers.servingdeployment.world import World

STEPS = [{"setWeight": 25}, {"pause": {"seconds": 30}}]
ERRORS = {"name": "errors", "type": "ErrorRate", "margin": "0.05", "minSamples": 20, "slices": ["acme", "de"]}
LATENCY = {"name": "latency", "type": "Latency", "margin": "0.1", "slices": ["acme"]}


def at_25(*gates: dict[str, Any], mute: str = "", **rollout: Any) -> World:
    """A world in which v2 has just got a quarter of the requests, some of which are of acme and more of de."""
    world = World(rollout={"steps": STEPS, "gates": list(gates or [ERRORS]), "bakeSeconds": 5} | rollout)
    world.rate, world.parts, world.mute = 500.0, {"acme": 0.02, "de": 0.3}, {mute}
    world.until(lambda: world.serves("v1"))
    world.change(version="v2")
    return world


def says(world: World, test: str) -> tuple[str, str]:
    """The verdict of a gate, or on a slice of it, and its sentence."""
    found = next(status for status in world.status.rollout.gates if status.name == test)
    return found.verdict, found.message


def counted(world: World) -> dict[str, tuple[int, int]]:
    """Answers of the new version to requests of each slice as the status keeps them, and those that failed."""
    kept = [evidence for evidence in world.status.rollout.evidence if evidence.role == "Candidate"]
    return {found.gate: (found.requests, found.errors) for evidence in kept for found in evidence.slices}


def begun(world: World) -> World:
    world.until(lambda: world.share("v2") == 25)
    return world


def test_a_version_that_is_bad_for_one_tenant_alone_is_taken_back_and_the_incident_names_it():
    world = begun(at_25())
    world.errors_of["v2", "acme"] = 0.6
    world.until(lambda: world.share("v2") == 0, within=60)
    (incident,) = world.incidents()
    assert incident["spec"]["gate"] == "errors/acme"
    assert incident["spec"]["summary"].startswith("errors of slice acme: ")
    verdicts = {found["gate"]: found["verdict"] for found in incident["spec"]["evidence"]}
    assert verdicts.keys() == {"errors", "errors/acme", "errors/de"}
    assert "Fail" not in {verdicts["errors"], verdicts["errors/de"]}
    assert incident["spec"]["quarantine"]


def test_a_version_that_is_slow_for_all_is_found_by_all_answers_first():
    world = begun(at_25(LATENCY))
    world.slow["v2"] = 0.5
    world.until(lambda: world.share("v2") == 0, within=60)
    assert world.incidents()[0]["spec"]["gate"] == "latency"


def test_a_good_version_passes_and_slices_that_are_fine_are_not_worth_a_word():
    world = begun(at_25())
    world.run(20)
    assert "errors" in world.status.summary
    assert "acme" not in world.status.summary
    assert says(world, "errors/de")[0] in {"NoEvidenceOfHarm", "Pass"}
    world.until(lambda: world.serves("v2"), within=120)
    assert world.incidents() == []


def test_a_tenant_who_asks_for_nothing_holds_up_nothing():
    world = begun(at_25())
    world.parts = {}
    world.run(25)
    assert says(world, "errors/acme") == ("NoEvidenceOfHarm", "too few answers of slice acme to tell: 0 of 20")
    world.until(lambda: world.serves("v2"), within=120)


def test_proof_is_asked_of_all_answers_and_not_of_a_slice():
    world = begun(at_25(ERRORS | {"passOn": "Proof"}))
    world.parts = {}
    world.until(lambda: world.serves("v2"), within=300)


def test_a_slice_that_looks_bad_holds_the_step_and_is_named():
    world = begun(at_25(steps=[{"setWeight": 25}, {"pause": {"seconds": 120}}]))
    world.errors_of["v2", "acme"] = 0.25
    world.until(lambda: "looks worse than stable" in says(world, "errors/acme")[1], within=100)
    assert says(world, "errors/acme")[0] == "Inconclusive"
    assert "; errors of slice acme " in world.status.summary


def test_predictors_that_do_not_count_slices_hold_the_release_and_are_named_once():
    world = at_25(mute="v2")
    world.until(lambda: world.share("v2") == 25)
    world.run(10)
    assert world.ready() == ("False", "NotComparable")
    told = "errors/acme, errors/de: the predictor of the new version does not count slices"
    assert told in world.status.summary
    assert world.incidents() == []
    world.run(60)
    assert world.share("v2") == 25


def test_a_stable_version_that_does_not_count_slices_is_noticed_before_the_new_one_gets_traffic():
    world = at_25(mute="v1")
    world.run(20)
    assert world.share("v2") == 0
    assert "the predictor of stable does not count slices" in world.status.summary


def test_a_restart_of_the_operator_goes_on_with_what_was_counted_of_each_slice():
    world = begun(at_25())
    world.run(15)
    before = counted(world)
    world.restart_operator()
    world.run(3)
    after = counted(world)
    assert before["errors/de"][0] > 100
    assert after["errors/de"][0] >= before["errors/de"][0]
    assert after["errors/acme"][0] >= before["errors/acme"][0] > 0


def test_errors_of_a_slice_that_stable_has_too_are_not_held_against_the_artifact():
    world = begun(at_25())
    world.run(20)
    world.errors_of |= {("v2", "acme"): 1.0, ("v1", "acme"): 0.5}
    world.until(lambda: world.share("v2") == 0, within=60)
    (incident,) = world.incidents()
    assert incident["spec"]["gate"] == "errors/acme"
    assert not incident["spec"]["quarantine"]


def test_slices_of_a_gate_that_is_only_observed_take_nothing_back():
    world = begun(at_25(ERRORS | {"onFail": "Observe"}))
    world.errors_of["v2", "acme"] = 0.6
    world.until(lambda: says(world, "errors/acme")[0] == "Fail", within=60)
    assert "errors of slice acme (observed)" in world.status.summary
    assert world.share("v2") == 25
