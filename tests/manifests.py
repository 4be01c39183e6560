"""Smallest valid objects of our kinds, to be changed by one field at a time."""

import copy
from typing import Any

from shipway.api.schema import API_VERSION

Object = dict[str, Any]
DIGEST = "sha256:" + "ab" * 32

_SPECS: dict[str, tuple[str, Object]] = {
    "TrainingJob": ("ranker-v1", {"recipe": {"name": "ranker"}, "storage": {"uri": "s3://models/team-reco"}}),
    "Team": ("reco", {"owners": [{"name": "ada"}], "namespaces": ["team-reco"]}),
    "Model": ("ranker", {"owner": {"team": "reco"}}),
    "ModelVersion": (
        "ranker-v1",
        {
            "modelName": "ranker",
            "version": "v1",
            "source": {"uri": "s3://models/team-reco/ranker/v1"},
            "digest": DIGEST,
            "format": {"name": "shipway-ranker"},
        },
    ),
    "ServingDeployment": (
        "ranker",
        {"model": "ranker", "version": "v1", "host": "ranker.example.com", "gateway": {"name": "shipway"}},
    ),
    "Incident": (
        "ranker-v3-rollback",
        {
            "type": "Rollback",
            "subject": {"kind": "ServingDeployment", "name": "ranker"},
            "model": "ranker",
            "version": "v3",
            "digest": DIGEST,
            "predictorHash": "0a1b2c3d",
            "owner": "reco",
            "gate": "errors",
            "summary": "v3: 7 errors in 31 answers",
            "detectedAt": "2026-11-24T10:00:00Z",
        },
    ),
}


def minimal(kind: str, *, name: str | None = None, **spec: Any) -> Object:
    """The smallest valid object of a kind, with fields of its spec replaced; `None` removes a field."""
    usual_name, usual_spec = _SPECS[kind]
    merged = {**copy.deepcopy(usual_spec), **spec}
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name or usual_name},
        "spec": {key: value for key, value in merged.items() if value is not None},
    }
