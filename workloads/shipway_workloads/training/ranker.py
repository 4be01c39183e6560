"""The built-in recipe: `python -m torch.distributed.run -m shipway_workloads.training.ranker`."""

from __future__ import annotations

import torch

from shipway_workloads import storage
from shipway_workloads.training import artifact, contract, evaluate, features, movielens, parallel, provenance
from shipway_workloads.training.artifact import Artifact
from shipway_workloads.training.checkpoint import CheckpointStore
from shipway_workloads.training.contract import DatasetRef, Result, TrainingContext
from shipway_workloads.training.features import Vocabulary
from shipway_workloads.training.loop import Loop, Samples, fit, new_optimizer, resume
from shipway_workloads.training.model import RankerConfig, new_ranker
from shipway_workloads.training.movielens import Mask, MovieLens
from shipway_workloads.training.parameters import RankerParameters
from shipway_workloads.training.progress import Activity, ProgressReporter
from shipway_workloads.training.sampler import Sampler
from shipway_workloads.training.state import TrainingState

# Parameters that may differ between the attempts of one run, since no number depends on them.
_FREE_PARAMETERS = {"stepDelayMs"}


def train(context: TrainingContext) -> Result | None:
    """Trains, evaluates and publishes a ranker.

    Returns:
        The result on rank 0; None on the others.

    Raises:
        TrainingError: For every reason in `TrainingReason`.
        StorageError: Checkpoints or artifact could not be read or written.
    """
    parameters = RankerParameters.parse(context.parameters)
    data = movielens.load()
    with parallel.process_group(context):
        training = ~data.held_out(parameters.split)
        words = features.vocabulary(data)
        state = _new_state(context, parameters, data, training, words)
        with ProgressReporter(context) as progress:
            _fit(context, parameters, state, _samples(data, training), progress)
            with progress.activity(Activity.EVALUATING):
                result = _publish(context, parameters, state, data, words) if context.rank == 0 else None
        # All ranks succeed or none: a rank that left early would look like success while rank 0 still fails.
        parallel.barrier("waiting for rank 0 to publish the artifact")
    return result


def _new_state(
    context: TrainingContext, parameters: RankerParameters, data: MovieLens, training: Mask, words: Vocabulary
) -> TrainingState:
    users = features.user_features(data, training, words)
    items = features.item_features(data, training)
    config = RankerConfig(
        embedding_dim=parameters.embedding_dim,
        dropout=parameters.dropout,
        users=len(users.ids),
        items=len(items.ids),
        genres=len(words.genres),
        user_cardinalities=words.user_cardinalities(),
    )
    model = new_ranker(config, users, items, seed=context.seed)
    # Weights are equal on all ranks; dropout must not be.
    torch.manual_seed(context.seed * context.world_size + context.rank)
    return TrainingState(
        model=model,
        optimizer=new_optimizer(model, parameters),
        rank=context.rank,
        fingerprint=_fingerprint(context, parameters, data),
    )


def _fingerprint(context: TrainingContext, parameters: RankerParameters, data: MovieLens) -> dict[str, str]:
    fixed = {name: value for name, value in parameters.to_json().items() if name not in _FREE_PARAMETERS}
    return {**fixed, "seed": str(context.seed), "processes": str(context.world_size), "dataset": data.digest}


def _samples(data: MovieLens, training: Mask) -> Samples:
    # Row numbers are places in the ascending id lists, as `features` makes them.
    user_rows = data.users.ids.searchsorted(data.user[training])
    item_rows = data.items.ids.searchsorted(data.item[training])
    return Samples(
        user_rows=torch.from_numpy(user_rows),
        item_rows=torch.from_numpy(item_rows),
        labels=torch.from_numpy(data.label[training]),
    )


def _fit(
    context: TrainingContext,
    parameters: RankerParameters,
    state: TrainingState,
    samples: Samples,
    progress: ProgressReporter,
) -> None:
    checkpoints = None
    if context.checkpoint_uri:
        checkpoints = CheckpointStore(storage.open_store(context.checkpoint_uri), attempt=context.attempt)
    loop = Loop(
        samples=samples,
        sampler=Sampler(
            samples=len(samples.labels),
            batch_size=parameters.batch_size,
            seed=context.seed,
            rank=context.rank,
            world_size=context.world_size,
        ),
        parameters=parameters,
        checkpoint_every_steps=context.checkpoint_every_steps,
        checkpoints=checkpoints,
    )
    newest = resume(state, context, checkpoints)
    fit(state, loop, progress, checkpoint=newest)


def _publish(
    context: TrainingContext, parameters: RankerParameters, state: TrainingState, data: MovieLens, words: Vocabulary
) -> Result:
    ranker = Artifact(
        model=state.model,
        users=data.users.ids.tolist(),
        items=data.items.ids.tolist(),
        catalogue=data.items.ids.tolist(),
        encoders={"genders": words.genders, "occupations": words.occupations, "genres": words.genres},
    )
    return Result(
        artifact=artifact.publish(ranker, context.output_uri),
        evaluation=[
            *evaluate.evaluate(ranker, data, parameters.split),
            *evaluate.baselines(data, parameters.split),
        ],
        datasets=[DatasetRef(name=movielens.NAME, digest=data.digest)],
        code_revision=provenance.code_revision(),
        step=state.step,
        loss=state.losses[-1],
        loss_trace_digest=state.loss_trace_digest(),
        seed=context.seed,
    )


if __name__ == "__main__":
    contract.run(train)
