import json
from typing import Any

import kubernetes_validate
import pytest

from shipway.api.v1alpha1.modelversion import ModelVersionSpec
from shipway.controllers.modelversion import children
from shipway.controllers.modelversion.checks import retry_after
from shipway.controllers.modelversion.controller import ModelVersionController
from shipway.kube.resource import INCIDENT, MODEL, MODEL_VERSION, POD, SERVING_DEPLOYMENT, Key, Object
from shipway.runtime.plan import Refusal
from unit.controllers.world import CrashError, World, conditions, ready

KEY = Key("ModelVersion", "team", "ranker-v1")
POD_NAME = "ranker-v1-verify"
DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


class Verification:
    def __init__(self, *, with_model: bool = True) -> None:
        self.world = World()
        self.controller = ModelVersionController(workloads_image="img:1")
        if with_model:
            self.create_model()
        self.world.put(
            {
                "apiVersion": MODEL_VERSION.api_version,
                "kind": MODEL_VERSION.kind,
                "metadata": {"name": "ranker-v1", "namespace": "team"},
                "spec": {
                    "modelName": "ranker",
                    "version": "v1",
                    "source": {"uri": "s3://models/ranker/v1", "secretName": "storage"},
                    "digest": DIGEST,
                    "format": {"name": "shipway-ranker"},
                },
            }
        )
        self.settle()

    def create_model(self) -> None:
        self.world.put({"kind": MODEL.kind, "metadata": {"name": "ranker"}, "spec": {"owner": {"team": "reco"}}})

    @property
    def version(self) -> Object:
        return self.world.get(MODEL_VERSION, "team", "ranker-v1")

    @property
    def status(self) -> dict[str, Any]:
        return self.version["status"]

    def settle(self, **crash: Any) -> Any:
        return self.world.settle(self.controller, KEY, **crash)

    def succeed(self, digest: str = DIGEST) -> None:
        self.world.end(POD_NAME, message=json.dumps({"digest": digest, "files": 2, "sizeBytes": 9}))

    def fail(self, reason: str = "NotFound") -> None:
        self.world.end(POD_NAME, code=1, message=json.dumps({"error": {"reason": reason, "message": "no such key"}}))
        self.settle()

    def pod_is_gone(self) -> None:
        self.world.remove(POD, POD_NAME)

    def message(self) -> str:
        return str(conditions(self.version)["Ready"]["message"])


def test_a_new_version_is_read_by_a_pod_in_its_namespace_with_its_credentials():
    v = Verification()
    pod = v.world.pods()[POD_NAME]
    container = pod["spec"]["containers"][0]
    assert container["command"][-2:] == ["--uri", "s3://models/ranker/v1"]
    assert container["envFrom"] == [{"secretRef": {"name": "storage"}}]
    assert ready(v.version) == ("False", "Verifying")
    assert conditions(v.version)["DigestVerified"]["status"] == "Unknown"


def test_an_address_that_names_a_variable_of_the_secret_reaches_the_verifier_as_it_is_written():
    v = Verification()
    source = {"uri": "s3://models/$(AWS_SECRET_ACCESS_KEY)/v1", "secretName": "storage"}
    spec = ModelVersionSpec.model_validate({**v.version["spec"], "source": source})
    (container,) = children.verify_pod(v.version, spec, image="img:1")["spec"]["containers"]
    assert container["command"][-1] == "s3://models/$$(AWS_SECRET_ACCESS_KEY)/v1"


def test_the_verify_pod_is_valid_for_kubernetes():
    v = Verification()
    spec = ModelVersionSpec.model_validate(v.version["spec"])
    kubernetes_validate.validate(children.verify_pod(v.version, spec, image="img:1"), "1.36", strict=True)


def test_equal_digests_make_it_ready_and_the_pod_goes_after_the_verdict_is_written():
    v = Verification()
    v.succeed()
    v.world.step(v.controller, KEY)
    assert ready(v.version) == ("True", "Verified")
    assert "deletionTimestamp" not in v.world.pods()[POD_NAME]["metadata"]
    v.settle()
    assert "deletionTimestamp" in v.world.pods()[POD_NAME]["metadata"]
    v.pod_is_gone()
    writes = v.world.writes
    v.world.now += 3600
    v.settle()
    assert v.world.writes == writes
    assert v.status["verifiedDigest"] == DIGEST
    assert conditions(v.version)["DigestVerified"]["status"] == "True"


