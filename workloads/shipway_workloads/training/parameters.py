"""The ranker's parameters: strings from the job, checked before anything is loaded."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from shipway_workloads.training.contract import TrainingError, TrainingReason
from shipway_workloads.training.movielens import Split


@dataclass(frozen=True, kw_only=True)
class RankerParameters:
    """How a ranker is trained. Field names are those of the job's parameters in snake case.

    Attributes:
        epochs: Passes over the training part.
        batch_size: Samples of one optimizer step over all ranks.
        embedding_dim: Width of every embedding and of the dense features' projection.
        learning_rate: Peak of AdamW's rate; warm-up over a tenth of the steps, then a cosine to zero.
        dropout: Share of user and item embedding values and hidden units dropped in training.
        weight_decay: Of the user and item tables; the rest of the net decays at a tenth of it.
        step_delay_ms: Milliseconds to wait after each step, to slow a demonstration down; changes no number.
        split: What is held out.
    """

    epochs: int = 8
    batch_size: int = 1024
    embedding_dim: int = 16
    learning_rate: float = 0.002
    dropout: float = 0.5
    weight_decay: float = 1.0
    step_delay_ms: int = 0
    split: Split = Split.USER_TAIL

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> RankerParameters:
        """Reads the job's parameters; those not given keep their defaults.

        Raises:
            TrainingError: InvalidParameter, naming the parameter, its value and what is allowed.
        """
        known = {_camel(f.name): f.name for f in fields(cls)}
        for name in parameters:
            if name not in known:
                raise TrainingError(
                    TrainingReason.INVALID_PARAMETER,
                    f"parameter {name!r} is unknown; the ranker knows {', '.join(sorted(known))}",
                )
        return cls(**{known[name]: _value(name, text) for name, text in parameters.items()})

    def to_json(self) -> dict[str, str]:
        """All values as the job would give them."""
        return {_camel(f.name): str(getattr(self, f.name)) for f in fields(self)}


def _value(name: str, text: str) -> Any:
    parse, is_allowed, allowed = _RULES[name]
    try:
        value = parse(text)
    except ValueError:
        value = None
    if value is None or not is_allowed(value):
        raise TrainingError(TrainingReason.INVALID_PARAMETER, f"parameter {name}={text!r} must be {allowed}")
    return value


def _between(low: float, high: float) -> Callable[[float], bool]:
    return lambda value: math.isfinite(value) and low <= value <= high


_Rule = tuple[Callable[[str], Any], Callable[[Any], bool], str]
_RULES: Mapping[str, _Rule] = {
    "epochs": (int, _between(1, 1000), "an integer from 1 to 1000"),
    "batchSize": (int, _between(2, 65536), "an integer from 2 to 65536"),
    "embeddingDim": (int, _between(1, 512), "an integer from 1 to 512"),
    "learningRate": (float, _between(1e-8, 1), "a number from 1e-8 to 1"),
    "dropout": (float, _between(0, 0.9), "a number from 0 to 0.9"),
    "weightDecay": (float, _between(0, 100), "a number from 0 to 100"),
    "stepDelayMs": (int, _between(0, 60_000), "an integer from 0 to 60000"),
    "split": (Split, lambda _: True, f"one of {', '.join(Split)}"),
}


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)
