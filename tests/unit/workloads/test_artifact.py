"""The artifact: the same numbers after a round trip, and no silent answer for a missing row."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from shipway_workloads import digest
from shipway_workloads.storage import FileStore, StorageError
from shipway_workloads.training import artifact, evaluate
from shipway_workloads.training.artifact import (
    Artifact,
    ArtifactError,
    MissingItemRowError,
    RowIndex,
    UnknownItemError,
    UnknownUserError,
)
from small_ranker import small_ranker


@cache
def small() -> Artifact:
    return small_ranker()


def everything(ranker: Artifact) -> np.ndarray:
    users = np.repeat(np.asarray(ranker.users), len(ranker.items))
    items = np.tile(np.asarray(ranker.items), len(ranker.users))
    return evaluate.score(ranker, users, items)


def test_it_scores_the_same_after_a_round_trip(tmp_path: Path):
    artifact.save(small(), tmp_path)
    np.testing.assert_array_equal(everything(artifact.load(tmp_path)), everything(small()))


def test_equal_rankers_have_equal_digests(tmp_path: Path):
    published = [artifact.publish(small_ranker(), (tmp_path / name).as_uri()) for name in ("a", "b")]
    assert published[0].digest == published[1].digest
    assert published[0].digest == digest.of_store(FileStore(tmp_path / "a")).digest
    assert published[0].size_bytes == sum(path.stat().st_size for path in (tmp_path / "a").iterdir())


def test_kept_items_score_as_before(tmp_path: Path):
    kept = small().keep_items([11, 13])
    artifact.save(kept, tmp_path)
    users, items = np.asarray([1, 2, 3]), np.asarray([11, 13, 11])
    np.testing.assert_array_equal(
        evaluate.score(artifact.load(tmp_path), users, items), evaluate.score(small(), users, items)
    )


def test_the_original_is_not_changed_by_keeping_less():
    before = everything(small())
    small().keep_items([11])
    np.testing.assert_array_equal(everything(small()), before)


def test_the_catalogue_stays_when_rows_go():
    kept = small().keep_items([11, 13])
    assert list(kept.items) == [11, 13]
    assert list(kept.catalogue) == list(small().catalogue)


def test_keeping_what_was_never_there_is_refused():
    with pytest.raises(ValueError, match=r"\[99\] have no row"):
        small().keep_items([11, 99])


def test_a_missing_row_is_never_scored_by_another():
    index = RowIndex(small().keep_items([11, 13]))
    with pytest.raises(MissingItemRowError, match="item 12 is in the catalogue but this artifact has no row"):
        index.item_row(12)


def test_an_unknown_item_and_an_unknown_user_are_other_errors():
    index = RowIndex(small())
    with pytest.raises(UnknownItemError, match="item 99 is not in this model's catalogue"):
        index.item_row(99)
    with pytest.raises(UnknownUserError, match="user 99 is unknown"):
        index.user_row(99)


def test_a_different_seed_is_a_different_model():
    assert not np.array_equal(everything(small_ranker(seed=2)), everything(small()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": {"name": "other", "version": "1"}}, "has format"),
        ({"itemRows": [10, 11]}, "lists 3 user and 2 item rows, its config says 3 and 4"),
        ({"config": {"embedding_dim": 4}}, "broken config"),
        ({"catalogue": None}, "lacks catalogue"),
    ],
)
def test_a_broken_description_says_what_is_wrong(change: dict[str, object], message: str, tmp_path: Path):
    artifact.save(small(), tmp_path)
    path = tmp_path / artifact.MODEL_FILE
    described = json.loads(path.read_text()) | change
    path.write_text(json.dumps({key: value for key, value in described.items() if value is not None}))
    with pytest.raises(ArtifactError, match=message) as caught:
        artifact.load(tmp_path)
    assert caught.value.reason == "InvalidArtifact"


def test_weights_that_do_not_fit_are_refused(tmp_path: Path):
    artifact.save(small(), tmp_path)
    artifact.save(small().keep_items([11]), tmp_path / "other")
    (tmp_path / "other" / artifact.WEIGHTS_FILE).rename(tmp_path / artifact.WEIGHTS_FILE)
    with pytest.raises(ArtifactError, match="does not fit"):
        artifact.load(tmp_path)


def test_cut_weights_are_refused(tmp_path: Path):
    artifact.save(small(), tmp_path)
    path = tmp_path / artifact.WEIGHTS_FILE
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ArtifactError, match="does not fit"):
        artifact.load(tmp_path)


def test_a_missing_file_is_a_storage_error(tmp_path: Path):
    with pytest.raises(StorageError, match=r"model\.json"):
        artifact.load(tmp_path)


def test_an_item_nobody_met_in_training_has_no_embedding_of_its_own():
    weights = small().model.item.embedding.weight
    assert (weights[3] == 0).all()
    assert (weights[:3] != 0).any(dim=1).all()


def test_dropout_is_off_in_a_loaded_ranker(tmp_path: Path):
    artifact.save(small(), tmp_path)
    loaded = artifact.load(tmp_path)
    rows = torch.tensor([0])
    assert loaded.model(rows, rows).item() == loaded.model(rows, rows).item()
