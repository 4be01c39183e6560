"""What each type of gate does to a release, told on a small cluster."""

import re
from typing import Any

from unit.controllers.servingdeployment.world import GATES, World

STEPS = [{"setWeight": 25}, {"pause": {"seconds": 30}}]


def at_25(*gates: dict[str, Any], **worth: float) -> World:
    """A world in which v2 has just got a quarter, watched by these gates beside that on errors."""
    world = World(rollout={"steps": STEPS, "gates": [*GATES, *gates], "bakeSeconds": 5})
    world.worth |= worth
    world.until(lambda: world.serves("v1"))
    world.change(version="v2")
    world.until(lambda: world.share("v2") == 25)
    return world


def says(world: World, gate: str) -> tuple[str, str]:
    """The verdict of a gate and its sentence, as the status has them."""
    found = next(status for status in world.status.rollout.gates if status.name == gate)
    return found.verdict, found.message


def seen(world: World) -> int:
    """Predictions of the new version that the status has."""
    counted = [evidence for evidence in world.status.rollout.evidence if evidence.role == "Candidate"]
    return sum(sum(gate.counts) for evidence in counted for gate in evidence.predictions)


class TestPredictionShift:
    SCORES = {"name": "scores", "type": "PredictionShift", "margin": "0.05"}  # noqa: RUF012
    HIGHER = (0.0, 0.0, 0.0, 0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2)

    def test_is_only_observed_unless_it_is_told_otherwise(self):
        world = at_25(self.SCORES)
        world.scores["v2"] = self.HIGHER
        world.until(lambda: says(world, "scores")[0] == "Fail", within=40)
        (status,) = [gate for gate in world.status.rollout.gates if gate.name == "scores"]
        assert status.on_fail == "Observe"
        assert "KolmogorovSmirnov 0.05 is allowed" in status.message
        assert "scores (observed)" in world.status.summary
        world.until(lambda: world.serves("v2"), within=120)
        assert world.incidents() == []

    def test_takes_a_version_back_that_was_declared_equivalent(self):
        world = at_25(self.SCORES | {"onFail": "Abort"})
        world.scores["v2"] = self.HIGHER
        world.until(lambda: world.share("v2") == 0, within=40)
        (incident,) = world.incidents()
        assert incident["spec"]["gate"] == "scores"
        assert "predictions of stable; predictions " in incident["spec"]["summary"]

    def test_lets_a_version_pass_that_predicts_alike_and_is_silent_where_stable_has_no_traffic(self):
        world = at_25(self.SCORES | {"onFail": "Abort"})
        world.until(lambda: world.state() == "Baking", within=120)
        world.run(2)
        verdict, message = says(world, "scores")
        assert verdict == "NoEvidenceOfHarm"
        assert message == "stable predicts nothing now: there is nothing to compare with"
        world.until(lambda: world.serves("v2"))

    def test_a_change_of_the_traffic_in_the_bake_is_not_held_against_the_version(self):
        world = at_25(self.SCORES | {"onFail": "Abort"})
        world.until(lambda: world.state() == "Baking", within=120)
        world.scores["v2"] = self.HIGHER
        world.until(lambda: world.serves("v2"))
        assert world.incidents() == []

    def test_holds_a_release_of_predictors_that_do_not_count_their_predictions(self):
        world = World(rollout={"steps": STEPS, "gates": [*GATES, self.SCORES | {"onFail": "Abort"}]})
        world.scores["v2"] = ()
        world.until(lambda: world.serves("v1"))
        world.change(version="v2")
        world.until(lambda: world.share("v2") == 25)
        world.run(10)
        assert world.ready() == ("False", "NotComparable")
        assert "the predictor of the new version answers without counting its predictions" in world.status.summary
        assert world.incidents() == []

    def test_goes_on_with_its_counts_after_a_restart_of_the_operator(self):
        world = at_25(self.SCORES)
        world.run(15)
        before = seen(world)
        world.restart_operator()
        world.run(3)
        after = seen(world)
        assert before > 0
        assert after >= before


