"""Who asks: many users about many items, and a ranker whose scores spread over them as those of a real one do."""

import json
import random

import numpy as np
import torch

from shipway_workloads.training.artifact import Artifact
from shipway_workloads.training.features import ItemFeatures, UserFeatures
from shipway_workloads.training.model import Ranker, RankerConfig, new_ranker

USERS = tuple(range(1, 401))
ITEMS = tuple(range(1, 51))
REQUESTS = 400
SEED = 1
SPREAD = 0.7
"""Standard deviation of users' and of items' part of a logit; together they make one of about 1."""


def bodies() -> list[str]:
    """What is asked, one instance a request."""
    draw = random.Random(SEED)  # noqa: S311 - not a password
    pairs = [{"user": draw.choice(USERS), "item": draw.choice(ITEMS)} for _ in range(REQUESTS)]
    return [json.dumps({"instances": [pair]}) for pair in pairs]


def ranker(*, shift: float = 0.0) -> Artifact:
    """An untrained ranker that scores them.

    Args:
        shift: By how many standard deviations its logits lie above those of the ranker without a shift.
    """
    model = _ranker()
    with torch.no_grad():
        noise = torch.Generator().manual_seed(SEED)
        for part in (model.user, model.item):
            part.bias.weight.normal_(std=SPREAD, generator=noise)
        model.user.bias.weight += shift * _spread(model)
    encoders = {"genders": ["F", "M"], "occupations": ["a", "b", "c"], "genres": ["Comedy", "Drama"]}
    return Artifact(model=model, users=USERS, items=ITEMS, catalogue=ITEMS, encoders=encoders)


def _ranker() -> Ranker:
    rng = np.random.default_rng(SEED)
    users, items = len(USERS), len(ITEMS)
    cardinalities = (2, 3, 8, 11)
    config = RankerConfig(
        embedding_dim=4, dropout=0.5, users=users, items=items, genres=2, user_cardinalities=cardinalities
    )
    return new_ranker(
        config,
        UserFeatures(
            ids=np.asarray(USERS),
            categories=np.stack([rng.integers(0, size, users) for size in cardinalities], axis=1),
            dense=rng.normal(size=(users, 2)).astype(np.float32),
            seen=np.full(users, fill_value=True),
        ),
        ItemFeatures(
            ids=np.asarray(ITEMS),
            year=rng.integers(0, 17, items),
            genres=rng.integers(0, 2, (items, 2)).astype(np.float32),
            dense=rng.normal(size=(items, 2)).astype(np.float32),
            seen=np.full(items, fill_value=True),
        ),
        seed=SEED,
    )


def _spread(model: Ranker) -> float:
    """Standard deviation of the logits over all users and items."""
    model.eval()
    users = torch.arange(len(USERS)).repeat_interleave(len(ITEMS))
    items = torch.arange(len(ITEMS)).repeat(len(USERS))
    return float(model(users, items).std())
