"""The ranker: embeddings of sparse features, a projection of dense ones, their pairwise products, an MLP.

After Naumov et al., "Deep Learning Recommendation Model for Personalization and Recommendation Systems" (DLRM, 2019),
with a first-order weight per user and per item. All that is known of a user or an item is a row, found by its id
before the model is asked; the model itself sees row numbers only.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from shipway_workloads.training.features import DENSE, YEAR_BUCKETS, ItemFeatures, UserFeatures

EMBEDDING_STD = 0.05
BOTTOM_WIDTH = 32
TOP_WIDTHS = (64, 32)


@dataclass(frozen=True, kw_only=True)
class RankerConfig:
    """Everything that fixes the shape of a ranker.

    Attributes:
        embedding_dim: Width of all embeddings.
        dropout: Share dropped in training.
        users: Number of user rows.
        items: Number of item rows.
        genres: Number of genre flags.
        user_cardinalities: Number of values of each user category.
    """

    embedding_dim: int
    dropout: float
    users: int
    items: int
    genres: int
    user_cardinalities: tuple[int, ...]


class UserRows(nn.Module):
    """Learned and fixed values of each user."""

    def __init__(self, config: RankerConfig) -> None:
        super().__init__()
        self.embedding = _embedding(config.users, config.embedding_dim)
        self.bias = nn.Embedding(config.users, 1)
        nn.init.zeros_(self.bias.weight)
        self.categories: Tensor
        self.dense: Tensor
        categories = torch.zeros(config.users, len(config.user_cardinalities), dtype=torch.int64)
        self.register_buffer("categories", categories)
        self.register_buffer("dense", torch.zeros(config.users, DENSE))


class ItemRows(nn.Module):
    """Learned and fixed values of each item."""

    def __init__(self, config: RankerConfig) -> None:
        super().__init__()
        self.embedding = _embedding(config.items, config.embedding_dim)
        self.bias = nn.Embedding(config.items, 1)
        nn.init.zeros_(self.bias.weight)
        self.year: Tensor
        self.genres: Tensor
        self.dense: Tensor
        self.register_buffer("year", torch.zeros(config.items, dtype=torch.int64))
        self.register_buffer("genres", torch.zeros(config.items, config.genres))
        self.register_buffer("dense", torch.zeros(config.items, DENSE))


class Ranker(nn.Module):
    """Scores pairs of a user row and an item row."""

    def __init__(self, config: RankerConfig) -> None:
        super().__init__()
        dim = config.embedding_dim
        self.config = config
        self.user = UserRows(config)
        self.item = ItemRows(config)
        self.user_categories = nn.ModuleList(_embedding(count, dim) for count in config.user_cardinalities)
        self.year = _embedding(YEAR_BUCKETS, dim)
        self.genre = nn.Linear(config.genres, dim, bias=False)
        nn.init.normal_(self.genre.weight, std=EMBEDDING_STD)
        self.bottom = nn.Sequential(nn.Linear(2 * DENSE, BOTTOM_WIDTH), nn.ReLU(), nn.Linear(BOTTOM_WIDTH, dim))
        self.dropout = nn.Dropout(config.dropout)
        vectors = 5 + len(config.user_cardinalities)
        pairs = torch.tril_indices(vectors, vectors, offset=-1)
        self.pairs: Tensor
        self.register_buffer("pairs", pairs[0] * vectors + pairs[1], persistent=False)
        self.top = _top(dim + pairs.shape[1], config.dropout)

    def forward(self, user_rows: Tensor, item_rows: Tensor) -> Tensor:
        """Logits that the user likes the item.

        Args:
            user_rows: Row numbers, int64 of shape (batch,).
            item_rows: Row numbers, int64 of shape (batch,).

        Returns:
            Float32 of shape (batch,).
        """
        dense = torch.cat([self.user.dense[user_rows], self.item.dense[item_rows]], dim=1)
        projected = self.bottom(dense)
        categories = self.user.categories[user_rows]
        vectors = torch.stack(
            [
                projected,
                self.dropout(self.user.embedding(user_rows)),
                self.dropout(self.item.embedding(item_rows)),
                *(table(categories[:, column]) for column, table in enumerate(self.user_categories)),
                self.year(self.item.year[item_rows]),
                self.genre(self.item.genres[item_rows]),
            ],
            dim=1,
        )
        products = torch.bmm(vectors, vectors.transpose(1, 2)).flatten(1)[:, self.pairs]
        second_order: Tensor = self.top(torch.cat([projected, products], dim=1))
        first_order: Tensor = self.user.bias(user_rows) + self.item.bias(item_rows)
        return (second_order + first_order).squeeze(1)


def new_ranker(config: RankerConfig, users: UserFeatures, items: ItemFeatures, *, seed: int) -> Ranker:
    """An untrained ranker with the features filled in; equal seeds give equal weights."""
    torch.manual_seed(seed)
    ranker = Ranker(config)
    ranker.user.categories.copy_(torch.from_numpy(users.categories))
    ranker.user.dense.copy_(torch.from_numpy(users.dense))
    ranker.item.year.copy_(torch.from_numpy(items.year))
    ranker.item.genres.copy_(torch.from_numpy(items.genres))
    ranker.item.dense.copy_(torch.from_numpy(items.dense))
    with torch.no_grad():
        ranker.user.embedding.weight[torch.from_numpy(~users.seen)] = 0
        ranker.item.embedding.weight[torch.from_numpy(~items.seen)] = 0
    return ranker


def _embedding(rows: int, dim: int) -> nn.Embedding:
    table = nn.Embedding(rows, dim)
    nn.init.normal_(table.weight, std=EMBEDDING_STD)
    return table


def _top(width: int, dropout: float) -> nn.Sequential:
    first, second = TOP_WIDTHS
    return nn.Sequential(
        nn.Linear(width, first),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(first, second),
        nn.ReLU(),
        nn.Linear(second, 1),
    )
