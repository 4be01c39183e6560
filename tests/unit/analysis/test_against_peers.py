"""Beside Spotify's Confidence, which looks once, or as often as planned: where it is clear both say the same.

What holds at every look contains what holds at one, and is wider by a bounded factor.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shipway.analysis.confidence import Interval
from shipway.analysis.counts import Count
from shipway.analysis.gates import Comparison, Tolerance
from shipway.analysis.measure import PROPORTION
from shipway.analysis.ratio import Ratio, RatioMeasure
from shipway.api.v1alpha1.gates import Verdict

# It is written for the pandas before this one, which warns it at every turn.
# Where all answers of both versions are the same there is no variance, and no power that it could divide by.
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:(divide by zero|invalid value):RuntimeWarning:spotify_confidence"),
]

ALPHA = 0.01
MEAN = RatioMeasure(1.0)


@dataclass(frozen=True)
class Look:
    """The answers of both versions so far."""

    new: Ratio
    old: Ratio


def hits(trials: int, count: int) -> Ratio:
    """Answers of which some are bad, as sums of 0 and 1."""
    return Ratio.of_mean(trials, count, count)


def scores(rng: np.random.Generator, trials: int, mean: float) -> Ratio:
    """Answers with values that vary little."""
    values = rng.beta(mean * 30, (1 - mean) * 30, trials)
    return Ratio.of_mean(trials, float(values.sum()), float((values**2).sum()))


def theirs(looks: Sequence[Look], *, planned: int = 0, alpha: float = ALPHA, **asked: Any) -> Any:
    """A row for each look: once each on its own, or adjusted to looks that were planned until so many answers."""
    # Charts come with it, and take seconds to load: who runs other tests does not wait for them.
    from pandas import DataFrame
    from spotify_confidence import ZTest

    table = DataFrame(
        [
            {"version": version, "look": number, "sum": seen.top, "squares": seen.top_squares, "answers": seen.trials}
            for number, look in enumerate(looks, start=1)
            for version, seen in (("new", look.new), ("old", look.old))
        ]
    ).assign(planned=planned)
    test = ZTest(table, "sum", "squares", "answers", "version", ordinal_group_column="look", interval_size=1 - alpha)
    last = {"final_expected_sample_size_column": "planned"} if planned else {}
    return test.difference("old", "new", absolute=True, groupby="look", **last, **asked)


def once(look: Look) -> Interval:
    """What it says who looks once."""
    (row,) = theirs([look]).to_dict("records")
    return Interval(row["ci_lower"], row["ci_upper"])


def for_ever(look: Look, *, shares: bool, alpha: float = ALPHA) -> Interval:
    """What we say, half of alpha on either version."""
    if shares:
        new, old = (PROPORTION.interval(count_of(seen), alpha / 2) for seen in (look.new, look.old))
    else:
        new, old = (MEAN.interval(seen, alpha / 2) for seen in (look.new, look.old))
    return Interval(new.lower - old.upper, new.upper - old.lower)


def count_of(seen: Ratio) -> Count:
    return Count(seen.trials, round(seen.top))


def width(found: Interval) -> float:
    return found.upper - found.lower


def contains(outer: Interval, inner: Interval) -> bool:
    return outer.lower <= inner.lower <= inner.upper <= outer.upper


SHARES = [
    Look(hits(1000, 10), hits(1000, 10)),
    Look(hits(500, 6), hits(9500, 95)),
    Look(hits(20_000, 240), hits(20_000, 200)),
    Look(hits(100_000, 100), hits(100_000, 100)),
    Look(hits(300, 150), hits(300, 150)),
    Look(hits(200, 180), hits(4000, 2000)),
]


@pytest.mark.parametrize("look", SHARES)
def test_shares_for_ever_contain_those_at_one_look_and_are_less_than_three_times_as_wide(look: Look):
    inner, outer = once(look), for_ever(look, shares=True)
    assert contains(outer, inner)
    assert width(outer) < 3 * width(inner)


@pytest.mark.parametrize(
    ("new", "old"), [((1000, 0.5), (1000, 0.5)), ((500, 0.3), (9500, 0.3)), ((9000, 0.1), (9000, 0.12))]
)
def test_means_for_ever_contain_those_at_one_look_and_are_less_than_four_times_as_wide(
    new: tuple[int, float], old: tuple[int, float]
):
    rng = np.random.default_rng(1)
    look = Look(scores(rng, *new), scores(rng, *old))
    inner, outer = once(look), for_ever(look, shares=False)
    assert contains(outer, inner)
    assert width(outer) < 4 * width(inner)


@example(200, 200, 0.0, 1.0)
@example(200, 200, 0.0, 0.0)
@example(200, 200, 1.0, 0.03125)
@example(200, 20_000, 1.0, 1.0)
@settings(max_examples=20, deadline=None)
@given(st.integers(200, 20_000), st.integers(200, 20_000), st.floats(0, 1), st.floats(0, 1))
def test_what_we_prove_is_proven_to_who_looks_once_whatever_was_seen(new: int, old: int, p: float, q: float):
    look = Look(hits(new, round(new * p)), hits(old, round(old * q)))
    ours, at_one_look = for_ever(look, shares=True), once(look)
    assert ours.lower <= 0 or at_one_look.lower > 0
    assert ours.upper >= 0 or at_one_look.upper < 0


def five_looks(rng: np.random.Generator, p: float, q: float) -> list[Look]:
    """At 8,000 answers, and after as many more four times."""
    bad, usual = (rng.binomial(4000, share, 5).cumsum().tolist() for share in (p, q))
    return [
        Look(hits(4000 * n, x), hits(4000 * n, y)) for n, (x, y) in enumerate(zip(bad, usual, strict=True), start=1)
    ]


def test_shares_for_ever_contain_those_of_five_planned_looks_and_are_less_than_three_times_as_wide():
    """Group-sequential bounds: O'Brien and Fleming's kind, which spend little on early looks."""
    looks = five_looks(np.random.default_rng(1), 0.012, 0.01)
    rows = theirs(looks, planned=40_000).to_dict("records")
    for look, row in zip(looks, rows, strict=True):
        inner, outer = Interval(row["adjusted ci_lower"], row["adjusted ci_upper"]), for_ever(look, shares=True)
        assert width(inner) > row["ci_upper"] - row["ci_lower"], "the look is adjusted"
        assert contains(outer, inner)
        assert width(outer) < 3 * width(inner)


def test_what_harms_clearly_is_seen_at_the_same_planned_look_or_one_later():
    looks = five_looks(np.random.default_rng(2), 0.02, 0.01)
    rows = theirs(looks, planned=40_000).to_dict("records")
    planned = next(n for n, row in enumerate(rows) if row["adjusted ci_lower"] > 0)
    ours = next(n for n, look in enumerate(looks) if for_ever(look, shares=True).lower > 0)
    assert planned <= ours <= planned + 1


@dataclass(frozen=True)
class Case:
    """Bad answers of 20,000 of either version, and what is to be said of them."""

    new: int
    old: int
    margin: float
    verdict: Verdict


UNDECIDED = Verdict.NO_EVIDENCE_OF_HARM
CLEAR = [
    Case(200, 200, 0.01, Verdict.PASS),
    Case(100, 200, 0.005, Verdict.PASS),
    Case(600, 200, 0.005, Verdict.FAIL),
    Case(2600, 2000, 0.01, Verdict.FAIL),
    Case(205, 200, 0.001, UNDECIDED),
]


@pytest.mark.parametrize("case", CLEAR)
def test_both_say_the_same_of_a_margin_where_it_is_clear(case: Case):
    look = Look(hits(20_000, case.new), hits(20_000, case.old))
    assert judged(look, case.margin) is case.verdict
    assert is_within(look, case.margin) is (case.verdict is Verdict.PASS)
    assert (once(look).lower > case.margin) is (case.verdict is Verdict.FAIL)


def judged(look: Look, margin: float) -> Verdict:
    """By a gate that sees the answers come in a hundred batches, the bad ones spread over them."""
    comparison = Comparison.begin(Tolerance(margin=margin, min_samples=30, alpha=ALPHA), PROPORTION)
    for new, old in zip(batches(look.new), batches(look.old), strict=True):
        comparison = comparison.observe(candidate=new, stable=old)
    return comparison.judge().verdict


def batches(seen: Ratio) -> list[Count]:
    edges = np.linspace(0, seen.top, 101).round().astype(int)
    return [Count(seen.trials // 100, int(count)) for count in np.diff(edges)]


def is_within(look: Look, margin: float) -> bool:
    """Its test for non-inferiority, whose margin is a fraction of the old value."""
    old = look.old.top / look.old.trials
    (row,) = theirs([look], non_inferiority_margins=(margin / old, "decrease")).to_dict("records")
    return bool(row["is_significant"])


def test_who_looks_ten_times_without_a_plan_blames_equals_too_often_and_we_do_not():
    rng, alpha, runs = np.random.default_rng(3), 0.1, 20
    blamed = {"at any look": 0, "for ever": 0}
    for _ in range(runs):
        new, old = (rng.binomial(200, 0.05, 10).cumsum().tolist() for _ in range(2))
        looks = [
            Look(hits(200 * n, x), hits(200 * n, y)) for n, (x, y) in enumerate(zip(new, old, strict=True), start=1)
        ]
        rows = theirs(looks, alpha=alpha).to_dict("records")
        blamed["at any look"] += any(not row["ci_lower"] <= 0 <= row["ci_upper"] for row in rows)
        found = [for_ever(look, shares=True, alpha=alpha) for look in looks]
        blamed["for ever"] += any(not each.lower <= 0 <= each.upper for each in found)
    assert blamed["for ever"] <= alpha * runs
    assert blamed["at any look"] >= 2 * alpha * runs
