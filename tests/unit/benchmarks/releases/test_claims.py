"""Claims are about our runs that the client could keep up with, and about all that was asked."""

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.releases.answers import Run
from benchmarks.releases.claims import claims, expected_samples, p95
from benchmarks.releases.ranges import out_of_range
from benchmarks.releases.scenarios import THIRD, Ending

RUN = Run(
    contestant="shipway",
    scenario="from-start",
    ended=Ending.TAKEN_BACK,
    first_answer_s=8.0,
    minutes=0.2,
    back_s=1.2,
    bad_answers=6,
    samples=14,
    write_to_last_ms=30.0,
    requests=900,
    lost=0,
    not_asked=0,
)


def value(name: str, *runs: Run, disturbed: Any = (), simulated: Any = None) -> float | None:
    """Of one claim, if it is made."""
    found = {each["name"]: each["value"] for each in claims(runs, disturbed, simulated or {})}
    return found.get(name)


def test_a_peers_runs_make_no_claim() -> None:
    assert value("from_start_median_s", RUN, replace(RUN, contestant="argo-s60", back_s=15.0)) == 1.2


def test_it_is_told_how_often_either_was_measured_where_the_client_could_keep_up() -> None:
    peer = replace(RUN, contestant="argo-s30")
    runs = (RUN, RUN, replace(RUN, not_asked=400), peer, replace(peer, scenario="after-health"))
    assert value("from_start_runs", *runs) == 2
    assert value("from_start_runs_of_peer", *runs) == 1


def test_what_was_asked_under_disturbances_is_told_apart_from_the_rest() -> None:
    disturbed = [{"requests": 70_000, "lost": 0}, {"requests": 40_000, "lost": 1}]
    assert value("requests_disturbed", RUN, disturbed=disturbed) == 110_000
    assert value("requests_asked", RUN, disturbed=disturbed) == 110_900
    assert value("requests_lost", RUN, disturbed=disturbed) == 1


def test_a_run_whose_rate_was_not_carried_says_nothing_of_time() -> None:
    assert value("at_1000_rps_median_s", replace(RUN, scenario="at-1000", not_asked=400)) is None
    assert value("at_1000_rps_median_s", replace(RUN, scenario="at-1000", not_asked=2)) == 1.2


def test_false_aborts_are_of_all_releases_of_a_version_that_is_as_good() -> None:
    kept, promoted = replace(RUN, scenario="same", ended=Ending.NEITHER), replace(RUN, scenario="good")
    blamed = replace(RUN, scenario="same")
    good = replace(promoted, ended=Ending.PROMOTED)
    assert value("false_aborts_of_100_live_AA", RUN, kept, kept, good, blamed) == 25


def test_a_bad_release_that_nobody_noticed_is_told() -> None:
    assert value("noticed_of_bad_releases", RUN, replace(RUN, ended=Ending.NEITHER, back_s=None)) == 50


def test_a_mirrored_version_that_answered_a_client_is_told() -> None:
    unseen = replace(RUN, scenario="mirrored", first_answer_s=None)
    assert value("clients_of_mirrored_versions", unseen, unseen) == 0
    assert value("clients_of_mirrored_versions", unseen, replace(unseen, first_answer_s=3.0)) == 1


def test_what_is_lost_counts_wherever_it_is_lost() -> None:
    disturbed = [{"requests": 100_000, "lost": 2}]
    assert value("requests_lost", replace(RUN, lost=1), disturbed=disturbed) == 3
    assert value("requests_asked", RUN, disturbed=disturbed) == 100_900


def test_drawn_releases_are_counted_as_the_claims_say() -> None:
    drawn = {
        "runs": 500,
        "equal": {"gates": {"taken_back": 1, "taken_back_late": 1, "promoted": 498}},
        "subtle": {"gates": {"taken_back": 490, "held": 10}},
    }
    assert value("false_aborts_of_1000_AA", simulated=drawn) == 4
    assert value("subtle_caught_before_100_percent", simulated=drawn) == 98


def test_the_expected_samples_are_those_of_a_test_that_knows_both_shares() -> None:
    assert expected_samples(THIRD) == pytest.approx(6, abs=1)


@pytest.mark.parametrize(("values", "expected"), [([3.0], 3.0), (list(range(1, 21)), 19), (list(range(1, 101)), 95)])
def test_the_95_percent_value_was_measured(values: list[float], expected: float) -> None:
    assert p95(values) == expected


def test_a_quick_run_is_held_against_every_range() -> None:
    assert out_of_range([RUN]) == []
    assert out_of_range([replace(RUN, back_s=60.0, lost=1)]) == [
        "from_start_median_s is 60; at most 6 is allowed (ranges.yaml)",
        "requests_lost is 1; at most 0 is allowed (ranges.yaml)",
    ]
    missed = replace(RUN, ended=Ending.NEITHER)
    assert out_of_range([RUN, missed])[0] == "noticed_of_bad_releases is 50; at least 100 is allowed (ranges.yaml)"
