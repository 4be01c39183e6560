"""The model behind the server: what it loads, what it answers, what it refuses."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from shipway_workloads.serving.predictor import (
    MAX_INSTANCES,
    BadRequestError,
    BrokenArtifactError,
    RankerModel,
)
from shipway_workloads.termination import WorkloadError
from shipway_workloads.training import artifact, evaluate
from shipway_workloads.training.artifact import Artifact
from small_ranker import small_ranker


def model(folder: Path, ranker: Artifact | None = None, expected: str | None = None) -> RankerModel:
    artifact.save(ranker or small_ranker(), folder)
    return RankerModel("ranker", folder, expected, lambda _: "")


def ask(loaded: RankerModel, *pairs: tuple[object, object]) -> list[float]:
    return loaded.predict({"instances": [{"user": user, "item": item} for user, item in pairs]})["predictions"]


def test_it_answers_in_the_order_asked(tmp_path: Path):
    loaded = model(tmp_path)
    loaded.load()
    expected = evaluate.score(small_ranker(), np.asarray([3, 1]), np.asarray([10, 12]))
    assert ask(loaded, (3, 10), (1, 12)) == pytest.approx(expected.tolist())


def test_what_it_answers_is_counted_and_its_warm_up_is_not(tmp_path: Path):
    told: list[Sequence[float]] = []
    artifact.save(small_ranker(), tmp_path)
    loaded = RankerModel("ranker", tmp_path, None, lambda predictions: told.append(predictions) or f"id-{len(told)}")
    loaded.load()
    assert told == []
    headers: dict[str, str] = {}
    instances = {"instances": [{"user": 3, "item": 10}, {"user": 1, "item": 12}]}
    assert told == [loaded.predict(instances, {}, headers)["predictions"]]
    assert headers == {"x-shipway-prediction-id": "id-1"}


def test_the_artifact_s_digest_must_be_the_version_s(tmp_path: Path):
    digest = artifact.publish(small_ranker(), (tmp_path / "published").as_uri()).digest
    loaded = model(tmp_path / "served", expected=digest)
    assert loaded.load()
    assert loaded.digest == digest


def test_a_changed_artifact_never_becomes_ready(tmp_path: Path):
    loaded = model(tmp_path, expected="sha256:" + "0" * 64)
    with pytest.raises(WorkloadError, match=r"hashes to sha256:.*says sha256:0000") as caught:
        loaded.load()
    assert caught.value.reason == "DigestMismatch"
    assert not loaded.ready


def test_an_extra_file_is_a_change_too(tmp_path: Path):
    digest = artifact.publish(small_ranker(), (tmp_path / "published").as_uri()).digest
    loaded = model(tmp_path / "served", expected=digest)
    (tmp_path / "served" / "extra.py").write_text("import os")
    with pytest.raises(WorkloadError):
        loaded.load()


def test_an_item_that_lost_its_row_is_the_artifact_s_fault(tmp_path: Path):
    loaded = model(tmp_path, small_ranker().keep_items([10, 11, 12]))
    loaded.load()
    assert len(ask(loaded, (1, 10))) == 1
    with pytest.raises(BrokenArtifactError, match="item 13 is in the catalogue but this artifact has no row"):
        ask(loaded, (1, 10), (1, 13))


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ((1, 99), "item 99 is not in this model's catalogue"),
        ((99, 10), "user 99 is unknown"),
        (("1", 10), "instances[0].user must be an integer id"),
        ((1, 1.0), "instances[0].item must be an integer id"),
        ((True, 10), "instances[0].user must be an integer id"),
        ((1, None), "instances[0].item must be an integer id"),
    ],
)
def test_a_wrong_pair_is_the_caller_s_fault(pair: tuple[object, object], message: str, tmp_path: Path):
    loaded = model(tmp_path)
    loaded.load()
    with pytest.raises(BadRequestError) as caught:
        ask(loaded, pair)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({}, "the body must be"),
        ([], "the body must be"),
        ({"instances": []}, "with one or more"),
        ({"instances": "all"}, "the body must be"),
        ({"instances": [[1, 2]]}, "instances[0].user"),
        ({"instances": [{}] * (MAX_INSTANCES + 1)}, f"send at most {MAX_INSTANCES} a request"),
        (json.dumps({"instances": []}).encode(), "content-type must be application/json"),
    ],
)
def test_a_wrong_body_is_answered_with_what_would_be_right(payload: object, message: str, tmp_path: Path):
    loaded = model(tmp_path)
    loaded.load()
    with pytest.raises(BadRequestError) as caught:
        loaded.predict(payload)
    assert message in str(caught.value)
