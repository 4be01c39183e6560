"""The quantile and the distance that a gate names decide: others, with the same margin, find nothing wrong.

Three gates that differ in nothing else watch each release.
"""

from typing import Any

import pytest

from unit.controllers.servingdeployment.world import World

STEPS = [{"setWeight": 25}, {"pause": {"seconds": 60}}]
QUANTILES = {"p50": "0.5", "p95": "0.95", "p99": "0.99"}
USUAL = {0.02: 0.35, 0.04: 0.04, 0.08: 0.005}
"""Of stable's answers 60 % take 10 ms, 95 % up to 20 ms and 99 % up to 40 ms."""
HALF_SLIGHTLY_LATE = {0.02: 0.80, 0.04: 0.04, 0.08: 0.005}
A_TENTH_LATE = {0.02: 0.25, 0.04: 0.14, 0.08: 0.005}
A_FIFTIETH_VERY_LATE = {0.02: 0.35, 0.04: 0.02, 0.08: 0.025}
DISTANCES = ("KolmogorovSmirnov", "PSI", "JensenShannon")
A_LITTLE_HIGHER = (0.08,) * 5 + (0.12,) * 5
UNEVEN = (0.15, 0.05) * 5
VERY_UNEVEN = (0.19, 0.01) * 5
"""High and low ones alike: the cumulative shares lie at most 9 % apart."""


def at_25(gates: list[dict[str, Any]]) -> World:
    """A world in which v2, as good as v1 until now, has just got a quarter of many requests."""
    world = World(rollout={"steps": STEPS, "gates": gates, "bakeSeconds": 5})
    world.rate = 500.0
    world.late |= {"v1": USUAL, "v2": USUAL}
    world.until(lambda: world.serves("v1"))
    world.change(version="v2")
    world.until(lambda: world.share("v2") == 25)
    return world


def with_quantiles() -> World:
    return at_25(
        [
            {"name": name, "type": "Latency", "quantile": quantile, "margin": "0.01"}
            for name, quantile in QUANTILES.items()
        ]
    )


def with_distances(margin: str, *, deciding: str) -> World:
    return at_25(
        [
            {
                "name": distance.lower(),
                "type": "PredictionShift",
                "distance": distance,
                "margin": margin,
                "onFail": "Abort" if distance == deciding else "Observe",
            }
            for distance in DISTANCES
        ]
    )


def taken_back_by(world: World) -> tuple[str, set[str]]:
    """The gate that takes v2 back within its step, and all that fail by then."""
    world.until(lambda: world.share("v2") == 0, within=60)
    (incident,) = world.incidents()
    failed = {found["gate"] for found in incident["spec"]["evidence"] if found["verdict"] == "Fail"}
    return incident["spec"]["gate"], failed


@pytest.mark.parametrize(
    ("late", "gate"),
    [
        pytest.param(HALF_SLIGHTLY_LATE, "p50", id="half of them slightly: p50"),
        pytest.param(A_TENTH_LATE, "p95", id="a tenth: p95"),
        pytest.param(A_FIFTIETH_VERY_LATE, "p99", id="a fiftieth by far: p99"),
    ],
)
def test_answers_that_come_late_fail_the_gate_of_the_quantile_they_lie_at_and_no_other(
    late: dict[float, float], gate: str
):
    world = with_quantiles()
    world.late["v2"] = late
    assert taken_back_by(world) == (gate, {gate})


def test_answers_that_are_as_late_as_stables_fail_no_quantile():
    world = with_quantiles()
    world.until(lambda: world.serves("v2"), within=120)
    assert world.incidents() == []


@pytest.mark.parametrize(
    ("scores", "margin", "distance", "failed"),
    [
        pytest.param(
            A_LITTLE_HIGHER, "0.05", "KolmogorovSmirnov", {"kolmogorovsmirnov"}, id="a little higher: KS alone"
        ),
        pytest.param(UNEVEN, "0.1", "PSI", {"psi"}, id="uneven: PSI alone"),
        pytest.param(VERY_UNEVEN, "0.1", "JensenShannon", {"psi", "jensenshannon"}, id="very uneven: JS, and not KS"),
    ],
)
def test_predictions_that_shift_fail_the_distances_in_which_they_lie_far_off_and_no_other(
    scores: tuple[float, ...], margin: str, distance: str, failed: set[str]
):
    world = with_distances(margin, deciding=distance)
    world.scores["v2"] = scores
    assert taken_back_by(world) == (distance.lower(), failed)
