"""Signs of life: what counts as one, and which time counts at all."""

from typing import Any

import pytest

from shipway.integrations.report import CheckpointReport, Report
from shipway.integrations.signs import LONGEST_GAP_SECONDS, Attention, ListeningClock


def report(step: int, *, saved: int | None = None, attempt: int = 1, **changes: Any) -> Report:
    checkpoint = None
    if saved is not None:
        checkpoint = CheckpointReport(step=saved, uri="s3://models/c", time="2026-11-26T12:00:00Z")
    return Report(attempt=attempt, step=step, checkpoint=checkpoint, **changes)


def heard(*reports: tuple[float, Report]) -> Attention:
    attention = Attention(1, began=0.0)
    for at, said in reports:
        attention.hear(said, at=at)
    return attention


def test_a_report_of_the_same_step_is_heard_and_is_no_step():
    signs = heard((10, report(5)), (20, report(5))).signs(now=30)
    assert (signs.without_step, signs.without_sign, signs.without_report) == (20, 20, 10)


def test_a_new_checkpoint_is_a_sign_of_life_and_no_step():
    signs = heard((10, report(5)), (20, report(5, saved=5)), (25, report(5, saved=5))).signs(now=30)
    assert (signs.without_step, signs.without_sign) == (20, 10)


def test_a_program_that_counts_its_steps_anew_still_makes_steps():
    assert heard((10, report(500)), (20, report(1))).signs(now=30).without_step == 10


def test_a_report_of_another_attempt_is_no_sign_of_this_one():
    signs = heard((10, report(500, attempt=2))).signs(now=30)
    assert not signs.reported
    assert signs.without_step == 30


def test_what_a_step_takes_is_learnt_from_several_reports():
    beginning = [(10.0, report(5)), (20.0, report(10)), (30.0, report(15))]
    assert heard(*beginning).signs(now=30).step_seconds is None
    assert heard(*beginning, (40.0, report(20))).signs(now=40).step_seconds == pytest.approx(2)


def test_one_long_pause_does_not_become_usual():
    steps = [(float(second), report(second)) for second in range(1, 20)]
    usual = heard(*steps, (10_000.0, report(20))).signs(now=10_000).step_seconds
    assert usual is not None
    assert usual < 2


def test_time_in_which_nobody_listened_does_not_count():
    times = iter([0.0, 5.0, 5.0 + 3600, 5.0 + 3600 + LONGEST_GAP_SECONDS])
    clock = ListeningClock(lambda: next(times))
    assert [clock.now(), clock.now(), clock.now()] == [5.0, 5.0, 5.0 + LONGEST_GAP_SECONDS]


def test_while_somebody_who_speaks_is_not_understood_no_time_counts():
    now = 0.0
    clock = ListeningClock(lambda: now)
    for _ in range(10):
        now += 5
        clock.miss()
        assert clock.now() == 0
    now += LONGEST_GAP_SECONDS
    assert clock.now() == 0
    now += 5
    assert clock.now() == 5


def test_all_steps_are_made_when_the_last_planned_one_is():
    assert heard((10, report(800, total_steps=800))).signs(now=10).all_steps_made
    assert not heard((10, report(799, total_steps=800))).signs(now=10).all_steps_made
    assert not heard((10, report(800))).signs(now=10).all_steps_made, "nobody said how many are planned"
