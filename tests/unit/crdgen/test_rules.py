"""The CEL rules of every kind, evaluated: the right passes, the wrong is refused with the field and the cure."""

from typing import Any

import pytest

from admission import admit
from manifests import minimal
from shipway.api.v1alpha1 import KINDS, trainingjob
from shipway.crdgen.crd import root_schema

KIND_NAMES = [kind.kind for kind in KINDS]

ALLOWED = {
    "a job with a command instead of a recipe": minimal("TrainingJob", recipe=None, command=["python", "train.py"]),
    "a job with an empty command beside its recipe": minimal("TrainingJob", command=[]),
    "whole quantities without quotes": minimal("TrainingJob", resources={"requests": {"cpu": 2, "memory": "4Gi"}}),
    "a release by alias": minimal("ServingDeployment", version=None, alias="champion"),
    "whatever version is the newest": minimal("ServingDeployment", version=None, latestReady=True),
    "a release without steps": minimal("ServingDeployment", rollout={"steps": []}),
    "weights and pauses": minimal(
        "ServingDeployment",
        rollout={"steps": [{"setWeight": 5}, {"pause": {"seconds": 10}}, {"setWeight": 50}, {"pause": {}}]},
    ),
    "a mirror before the first weight": minimal(
        "ServingDeployment",
        rollout={"steps": [{"pause": {"seconds": 5}}, {"mirror": {}}, {"pause": {"seconds": 10}}, {"setWeight": 50}]},
    ),
    "a gate with nothing but its name and type": minimal(
        "ServingDeployment", rollout={"gates": [{"name": "errors", "type": "ErrorRate"}]}
    ),
    "gates on slices": minimal(
        "ServingDeployment",
        rollout={
            "gates": [
                {"name": "errors", "type": "ErrorRate", "slices": ["acme", "de"]},
                {"name": "latency", "type": "Latency", "slices": ["acme"]},
                {"name": "ratio", "type": "SampleRatio", "slices": []},
            ]
        },
    ),
    "freezes of every night, every weekend and one winter": minimal(
        "ServingDeployment",
        rollout={
            "freeze": [
                {"name": "night", "start": "22:00", "end": "06:00"},
                {"name": "weekend", "start": "Fri 16:00", "end": "Mon 08:00", "timeZone": "Europe/Berlin"},
                {"name": "winter", "start": "2026-12-20 00:00", "end": "2027-01-04 08:00"},
            ]
        },
    ),
    "an objective of each type": minimal(
        "ServingDeployment",
        objectives=[
            {"name": "availability", "type": "Availability", "target": "0.999"},
            {"name": "fast", "type": "Latency", "target": "0.99", "milliseconds": 200},
            {"name": "missing", "type": "Metric", "target": "0.95", "atMost": "0.05", "incident": "StaleFeatures"},
            {"name": "clicks", "type": "Metric", "metric": "ctr", "target": "0.95", "atLeast": "0.01"},
        ],
    ),
    "a wildcard host": minimal("ServingDeployment", host="*.example.com"),
}


def freeze(start: str, end: str) -> dict[str, Any]:
    window = {"name": "window", "start": start, "end": end}
    return minimal("ServingDeployment", rollout={"freeze": [window]})


def sliced(type_: str, *slices: str) -> dict[str, Any]:
    gate = {"name": "gate", "type": type_, "slices": list(slices)}
    return minimal("ServingDeployment", rollout={"gates": [gate]})


def objective(type_: str, target: str = "0.999", **fields: Any) -> dict[str, Any]:
    return minimal("ServingDeployment", objectives=[{"name": "o", "type": type_, "target": target, **fields}])


_TARGET = ("spec.objectives[0].target", "target is the share of good answers, above 0 and below 1, such as 0.999")
_LIMIT = ("spec.objectives[0]", "needs exactly one of atMost and atLeast, such as atMost: '0.05'")

