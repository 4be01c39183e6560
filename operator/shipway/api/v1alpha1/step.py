"""What a release is made of: weights, waits, and copies before the first weight."""

from typing import Annotated

from pydantic import Field

from shipway.api.schema import ApiModel, Percent, Rule


class Pause(ApiModel):
    """A wait in the rollout."""

    seconds: Annotated[int, Field(ge=1, le=2_592_000)] | None = None
    """How long; until someone promotes when left out."""


_ONE_THING = "a step is exactly one of setWeight, pause and mirror"


class Mirror(ApiModel):
    """The new version sees a copy of every request, and nobody gets its answers."""


class Step(ApiModel):
    """One step: set a weight, pause, or mirror."""

    set_weight: Percent | None = None
    """Percent of the traffic for the new version."""
    pause: Pause | None = None
    """Wait while the gates watch."""
    mirror: Mirror | None = None
    """Send the new version a copy of every request and nobody its answers; once, before the first setWeight. Every
    request is answered twice: not for predictors that learn or write as they answer."""
    rules = (
        Rule("has(self.setWeight) != has(self.pause) || has(self.mirror)", _ONE_THING),
        Rule("!has(self.mirror) || !has(self.setWeight) && !has(self.pause)", _ONE_THING),
    )
