"""How fast incidents are noticed and ended, as histograms."""

from prometheus_client import CollectorRegistry, Histogram

from shipway.api.v1alpha1.incident import IncidentSpec, IncidentStatus

_BUCKETS = (1, 2, 3, 5, 10, 15, 30, 60, 300, 900, 3600, 14400, 86400)


class ResponseTimes:
    """Takes in each Incident once: when it is first seen to be mitigated.

    Args:
        registry: Where the histograms are read.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._taken: set[str] = set()
        self._detect = Histogram(
            "shipway_incident_time_to_detect_seconds",
            "From a version's first share of the traffic to the decision to take it back",
            ["severity"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._mitigate = Histogram(
            "shipway_incident_time_to_mitigate_seconds",
            "From that decision to all traffic on stable, as read from the route",
            ["severity"],
            buckets=_BUCKETS,
            registry=registry,
        )

    def take(self, uid: str, spec: IncidentSpec, before: IncidentStatus, after: IncidentStatus) -> None:
        """Note the times of an Incident whose status goes from one to another.

        What was mitigated before this process looked is told by the process that looked then.
        """
        if before.mitigated_at is not None or after.seconds_to_mitigate is None or uid in self._taken:
            return
        self._taken.add(uid)
        self._mitigate.labels(spec.severity).observe(after.seconds_to_mitigate)
        if after.seconds_to_detect is not None:
            self._detect.labels(spec.severity).observe(after.seconds_to_detect)
