"""The data set, its splits, and that nothing of the held-out part reaches the features."""

import dataclasses
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from shipway_workloads.training import features, movielens
from shipway_workloads.training.contract import TrainingError
from shipway_workloads.training.movielens import MovieLens, Split


@cache
def data() -> MovieLens:
    return movielens.load()


def shuffled(original: MovieLens) -> MovieLens:
    order = np.random.default_rng(3).permutation(len(original.user))
    columns = {name: getattr(original, name)[order] for name in ("user", "item", "label", "time")}
    return dataclasses.replace(original, **columns)


def test_it_is_movielens_100k():
    assert (len(data().user), len(data().users.ids), len(data().items.ids)) == (100_000, 943, 1682)
    assert data().label.mean() == pytest.approx(0.554, abs=0.001)
    assert data().items.genres.shape == (1682, 19)


def test_no_user_s_training_interaction_is_later_than_a_held_out_one():
    held_out = data().held_out(Split.USER_TAIL)
    for user in data().users.ids:
        own = data().user == user
        assert data().time[own & ~held_out].max() <= data().time[own & held_out].min()


def test_a_fifth_of_each_user_is_held_out_rounded_down():
    held_out = data().held_out(Split.USER_TAIL)
    total = np.bincount(data().user)[1:]
    assert (np.bincount(data().user[held_out])[1:] == np.floor(0.2 * total)).all()


def test_by_global_time_the_last_fifth_of_all_is_held_out():
    held_out = data().held_out(Split.GLOBAL_TIME)
    assert held_out.sum() == 20_000
    assert data().time[~held_out].max() <= data().time[held_out].min()


@pytest.mark.parametrize("split", list(Split))
def test_ties_fall_the_same_way_whatever_the_order_of_the_rows(split: Split):
    other = shuffled(data())

    def chosen(source: MovieLens) -> set[tuple[int, int]]:
        mask = source.held_out(split)
        return set(zip(source.user[mask].tolist(), source.item[mask].tolist(), strict=True))

    assert chosen(data()) == chosen(other)


@pytest.mark.parametrize("split", list(Split))
def test_features_do_not_see_held_out_interactions(split: Split):
    held_out = data().held_out(split)
    forged_item, forged_label = data().item.copy(), data().label.copy()
    forged_item[held_out] = 1
    forged_label[held_out] = 1 - forged_label[held_out]
    forged = dataclasses.replace(data(), item=forged_item, label=forged_label)
    words = features.vocabulary(data())
    honest_users, honest_items = (
        features.user_features(data(), ~held_out, words),
        features.item_features(data(), ~held_out),
    )
    users, items = features.user_features(forged, ~held_out, words), features.item_features(forged, ~held_out)
    np.testing.assert_array_equal(users.dense, honest_users.dense)
    np.testing.assert_array_equal(items.dense, honest_items.dense)


def test_labels_are_no_feature_at_all():
    training = ~data().held_out(Split.USER_TAIL)
    inverted = dataclasses.replace(data(), label=1 - data().label)
    words = features.vocabulary(data())
    for ours, theirs in (
        (features.user_features(data(), training, words), features.user_features(inverted, training, words)),
        (features.item_features(data(), training), features.item_features(inverted, training)),
    ):
        for field in dataclasses.fields(ours):
            np.testing.assert_array_equal(getattr(ours, field.name), getattr(theirs, field.name))


def test_who_was_never_seen_in_training_is_neutral():
    held_out = data().held_out(Split.GLOBAL_TIME)
    users = features.user_features(data(), ~held_out, features.vocabulary(data()))
    trained = np.isin(users.ids, data().user[~held_out])
    np.testing.assert_array_equal(users.seen, trained)
    assert 0 < users.seen.sum() < len(users.ids)
    assert (users.dense[~users.seen, 1] == 0).all()
    assert users.dense[users.seen, 1].mean() == pytest.approx(0, abs=1e-5)


def test_every_category_stays_inside_its_table():
    training = np.ones(len(data().user), dtype=np.bool_)
    words = features.vocabulary(data())
    users, items = features.user_features(data(), training, words), features.item_features(data(), training)
    assert (users.categories >= 0).all()
    assert (users.categories.max(axis=0) < words.user_cardinalities()).all()
    assert 0 <= items.year.min() <= items.year.max() < features.YEAR_BUCKETS


def test_missing_data_is_named(tmp_path: Path):
    with pytest.raises(TrainingError, match="MovieLens100k_data") as caught:
        movielens.load(tmp_path)
    assert caught.value.reason == "DataMissing"


def test_a_missing_package_is_named_with_the_cure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(movielens, "PACKAGE", "no_such_package_here")
    with pytest.raises(TrainingError, match="install it"):
        movielens.load()
