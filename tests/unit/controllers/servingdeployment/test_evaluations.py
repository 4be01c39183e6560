"""What the numbers that a version was published with do to its release, told on a small cluster."""

from typing import Any

import pytest

from unit.controllers.servingdeployment.world import GATES, World, model_version

AUC: dict[str, Any] = {"name": "auc", "dataset": "holdout"}
LOSS: dict[str, Any] = {"name": "log-loss", "higherIsBetter": False}


def published(version: str, *evaluation: dict[str, str]) -> dict[str, Any]:
    body = model_version(version)
    body["spec"]["evaluation"] = list(evaluation)
    return body


def auc(value: str) -> dict[str, str]:
    return {"name": "auc", "value": value, "dataset": "holdout"}


def loss(value: str) -> dict[str, str]:
    return {"name": "log-loss", "value": value}


def released(
    old: list[dict[str, str]], new: list[dict[str, str]], *, evaluation: dict[str, Any] = AUC, **gate: Any
) -> World:
    """v2 beside v1, each published with its numbers, judged by one of them beside a gate on errors."""
    quality = {"name": "quality", "type": "Evaluation", "evaluation": evaluation, **gate}
    world = World(rollout={"steps": [{"setWeight": 25}], "gates": [*GATES, quality], "bakeSeconds": 5})
    world.put(published("v1", *old))
    world.put(published("v2", *new))
    world.until(lambda: world.serves("v1"))
    world.change(version="v2")
    return world


def test_a_version_that_is_worse_on_paper_is_taken_back_and_nobody_ever_gets_an_answer_of_it():
    world = released([auc("0.83")], [auc("0.79")])
    world.until(lambda: bool(world.incidents()), within=60)
    (incident,) = world.incidents()
    assert incident["spec"]["gate"] == "quality"
    assert incident["spec"]["quarantine"]
    assert "exposedAt" not in incident["spec"]
    assert incident["spec"]["summary"].startswith(
        "quality: 0.79 against 0.83 of stable; 0.04 worse than stable; 0.01 is allowed"
    )
    assert set(world.route_shares("v2")) <= {0}


@pytest.mark.parametrize(
    ("old", "new", "gate"),
    [
        ([auc("0.83")], [auc("0.82")], {}),
        ([auc("0.83")], [auc("0.91")], {"margin": "0"}),
        ([auc("0.83")], [auc("0.81")], {"margin": "0.05", "limit": "0.8"}),
        ([], [auc("0.81")], {"limit": "0.8"}),
        ([loss("0.31")], [loss("0.30")], {"evaluation": LOSS, "margin": "0"}),
        ([loss("0.31")], [loss("0.32")], {"evaluation": LOSS}),
    ],
    ids=["worse by the margin", "better", "within both", "alone within the limit", "less loss", "more loss, allowed"],
)
def test_a_version_that_is_good_enough_is_promoted(
    old: list[dict[str, str]], new: list[dict[str, str]], gate: dict[str, Any]
):
    world = released(old, new, **gate)
    world.until(lambda: world.serves("v2"), within=120)
    assert world.incidents() == []


@pytest.mark.parametrize(
    ("old", "new", "gate"),
    [
        ([auc("0.83")], [auc("0.81")], {"margin": "0.05", "limit": "0.82"}),
        ([], [auc("0.7")], {"limit": "0.8"}),
        ([loss("0.31")], [loss("0.33")], {"evaluation": LOSS}),
        ([loss("0.31")], [loss("0.32")], {"evaluation": LOSS, "margin": "0.1", "limit": "0.315"}),
    ],
    ids=["beyond the limit", "alone beyond the limit", "more loss", "loss beyond the limit"],
)
def test_a_version_that_is_not_is_taken_back(
    old: list[dict[str, str]], new: list[dict[str, str]], gate: dict[str, Any]
):
    world = released(old, new, **gate)
    world.until(lambda: bool(world.incidents()), within=60)
    assert world.incidents()[0]["spec"]["gate"] == "quality"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            [auc("0.83")],
            [loss("0.3")],
            (
                "v2 was published without an evaluation auc on holdout (it has: log-loss); "
                "publish a version that has it, or take the gate out"
            ),
        ),
        (
            [],
            [auc("0.83")],
            (
                "v1 was published without an evaluation auc on holdout (it has: none); "
                "give the gate a limit, or take it out"
            ),
        ),
    ],
    ids=["the new version", "stable"],
)
def test_a_number_that_nobody_published_holds_the_release_and_says_what_to_do(
    old: list[dict[str, str]], new: list[dict[str, str]], words: str
):
    world = released(old, new)
    world.run(90)
    assert world.share("v2") == 0
    assert words in world.status.summary
    assert world.incidents() == []


def test_a_number_counts_for_the_artifact_it_was_published_with_alone():
    world = released([auc("0.83")], [auc("0.84")])
    other = published("v1", auc("0.2"))
    other["spec"]["digest"] = "sha256:" + "e" * 64
    world.put(other)
    world.run(60)
    assert "there is no ModelVersion of v1 with the digest that runs; give the gate a limit" in world.status.summary


def test_where_it_is_only_observed_it_is_shown_and_the_release_goes_on():
    world = released([auc("0.83")], [auc("0.5")], onFail="Observe")
    world.until(lambda: world.serves("v2"), within=120)
    assert world.incidents() == []


def test_it_costs_the_gates_that_count_nothing_of_alpha():
    world = released([auc("0.83")], [auc("0.83")])
    world.until(lambda: world.share("v2") == 25)
    (errors,) = (gate for gate in world.board.reading_of().evidence.gates if gate.name == "errors")
    alone = World(rollout={"steps": [{"setWeight": 25}], "gates": GATES, "bakeSeconds": 5})
    alone.until(lambda: alone.serves("v1"))
    alone.change(version="v2")
    alone.until(lambda: alone.share("v2") == 25)
    (only,) = alone.board.reading_of().evidence.gates
    assert errors.comparison.tolerance.alpha == only.comparison.tolerance.alpha  # type: ignore[attr-defined]
