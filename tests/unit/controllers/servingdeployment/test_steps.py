"""A step is a weight with the waits after it."""

from typing import Any

import pytest

from shipway.api.v1alpha1.step import Step
from shipway.controllers.servingdeployment.steps import Stage, after, at, hash_of, nearest, stages_of
from shipway.integrations.kserve import short_hash


def weight(percent: int) -> Step:
    return Step(set_weight=percent)


def pause(seconds: int | None = None) -> Step:
    return Step.model_validate({"pause": {"seconds": seconds} if seconds else {}})


MIRROR = Step.model_validate({"mirror": {}})


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
        ([MIRROR], [Stage(0, 0, mirror=True), Stage(1, 100)]),
        ([MIRROR, pause(10), weight(50)], [Stage(0, 0, 10, mirror=True), Stage(2, 50), Stage(3, 100)]),
        ([MIRROR, pause()], [Stage(0, 0, 0, until_promoted=True, mirror=True), Stage(2, 100)]),
        ([pause(5), MIRROR, pause(10)], [Stage(0, 0, 5), Stage(1, 0, 10, mirror=True), Stage(3, 100)]),
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
        [MIRROR, weight(5)],
        [pause(1), weight(5)],
        [MIRROR, pause(1), weight(5)],
    ]
    assert len({hash_of(stages_of(plan)) for plan in plans}) == len(plans)


def test_steps_without_a_mirror_have_the_hash_they_had_before_there_were_any():
    assert hash_of(stages_of([weight(5), pause(10)])) == short_hash([(0, 5, 10, False), (2, 100, 0, False)], length=10)


def test_a_mirrored_version_bears_as_much_as_stable():
    assert [stage.load for stage in stages_of([pause(5), MIRROR, weight(30)])] == [0, 100, 30, 100]
    assert [stage.sends_nothing for stage in stages_of([pause(5), MIRROR, weight(30)])] == [True, False, False, False]
