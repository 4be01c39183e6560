"""When a TrainingJob is late, and what comes first of several moments."""

from shipway.api.conditions import seconds
from shipway.controllers.trainingjob.snapshot import Snapshot


def deadline(s: Snapshot) -> float | None:
    """The moment in Unix seconds; None without a deadline, or before the first attempt."""
    if s.spec.active_deadline_seconds is None or s.stored.start_time is None:
        return None
    return seconds(s.stored.start_time) + s.stored.suspended_seconds + s.spec.active_deadline_seconds


def until_deadline(s: Snapshot) -> float | None:
    """Seconds until then."""
    moment = deadline(s)
    return None if moment is None else moment - s.now


def soonest(*waits: float | None) -> float | None:
    """The shortest of some waits; None stands for one without an end."""
    return min((wait for wait in waits if wait is not None), default=None)
