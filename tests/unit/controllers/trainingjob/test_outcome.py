"""What a training leaves: a result that holds, and a version that is nobody else's."""

import pytest

from shipway.kube.resource import MODEL_VERSION
from unit.controllers.training import OTHER_DIGEST, Training, result
from unit.controllers.world import conditions, ready

INVALID = {
    "nothing": ("", "no JSON object"),
    "text": ("Traceback (most recent call last)", "no JSON object"),
    "no artifact": ('{"step": 3}', "no artifact"),
    "bad digest": (result(digest="md5:abc"), "artifact.digest"),
    "float metric": (result(evaluation=[{"name": "auc", "value": "good"}]), "evaluation.0.value"),
}


@pytest.mark.parametrize("case", INVALID)
def test_an_invalid_result_fails_the_job_and_says_what_is_wrong(case: str):
    message, wrong = INVALID[case]
    t = Training().run()
    t.succeed(message)
    failed = conditions(t.job)["Failed"]
    assert failed["reason"] == "ResultInvalid"
    assert wrong in failed["message"]
    assert t.world.get(MODEL_VERSION, "team", "ranker-v1") is None


def test_a_job_without_output_needs_no_result():
    t = Training(output=None).run()
    t.succeed("")
    assert ready(t.job) == ("True", "Completed")
    assert "modelVersion" not in t.status


def _version(t: Training, *, uid: str, digest: str = OTHER_DIGEST) -> None:
    t.world.put(
        {
            "kind": "ModelVersion",
            "metadata": {"name": "ranker-v1"},
            "spec": {"digest": digest, "lineage": {"trainingJob": {"name": "ranker", "uid": uid}}},
        }
    )


def test_a_version_that_exists_already_fails_the_job_before_it_trains():
    t = Training()
    _version(t, uid="another")
    t.settle()
    failed = conditions(t.job)["Failed"]
    assert failed["reason"] == "VersionConflict"
    assert "choose another output.version" in failed["message"]
    assert t.world.pods() == {}


@pytest.mark.parametrize("uid", ["another", None])
def test_a_version_of_another_job_or_digest_that_came_meanwhile_is_a_conflict(uid: str | None):
    t = Training().run()
    _version(t, uid=uid or t.job["metadata"]["uid"])
    t.succeed()
    failed = conditions(t.job)["Failed"]
    assert failed["reason"] == "VersionConflict"
    assert t.world.get(MODEL_VERSION, "team", "ranker-v1")["spec"]["digest"] == OTHER_DIGEST
