"""Which samples a rank sees in a step: a pure function of seed, step and rank, so that resuming needs no memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from shipway_workloads.training.contract import TrainingError, TrainingReason
from shipway_workloads.training.movielens import Ints


@dataclass(kw_only=True)
class Sampler:
    """Shuffles anew each epoch, cuts into global batches, and gives each rank its equal share of one.

    The rest of an epoch that fills no whole batch is left out of that epoch.

    Attributes:
        samples: Number of training samples.
        batch_size: Samples of a global batch.
        seed: Seed of all shuffles.
        rank: The asking process.
        world_size: Number of processes.
    """

    samples: int
    batch_size: int
    seed: int
    rank: int
    world_size: int
    _epoch: int = field(default=-1, init=False)
    _order: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64), init=False)

    def __post_init__(self) -> None:
        """Checks that the batch can be shared.

        Raises:
            TrainingError: InvalidParameter, when it cannot be cut into equal shares or exceeds the data.
        """
        if self.batch_size % self.world_size:
            raise TrainingError(
                TrainingReason.INVALID_PARAMETER,
                f"parameter batchSize={self.batch_size} must be a multiple of the {self.world_size} processes",
            )
        if self.batch_size > self.samples:
            raise TrainingError(
                TrainingReason.INVALID_PARAMETER,
                f"parameter batchSize={self.batch_size} must not exceed the {self.samples} training samples",
            )

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in an epoch."""
        return self.samples // self.batch_size

    def share(self, step: int) -> Ints:
        """Sample numbers of this rank in `step` (from 0), int64 of shape (batch_size / world_size,)."""
        epoch, batch = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._order = np.random.default_rng([self.seed, epoch]).permutation(self.samples)
            self._epoch = epoch
        size = self.batch_size // self.world_size
        start = batch * self.batch_size + self.rank * size
        return self._order[start : start + size]
