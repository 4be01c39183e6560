"""Which interactions are replayed. A segment is a part of real held-out traffic; nothing here can break a request."""

from __future__ import annotations

import csv
import random
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple

from shipway_workloads.training import movielens
from shipway_workloads.training.movielens import Split

ITEM_SHARDS = 5
LAST_SHARD = ITEM_SHARDS - 1
SHARD_BLOCK = 64
"""Item ids in a row that lie in one shard; blocks are dealt to the shards in turn."""
SHUFFLE_SEED = 7


class Pair(NamedTuple):
    """A user who meets an item."""

    user: int
    item: int


class Segment(StrEnum):
    """`head` leaves out the last of five item shards; `all` is everything held out."""

    HEAD = "head"
    ALL = "all"


def shard_of(item: int) -> int:
    """The shard an item's row lies in."""
    return item // SHARD_BLOCK % ITEM_SHARDS


def held_out_pairs(segment: Segment) -> list[Pair]:
    """The held-out interactions of MovieLens-100K that are in the segment, shuffled, the same in every run."""
    if segment is Segment.HEAD:
        return [pair for pair in _held_out() if shard_of(pair.item) != LAST_SHARD]
    return list(_held_out())


def read_segment(name: str) -> list[Pair]:
    """A segment by name, or from a CSV file with the columns `user` and `item`.

    Raises:
        ValueError: It is neither, or the file has no such rows.
    """
    if name in set(Segment):
        return held_out_pairs(Segment(name))
    path = Path(name)
    if not path.is_file():
        raise ValueError(f"segment {name!r} must be one of {', '.join(Segment)} or a CSV file with columns user,item")
    return _read_csv(path)


@cache
def _held_out() -> tuple[Pair, ...]:
    # Kept, so that a switch of segments in the middle of a replay does not hold up its clock.
    data = movielens.load()
    mask = data.held_out(Split.USER_TAIL)
    pairs = [Pair(user, item) for user, item in zip(data.user[mask].tolist(), data.item[mask].tolist(), strict=True)]
    random.Random(SHUFFLE_SEED).shuffle(pairs)  # noqa: S311  (an order, not a secret)
    return tuple(pairs)


def _read_csv(path: Path) -> list[Pair]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        pairs = [Pair(int(row["user"]), int(row["item"])) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} must have the columns user and item with integer ids: {error}") from error
    if not pairs:
        raise ValueError(f"{path} has no rows to replay")
    return pairs