def test_another_digest_stalls_it_for_ever_and_both_are_named():
    v = Verification()
    v.succeed(OTHER)
    v.settle()
    assert ready(v.version) == ("False", "DigestMismatch")
    told = conditions(v.version)
    assert told["Stalled"]["status"] == "True"
    assert told["DigestVerified"]["status"] == "False"
    assert DIGEST in v.message()
    assert OTHER in v.message()
    v.pod_is_gone()
    v.world.now += 3600
    v.settle()
    assert v.world.pods() == {}


def test_an_unreadable_artifact_is_tried_again_later_and_the_time_is_told():
    v = Verification()
    v.fail()
    assert ready(v.version) == ("False", "ArtifactUnreadable")
    assert "NotFound: no such key; try 2 at 2027-01-15T08:00:10Z" in v.message()
    assert "deletionTimestamp" in v.world.pods()[POD_NAME]["metadata"]
    v.pod_is_gone()
    assert v.settle().requeue_after == pytest.approx(10)
    assert v.world.pods() == {}
    v.world.now += 10
    v.settle()
    assert POD_NAME in v.world.pods()
    assert ready(v.version) == ("False", "ArtifactUnreadable")
    assert "NotFound: no such key; try 2: pod ranker-v1-verify" in v.message()
    v.fail()
    assert v.status["failedVerifications"] == 2
    assert "try 3 at 2027-01-15T08:00:30Z" in v.message()
    v.pod_is_gone()
    v.world.now += 20
    v.settle()
    v.succeed()
    v.settle()
    assert ready(v.version) == ("True", "Verified")
    assert v.status["failedVerifications"] == 0


def test_waits_double_from_ten_seconds_to_ten_minutes():
    assert [retry_after(n) for n in (1, 2, 3, 7, 8, 10_000)] == [10, 20, 40, 600, 600, 600]


@pytest.mark.parametrize("crash_after", [0, 1, 2])
def test_a_crash_after_any_write_counts_a_failure_once(crash_after: int):
    v = Verification()
    v.world.end(POD_NAME, code=1, message="Traceback: boom")
    try:
        v.settle(crash_after=crash_after)
    except CrashError:
        v.controller = ModelVersionController(workloads_image="img:1")
    v.settle()
    assert v.status["failedVerifications"] == 1
    assert "Traceback: boom" in v.message()


def test_a_pod_that_never_ran_is_a_failed_try():
    v = Verification()
    v.world.set_pod(POD_NAME, phase="Failed", reason="Evicted", message="the node had disk pressure")
    v.settle()
    assert "Evicted: the node had disk pressure" in v.message() or "Evicted the node had disk pressure" in v.message()


def test_a_pod_that_was_deleted_is_made_anew():
    v = Verification()
    v.pod_is_gone()
    v.settle()
    assert POD_NAME in v.world.pods()


def test_a_pod_of_an_earlier_version_with_this_name_is_not_believed():
    v = Verification()
    pod = v.world.pods()[POD_NAME]
    pod["metadata"]["ownerReferences"][0]["uid"] = "earlier"
    v.succeed(OTHER)
    v.settle()
    assert ready(v.version) == ("False", "Verifying")
    assert "earlier ModelVersion" in v.message()
    v.pod_is_gone()
    v.settle()
    v.succeed()
    v.settle()
    assert ready(v.version) == ("True", "Verified")


def test_a_pod_that_a_restore_left_without_an_owner_makes_room_and_is_not_believed():
    v = Verification()
    del v.world.pods()[POD_NAME]["metadata"]["ownerReferences"]
    v.succeed(OTHER)
    v.settle()
    assert ready(v.version) == ("False", "Verifying")
    assert "deletionTimestamp" in v.world.pods()[POD_NAME]["metadata"]
    v.pod_is_gone()
    v.settle()
    v.succeed()
    v.settle()
    assert ready(v.version) == ("True", "Verified")


