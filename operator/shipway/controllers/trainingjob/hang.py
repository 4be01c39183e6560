"""When a training counts as hung: two signals must agree, and the time they are given fits the training.

There is no new step for longer than is allowed, and in that time no other sign of life: no new checkpoint, and no
activity of rank 0 that would explain it. What a step usually takes is learnt, so that slow steps are no hang.
"""

from dataclasses import dataclass

from shipway.api.v1alpha1.trainingjob import Health
from shipway.integrations.signs import Signs

LEAST_SECONDS = 120.0
"""No shorter time without a step is a hang, unless the spec says so."""
TIMES_THE_USUAL = 10
UNKNOWN_SECONDS = 900.0
"""Allowed while it is not known how long a step usually takes."""
ACTIVITY_TIMES = 6
"""How much longer it may take while rank 0 says what it does instead, or when all steps are made."""
ACTIVITY_LEAST_SECONDS = 900.0
ACTIVITY_HEARD_SECONDS = 60.0
"""An activity that was announced longer ago than this, and not again, explains nothing: rank 0 says so every 10 s."""


@dataclass(frozen=True)
class Silence:
    """How long a training has shown no sign of life, held against how long it may.

    Attributes:
        signs: What was heard.
        allowed: Seconds.
    """

    signs: Signs
    allowed: float

    @property
    def left(self) -> float:
        """Seconds until it counts as hung; 0 or less when it does."""
        # A step is a sign of life as well, so that this is never more than the time without a step.
        return self.allowed - self.signs.without_sign

    @property
    def is_hang(self) -> bool:
        """Whether it counts as hung."""
        return self.left <= 0


def judge(signs: Signs, health: Health) -> Silence:
    """How a training stands.

    Args:
        signs: Its signs of life.
        health: What its spec says.
    """
    allowed = float(health.hang_seconds) if health.hang_seconds is not None else _adaptive(signs)
    if _is_busy(signs):
        allowed = max(ACTIVITY_TIMES * allowed, ACTIVITY_LEAST_SECONDS)
    return Silence(signs, allowed)


def _adaptive(signs: Signs) -> float:
    if signs.step_seconds is None:
        return UNKNOWN_SECONDS
    return max(LEAST_SECONDS, TIMES_THE_USUAL * signs.step_seconds)


def _is_busy(signs: Signs) -> bool:
    announced = signs.activity is not None and signs.without_report <= ACTIVITY_HEARD_SECONDS
    return announced or signs.all_steps_made