REFUSED = {
    "a target in percent": (objective("Availability", "99.9"), _TARGET),
    "a target that leaves no budget": (objective("Availability", "1"), _TARGET),
    "a target that asks for nothing": (objective("Availability", "0"), _TARGET),
    "a latency without a time": (
        objective("Latency"),
        ("spec.objectives[0].milliseconds", "a Latency objective needs milliseconds, such as milliseconds: 200"),
    ),
    "a time for the availability": (
        objective("Availability", milliseconds=200),
        ("spec.objectives[0].milliseconds", "and no other type has any"),
    ),
    "a metric without a limit": (objective("Metric"), _LIMIT),
    "a metric with two limits": (objective("Metric", atMost="2", atLeast="1"), _LIMIT),
    "a limit of a latency": (
        objective("Latency", milliseconds=200, atMost="0.2"),
        ("spec.objectives[0]", "metric, atMost and atLeast belong to objectives of type Metric"),
    ),
    "a header for the availability": (
        objective("Availability", metric="missing"),
        ("spec.objectives[0]", "belong to objectives of type Metric; leave them out, or change the type"),
    ),
    "stale features by the latency": (
        objective("Latency", milliseconds=200, incident="StaleFeatures"),
        ("spec.objectives[0].incident", "only an objective of type Metric can tell of stale features"),
    ),
    "a version and whatever is the newest": (
        minimal("ServingDeployment", latestReady=True),
        ("spec", "exactly one of version, alias and latestReady"),
    ),
    "neither a version nor the newest": (
        minimal("ServingDeployment", version=None, latestReady=False),
        ("spec", "exactly one of version, alias and latestReady"),
    ),
    "a freeze from a day to a time": (
        freeze("Fri 16:00", "08:00"),
        ("spec.rollout.freeze[0].end", "written differently; write both as 22:00"),
    ),
    "a freeze that ends before it begins": (
        freeze("2027-01-02 00:00", "2026-12-20 00:00"),
        ("spec.rollout.freeze[0].end", "end is not after start"),
    ),
    "a freeze without an inside": (
        freeze("Fri 16:00", "Fri 16:00"),
        ("spec.rollout.freeze[0].end", "end is not after start"),
    ),
    "a freeze in another language": (
        freeze("Fr. 16:00", "Mon 08:00"),
        ("spec.rollout.freeze[0].start", "write a time such as 22:00 (every day), Fri 16:00 (every week)"),
    ),
    "a job with neither recipe nor command": (
        minimal("TrainingJob", recipe=None),
        ("spec", "set exactly one of recipe"),
    ),
    "a job with both": (minimal("TrainingJob", command=["python"]), ("spec", "set exactly one of recipe")),
    "an unknown recipe": (minimal("TrainingJob", recipe={"name": "llm"}), ("spec.recipe.name", "recipes are: ranker")),
    "arguments for a recipe": (minimal("TrainingJob", args=["--fast"]), ("spec.args", "recipe.parameters instead")),
    "the operator's variables": (
        minimal("TrainingJob", env=[{"name": "SHIPWAY_SEED", "value": "7"}]),
        ("spec.env", "choose another name"),
    ),
    "torchrun's variables": (
        minimal("TrainingJob", env=[{"name": "PET_NNODES", "value": "7"}]),
        ("spec.env", "choose another name"),
    ),
    "a local folder as storage": (
        minimal("TrainingJob", storage={"uri": "file:///data"}),
        ("spec.storage.uri", "s3://bucket/path"),
    ),
    "a version whose pods would have too long names": (
        minimal("TrainingJob", output={"model": "m" * 30, "version": "v" * 11}),
        ("spec.output", "longer than 40 characters"),
    ),
    "a job's name with a dot": (minimal("TrainingJob", name="ranker.v1"), ("", "metadata.name must begin")),
    "a job's name that is too long": (minimal("TrainingJob", name="j" * 49), ("", "longer than 48 characters")),
    "a model's name that is too long": (minimal("Model", name="m" * 39), ("", "longer than 38 characters")),
    "a version that is not called by its model": (
        minimal("ModelVersion", name="v1"),
        ("", "metadata.name must be spec.modelName, a dash and spec.version"),
    ),
    "a deployment's name that is too long": (
        minimal("ServingDeployment", name="d" * 41),
        ("", "longer than 40 characters"),
    ),
    "neither version nor alias": (
        minimal("ServingDeployment", version=None),
        ("spec", "exactly one of version, alias and latestReady"),
    ),
    "both version and alias": (
        minimal("ServingDeployment", alias="champion"),
        ("spec", "exactly one of version, alias and latestReady"),
    ),
    "a step that does two things": (
        minimal("ServingDeployment", rollout={"steps": [{"setWeight": 5, "pause": {}}]}),
        ("spec.rollout.steps[0]", "exactly one of setWeight, pause and mirror"),
    ),
    "a step that does nothing": (
        minimal("ServingDeployment", rollout={"steps": [{}]}),
        ("spec.rollout.steps[0]", "exactly one of setWeight, pause and mirror"),
    ),
    "a step that mirrors and sets a weight": (
        minimal("ServingDeployment", rollout={"steps": [{"mirror": {}, "setWeight": 5}]}),
        ("spec.rollout.steps[0]", "exactly one of setWeight, pause and mirror"),
    ),
    "a step that does three things": (
        minimal("ServingDeployment", rollout={"steps": [{"mirror": {}, "setWeight": 5, "pause": {}}]}),
        ("spec.rollout.steps[0]", "exactly one of setWeight, pause and mirror"),
    ),
    "a mirror after a weight": (
        minimal("ServingDeployment", rollout={"steps": [{"setWeight": 5}, {"mirror": {}}]}),
        ("spec.rollout.steps", "move it to the front"),
    ),
    "two mirrors": (
        minimal("ServingDeployment", rollout={"steps": [{"mirror": {}}, {"pause": {}}, {"mirror": {}}]}),
        ("spec.rollout.steps", "lengthen the pause after it"),
    ),
    "a step without traffic": (
        minimal("ServingDeployment", rollout={"steps": [{"setWeight": 0}]}),
        ("spec.rollout.steps", "begin with 1 or more"),
    ),
    "a margin in percent": (
        minimal("ServingDeployment", rollout={"gates": [{"name": "e", "type": "ErrorRate", "margin": "5"}]}),
        ("spec.rollout.gates[0].margin", "such as 0.01"),
    ),
    "a quantile in percent": (
        minimal("ServingDeployment", rollout={"gates": [{"name": "l", "type": "Latency", "quantile": "95"}]}),
        ("spec.rollout.gates[0].quantile", "such as 0.95"),
    ),
    "slices of a gate that judges none": (
        sliced("SampleRatio", "acme"),
        ("spec.rollout.gates[0].slices", "take slices out of this gate"),
    ),
    "a slice that is no name": (
        sliced("ErrorRate", "Acme Inc."),
        ("spec.rollout.gates[0].slices[0]", "small letters, digits and dashes"),
    ),
    "a slice twice": (
        sliced("Latency", "acme", "de", "acme"),
        ("spec.rollout.gates[0].slices[2]", 'Duplicate value: "acme"'),
    ),
    "nine slices": (
        sliced("ErrorRate", *"abcdefghi"),
        ("spec.rollout.gates.0.slices", "is too long"),
    ),
    "an alpha that forgives nothing": (
        minimal("ServingDeployment", rollout={"alpha": "0"}),
        ("spec.rollout.alpha", "such as 0.05"),
    ),
    "a host with a scheme": (
        minimal("ServingDeployment", host="https://ranker.example.com"),
        ("spec.host", "without scheme, port or path"),
    ),
    "an amount with a wrong unit": (
        minimal("TrainingJob", resources={"limits": {"memory": "4GB"}}),
        ("spec.resources.limits.memory", "Mi|G|Gi|T"),
    ),
    "a digest without its algorithm": (
        minimal("ModelVersion", digest="ab" * 32),
        ("spec.digest", "sha256: and 64 hexadecimal digits"),
    ),
    "a number that is none": (
        minimal("ServingDeployment", rollout={"alpha": "1%"}),
        ("spec.rollout.alpha", "a number in quotes"),
    ),
    "fewer replicas at the most than at the least": (
        minimal("ServingDeployment", predictor={"minReplicas": 3}),
        ("spec.predictor.maxReplicas", "raise it or lower minReplicas"),
    ),
}


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_the_smallest_object_is_admitted(kind: str) -> None:
    assert admit(minimal(kind)) == []


