"""A few seeds for every day, and those that have found something; `make test-faults` runs many more."""

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.bugs import BUGS
from faults.diary import listening
from faults.pace import pace
from faults.run import run_seed
from harness.definitions import garbage_is_collected, install_serving_crds
from harness.lab import Lab
from shipway.kube.client import Client

pytestmark = [pytest.mark.lab, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]
EVERY_DAY = (0, 1, 2, 5, 19)
"""One of each story, one with operators that are killed, one whose namespace is deleted under way."""
SIDE_BY_SIDE = 4


@pytest.fixture(autouse=True)
def _diaries() -> Iterator[None]:
    with listening():
        yield


async def test_whatever_fails_nothing_forbidden_happens_and_every_story_ends_well_and_soon(
    lab: Lab, kube: Client, tmp_path: Path
) -> None:
    await install_serving_crds(lab, tmp_path)
    await garbage_is_collected(lab)
    room = asyncio.Semaphore(SIDE_BY_SIDE)
    seeds = sorted({*EVERY_DAY, *(bug.seed for bug in BUGS)})

    async with pace(kube) as measured:

        async def one(seed: int) -> list[str]:
            async with room:
                outcome = await run_seed(seed, lab, measured)
            diary = tmp_path / f"seed-{seed}.log"
            diary.write_text(outcome.diary)
            told = f"seed {seed} ({outcome.weather.story}), told in full in {diary}"
            return [f"{told}: {sentence}" for sentence in outcome.violations]

        found = await asyncio.gather(*map(one, seeds))
    gc.collect()  # here, and not in another test
    assert not [sentence for sentences in found for sentence in sentences]
