"""The InferenceService we make: what KServe's own schema and Pod Security want, and what may never change in it."""

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
