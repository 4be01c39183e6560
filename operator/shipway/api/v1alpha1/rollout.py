"""How a new version replaces the old one, as it is declared: steps, gates, and what holds a release."""

from typing import Annotated, Literal

from pydantic import Field

from shipway.api.schema import ApiModel, Decimal, Rule, decimal_rule, implied, list_map
from shipway.api.v1alpha1.freeze import Freeze
from shipway.api.v1alpha1.gates import MAX_GATES, Gate, Inconclusive
from shipway.api.v1alpha1.order import Predecessor
from shipway.api.v1alpha1.step import Pause, Step

_CAUTIOUS = [
    *(Step(set_weight=5), Step(pause=Pause(seconds=60))),
    *(Step(set_weight=25), Step(pause=Pause(seconds=120))),
    *(Step(set_weight=50), Step(pause=Pause(seconds=180))),
]
"""Seven minutes with the bake: whoever says nothing gets a release that nobody has to watch."""
_WATCHED = [
    Gate(name="errors", type="ErrorRate"),
    Gate(name="latency", type="Latency", quantile="0.99", margin="0.05"),
]
"""What every predictor counts, whatever its model is for."""
_NO_MIRROR = "!has(self.steps) || !self.steps.exists(s, has(s.mirror))"


class Rollout(ApiModel):
    """How a new version replaces the old one."""

    steps: Annotated[list[Step], Field(max_length=32), implied()] = _CAUTIOUS
    """Ordered steps; 100 percent is added at the end where it is missing. An empty list is everything at once. When
    left out: 5 % for one minute, 25 % for two and 50 % for three."""
    gates: Annotated[list[Gate], Field(max_length=MAX_GATES), list_map("name"), implied()] = _WATCHED
    """What is watched at every step. An empty list is a release that nobody watches. When left out: errors, an
    ErrorRate, and latency, a Latency with the quantile 0.99 and a margin of 0.05."""
    compare_with: Literal["Stable", "Twin"] | None = None
    """Whom the gates compare the new version with; Stable when left out. Twin: a second copy of stable's version, begun
    with the new one, of the same size and with the same share, so that being small, cold or young speaks against
    neither; it takes as many replicas again. Copies of requests (mirror) are compared with stable."""
    alpha: Decimal = "0.05"
    """Largest chance that a version as good as the margins ask for is taken back, over all gates and steps together. Of
    versions as good as stable far fewer are. Less is slower."""
    inconclusive: Inconclusive = Inconclusive()
    """What happens when a gate cannot tell."""
    error_seconds: Annotated[int, Field(ge=10, le=86_400)] | None = None
    """How long gates may be in Error, for want of numbers, before an Incident asks for someone to mend that; 300 when
    left out."""
    bake_seconds: Annotated[int, Field(ge=0, le=2_592_000)] = 60
    """How long the gates go on, and the old version is kept, after 100 percent."""
    progress_deadline_seconds: Annotated[int, Field(ge=10, le=86_400)] = 600
    """Longest time for a version to become ready, and for each further step to get the replicas that it needs. Then the
    version is taken back, without a quarantine."""
    freeze: Annotated[list[Freeze], Field(max_length=16), list_map("name")] = []
    """Windows in which no release starts and none gets more traffic."""
    after: Annotated[list[Predecessor], Field(max_length=8), list_map("name")] = []
    """Start once these serve and release nothing; those of the same model once they have the same version."""

    @property
    def tests(self) -> tuple[Gate, ...]:
        """Every gate, each followed by one for each of its slices."""
        return tuple(test for gate in self.gates for test in gate.tests)

    @property
    def patience(self) -> int:
        """Seconds for which gates may be in Error before somebody is called."""
        return 300 if self.error_seconds is None else self.error_seconds

    rules = (
        decimal_rule(
            "alpha",
            "number > 0.0 && number <= 0.5",
            "alpha is a probability above 0 and at most 0.5, such as 0.05",
        ),
        Rule(
            "!has(self.steps) || self.steps.all(s, !has(s.setWeight) || s.setWeight > 0)",
            "setWeight 0 sends the new version nothing; begin with 1 or more",
            "steps",
        ),
        Rule(
            f"{_NO_MIRROR} || self.steps.exists_one(s, has(s.mirror))",
            "the new version can be mirrored once; leave one mirror and lengthen the pause after it",
            "steps",
        ),
        Rule(
            f"{_NO_MIRROR} || has(self.steps.filter(s, has(s.mirror) || has(s.setWeight))[0].mirror)",
            "mirror comes before the first setWeight; move it to the front",
            "steps",
        ),
        Rule(
            "!has(self.compareWith) || self.compareWith != 'Twin' || !has(self.gates)"
            " || !self.gates.exists(g, g.type == 'Calibration' || g.type == 'NormalizedEntropy')",
            "labels are told by version, and a twin has stable's; compare with Stable, or leave these gates out",
            "compareWith",
        ),
    )
