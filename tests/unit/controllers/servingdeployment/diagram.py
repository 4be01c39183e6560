"""The states of a release and the ways between them: as the page about releases draws them, and as they were walked."""

import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path

from shipway.api.v1alpha1.servingdeployment import ServingDeploymentStatus

Way = tuple[str, str]
PAGE = Path(__file__).resolve().parents[4] / "docs" / "concepts" / "releases.md"


@cache
def drawn() -> frozenset[Way]:
    """The ways of the diagram, but for those from and to nowhere."""
    (diagram,) = re.findall(r"^stateDiagram-v2\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    return frozenset(re.findall(r"^ *(\w+) --> (\w+)", diagram, flags=re.MULTILINE))


def walked(statuses: Iterable[ServingDeploymentStatus]) -> set[Way]:
    """The ways that releases took, one after the other; from a step to the next is one as well."""
    rollouts = [status.rollout for status in statuses if status.rollout]
    return {
        (before.state, after.state)
        for before, after in pairwise(rollouts)
        if before.id == after.id and (before.state, before.step_index) != (after.state, after.step_index)
    }
