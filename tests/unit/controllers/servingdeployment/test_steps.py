"""A step is a weight with the waits after it."""

from typing import Any

import pytest

from shipway.api.v1alpha1.servingdeployment import Step
from shipway.controllers.servingdeployment.steps import Stage, after, at, hash_of, nearest, stages_of


def weight(percent: int) -> Step:
    return Step(set_weight=percent)


def pause(seconds: int | None = None) -> Step:
    return Step.model_validate({"pause": {"seconds": seconds} if seconds else {}})


@pytest.mark.parametrize(
    ("steps", "stages"),
    [
        ([], [Stage(0, 100)]),
        ([weight(100)], [Stage(0, 100)]),
        ([weight(5), pause(10), weight(100)], [Stage(0, 5, 10), Stage(2, 100)]),
        ([weight(5), pause(10)], [Stage(0, 5, 10), Stage(2, 100)]),
        ([weight(5), pause(10), pause(20)], [Stage(0, 5, 30), Stage(3, 100)]),
        ([weight(5), pause()], [Stage(0, 5, 0, until_promoted=True), Stage(2, 100)]),
        ([pause(10), weight(50)], [Stage(0, 0, 10), Stage(1, 50), Stage(2, 100)]),
        ([weight(5), weight(50)], [Stage(0, 5), Stage(1, 50), Stage(2, 100)]),
        ([weight(100), pause(10)], [Stage(0, 100, 10)]),
    ],
)
def test_stages_of_a_spec(steps: list[Step], stages: list[Stage]):
    assert list(stages_of(steps)) == stages


def test_one_follows_another_until_the_last():
    stages = stages_of([weight(5), pause(10), weight(50)])
    assert after(stages, at(stages, 0)) == at(stages, 2)
    assert after(stages, stages[-1]) is None


@pytest.mark.parametrize(("now", "index"), [(4, 0), (5, 0), (30, 0), (50, 2), (99, 2), (100, 3)])
def test_after_an_edit_it_goes_on_where_no_more_is_asked_for(now: int, index: int):
    stages = stages_of([weight(5), pause(10), weight(50)])
    assert nearest(stages, now).index == index


def test_any_edit_is_another_hash():
    plans: list[list[Any]] = [
        [weight(5)],
        [weight(6)],
        [weight(5), pause(1)],
        [weight(5), pause(2)],
        [weight(5), pause()],
    ]
    assert len({hash_of(stages_of(plan)) for plan in plans}) == len(plans)
