"""What is counted for objectives, as predictors restart, come, go and fall silent; and who is woken by it."""

from dataclasses import replace
from typing import Any

from prometheus_client import CollectorRegistry

from shipway.analysis.counts import Count
from shipway.analysis.ratio import Ratio
from shipway.api.v1alpha1.objectives import Objective
from shipway.integrations.budgets import PERIOD_SECONDS, SILENCE_SECONDS, BudgetFollower, Duty
from shipway.integrations.burn_rates import BurnRates
from shipway.integrations.tally import Counters, Target
from shipway.kube.resource import Key

AVAILABILITY = Objective(name="availability", type="Availability", target="0.999")
MISSING = Objective(name="missing", type="Metric", target="0.95", at_most="0.05")
A, B = Target("a", "10.0.0.1", "v1"), Target("b", "10.0.0.2", "v1")
DUTY = Duty((AVAILABILITY,), (A, B))


class Follower:
    """A follower on a clock, and the counters of its predictors."""

    def __init__(self, duty: Duty = DUTY) -> None:
        self.now = 1000.0
        self.duty = duty
        self.follower = BudgetFollower(duty, lambda: self.now)
        self.counted: dict[str, Counters] = {"a": Counters(1.0, 5000, 500), "b": Counters(1.0, 7000, 0)}
        self.silent: set[str] = set()
        self.woken = 0
        self.look()

    def look(self) -> None:
        self.now += PERIOD_SECONDS
        answers = {
            target: "connection refused" if target.pod in self.silent else self.counted[target.pod]
            for target in self.follower.targets
        }
        self.woken += self.follower.take(answers)

    def answers(self, pod: str, requests: int, errors: int = 0) -> None:
        before = self.counted[pod]
        self.counted[pod] = replace(before, requests=before.requests + requests, errors=before.errors + errors)

    def assign(self, **changes: Any) -> None:
        self.duty = replace(self.duty, **changes)
        self.follower.assign(self.duty)

    def go_on(self, seconds: float, *, requests: int = 100, errors: int = 0) -> None:
        for _ in range(round(seconds / PERIOD_SECONDS)):
            for target in self.follower.targets:
                self.answers(target.pod, requests, errors)
            self.look()

    def count(self, objective: str = "availability", minutes: int = 60) -> Count:
        return self.follower.reading().burns[objective].counts[minutes]


def test_what_was_answered_before_the_first_look_is_not_counted():
    follower = Follower()
    assert follower.count() == Count()
    follower.answers("a", 10, 3)
    follower.look()
    assert follower.count() == Count(10, 3)


def test_a_predictor_that_has_restarted_is_counted_from_its_own_beginning():
    follower = Follower()
    follower.counted["a"] = Counters(999.0, 8, 2)
    follower.look()
    assert follower.count() == Count(8, 2)


def test_pods_that_are_replaced_add_to_what_the_others_had_counted():
    follower = Follower()
    follower.answers("a", 10, 3)
    follower.look()
    follower.counted["c"] = Counters(1010.0, 400, 400)
    follower.assign(targets=(B, Target("c", "10.0.0.3", "v2")))
    follower.look()
    follower.answers("c", 5, 1)
    follower.look()
    assert follower.count() == Count(15, 4)


def test_an_answer_of_a_pod_that_is_gone_meanwhile_counts_no_more():
    follower = Follower()
    follower.assign(targets=(B,))
    follower.follower.take({A: Counters(1.0, 9000, 9000)})
    assert follower.count() == Count()


def test_what_a_silent_pod_has_answered_comes_later_and_nothing_is_called_steady_before():
    follower = Follower()
    follower.silent = {"a"}
    follower.go_on(SILENCE_SECONDS + PERIOD_SECONDS)
    reading = follower.follower.reading()
    assert reading.problem == "the counters of pod a cannot be read: connection refused"
    assert reading.burns["availability"].steady == 0
    follower.silent = set()
    follower.look()
    reading = follower.follower.reading()
    assert not reading.problem
    assert reading.burns["availability"].steady <= PERIOD_SECONDS
    assert follower.count() == Count(5 * 2 * 100, 0)


def test_a_pod_that_is_slow_to_answer_for_the_first_time_is_no_gap():
    follower = Follower()
    follower.go_on(600)
    follower.silent = {"c"}
    follower.counted["c"] = Counters(1600.0, 0, 0)
    follower.assign(targets=(A, B, Target("c", "10.0.0.3", "v1")))
    follower.go_on(SILENCE_SECONDS)
    follower.silent = set()
    follower.go_on(PERIOD_SECONDS)
    assert follower.follower.reading().burns["availability"].steady > 600


def test_without_any_ready_pod_it_is_said_after_a_while():
    follower = Follower()
    follower.assign(targets=())
    follower.look()
    assert follower.follower.reading().problem == ""
    for _ in range(4):
        follower.look()
    assert follower.follower.reading().problem == "no replica is ready that answers"


def test_another_target_goes_on_with_the_same_minutes_and_another_limit_begins_anew():
    follower = Follower()
    follower.go_on(60, errors=50)
    half = AVAILABILITY.model_copy(update={"target": "0.5"})
    follower.assign(objectives=(half, MISSING))
    assert follower.count() == Count(800, 400)
    assert follower.follower.reading().burns["availability"].budget == 0.5
    sums = Ratio(10, 1.0, 10.0, 1.0, 1.0, 10.0)
    follower.counted["a"] = replace(follower.counted["a"], metrics={"missing": Ratio()})
    follower.look()
    follower.counted["a"] = replace(follower.counted["a"], metrics={"missing": sums})
    follower.look()
    assert follower.count("missing") == Count(10, 10)
    follower.assign(objectives=(half, MISSING.model_copy(update={"at_most": "0.2"})))
    assert follower.count("missing") == Count()
    assert follower.follower.reading().burns["missing"].read == 0


def test_a_deployment_that_does_well_wakes_nobody_but_when_enough_was_read():
    follower = Follower()
    assert follower.woken == 1
    follower.go_on(600)
    assert follower.woken == 2
    follower.go_on(3600)
    woken = follower.woken
    follower.go_on(6 * 3600)
    assert follower.woken - woken <= 1


def test_an_outage_wakes_once_when_somebody_is_to_be_called():
    follower = Follower()
    follower.go_on(600)
    woken = follower.woken
    follower.go_on(300, errors=100)
    assert follower.woken - woken <= 2
    assert follower.follower.reading().burns["availability"].holding


def test_rates_are_told_to_whoever_scrapes_and_forgotten_with_the_deployment():
    follower, registry = Follower(), CollectorRegistry()
    follower.go_on(300, errors=50)
    readings = {Key("ServingDeployment", "team", "ranker"): follower.follower.reading()}
    registry.register(BurnRates(lambda: readings))
    labels = {"namespace": "team", "name": "ranker", "objective": "availability", "window": "1h"}
    value = registry.get_sample_value("shipway_objective_burn_rate", labels)
    assert value is not None
    assert 499 < value < 501
    readings.clear()
    assert registry.get_sample_value("shipway_objective_burn_rate", labels) is None