class TestBusinessMetric:
    WORTH = {"name": "worth", "type": "BusinessMetric", "metric": {"largest": "4"}, "margin": "0.05"}  # noqa: RUF012

    def test_takes_a_version_back_whose_answers_are_worth_less(self):
        world = at_25(self.WORTH, v1=1.0, v2=1.0)
        world.worth["v2"] = 0.2
        world.until(lambda: world.share("v2") == 0, within=60)
        (incident,) = world.incidents()
        assert incident["spec"]["gate"] == "worth"
        assert "worse than stable" in incident["spec"]["summary"]

    def test_lets_a_version_pass_whose_answers_are_worth_as_much_or_more(self):
        world = at_25(self.WORTH, v1=1.0, v2=1.0)
        world.worth["v2"] = 1.5
        world.until(lambda: world.serves("v2"), within=120)
        assert world.incidents() == []

    def test_takes_a_version_back_for_more_where_more_is_worse(self):
        costs = self.WORTH | {"metric": {"largest": "4", "higherIsBetter": False}}
        world = at_25(costs, v1=1.0, v2=1.0)
        world.worth["v2"] = 1.5
        world.until(lambda: world.share("v2") == 0, within=60)

    def test_holds_a_release_whose_answers_do_not_say_what_they_are_worth(self):
        world = at_25(self.WORTH, v1=1.0, v2=1.0)
        world.worth["v2"] = None
        world.run(10)
        assert world.ready() == ("False", "NotComparable")
        assert "the answers of the new version do not bear the metric worth" in world.status.summary
        assert world.incidents() == []

    def test_a_value_beyond_the_largest_is_an_error_and_not_a_verdict(self):
        world = at_25(self.WORTH, v1=1.0, v2=1.0)
        world.worth["v2"] = 9.0
        world.run(10)
        assert says(world, "worth")[0] == "Error"
        assert "by more than the 4 that one answer may add" in world.status.summary


class TestCalibration:
    CALIBRATION = {"name": "calibration", "type": "Calibration", "margin": "0.2", "windowSeconds": 1}  # noqa: RUF012
    STEPS = [{"setWeight": 25}, {"pause": {"seconds": 130}}]  # noqa: RUF012

    def at_25(self, v2: tuple[float, float] | None, **more: Any) -> World:
        world = World(rollout={"steps": self.STEPS, "gates": [self.CALIBRATION | more], "bakeSeconds": 1})
        world.outcome |= {"v1": (0.2, 0.2), "v2": v2}
        world.until(lambda: world.serves("v1"))
        world.change(version="v2")
        world.until(lambda: world.share("v2") == 25)
        return world

    def test_takes_a_version_back_that_promises_too_much_where_it_decides(self):
        world = self.at_25((0.6, 0.2), onFail="Abort")
        world.until(lambda: world.share("v2") == 0, within=130)
        (incident,) = world.incidents()
        assert incident["spec"]["gate"] == "calibration"

    def test_waits_for_labels_and_says_so(self):
        world = self.at_25(None, onFail="Abort", windowSeconds=600)
        world.run(135)
        assert world.ready() == ("False", "AwaitingEvidence")
        assert "0 of 30 labels of the new version seen" in world.status.summary

    def test_goes_on_with_its_counts_after_a_restart_of_the_operator_and_counts_no_label_twice(self):
        world = self.at_25((0.2, 0.2))
        world.run(125)
        before = labelled(world)
        world.restart_operator()
        world.run(3)
        assert before > 0
        assert labelled(world) == before


