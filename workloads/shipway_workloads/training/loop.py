"""The training loop: steps from wherever the state is to the last one, with checkpoints and progress on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from shipway_workloads.training import parallel
from shipway_workloads.training.checkpoint import CheckpointStore, Pointer
from shipway_workloads.training.contract import TrainingContext, TrainingError, TrainingReason
from shipway_workloads.training.model import Ranker
from shipway_workloads.training.parameters import RankerParameters
from shipway_workloads.training.progress import Activity, Checkpoint, Progress, ProgressReporter
from shipway_workloads.training.sampler import Sampler
from shipway_workloads.training.state import TrainingState

WARM_UP_SHARE = 0.1
DENSE_DECAY_SHARE = 0.1
RATE_WINDOW_STEPS = 20


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Training samples as row numbers and labels, three tensors of one length."""

    user_rows: Tensor
    item_rows: Tensor
    labels: Tensor


@dataclass(frozen=True, kw_only=True)
class Loop:
    """What a step needs beside the state.

    Attributes:
        samples: The training part.
        sampler: Which of them this rank takes in a step.
        parameters: The job's parameters.
        checkpoint_every_steps: Steps between checkpoints.
        checkpoints: Where rank 0 saves; None, on all ranks alike, for a job without checkpoints.
    """

    samples: Samples
    sampler: Sampler
    parameters: RankerParameters
    checkpoint_every_steps: int
    checkpoints: CheckpointStore | None

    @property
    def total_steps(self) -> int:
        """Steps of a whole run."""
        return self.parameters.epochs * self.sampler.steps_per_epoch


def new_optimizer(model: Ranker, parameters: RankerParameters) -> torch.optim.Optimizer:
    """AdamW; the tables of users and items, which remember single ids, decay ten times as fast as the rest."""
    tables = [*model.user.parameters(), *model.item.parameters()]
    table_ids = {id(parameter) for parameter in tables}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in table_ids]
    decay = parameters.weight_decay
    groups = [
        {"params": tables, "weight_decay": decay},
        {"params": rest, "weight_decay": DENSE_DECAY_SHARE * decay},
    ]
    return torch.optim.AdamW(groups, lr=parameters.learning_rate)


def resume(state: TrainingState, context: TrainingContext, checkpoints: CheckpointStore | None) -> Checkpoint | None:
    """Brings every rank to the newest checkpoint that rank 0 claims; a collective.

    Returns:
        That checkpoint; None when training starts afresh.
    """
    if checkpoints is None:
        return None
    claimed = checkpoints.claim() if context.rank == 0 else None
    text = parallel.broadcast_text(claimed.to_json() if claimed else None)
    if text is None:
        return None
    pointer = Pointer.from_json(text)
    state.restore(checkpoints.load(pointer))
    return checkpoints.describe(pointer)


def fit(
    state: TrainingState,
    loop: Loop,
    progress: ProgressReporter,
    *,
    checkpoint: Checkpoint | None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Trains `state` to the last step.

    Args:
        state: Where to begin; holds the end afterwards.
        loop: What to do in a step.
        progress: Told about every step.
        checkpoint: The newest one so far.
        sleep: Waits between steps where the job asks for it.

    Raises:
        TrainingError: PeerLost, LossNotFinite, StaleAttempt.
        StorageError: A checkpoint could not be written.
    """
    gradients = parallel.GradientBuffer(state.model)
    rate = _Rate(loop.parameters.batch_size)
    state.model.train()
    while state.step < loop.total_steps:
        loss = _step(state, loop, gradients)
        state.losses.append(loss)
        if loop.checkpoints and _checkpoint_due(state.step, loop):
            with progress.activity(Activity.CHECKPOINTING):
                checkpoint = _save(state, loop.checkpoints)
        progress.update(
            Progress(
                step=state.step,
                total_steps=loop.total_steps,
                loss=loss,
                samples_per_second=rate.after_step(),
                checkpoint=checkpoint,
            )
        )
        if loop.parameters.step_delay_ms:
            sleep(loop.parameters.step_delay_ms / 1000)


def learning_rate(step: int, total_steps: int, peak: float) -> float:
    """Linear warm-up over the first tenth, times a cosine from 1 to 0 over the whole run."""
    done = step / total_steps
    return peak * min(1.0, done / WARM_UP_SHARE) * 0.5 * (1 + math.cos(math.pi * done))


def _step(state: TrainingState, loop: Loop, gradients: parallel.GradientBuffer) -> float:
    rows = torch.from_numpy(loop.sampler.share(state.step))
    gradients.zero()
    logits = state.model(loop.samples.user_rows[rows], loop.samples.item_rows[rows])
    local_loss = binary_cross_entropy_with_logits(logits, loop.samples.labels[rows])
    local_loss.backward()  # type: ignore[no-untyped-call]
    loss = gradients.average(local_loss)
    if not math.isfinite(loss):
        raise TrainingError(
            TrainingReason.LOSS_NOT_FINITE,
            f"loss is {loss} at step {state.step + 1}; a smaller parameter learningRate than"
            f" {loop.parameters.learning_rate} may cure it",
        )
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(state.step, loop.total_steps, loop.parameters.learning_rate)
    state.optimizer.step()
    return loss


def _checkpoint_due(step: int, loop: Loop) -> bool:
    return step % loop.checkpoint_every_steps == 0 or step == loop.total_steps


def _save(state: TrainingState, checkpoints: CheckpointStore) -> Checkpoint | None:
    data = state.to_bytes()
    return checkpoints.save(state.step, data) if state.rank == 0 else None


class _Rate:
    """Samples per second over the last few steps."""

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._times = [time.monotonic()]

    def after_step(self) -> float:
        self._times = [*self._times[-RATE_WINDOW_STEPS:], time.monotonic()]
        elapsed = self._times[-1] - self._times[0]
        return (len(self._times) - 1) * self._batch_size / elapsed if elapsed > 0 else 0.0
