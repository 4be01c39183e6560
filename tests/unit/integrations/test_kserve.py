"""The InferenceService we make: what KServe's own schema and Pod Security want, and what may never change in it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.api.v1alpha1.servingdeployment import Predictor
from shipway.integrations import kserve
from shipway.integrations.kserve import Served

METADATA = {"name": "ranker-v1-abc", "namespace": "team", "labels": {"shipway.dev/name": "ranker"}}


def rendered(min_replicas: int = 1, uri: str = "s3://models/ranker/v1", **predictor: object) -> dict:
    served = Served(
        model="ranker",
        version="v1",
        digest="sha256:" + "1" * 64,
        uri=uri,
        format_name="shipway-ranker",
        format_version="1",
        predictor=Predictor.model_validate(predictor),
        min_replicas=min_replicas,
    )
    return kserve.render(METADATA, served)


def test_the_model_and_its_digest_reach_the_predictor():
    predictor = rendered(serviceAccountName="ranker")["spec"]["predictor"]
    model = predictor["model"]
    assert model["storageUri"] == "s3://models/ranker/v1"
    assert model["args"] == ["--model_name=ranker"]
    assert {"name": "SHIPWAY_MODEL_DIGEST", "value": "sha256:" + "1" * 64} in model["env"]
    assert predictor["serviceAccountName"] == "ranker"
    assert predictor["storageContainerName"] == "shipway"


def test_what_a_user_wrote_is_neither_a_variable_nor_a_template_to_those_who_read_it():
    model = rendered(uri="s3://models/$(AWS_SECRET_ACCESS_KEY)", resources={"limits": {"{{.Name}}": 1}})["spec"][
        "predictor"
    ]["model"]
    assert model["storageUri"] == "s3://models/$$(AWS_SECRET_ACCESS_KEY)"
    assert model["resources"]["limits"] == {"{{`{{`}}.Name}}": "1"}


def test_no_route_of_kserves_own_is_wanted():
    meta = rendered()["metadata"]
    assert meta["labels"]["networking.kserve.io/visibility"] == "cluster-local"
    assert meta["annotations"]["serving.kserve.io/deploymentMode"] == "Standard"


def test_pods_are_as_restricted_as_pod_security_wants():
    predictor = rendered()["spec"]["predictor"]
    pod, container = predictor["securityContext"], predictor["model"]["securityContext"]
    assert pod["runAsNonRoot"]
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["capabilities"] == {"drop": ["ALL"]}
    assert container["readOnlyRootFilesystem"]
    assert not container["allowPrivilegeEscalation"]
    assert predictor["automountServiceAccountToken"] is False


def test_a_release_may_hold_it_above_its_declared_size():
    predictor = rendered(min_replicas=7, minReplicas=1, maxReplicas=4)["spec"]["predictor"]
    assert (predictor["minReplicas"], predictor["maxReplicas"]) == (7, 7)


@pytest.mark.parametrize(
    ("change", "another"),
    [
        ({"minReplicas": 3, "maxReplicas": 9}, False),
        ({"runtime": "other"}, True),
        ({"serviceAccountName": "other"}, True),
        ({"resources": {"limits": {"memory": "2Gi"}}}, True),
    ],
)
def test_everything_but_the_size_makes_another_predictor(change: dict, another: bool):
    plain = kserve.predictor_hash(Predictor())
    assert (kserve.predictor_hash(Predictor.model_validate(change)) != plain) is another


def test_what_kserve_adds_is_no_difference():
    stored = rendered()
    stored["spec"]["predictor"]["model"]["protocolVersion"] = "v1"
    stored["spec"]["predictor"]["model"]["resources"] = {"limits": {"cpu": "1"}}
    stored["metadata"]["labels"]["added-by"] = "someone"
    assert not kserve.differs(stored, rendered())


@pytest.mark.parametrize("field", ["storageUri", "runtime"])
def test_what_a_stranger_changes_is(field: str):
    stored = rendered()
    stored["spec"]["predictor"]["model"][field] = "s3://elsewhere"
    assert kserve.differs(stored, rendered())
    assert kserve.differs(rendered(), rendered(min_replicas=2))


def newer_release(**change: object) -> dict:
    """The same version as a later operator would render it."""
    body = rendered(**change)  # type: ignore[arg-type]
    predictor = body["spec"]["predictor"]
    predictor["model"]["env"].append({"name": "NEW", "value": "1"})
    predictor["model"]["args"].append("--new")
    predictor["terminationGracePeriodSeconds"] = 60
    body["metadata"]["labels"]["shipway.dev/new"] = "yes"
    body["metadata"]["annotations"]["shipway.dev/new"] = "yes"
    return body


def test_what_a_newer_release_renders_otherwise_is_no_difference():
    assert not kserve.differs(rendered(), newer_release())


def test_a_newer_release_changes_the_size_and_nothing_else():
    stored = rendered()
    stored["spec"]["predictor"]["model"]["protocolVersion"] = "v1"
    body = kserve.onto(stored, newer_release(min_replicas=3))
    predictor = dict(body["spec"]["predictor"])
    assert (predictor.pop("minReplicas"), predictor.pop("maxReplicas")) == (3, 3)
    before = {k: v for k, v in stored["spec"]["predictor"].items() if k not in ("minReplicas", "maxReplicas")}
    assert predictor == before
    assert body["metadata"]["labels"] == stored["metadata"]["labels"]
    assert body["metadata"]["annotations"] == stored["metadata"]["annotations"]


@pytest.mark.parametrize("annotated", [True, False], ids=["made by this release", "made before it was written down"])
def test_what_a_stranger_touched_is_rendered_as_this_release_does(annotated: bool):
    stored = rendered()
    if not annotated:
        del stored["metadata"]["annotations"][kserve.RENDERED]
    stored["spec"]["predictor"]["model"]["args"] = ["--debug"]
    assert kserve.differs(stored, rendered())
    assert kserve.onto(stored, newer_release()) == newer_release()


def test_one_made_before_it_was_written_down_is_resized_without_the_annotation():
    stored = rendered()
    del stored["metadata"]["annotations"][kserve.RENDERED]
    assert not kserve.differs(stored, rendered())
    assert kserve.onto(stored, rendered(min_replicas=2))["metadata"]["annotations"] == stored["metadata"]["annotations"]


def test_a_forged_account_of_what_was_rendered_does_not_pass_another_artifact_off():
    stored = rendered(uri="s3://elsewhere")
    assert kserve.differs(stored, rendered())
    stored = rendered()
    stored["spec"]["predictor"]["model"]["env"][0]["value"] = "sha256:" + "2" * 64
    forged = json.loads(stored["metadata"]["annotations"][kserve.RENDERED])
    forged["model"]["env"] = stored["spec"]["predictor"]["model"]["env"]
    stored["metadata"]["annotations"][kserve.RENDERED] = json.dumps(forged)
    assert kserve.differs(stored, rendered())


@pytest.mark.parametrize("scribble", ["{", "[]", '{"model": 3}'])
def test_a_scribble_is_no_account_of_what_was_rendered(scribble: str):
    stored = rendered()
    stored["metadata"]["annotations"][kserve.RENDERED] = scribble
    assert not kserve.differs(stored, rendered())


def test_the_hash_of_a_predictor_stays_what_it_was_in_the_first_release():
    assert kserve.predictor_hash(Predictor()) == "126366d546"


NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True)
VERSIONS = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?", fullmatch=True)


@given(NAMES, VERSIONS, st.from_regex(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True))
def test_every_name_is_one_kserve_takes(deployment: str, version: str, namespace: str):
    name = kserve.service_name(
        namespace=namespace, deployment=deployment, version=version, digest="sha256:1", predictor="p"
    )
    assert name[0].isalpha()
    assert name[-1].isalnum()
    assert len(f"{name}-predictor-{namespace}") <= 63
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_names_that_are_cut_stay_apart():
    def name(version: str) -> str:
        return kserve.service_name(
            namespace="n" * 36, deployment="d" * 40, version=version, digest="sha256:1", predictor="p"
        )

    assert name("v1") != name("v2")


def test_kserves_own_words_are_passed_on():
    service = {"status": {"modelStatus": {"lastFailureInfo": {"reason": "ModelLoadFailed", "message": "no file"}}}}
    assert kserve.complaint(service) == "ModelLoadFailed: no file"
    assert (
        kserve.complaint({"status": {"conditions": [{"type": "Ready", "status": "False", "message": "why"}]}}) == "why"
    )
    assert kserve.complaint({}) == ""


@pytest.mark.parametrize(
    ("status", "mode"),
    [
        ({}, ""),
        ({"deploymentMode": "Standard"}, ""),
        ({"deploymentMode": "RawDeployment"}, ""),
        ({"deploymentMode": "Knative"}, "Knative mode"),
        ({"deploymentMode": "Serverless"}, "Serverless mode"),
        ({"deploymentMode": "ModelMesh"}, "ModelMesh mode"),
        ({"components": {"predictor": {"url": "http://ranker"}}}, ""),
        ({"components": {"predictor": {"latestCreatedRevision": "ranker-00001"}}}, "Knative mode"),
    ],
)
def test_modes_whose_traffic_a_route_cannot_share_out_are_named_with_what_to_install(status: dict, mode: str):
    said = kserve.unsupported({**rendered(), "status": status})
    assert mode in said
    assert bool(said) == bool(mode) == ("install KServe 0.20 or later" in said)


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"canary": [{"trafficPercent": 10}]}, "spec.canary"),
        ({"canary": []}, ""),
        ({"predictor": {"canaryTrafficPercent": 10}}, "spec.predictor.canaryTrafficPercent"),
    ],
)
def test_what_has_kserve_itself_split_the_traffic_is_named(spec: dict, field: str):
    service = rendered()
    said = kserve.unsupported({**service, "spec": {**service["spec"], **spec}})
    assert field in said
    assert bool(said) == bool(field)
