"""Drawn releases: every rule sees whole releases, and what is far off is treated as one would expect."""

import numpy as np
import pytest

from benchmarks.releases.plans import EQUAL, RULES, Judge, Versions, release, releases
from benchmarks.releases.scenarios import DEFAULT, Plan
from shipway.analysis.counts import Count
from shipway.analysis.evidence import Sample
from shipway.api.v1alpha1.gates import Verdict
from shipway.api.v1alpha1.rollout import Rollout

SHORT = Plan(((10, 10), (50, 10)), bake_seconds=5)
BAD = Versions(0.01, 0.4)


def test_the_default_plan_is_that_of_the_api() -> None:
    measured = Rollout.model_validate(DEFAULT.ours())
    assert (measured.steps, measured.bake_seconds) == (Rollout().steps, Rollout().bake_seconds)


def ending(rule: str, versions: Versions, *, seed: int = 1) -> str:
    return release(RULES[rule](versions), versions, np.random.default_rng(seed), SHORT)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_takes_a_bad_version_back(rule: str) -> None:
    assert ending(rule, BAD) == "taken_back"


@pytest.mark.parametrize("rule", ["gates", "argo-s60"])
def test_a_version_as_good_as_stable_is_promoted_by_those_who_look_closely(rule: str) -> None:
    assert ending(rule, EQUAL) == "promoted"


def test_the_same_seed_ends_the_same_way() -> None:
    assert releases("argo-agg", EQUAL, runs=5, seed=3) == releases("argo-agg", EQUAL, runs=5, seed=3)


class Undecided:
    """Never knows."""

    def begin(self, weight: int) -> None:
        del weight

    def look(self, new: Sample, old: Sample) -> Verdict:
        del new, old
        return Verdict.INCONCLUSIVE


def test_a_release_that_nobody_can_judge_waits_for_a_person() -> None:
    judge: Judge = Undecided()
    assert release(judge, EQUAL, np.random.default_rng(1), SHORT) == "held"


def sample(trials: int, errors: int) -> Sample:
    return Sample(Count(trials, errors))


def test_a_window_forgets_and_a_sum_does_not() -> None:
    recent, since_start = RULES["argo-agg"](EQUAL), RULES["argo-raw"](EQUAL)
    for judge in (recent, since_start):
        for _ in range(400):
            assert judge.look(sample(25, 0), sample(0, 0)) is not Verdict.FAIL
    verdicts = [[judge.look(sample(25, 5), sample(0, 0)) for _ in range(12)] for judge in (recent, since_start)]
    assert Verdict.FAIL in verdicts[0]
    assert Verdict.FAIL not in verdicts[1]