class TestNormalizedEntropy:
    """Predictions are as far from right as stable's on average, and know less of what comes true."""

    ENTROPY = {"name": "entropy", "type": "NormalizedEntropy", "margin": "0.2", "windowSeconds": 60}  # noqa: RUF012
    STEPS = [{"setWeight": 25}, {"pause": {"seconds": 250}}]  # noqa: RUF012
    TWICE_AS_MANY = (0.4, 0.2)
    HARDLY_ANY = (0.01, 0.2)

    def at_25(self, v2: tuple[float, float]) -> World:
        """A world in which v2 has just got a quarter, and labels come 45 seconds after the answers."""
        gates = [self.ENTROPY | {"onFail": "Abort"}]
        world = World(rollout={"steps": self.STEPS, "gates": gates, "bakeSeconds": 1})
        world.rate, world.labels_late = 200.0, 45.0
        world.outcome |= {"v1": self.TWICE_AS_MANY, "v2": v2}
        world.until(lambda: world.serves("v1"))
        world.change(version="v2")
        world.until(lambda: world.share("v2") == 25)
        return world

    def test_takes_a_version_back_once_late_labels_show_that_it_knows_less(self):
        world = self.at_25(self.HARDLY_ANY)
        assert world.until(lambda: world.share("v2") == 0, within=250) >= 120
        (incident,) = world.incidents()
        assert (incident["spec"]["type"], incident["spec"]["gate"]) == ("Rollback", "entropy")
        assert incident["spec"]["quarantine"] is True
        world.run(1)
        assert (world.state(), world.share("v1")) == ("Aborted", 100)
        assert world.ready() == ("False", "Quarantined")
        assert world.status.summary.startswith("v2 was taken back at ")
        assert f": {incident['spec']['summary']} (Incident {incident['metadata']['name']})" in world.status.summary
        assert re.match(r"entropy: 1\.8\d* \(\d+\) against 1\.18\d* \(\d+\) of stable; ", incident["spec"]["summary"])
        assert world.status.summary.endswith("Meanwhile v1 answers.")

    def test_lets_a_version_go_on_that_knows_as_much(self):
        world = self.at_25(self.TWICE_AS_MANY)
        world.until(lambda: world.state() == "Baking", within=300)
        assert world.incidents() == []


def labelled(world: World) -> int:
    """Labels of the new version that the status has."""
    counted = [evidence for evidence in world.status.rollout.evidence if evidence.role == "Candidate"]
    return sum(sums.answers for evidence in counted for sums in evidence.sums)


class TestSampleRatio:
    RATIO = {"name": "ratio", "type": "SampleRatio", "margin": "0.02"}  # noqa: RUF012

    def test_holds_a_release_whose_answers_get_lost_and_takes_nothing_back(self):
        world = at_25(self.RATIO)
        world.lost["v2"] = 0.6
        world.run(35)
        assert world.share("v2") == 25
        assert world.incidents() == []
        assert world.ready() == ("False", "NotComparable")
        assert "the new version gets" in world.status.summary
        assert "not 25.00%: the versions cannot be compared" in world.status.summary

    def test_lets_a_release_go_on_to_its_end_where_the_shares_are_right(self):
        world = at_25(self.RATIO)
        world.until(lambda: world.serves("v2"), within=120)
        assert world.incidents() == []

    def test_goes_on_with_its_counts_after_a_restart_of_the_operator(self):
        world = at_25(self.RATIO)
        world.lost["v2"] = 0.6
        world.until(lambda: says(world, "ratio")[0] == "Error", within=40)
        world.restart_operator()
        world.run(1)
        assert says(world, "ratio")[0] == "Error"

    def test_only_holds_while_it_decides(self):
        world = at_25(self.RATIO | {"onFail": "Observe"})
        world.lost["v2"] = 0.6
        world.run(20)
        assert says(world, "ratio")[0] == "Error"
        assert world.ready() == ("False", "Progressing")
        assert "ratio (observed)" in world.status.summary
        world.until(lambda: world.serves("v2"), within=120)

    def test_guards_against_nothing_by_itself(self):
        world = World(rollout={"steps": STEPS, "gates": [self.RATIO], "bakeSeconds": 10})
        world.until(lambda: world.serves("v1"))
        world.change(version="v2")
        world.until(lambda: world.share("v2") == 25)
        assert world.condition("Guarded") == ("False", "NoGates")
