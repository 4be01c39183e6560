"""What a client saw becomes the figures of a release."""

import pytest

from benchmarks.releases.answers import Answer, Run, measured
from benchmarks.releases.scenarios import Ending

BEGAN = 1000.0


def answer(after: float, *, version: str = "v2", harm: str = "", status: int | None = None) -> Answer:
    """An answer that many seconds after the version was asked for."""
    at = BEGAN + after
    return Answer(at - 0.01, at, status or (500 if harm in {"error", "background"} else 200), version, harm)


def released(*answers: Answer, ended: Ending = Ending.TAKEN_BACK, writes: tuple[float, ...] = ()) -> Run:
    at = [BEGAN + each for each in writes]
    return measured("shipway", "from-start", "v2", answers, began=BEGAN, ended=(ended, BEGAN + 60), route_writes=at)


def test_time_runs_from_the_first_bad_answer_to_the_last_answer_of_all() -> None:
    run = released(
        answer(4, harm="background"),
        answer(5),
        answer(6, harm="error"),
        answer(6.5, harm="background"),
        answer(7.5),
        answer(9, version="v1"),
        writes=(3, 7),
    )
    assert run.first_answer_s == 4
    assert run.back_s == 1.5
    assert run.bad_answers == 2
    assert run.samples == 4
    assert run.write_to_last_ms == 500


def test_a_version_that_stops_before_the_write_is_late_by_nothing() -> None:
    assert released(answer(6, harm="error"), writes=(7,)).write_to_last_ms == 0


def test_where_the_write_was_not_found_nothing_is_said_of_it() -> None:
    run = released(answer(6, harm="error"), answer(7), writes=(3,))
    assert (run.back_s, run.samples, run.write_to_last_ms) == (1, None, None)


@pytest.mark.parametrize("ended", [Ending.NEITHER, Ending.PROMOTED])
def test_what_was_not_taken_back_has_no_time_to_it(ended: Ending) -> None:
    run = released(answer(6, harm="error"), answer(7), ended=ended)
    assert (run.back_s, run.bad_answers, run.samples, run.write_to_last_ms) == (None, None, None, None)


def test_a_background_error_is_neither_the_versions_fault_nor_lost() -> None:
    run = released(answer(4, harm="background"), answer(5))
    assert run.back_s is None
    assert run.lost == 0


@pytest.mark.parametrize("status", [0, 404, 500, 503])
def test_what_fails_without_being_meant_to_is_lost(status: int) -> None:
    lost = Answer(BEGAN, BEGAN + 1, status, "", "")
    assert released(answer(4), lost).lost == 1


def test_what_was_never_asked_is_not_lost_but_told() -> None:
    run = released(answer(4), Answer(BEGAN, BEGAN, -1, "", ""))
    assert (run.requests, run.lost, run.not_asked) == (1, 0, 1)


def test_a_version_that_no_client_heard_of_has_no_first_answer() -> None:
    run = released(answer(4, version="v1"))
    assert (run.first_answer_s, run.back_s, run.lost) == (None, None, 0)


def test_a_run_can_be_read_again() -> None:
    run = released(answer(6, harm="error"))
    assert Run.from_json(run.to_json()) == run
