import json

import kubernetes_validate
import pytest

from shipway.api.v1alpha1.trainingjob import TrainingJobSpec
from shipway.controllers.pod import read_pod
from shipway.controllers.trainingjob import children, rendezvous
from shipway.kube.resource import Object
from unit.controllers.training import training_job


def _job(**spec: object) -> Object:
    job = training_job(**spec)
    job["metadata"]["uid"] = "12345678-aaaa-bbbb-cccc-dddddddddddd"
    job["metadata"]["labels"] = {"app.kubernetes.io/instance": "argo-tracks-me", "team": "reco"}
    return job


def _pod(rank: int = 0, **spec: object) -> Object:
    job = _job(**spec)
    return children.training_pod(
        job,
        TrainingJobSpec.model_validate(job["spec"]),
        attempt=3,
        rank=rank,
        image="img:1",
        progress_url="http://shipway-operator.shipway-system.svc/",
    )


def _env(pod: Object) -> dict[str, str]:
    return {e["name"]: e.get("value", e.get("valueFrom")) for e in pod["spec"]["containers"][0]["env"]}


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"recipe": None, "command": ["python", "prune.py"], "args": ["--keep", "4"], "serviceAccountName": "trainer"},
        {"nodes": 1, "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"nvidia.com/gpu": 1}}},
    ],
    ids=["recipe", "command", "one node with resources"],
)
def test_pods_are_valid_for_kubernetes(rank: int, spec: dict[str, object]):
    spec = {key: value for key, value in spec.items() if value is not None}
    pod = _pod(rank, **({"recipe": None} if "command" in spec else {}), **spec)
    kubernetes_validate.validate(pod, "1.36", strict=True)


def test_where_pods_meet_is_valid_for_kubernetes():
    pod = {**_pod(), "status": {"podIP": "fd00::7"}}
    pod["metadata"] |= {"uid": "pod-uid", "creationTimestamp": "2026-11-24T12:00:00Z"}
    meeting = rendezvous.rank_0_slice(_job(), read_pod(pod))
    assert meeting["addressType"] == "IPv6"
    for body in (rendezvous.namespace_service("team"), meeting):
        kubernetes_validate.validate(body, "1.36", strict=True)


def test_pods_satisfy_pod_security_restricted():
    spec = _pod()["spec"]
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["restartPolicy"] == "Never"
    assert {"name": "tmp", "mountPath": "/tmp"} in spec["containers"][0]["volumeMounts"]


def test_no_label_of_the_user_reaches_a_pod():
    meta = _pod()["metadata"]
    assert meta["labels"] == {
        "app.kubernetes.io/managed-by": "shipway",
        "shipway.dev/kind": "TrainingJob",
        "shipway.dev/name": "ranker",
        "shipway.dev/attempt": "3",
        "shipway.dev/rank": "0",
    }
    owner = meta["ownerReferences"][0]
    assert owner["controller"] is True
    assert owner["blockOwnerDeletion"] is True


def test_the_environment_is_the_contract():
    env = _env(_pod(rank=1))
    assert json.loads(env.pop("SHIPWAY_PARAMETERS")) == {"epochs": "4"}
    assert env == {
        "HOME": "/tmp",
        "OMP_NUM_THREADS": "1",
        "SHIPWAY_JOB": "ranker",
        "SHIPWAY_NAMESPACE": "team",
        "SHIPWAY_ATTEMPT": "3",
        "SHIPWAY_SEED": "7",
        "SHIPWAY_CHECKPOINT_URI": "s3://models/reco/team/ranker-12345678/checkpoints",
        "SHIPWAY_CHECKPOINT_EVERY_STEPS": "100",
        "SHIPWAY_OUTPUT_URI": "s3://models/reco/team/ranker/v1-12345678",
        "SHIPWAY_MODEL": "ranker",
        "SHIPWAY_VERSION": "v1",
        "SHIPWAY_PROGRESS_URL": "http://shipway-operator.shipway-system.svc/v1/namespaces/team/trainingjobs/ranker/progress",
        "SHIPWAY_TOKEN_FILE": "/var/run/secrets/shipway/token",
        "PET_NNODES": "2",
        "PET_NPROC_PER_NODE": "1",
        "PET_NODE_RANK": "1",
        "PET_RDZV_BACKEND": "static",
        "PET_RDZV_ID": "12345678-aaaa-bbbb-cccc-dddddddddddd-3",
        "PET_MASTER_PORT": "29500",
        "PET_MAX_RESTARTS": "0",
        "PET_MASTER_ADDR": "ranker-3-0.shipway-rendezvous",
    }


def test_rank_0_meets_itself_at_its_own_address():
    assert _env(_pod(rank=0))["PET_MASTER_ADDR"] == {"fieldRef": {"fieldPath": "status.podIP"}}


def test_the_users_environment_may_change_threads_but_not_the_contract():
    pod = _pod(env=[{"name": "OMP_NUM_THREADS", "value": "4"}])
    names = [e["name"] for e in pod["spec"]["containers"][0]["env"]]
    assert len(names) == len(set(names))
    assert _env(pod)["OMP_NUM_THREADS"] == "4"


def test_credentials_come_from_the_secret_and_the_token_has_our_audience():
    pod = _pod()
    assert pod["spec"]["containers"][0]["envFrom"] == [{"secretRef": {"name": "storage"}}]
    token = pod["spec"]["volumes"][1]["projected"]["sources"][0]["serviceAccountToken"]
    assert token["audience"] == "shipway.dev"


def test_a_job_created_anew_never_mixes_with_an_earlier_one_of_its_name():
    older, newer = _job(), _job()
    newer["metadata"]["uid"] = "87654321-aaaa-bbbb-cccc-dddddddddddd"
    spec = TrainingJobSpec.model_validate(older["spec"])
    assert children.checkpoint_uri(older, spec) != children.checkpoint_uri(newer, spec)
    assert children.output_uri(older, spec) != children.output_uri(newer, spec)


def test_the_workloads_understand_the_environment_the_operator_sets():
    contract = pytest.importorskip("shipway_workloads.training.contract")
    env = {name: value if isinstance(value, str) else "10.0.0.7" for name, value in _env(_pod(rank=1)).items()}
    context = contract.TrainingContext.from_environment({**env, "RANK": "1", "WORLD_SIZE": "2"})
    assert (context.job, context.attempt, context.seed, context.rank) == ("ranker", 3, 7, 1)
    assert context.parameters == {"epochs": "4"}
    assert context.output_uri == "s3://models/reco/team/ranker/v1-12345678"
    assert str(context.token_file) == "/var/run/secrets/shipway/token"


def test_what_users_wrote_reaches_the_program_as_they_wrote_it():
    env = _env(
        _pod(recipe={"name": "ranker", "parameters": {"note": "$(SHIPWAY_SEED)"}}, storage={"uri": "s3://a/$(B)"})
    )
    assert env["SHIPWAY_PARAMETERS"] == '{"note": "$$(SHIPWAY_SEED)"}'
    assert env["SHIPWAY_OUTPUT_URI"].startswith("s3://a/$$(B)/")
    assert env["SHIPWAY_CHECKPOINT_URI"].startswith("s3://a/$$(B)/")
