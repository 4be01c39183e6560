"""What is released, under how much traffic, and how long it is watched."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from benchmarks.releases.unreliable import Fault


class Ending(StrEnum):
    """How a release ended."""

    TAKEN_BACK = "taken back"
    PROMOTED = "promoted"
    NEITHER = "neither"


@dataclass(frozen=True)
class Plan:
    """Weights in percent, each with its seconds, and the bake after 100; a mirror of all requests may come before."""

    steps: tuple[tuple[int, int], ...]
    bake_seconds: int
    mirror_seconds: int = 0
    further_gates: tuple[dict[str, Any], ...] = ()

    def ours(self) -> dict[str, Any]:
        """As the rollout of a ServingDeployment, with the gates."""
        mirror = [{"mirror": {}}, {"pause": {"seconds": self.mirror_seconds}}] if self.mirror_seconds else []
        steps = mirror + [part for weight, seconds in self.steps for part in _step(weight, {"seconds": seconds})]
        return {"steps": steps, "gates": [*GATES, *self.further_gates], "bakeSeconds": self.bake_seconds}

    def argo(self) -> list[dict[str, Any]]:
        """As the steps of a Rollout; it bakes before the last weight, since afterwards nothing is judged."""
        ends = ((100, self.bake_seconds),)
        return [part for weight, wait in (*self.steps, *ends) for part in _step(weight, {"duration": f"{wait}s"})]


def _step(weight: int, pause: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"setWeight": weight}, {"pause": pause}]


GATES: list[dict[str, Any]] = [
    {"name": "errors", "type": "ErrorRate"},
    {"name": "latency", "type": "Latency", "quantile": "0.99", "margin": "0.05", "fastEnoughMilliseconds": 50},
]
"""Of every release, as docs/concepts/releases.md has them; the first watches errors."""
SCORES: dict[str, Any] = {"name": "scores", "type": "PredictionShift", "margin": "0.02", "onFail": "Abort"}
"""For a version that is meant to predict as stable does."""
ANSWERS: dict[str, Any] = {"name": "answers", "type": "AnswerDiff", "tolerance": "0.001", "onFail": "Abort"}
"""For a version that is meant to be stable in another form."""
MIRRORED = Plan(((10, 3600),), bake_seconds=60, mirror_seconds=120)
DEFAULT = Plan(((5, 60), (25, 120), (50, 180)), bake_seconds=60)
"""What a release takes where the spec says nothing about it."""
AT_TEN = Plan(((10, 3600),), bake_seconds=60)
"""The new version stays at ten percent, so that the time it takes to be noticed is the gates' and not the plan's."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One kind of release.

    Attributes:
        name: As on the command line and in the results.
        rate: Requests a second.
        fault: Of the new version; stable has the background errors alone.
        served_seconds: How long stable has answered before the release.
        watch_seconds: How long it is watched from its first answer, if it does not end before.
        runs: How often it is measured where nothing else is asked for.
        peer_runs: The same for each setting of a peer; 0 where the peer has nothing to show.
        abreast: How many of our deployments release at a time, each at this rate.
        lean: Whether predictors only answer, so that the machine can carry the rate.
        plan: Of the release.
        ends: How it should end.
    """

    name: str
    rate: float
    fault: Fault
    watch_seconds: float
    runs: int
    peer_runs: int = 0
    served_seconds: float = 0
    abreast: int = 1
    lean: bool = False
    plan: Plan = AT_TEN
    ends: Ending = Ending.TAKEN_BACK


THIRD = Fault(errors=0.3)
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(name="from-start", rate=100, fault=THIRD, watch_seconds=60, runs=60, peer_runs=10),
        Scenario(
            name="after-health",
            rate=100,
            fault=Fault(errors=0.3, after_seconds=35),
            watch_seconds=120,
            runs=20,
            peer_runs=10,
            abreast=4,
            lean=True,
        ),
        Scenario(
            name="at-10",
            rate=10,
            fault=THIRD,
            served_seconds=220,
            watch_seconds=240,
            runs=40,
            abreast=10,
            lean=True,
        ),
        Scenario(name="at-1000", rate=1000, fault=THIRD, watch_seconds=60, runs=10, lean=True),
        Scenario(name="slow", rate=100, fault=Fault(slow=0.25), watch_seconds=60, runs=20),
        Scenario(
            name="shifted",
            rate=100,
            fault=Fault(shift=0.5),
            watch_seconds=120,
            runs=10,
            plan=replace(AT_TEN, further_gates=(SCORES,)),
        ),
        Scenario(
            name="mirrored",
            rate=100,
            fault=THIRD,
            watch_seconds=120,
            runs=5,
            plan=MIRRORED,
        ),
        Scenario(
            name="differing",
            rate=100,
            fault=Fault(shift=0.05),
            watch_seconds=120,
            runs=5,
            plan=replace(MIRRORED, further_gates=(ANSWERS,)),
        ),
        Scenario(
            name="same",
            rate=25,
            fault=Fault(),
            watch_seconds=60,
            runs=100,
            peer_runs=10,
            abreast=10,
            lean=True,
            ends=Ending.NEITHER,
        ),
        Scenario(name="good", rate=100, fault=Fault(), watch_seconds=1200, runs=3, plan=DEFAULT, ends=Ending.PROMOTED),
    )
}
