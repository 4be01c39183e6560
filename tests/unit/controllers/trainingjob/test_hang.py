"""When a training counts as hung, and when not."""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from shipway.api.v1alpha1.trainingjob import Health
from shipway.controllers.trainingjob.hang import UNKNOWN_SECONDS, judge
from shipway.integrations.report import Activity, Report
from shipway.integrations.signs import LEARNT_AFTER, Attention, Signs

LOADING = {"activity": Activity.LOADING_DATA}


def signs(silent: float, **known: Any) -> Signs:
    """Nothing new for so long, though rank 0 goes on reporting."""
    told: dict[str, Any] = {"without_step": silent, "without_sign": silent, "without_report": 5, "step_seconds": 2.0}
    return Signs(attempt=1, reported=True, **{**told, **known})


@pytest.mark.parametrize(
    ("heard", "health", "hangs"),
    [
        (signs(119), {}, False),
        (signs(120), {}, True),
        (signs(299, step_seconds=30.0), {}, False),
        (signs(300, step_seconds=30.0), {}, True),
        (signs(899, step_seconds=None), {}, False),
        (signs(900, step_seconds=None), {}, True),
        (signs(10), {"hangSeconds": 10}, True),
        (signs(500, step_seconds=0.1), {"hangSeconds": 600}, False),
        (signs(500, without_sign=100), {}, False),
        (signs(899, **LOADING), {}, False),
        (signs(900, **LOADING), {}, True),
        (signs(1799, step_seconds=30.0, **LOADING), {}, False),
        (signs(1800, step_seconds=30.0, **LOADING), {}, True),
        (signs(899, **LOADING), {"hangSeconds": 10}, False),
        (signs(120, without_report=61, **LOADING), {}, True),
        (signs(899, without_report=899, all_steps_made=True), {}, False),
        (signs(900, without_report=900, all_steps_made=True), {}, True),
    ],
)
def test_both_signals_must_agree_within_a_time_that_fits_the_training(
    heard: Signs, health: dict[str, Any], hangs: bool
):
    assert judge(heard, Health.model_validate(health)).is_hang is hangs


@given(
    usual=st.floats(0.01, 90),
    paces=st.lists(st.floats(0.34, 3), min_size=LEARNT_AFTER + 2, max_size=60),
    silent=st.floats(0, 5000),
)
def test_a_training_at_its_usual_pace_never_hangs_and_one_that_stops_always_does(
    usual: float, paces: list[float], silent: float
):
    now = 0.0
    attention = Attention(1, began=now)
    for step, pace in enumerate(paces, start=1):
        now += usual * pace
        assert not judge(attention.signs(now=now), Health()).is_hang, "within its usual pace"
        attention.hear(Report(attempt=1, step=step), at=now)
    allowed = judge(attention.signs(now=now), Health()).allowed
    assert allowed <= max(UNKNOWN_SECONDS, 10 * 3 * usual), "the bound within which a hang is called"
    assert judge(attention.signs(now=now + silent), Health()).is_hang is (silent >= allowed)
