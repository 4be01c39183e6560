"""The scores that the benchmark's versions give are spread as a real ranker's, and shifted by as much as they say."""

import json

import torch

from benchmarks.releases.population import ITEMS, USERS, bodies, ranker
from shipway_workloads.training.artifact import Artifact


def logits(artifact: Artifact) -> torch.Tensor:
    pairs = [json.loads(body)["instances"][0] for body in bodies()]
    artifact.model.eval()
    with torch.inference_mode():
        found: torch.Tensor = artifact.model(
            torch.tensor([USERS.index(pair["user"]) for pair in pairs]),
            torch.tensor([ITEMS.index(pair["item"]) for pair in pairs]),
        )
    return found


def test_scores_are_spread_over_many_of_the_predictors_bins() -> None:
    assert 0.8 < float(logits(ranker()).std()) < 1.2


def test_a_shifted_ranker_scores_higher_by_the_standard_deviations_it_says() -> None:
    plain, shifted = logits(ranker()), logits(ranker(shift=0.5))
    assert torch.allclose(shifted - plain, (shifted - plain)[0].expand_as(plain), atol=1e-4)
    assert 0.45 < float((shifted - plain).mean() / plain.std()) < 0.55


def test_equal_shifts_give_equal_rankers() -> None:
    assert torch.equal(logits(ranker(shift=0.5)), logits(ranker(shift=0.5)))
