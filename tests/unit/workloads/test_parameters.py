"""Parameters are checked before anything is loaded, and errors say what is right."""

import pytest

from shipway_workloads.training.contract import TrainingError, TrainingReason
from shipway_workloads.training.movielens import Split
from shipway_workloads.training.parameters import RankerParameters


def test_what_is_not_given_keeps_its_default():
    assert RankerParameters.parse({}) == RankerParameters()


def test_all_parameters_are_read():
    given = {
        "epochs": "3",
        "batchSize": "512",
        "embeddingDim": "8",
        "learningRate": "1e-3",
        "dropout": "0.25",
        "weightDecay": "0",
        "stepDelayMs": "20",
        "split": "global-time-20",
    }
    parsed = RankerParameters.parse(given)
    assert parsed == RankerParameters(
        epochs=3,
        batch_size=512,
        embedding_dim=8,
        learning_rate=0.001,
        dropout=0.25,
        weight_decay=0.0,
        step_delay_ms=20,
        split=Split.GLOBAL_TIME,
    )


def test_they_can_be_given_again_as_they_are_told():
    parsed = RankerParameters.parse({"epochs": "3", "dropout": "0.1"})
    assert RankerParameters.parse(parsed.to_json()) == parsed


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("epochs", "0", "an integer from 1 to 1000"),
        ("epochs", "2.5", "an integer from 1 to 1000"),
        ("batchSize", "many", "an integer from 2 to 65536"),
        ("embeddingDim", "", "an integer from 1 to 512"),
        ("learningRate", "nan", "a number from 1e-8 to 1"),
        ("dropout", "1", "a number from 0 to 0.9"),
        ("weightDecay", "inf", "a number from 0 to 100"),
        ("stepDelayMs", "-1", "an integer from 0 to 60000"),
        ("split", "random", "one of user-tail-20, global-time-20"),
    ],
)
def test_a_bad_value_is_named_with_what_would_be_right(name: str, value: str, right: str):
    with pytest.raises(TrainingError) as caught:
        RankerParameters.parse({name: value})
    assert caught.value.reason == TrainingReason.INVALID_PARAMETER
    assert caught.value.message == f"parameter {name}={value!r} must be {right}"


def test_an_unknown_parameter_is_named_with_those_that_exist():
    with pytest.raises(TrainingError, match="'epoch' is unknown; the ranker knows batchSize, dropout,") as caught:
        RankerParameters.parse({"epoch": "3"})
    assert caught.value.reason == TrainingReason.INVALID_PARAMETER
