"""Which versions are held back, as the Incidents say: records outlive whatever made them, so they are the truth."""

from collections.abc import Iterable

from shipway.api.v1alpha1.incident import IncidentSpec
from shipway.api.v1alpha1.model import Quarantine
from shipway.kube.resource import Object


def quarantined(incidents: Iterable[Object], *, model: str) -> list[Quarantine]:
    """The quarantines of a model, newest last, one for each artifact and predictor configuration.

    An incident counts while it asks for quarantine and nobody has lifted it.
    """
    held: dict[tuple[str, str], Quarantine] = {}
    for incident in sorted(incidents, key=lambda i: (i["spec"].get("detectedAt", ""), i["metadata"]["name"])):
        spec = IncidentSpec.model_validate(incident["spec"])
        if spec.model != model or not spec.quarantine or incident.get("status", {}).get("lifted"):
            continue
        held.pop((spec.digest, spec.predictor_hash), None)
        held[spec.digest, spec.predictor_hash] = Quarantine(
            version=spec.version,
            digest=spec.digest,
            predictor_hash=spec.predictor_hash,
            reason=spec.summary,
            incident=incident["metadata"]["name"],
            since=spec.detected_at,
        )
    return list(held.values())