def test_a_pod_that_cannot_start_is_told_with_the_reason():
    v = Verification()
    waiting = {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "storage" not found'}}
    v.world.set_pod(POD_NAME, phase="Pending", containerStatuses=[{"name": "verify", "state": waiting}])
    v.settle()
    assert 'CreateContainerConfigError: secret "storage" not found' in v.message()


def test_a_refused_pod_is_told_in_the_api_servers_words():
    v = Verification()
    v.pod_is_gone()
    v.world.refusal = lambda w: Refusal(w, invalid=False, message="exceeded quota: pods=0")
    v.settle()
    assert ready(v.version) == ("False", "PodRefused")
    assert "exceeded quota: pods=0" in v.message()


def test_a_version_without_its_model_is_verified_and_says_that_the_model_is_missing():
    v = Verification(with_model=False)
    v.succeed()
    v.settle()
    assert ready(v.version) == ("False", "ModelMissing")
    assert "create it" in v.message()
    assert conditions(v.version)["DigestVerified"]["status"] == "True"
    v.create_model()
    v.settle()
    assert ready(v.version) == ("True", "Verified")


def test_open_incidents_about_its_artifact_quarantine_it_but_it_stays_ready():
    v = Verification()
    v.succeed()
    incident = {
        "kind": INCIDENT.kind,
        "metadata": {"name": "inc-1"},
        "spec": {
            "type": "Rollback",
            "subject": {"kind": "ServingDeployment", "name": "ranker"},
            "model": "ranker",
            "version": "v1",
            "digest": DIGEST,
            "predictorHash": "p1",
            "owner": "reco",
            "gate": "errors",
            "summary": "errors 7 of 31",
            "detectedAt": "2026-11-24T12:00:00Z",
        },
    }
    v.world.put(incident)
    v.settle()
    held = conditions(v.version)["Quarantined"]
    assert (held["status"], held["reason"]) == ("True", "Quarantined")
    assert "errors 7 of 31 (Incident inc-1" in held["message"]
    assert ready(v.version) == ("True", "Verified")
    v.world.put({**incident, "status": {"lifted": {"by": "ada", "time": "2026-11-24T13:00:00Z"}}})
    v.settle()
    assert conditions(v.version)["Quarantined"]["status"] == "False"


def _deployment(name: str, *, stable: str = "", candidate: str = "", weight: int = 0, model: str = "ranker") -> Object:
    def ref(version: str) -> dict[str, Any]:
        return {"version": version, "digest": DIGEST, "inferenceService": f"{name}-{version}", "predictorHash": "p1"}

    status: dict[str, Any] = {}
    if stable:
        status["stable"] = ref(stable)
    if candidate:
        status["candidate"] = ref(candidate)
        status["rollout"] = {
            "id": "r",
            "state": "Stepping",
            "startedAt": "2026-11-24T12:00:00Z",
            "weights": {"observed": weight},
        }
    return {
        "kind": SERVING_DEPLOYMENT.kind,
        "metadata": {"name": name},
        "spec": {"model": model, "version": "v1", "host": "a.example", "gateway": {"name": "g"}},
        "status": status,
    }


def test_it_tells_who_sends_it_how_much_traffic():
    v = Verification()
    for deployment in (
        _deployment("all", stable="v1"),
        _deployment("ending", stable="v1", candidate="v2", weight=25),
        _deployment("beginning", stable="v0", candidate="v1", weight=5),
        _deployment("not-yet", stable="v0", candidate="v1", weight=0),
        _deployment("never", stable="v0"),
        _deployment("other-model", stable="v1", model="other"),
    ):
        v.world.put(deployment)
    v.settle()
    shares = {share["name"]: share["weight"] for share in v.status["servedBy"]}
    assert shares == {"all": 100, "ending": 75, "beginning": 5}


@pytest.mark.parametrize("watched", [MODEL, SERVING_DEPLOYMENT, INCIDENT])
def test_what_it_depends_on_wakes_it(watched: Any):
    v = Verification()
    objects = {
        MODEL: {"metadata": {"name": "ranker", "namespace": "team"}},
        SERVING_DEPLOYMENT: {"metadata": {"name": "x", "namespace": "team"}, "spec": {"model": "ranker"}},
        INCIDENT: {"metadata": {"name": "x", "namespace": "team"}, "spec": {"model": "ranker"}},
    }
    watch = next(w for w in v.controller.watches if w.resource == watched)
    assert list(watch.affects(objects[watched], v.world)) == [KEY]


def test_a_failed_pod_that_is_slow_to_go_is_waited_for_and_not_looked_at_without_end():
    v = Verification()
    v.fail()
    v.world.now += 60
    assert "deletionTimestamp" in v.world.pods()[POD_NAME]["metadata"]
    assert v.settle().requeue_after >= 1
