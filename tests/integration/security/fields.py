"""Every text of every spec a tenant may write: where it is in the schema, and an object with all of them set."""

import copy
from collections.abc import Iterator
from typing import Any

import yaml

from harness.builders import model, model_version, serving_deployment, training_job
from harness.lab import ROOT
from shipway.kube.resource import Object

SchemaPath = tuple[str, ...]
"""A place in a schema: names of fields, `[]` for an item, `{}` for a value of a map, `{key}` for a name in it."""
Place = tuple[str | int, ...]
"""A place in an object; `{key}` behind a name in a map means that name itself."""

NAMES = {
    f"self.matches(r'{form}')" for form in (r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
}
"""The rules of names: a label and a whole DNS name, neither with a slash or a colon."""
RESOURCES = {"requests": {"cpu": "100m"}, "limits": {"memory": "1Gi"}}
STORAGE = {"uri": "s3://models/test", "secretName": "storage"}
SERVING: dict[str, Any] = {
    "model": "ranker",
    "host": "ranker.example.com",
    "gateway": {"name": "gw", "namespace": "gateways"},
    "predictor": {
        "runtime": "shipway-ranker",
        "storageContainerName": "shipway",
        "serviceAccountName": "ranker",
        "resources": RESOURCES,
    },
    "rollout": {
        "steps": [{"setWeight": 20}],
        "alpha": "0.01",
        "after": [{"name": "retrieval"}],
        "freeze": [{"name": "night", "start": "22:00", "end": "06:00", "timeZone": "UTC", "reason": "nobody is awake"}],
        "gates": [
            {
                "name": "slow",
                "type": "Latency",
                "quantile": "0.95",
                "margin": "0.01",
                "metric": {"name": "clicks", "largest": "20", "largestSecond": "20"},
                "slices": ["acme"],
            },
            {"name": "load", "type": "PromQL", "query": 'sum(load{pod=~"{{service}}-.*"})', "limit": "0.8"},
            {"name": "approval", "type": "Webhook", "service": {"name": "approvals", "path": "/v1/judge"}},
            {"name": "same", "type": "AnswerDiff", "tolerance": "0.001"},
            {"name": "quality", "type": "Evaluation", "evaluation": {"name": "auc", "dataset": "d", "slice": "all"}},
        ],
    },
    "objectives": [
        {"name": "missing", "type": "Metric", "metric": "missing-features", "target": "0.95", "atMost": "0.05"},
        {"name": "clicks", "type": "Metric", "target": "0.95", "atLeast": "0.01"},
    ],
}
FULL: dict[str, list[Object]] = {
    "TrainingJob": [
        training_job(
            image="image:1",
            recipe={"name": "ranker", "parameters": {"epochs": "4"}},
            env=[{"name": "LEVEL", "value": "info"}],
            resources=RESOURCES,
            serviceAccountName="trainer",
            storage=STORAGE,
            output={"model": "ranker", "version": "v1"},
        ),
        training_job(command=["python"], args=["train.py"], storage=STORAGE),
    ],
    "Model": [
        model(
            owner={"team": "reco", "email": "reco@example.com", "onCall": "reco-oncall"},
            purpose="ranks",
            runbook="https://example.com/runbook",
            aliases=[{"name": "champion", "version": "v1"}],
        )
    ],
    "ModelVersion": [
        model_version(
            source={"uri": "s3://models/test/ranker/v1", "secretName": "storage"},
            lineage={
                "trainingJob": {"name": "train", "uid": "0a"},
                "image": "image:1",
                "codeRevision": "abc",
                "datasets": [{"name": "movielens", "digest": "sha256:" + "b" * 64, "uri": "s3://data/movielens"}],
                "featureViews": [{"name": "clicks", "uri": "kafka://clicks"}],
                "parameters": {"epochs": "4"},
            },
            evaluation=[{"name": "auc", "value": "0.79", "dataset": "movielens", "slice": "all"}],
        )
    ],
    "ServingDeployment": [
        serving_deployment(**SERVING, version="v1"),
        serving_deployment(**SERVING, alias="champion"),
    ],
}
"""Objects that set every text of the spec, by kind; more than one where two fields exclude each other."""


def spec_schemas() -> dict[str, Object]:
    """The schema of the spec of each of our kinds, as the CRDs have it."""
    crds = [yaml.safe_load(file.read_text()) for file in sorted((ROOT / "crds").glob("*.yaml"))]
    return {
        crd["spec"]["names"]["kind"]: crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
        for crd in crds
    }


def texts(schema: Object, path: SchemaPath = ()) -> Iterator[SchemaPath]:
    """Every place of a schema where a text of the user's own may stand."""
    if _is_text(schema):
        yield path
    for name, part in (schema.get("properties") or {}).items():
        yield from texts(part, (*path, name))
    if isinstance(schema.get("additionalProperties"), dict):
        yield (*path, "{key}")
        yield from texts(schema["additionalProperties"], (*path, "{}"))
    if isinstance(schema.get("items"), dict):
        yield from texts(schema["items"], (*path, "[]"))


def is_name(schema: Object, path: SchemaPath) -> bool:
    """Whether a text has the form of an object's name."""
    for step in path:
        if step == "{key}":
            return False
        known = schema.get("properties") or {}
        schema = schema["items"] if step == "[]" else schema["additionalProperties"] if step == "{}" else known[step]
    return any(rule["rule"] in NAMES for rule in schema.get("x-kubernetes-validations", ()))


def places(schema: Object, value: Any, path: SchemaPath = (), place: Place = ()) -> Iterator[tuple[SchemaPath, Place]]:
    """Every text that an object has, by its place in the schema and in the object."""
    if _is_text(schema):
        yield path, place
    for name, part in (schema.get("properties") or {}).items():
        if name in value:
            yield from places(part, value[name], (*path, name), (*place, name))
    if isinstance(schema.get("additionalProperties"), dict):
        for name, part in value.items():
            yield (*path, "{key}"), (*place, name, "{key}")
            yield from places(schema["additionalProperties"], part, (*path, "{}"), (*place, name))
    if isinstance(schema.get("items"), dict):
        for index, part in enumerate(value):
            yield from places(schema["items"], part, (*path, "[]"), (*place, index))


def text_at(spec: Any, place: Place) -> str:
    """The text at a place."""
    if place[-1] == "{key}":
        return str(place[-2])
    for step in place:
        spec = spec[step]
    return str(spec)


def with_text(spec: Object, place: Place, text: str) -> Object:
    """A copy of a spec with another text at a place."""
    changed = copy.deepcopy(spec)
    holder: Any = changed
    *steps, last = place[:-1] if place[-1] == "{key}" else place
    for step in steps:
        holder = holder[step]
    if place[-1] == "{key}":
        holder[text] = holder.pop(last)
    else:
        holder[last] = text
    return changed


def _is_text(schema: Object) -> bool:
    return "enum" not in schema and (schema.get("type") == "string" or "x-kubernetes-int-or-string" in schema)
