"""A ranker small enough to build in every test: three users, four items."""

import numpy as np

from shipway_workloads.training.artifact import Artifact
from shipway_workloads.training.features import ItemFeatures, UserFeatures
from shipway_workloads.training.model import RankerConfig, new_ranker

USERS = (1, 2, 3)
ITEMS = (10, 11, 12, 13)


def small_ranker(*, seed: int = 1) -> Artifact:
    """An untrained ranker; equal seeds give equal ones."""
    config = RankerConfig(
        embedding_dim=4, dropout=0.5, users=len(USERS), items=len(ITEMS), genres=2, user_cardinalities=(2, 3, 8, 11)
    )
    users = UserFeatures(
        ids=np.asarray(USERS),
        categories=np.asarray([[0, 0, 1, 2], [1, 1, 2, 3], [0, 2, 3, 10]]),
        dense=np.asarray([[0.1, 0.2], [0.3, -0.4], [-0.5, 0.6]], dtype=np.float32),
        seen=np.asarray([True, True, True]),
    )
    items = ItemFeatures(
        ids=np.asarray(ITEMS),
        year=np.asarray([0, 3, 5, 16]),
        genres=np.asarray([[1, 0], [0, 1], [1, 1], [0, 0]], dtype=np.float32),
        dense=np.asarray([[0.1, 1.0], [0.2, -1.0], [0.3, 0.5], [0.4, -0.5]], dtype=np.float32),
        seen=np.asarray([True, True, True, False]),
    )
    encoders = {"genders": ["F", "M"], "occupations": ["a", "b", "c"], "genres": ["Comedy", "Drama"]}
    return Artifact(
        model=new_ranker(config, users, items, seed=seed),
        users=USERS,
        items=ITEMS,
        catalogue=ITEMS,
        encoders=encoders,
    )