@pytest.mark.parametrize("obj", ALLOWED.values(), ids=ALLOWED.keys())
def test_what_is_right_is_admitted(obj: dict[str, Any]) -> None:
    assert admit(obj) == []


@pytest.mark.parametrize(("obj", "wanted"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_wrong_is_refused_with_field_and_cure(obj: dict[str, Any], wanted: tuple[str, str]) -> None:
    refusals = admit(obj)

    assert [refusal.field for refusal in refusals] == [wanted[0]]
    assert wanted[1] in refusals[0].message


@pytest.mark.parametrize("kind", ["ModelVersion", "Incident"])
def test_a_record_cannot_be_changed(kind: str) -> None:
    changed = minimal(kind, digest="sha256:" + "cd" * 32)

    assert [refusal.field for refusal in admit(changed, old=minimal(kind))] == ["spec"]


def test_a_job_may_be_suspended_and_resumed() -> None:
    assert admit(minimal("TrainingJob", suspend=True), old=minimal("TrainingJob")) == []
    assert admit(minimal("TrainingJob"), old=minimal("TrainingJob", suspend=True)) == []


def test_suspending_a_job_does_not_let_another_change_slip_through() -> None:
    refusals = admit(minimal("TrainingJob", suspend=True, nodes=4), old=minimal("TrainingJob"))

    assert [refusal.field for refusal in refusals] == ["spec.nodes"]
    assert "delete the job and create it anew" in refusals[0].message


def test_every_field_of_a_job_but_suspend_and_health_is_guarded() -> None:
    spec = root_schema(trainingjob.KIND)["properties"]["spec"]
    guarded = {rule["fieldPath"] for rule in spec["x-kubernetes-validations"] if "oldSelf" in rule["rule"]}

    assert guarded == {f".{name}" for name in spec["properties"]} - {".suspend", ".health"}


@pytest.mark.parametrize(
    ("before", "after"),
    [({"output": None}, {"output": {"model": "ranker", "version": "v2"}}), ({"args": None}, {"args": []})],
    ids=["added", "emptied"],
)
def test_adding_an_optional_field_to_a_job_is_a_change(before: dict[str, Any], after: dict[str, Any]) -> None:
    old, new = minimal("TrainingJob", **before), minimal("TrainingJob", **after)

    assert admit(new, old=old)
    assert admit(old, old=new)
