"""What the ranker knows of users and items beside their ids. Nothing here sees a held-out interaction.

A user or an item without any interaction in the training part is neutral: average activity, and marked as unseen so
that the model gives it no embedding of its own. Else chance would set whole users above or below each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shipway_workloads.training.movielens import Floats, Ints, Items, Mask, MovieLens, Users

AGE_BUCKET_YEARS = 10
AGE_BUCKETS = 8
FIRST_YEAR = 1920
YEAR_BUCKET_YEARS = 5
YEAR_BUCKETS = 17
ZIP_REGIONS = 11
UNKNOWN_ZIP_REGION = 10
UNKNOWN_YEAR_BUCKET = 0
DENSE = 2


@dataclass(frozen=True, kw_only=True)
class UserFeatures:
    """One row a user.

    Attributes:
        ids: User ids, ascending.
        categories: Shape (users, 4), columns as in `USER_CATEGORIES`.
        dense: Shape (users, 2): age and log activity in the training part, standardized.
        seen: Whether the user has interactions in the training part, shape (users,).
    """

    ids: Ints
    categories: Ints
    dense: Floats
    seen: Mask


@dataclass(frozen=True, kw_only=True)
class ItemFeatures:
    """One row an item.

    Attributes:
        ids: Item ids, ascending.
        year: Release-year bucket, 0 when unknown.
        genres: Shape (items, genres), 1 where the item has the genre.
        dense: Shape (items, 2): year and log popularity in the training part, standardized.
        seen: Whether the item has interactions in the training part, shape (items,).
    """

    ids: Ints
    year: Ints
    genres: Floats
    dense: Floats
    seen: Mask


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The names behind category numbers; a number is a position in its list."""

    genders: list[str]
    occupations: list[str]
    genres: list[str]

    def user_cardinalities(self) -> tuple[int, ...]:
        """Number of values of each column of `UserFeatures.categories`."""
        return (len(self.genders), len(self.occupations), AGE_BUCKETS, ZIP_REGIONS)


USER_CATEGORIES = ("gender", "occupation", "age", "zipRegion")


def vocabulary(data: MovieLens) -> Vocabulary:
    """All category names, in alphabetical order; genres as the data has them."""
    return Vocabulary(
        genders=sorted(set(data.users.gender)),
        occupations=sorted(set(data.users.occupation)),
        genres=data.items.genre_names,
    )


def user_features(data: MovieLens, training: Mask, words: Vocabulary) -> UserFeatures:
    """Encodes users; activity counts only the interactions where `training` is True."""
    users = data.users
    categories = np.stack(
        [
            _positions(users.gender, words.genders),
            _positions(users.occupation, words.occupations),
            np.clip(users.age // AGE_BUCKET_YEARS, 0, AGE_BUCKETS - 1),
            _zip_regions(users),
        ],
        axis=1,
    )
    activity = _counts(data.user[training], users.ids)
    dense = np.stack([_standardize(users.age), _log_counts(activity)], axis=1)
    return UserFeatures(ids=users.ids, categories=categories, dense=dense, seen=activity > 0)


def item_features(data: MovieLens, training: Mask) -> ItemFeatures:
    """Encodes items; popularity counts only the interactions where `training` is True."""
    items = data.items
    popularity = _counts(data.item[training], items.ids)
    dense = np.stack([_standardize(_known_years(items)), _log_counts(popularity)], axis=1)
    seen = popularity > 0
    return ItemFeatures(ids=items.ids, year=_year_buckets(items), genres=items.genres, dense=dense, seen=seen)


def _positions(values: list[str], words: list[str]) -> Ints:
    place = {word: position for position, word in enumerate(words)}
    return np.asarray([place[value] for value in values], dtype=np.int64)


def _zip_regions(users: Users) -> Ints:
    # The first digit of a US zip code is a group of states; Canadian codes begin with a letter.
    regions = [int(code[0]) if code[:1].isdigit() else UNKNOWN_ZIP_REGION for code in users.zip_code]
    return np.asarray(regions, dtype=np.int64)


def _year_buckets(items: Items) -> Ints:
    bucket = 1 + np.clip((items.year - FIRST_YEAR) // YEAR_BUCKET_YEARS, 0, YEAR_BUCKETS - 2)
    return np.where(items.year == 0, UNKNOWN_YEAR_BUCKET, bucket)


def _known_years(items: Items) -> npt.NDArray[np.float64]:
    known = items.year > 0
    return np.where(known, items.year, np.median(items.year[known]))


def _counts(values: Ints, ids: Ints) -> Ints:
    return np.bincount(np.searchsorted(ids, values), minlength=len(ids))


def _log_counts(counts: Ints) -> Floats:
    """Log counts, standardized over what was seen; zero, the mean, for the rest."""
    logs = np.log1p(counts)
    scaled = np.zeros(len(counts), dtype=np.float32)
    scaled[counts > 0] = _standardize(logs[counts > 0])
    return scaled


def _standardize(values: npt.NDArray[np.generic]) -> Floats:
    numbers = values.astype(np.float64)
    scaled: Floats = ((numbers - numbers.mean()) / (numbers.std() or 1.0)).astype(np.float32)
    return scaled
