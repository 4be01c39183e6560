"""Where people read what to do about an Incident. Pure."""

from collections.abc import Mapping

from shipway.api.v1alpha1.incident import IncidentSpec, IncidentType

PAGES: Mapping[str, str] = {
    IncidentType.ROLLBACK: "rollback.md",
    IncidentType.GATE_ERROR: "gate-error.md",
    IncidentType.SLO_BURN: "slo-burn.md",
    IncidentType.STALE_FEATURES: "slo-burn.md#stalefeatures",
    IncidentType.TRAINING_HANG: "hang.md",
}
"""Our page about each type, in the documentation's folder `runbooks`."""


def runbook(spec: IncidentSpec, docs_url: str) -> str:
    """What the Model says, or else our page about the type.

    Args:
        spec: The record.
        docs_url: Where our documentation is read, without a slash at the end; empty where it is nowhere.
    """
    page = PAGES.get(spec.type)
    return spec.runbook or (f"{docs_url}/runbooks/{page}" if page and docs_url else "")
