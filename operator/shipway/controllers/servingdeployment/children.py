"""The objects a ServingDeployment makes: InferenceServices, the route, and Incidents."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Literal

from shipway.api import labels
from shipway.api.conditions import rfc3339, seconds
from shipway.api.schema import API_VERSION, GROUP
from shipway.api.v1alpha1.incident import Evidence, IncidentSpec, IncidentType, Subject
from shipway.api.v1alpha1.modelversion import ModelVersionSpec
from shipway.api.v1alpha1.servingdeployment import ServingDeploymentSpec, Verb, VersionRef
from shipway.controllers.accountable import accountable
from shipway.controllers.owned import owner_labels, part_of
from shipway.controllers.servingdeployment.situation import Findings, Mark
from shipway.integrations import gateway, kserve
from shipway.kube.resource import Object

ROLLED_BACK = f"{GROUP}/rolled-back"
"""Annotation on the route: the decision to take a rollout back, written by the very write that takes it back."""
REFERENCE = f"{GROUP}/version-ref"
"""Annotation on an InferenceService: which version it runs and how, should the status ever be lost."""


def inference_service(sdep: Object, spec: ServingDeploymentSpec, ref: VersionRef, version: Object) -> Object:
    """The InferenceService of one version. Nothing of it but its size ever changes: its name says what it runs."""
    source = ModelVersionSpec.model_validate(version["spec"])
    predictor = ref.predictor or spec.predictor
    metadata = part_of(sdep, ref.inference_service, {labels.MODEL: spec.model, labels.VERSION: ref.version})
    lasting = ref.model_copy(update={"since": None, "baked": False, "min_replicas": None, "start_seconds": None})
    served = kserve.Served(
        model=spec.model,
        version=ref.version,
        digest=ref.digest,
        uri=source.source.uri,
        format_name=source.format.name,
        format_version=source.format.version,
        predictor=predictor.model_copy(update={"max_replicas": spec.predictor.max_replicas}),
        min_replicas=max(spec.predictor.min_replicas, ref.min_replicas or 0),
    )
    annotations = {REFERENCE: json.dumps(lasting.to_wire(), sort_keys=True)}
    return kserve.render({**metadata, "annotations": annotations}, served)


def route(
    sdep: Object,
    spec: ServingDeploymentSpec,
    shares: Mapping[str, int],
    *,
    mirror: str = "",
    mark: Mark | None = None,
) -> Object:
    """The HTTPRoute; `shares` are percent by InferenceService, `mirror` gets a copy of every request."""
    metadata = part_of(sdep, sdep["metadata"]["name"])
    if mark is not None:
        metadata["annotations"] = {ROLLED_BACK: json.dumps(asdict(mark))}
    return gateway.render(
        metadata,
        host=spec.host,
        gateway=spec.gateway,
        shares={kserve.backend(name): share for name, share in shares.items()},
        port=kserve.SERVICE_PORT,
        mirror=mirror and kserve.backend(mirror),
    )


def mark_on(route_: Object | None) -> Mark | None:
    """The decision to take back that a route carries, if any."""
    text = ((route_ or {}).get("metadata", {}).get("annotations") or {}).get(ROLLED_BACK)
    if not text:
        return None
    try:
        return Mark(**json.loads(text))
    except (TypeError, ValueError):  # somebody else's scribble
        return None


def mark_of(incident_: Object, *, rollout: str) -> Mark | None:
    """The decision to take back that the Incident of a rollout records; None once a person has lifted it.

    What took a version back without a gate stands there by its reason, which no gate can be called: theirs are small.
    """
    spec = incident_["spec"]
    if spec["type"] != IncidentType.ROLLBACK or (incident_.get("status") or {}).get("lifted"):
        return None
    gate = str(spec["gate"])
    reason = "Aborted" if gate == Verb.ABORT else gate if gate[:1].isupper() else "GateFailed"
    return Mark(rollout, reason, gate, spec["summary"], spec.get("quarantine", True), seconds(spec["detectedAt"]))


def reference_on(service: Object) -> VersionRef | None:
    """The version an InferenceService says it runs, if it says so."""
    text = (service["metadata"].get("annotations") or {}).get(REFERENCE)
    try:
        return VersionRef.model_validate_json(text) if text else None
    except ValueError:
        return None


def incident(
    sdep: Object,
    spec: ServingDeploymentSpec,
    *,
    type_: Literal["Rollback", "GateError", "SLOBurn", "StaleFeatures"] = "Rollback",
    name: str,
    subject: VersionRef,
    stable: VersionRef | None,
    mark: Mark,
    model: Object | None,
    evidence: Sequence[Evidence] = (),
    step_index: int = 0,
    weight: int = 0,
    exposed_at: str | None = None,
) -> Object:
    """An Incident with owner and evidence. It has labels only, so it outlives its maker."""
    body = IncidentSpec(
        type=IncidentType(type_),
        subject=Subject(kind=sdep["kind"], name=sdep["metadata"]["name"], uid=sdep["metadata"]["uid"]),
        model=spec.model,
        version=subject.version,
        digest=subject.digest,
        predictor_hash=subject.predictor_hash,
        stable_version=stable.version if stable else "",
        gate=mark.gate,
        summary=mark.message[:1024],
        evidence=list(evidence),
        step_index=step_index,
        weight=weight,
        exposed_at=exposed_at,
        detected_at=rfc3339(mark.at),
        quarantine=mark.quarantine,
        **accountable(model),
    )
    marks = owner_labels(sdep, {labels.MODEL: spec.model, labels.VERSION: subject.version})
    metadata = {"name": name, "namespace": sdep["metadata"]["namespace"], "labels": marks}
    return {"apiVersion": API_VERSION, "kind": "Incident", "metadata": metadata, "spec": body.to_wire()}


def evidence(findings: Findings) -> Sequence[Evidence]:
    """What every gate says, for an Incident."""
    return [
        Evidence(
            gate=name,
            verdict=judgement.verdict,
            candidate=str(judgement.candidate),
            stable=str(judgement.stable or ""),
            bound=judgement.bound,
            samples=judgement.candidate.trials,
        )
        for name, judgement in findings.judgements.items()
    ]
