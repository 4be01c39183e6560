"""Who sees which sample when."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway_workloads.training.contract import TrainingError
from shipway_workloads.training.sampler import Sampler


def sampler(rank: int = 0, *, world_size: int = 1, samples: int = 40, batch_size: int = 8, seed: int = 1) -> Sampler:
    return Sampler(samples=samples, batch_size=batch_size, seed=seed, rank=rank, world_size=world_size)


worlds = st.integers(1, 4)
seeds = st.integers(0, 2**32)


@given(world_size=worlds, per_rank=st.integers(1, 5), spare=st.integers(0, 30), seed=seeds, step=st.integers(0, 50))
def test_the_ranks_shares_are_the_batch_of_one_process(
    world_size: int, per_rank: int, spare: int, seed: int, step: int
):
    batch = world_size * per_rank
    shape = {"samples": batch + spare, "batch_size": batch, "seed": seed}
    whole = sampler(**shape).share(step)
    shares = [sampler(rank, world_size=world_size, **shape).share(step) for rank in range(world_size)]
    np.testing.assert_array_equal(np.concatenate(shares), whole)


@given(seed=seeds, epoch=st.integers(0, 5), batches=st.integers(1, 6))
def test_no_sample_comes_twice_in_an_epoch(seed: int, epoch: int, batches: int):
    one = sampler(samples=batches * 8 + 3, seed=seed)
    seen = np.concatenate([one.share(epoch * batches + batch) for batch in range(batches)])
    assert len(set(seen.tolist())) == batches * 8


@given(seed=seeds, steps=st.lists(st.integers(0, 40), min_size=1, max_size=10))
def test_a_step_s_samples_do_not_depend_on_the_steps_before(seed: int, steps: list[int]):
    wandering = sampler(seed=seed)
    for step in steps:
        np.testing.assert_array_equal(wandering.share(step), sampler(seed=seed).share(step))


def test_each_epoch_and_each_seed_has_its_own_order():
    def order(seed: int, epoch: int) -> list[int]:
        one = sampler(seed=seed)
        return np.concatenate([one.share(epoch * 5 + batch) for batch in range(5)]).tolist()

    assert len({tuple(order(seed, epoch)) for seed in (1, 2) for epoch in (0, 1)}) == 4


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(TrainingError, match="batchSize=8 must be a multiple of the 3 processes"):
        sampler(world_size=3)


def test_a_batch_beyond_the_data_is_refused():
    with pytest.raises(TrainingError, match="batchSize=64 must not exceed the 40 training samples"):
        sampler(batch_size=64)
