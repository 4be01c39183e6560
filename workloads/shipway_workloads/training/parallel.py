"""Data-parallel gradients over gloo, the same to the last bit after a restart.

`DistributedDataParallel` rebuilds its buckets after the first step, so a resumed run would add gradients in another
order than the unbroken one. Here all gradients lie in one flat buffer whose layout never changes, with the loss at its
end: one all-reduce a step.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn

from shipway_workloads.training.contract import TrainingContext, TrainingError, TrainingReason

COLLECTIVE_SECONDS = 120


@contextmanager
def process_group(context: TrainingContext) -> Iterator[None]:
    """Joins torchrun's group, or a group of one when there is no torchrun; single-threaded, as exactness needs."""
    torch.set_num_threads(1)
    timeout = timedelta(seconds=COLLECTIVE_SECONDS)
    with collective("joining the other ranks"):
        if "MASTER_ADDR" in os.environ:
            dist.init_process_group("gloo", timeout=timeout)
        else:
            store = torch._C._distributed_c10d.HashStore()
            dist.init_process_group("gloo", store=store, rank=0, world_size=1, timeout=timeout)
    if dist.get_world_size() != context.world_size:
        raise TrainingError(
            TrainingReason.INVALID_ENVIRONMENT,
            f"WORLD_SIZE={context.world_size} but {dist.get_world_size()} processes met; start with torchrun",
        )
    try:
        yield
    finally:
        dist.destroy_process_group()


@contextmanager
def collective(what: str) -> Iterator[None]:
    """Names a failed collective for what it nearly always is: another rank that went away.

    Raises:
        TrainingError: PeerLost.
    """
    try:
        yield
    except (RuntimeError, dist.DistError) as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TrainingError(
            TrainingReason.PEER_LOST,
            f"{what} failed on rank {os.environ.get('RANK', '0')}: another rank ended or did not answer within"
            f" {COLLECTIVE_SECONDS} s ({first_line})",
        ) from error


class GradientBuffer:
    """Gradients of a model in one flat tensor, averaged over ranks together with the loss."""

    def __init__(self, model: nn.Module) -> None:
        parameters = [p for p in model.parameters() if p.requires_grad]
        self._flat = torch.zeros(sum(p.numel() for p in parameters) + 1)
        offset = 0
        for parameter in parameters:
            parameter.grad = self._flat[offset : offset + parameter.numel()].view_as(parameter)
            offset += parameter.numel()

    def zero(self) -> None:
        """Clears all gradients in place; `zero_grad` would cut them loose from the buffer."""
        self._flat.zero_()

    def average(self, local_loss: Tensor) -> float:
        """Replaces every gradient by its mean over ranks.

        Args:
            local_loss: This rank's mean loss, a scalar.

        Returns:
            The global mean loss, a float32 value.

        Raises:
            TrainingError: PeerLost.
        """
        self._flat[-1] = local_loss.detach()
        with collective("averaging gradients"):
            dist.all_reduce(self._flat)
        self._flat /= dist.get_world_size()
        return self._flat[-1].item()


def gather_bytes(local: Tensor) -> list[Tensor]:
    """Every rank's uint8 tensor, by rank; all of one length."""
    gathered = [torch.empty_like(local) for _ in range(dist.get_world_size())]
    with collective("gathering random states"):
        dist.all_gather(gathered, local)
    return gathered


def broadcast_text(text: str | None) -> str | None:
    """Rank 0's text, on every rank."""
    box = [text]
    with collective("agreeing on a checkpoint"):
        dist.broadcast_object_list(box, src=0)
    return box[0]


def barrier(what: str) -> None:
    """Waits for every rank, for at most 120 s."""
    with collective(what):
        dist.barrier()
