"""Everything a training run is at a step, as bytes: weights, optimizer, random states and the losses so far."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from shipway_workloads.training import parallel
from shipway_workloads.training.contract import TrainingError, TrainingReason
from shipway_workloads.training.model import Ranker


@dataclass(kw_only=True)
class TrainingState:
    """A run between two steps.

    Attributes:
        model: The ranker in training.
        optimizer: Its optimizer.
        rank: This process among all.
        fingerprint: All that must not change between attempts, by name.
        losses: Global mean loss of every step so far, float32 values.
    """

    model: Ranker
    optimizer: torch.optim.Optimizer
    rank: int
    fingerprint: Mapping[str, str]
    losses: list[float] = field(default_factory=list)

    @property
    def step(self) -> int:
        """Steps made."""
        return len(self.losses)

    def to_bytes(self) -> bytes:
        """Serializes the state; a collective, since every rank has a random state of its own."""
        random_states = parallel.gather_bytes(torch.get_rng_state())
        buffer = io.BytesIO()
        torch.save(
            {
                "fingerprint": json.dumps(dict(self.fingerprint)),
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "random": random_states,
                "losses": self._losses_tensor(),
            },
            buffer,
        )
        return buffer.getvalue()

    def restore(self, data: bytes) -> None:
        """Becomes the state in `data`.

        Raises:
            TrainingError: InvalidCheckpoint, when it is of a different run, naming what differs.
        """
        saved = torch.load(io.BytesIO(data), weights_only=True)
        self._check(json.loads(saved["fingerprint"]))
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        torch.set_rng_state(saved["random"][self.rank])
        self.losses = [float(value) for value in saved["losses"]]

    def loss_trace_digest(self) -> str:
        """SHA-256 over the little-endian float32 bytes of every step's global mean loss, `sha256:…`."""
        trace = np.asarray(self.losses, dtype="<f4").tobytes()
        return f"sha256:{hashlib.sha256(trace).hexdigest()}"

    def _losses_tensor(self) -> Tensor:
        return torch.tensor(self.losses, dtype=torch.float32)

    def _check(self, saved: Mapping[str, str]) -> None:
        for name, ours in self.fingerprint.items():
            if saved.get(name) != ours:
                raise TrainingError(
                    TrainingReason.INVALID_CHECKPOINT,
                    f"the checkpoint was made with {name}={saved.get(name)}, this run has {ours}; use the same value,"
                    " or an empty checkpoint URI to start afresh",
                )
