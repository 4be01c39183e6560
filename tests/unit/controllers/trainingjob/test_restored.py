"""What becomes of a job whose status was lost, and of one that a backup brought back under another uid."""

import copy

import pytest

from shipway.kube.resource import MODEL_VERSION, POD, TRAINING_JOB
from unit.controllers.training import DIGEST, Training
from unit.controllers.world import conditions, ready


def lose_status(t: Training) -> None:
    job = copy.deepcopy(t.job)
    del job["status"]
    t.world.put(job)
    t.restart_operator()


def restore(t: Training) -> None:
    """As Velero does: a job with a new uid, and its pods begun anew without an owner."""
    job = copy.deepcopy(t.job)
    t.world.put({**job, "metadata": {"name": "ranker", "annotations": {}}, "status": {}})
    for pod in list(t.world.pods().values()):
        t.world.remove(POD, pod["metadata"]["name"])
        meta = {name: pod["metadata"][name] for name in ("name", "labels")}
        t.world.put({**copy.deepcopy(pod), "metadata": meta, "status": {"phase": "Pending"}})
    t.restart_operator()


@pytest.mark.parametrize("lose", [lose_status, restore])
def test_a_finished_job_is_not_trained_again(lose):
    t = Training().run()
    t.succeed()
    version = t.world.get(MODEL_VERSION, "team", "ranker-v1")
    lose(t)
    t.settle()
    assert ready(t.job) == ("True", "Completed")
    assert conditions(t.job)["Succeeded"]["status"] == "True"
    assert t.status["modelVersion"] == "ranker-v1"
    assert t.attempt == 0
    assert t.world.get(MODEL_VERSION, "team", "ranker-v1") == version
    assert [pod for pod in t.world.pods().values() if _is_alive(pod)] == []


def _is_alive(pod: dict) -> bool:
    return pod["status"]["phase"] == "Pending" and "deletionTimestamp" not in pod["metadata"]


def test_a_job_of_the_same_name_that_trains_something_else_is_still_a_conflict():
    t = Training().run()
    t.succeed()
    restore(t)
    t.world.change(TRAINING_JOB, "ranker", {"seed": 8})
    t.settle()
    assert conditions(t.job)["Failed"]["reason"] == "VersionConflict"


def test_a_run_under_way_goes_on_although_its_status_was_lost():
    t = Training().run()
    for _ in range(2):
        t.world.end(t.pod(1), code=1, reason="OOMKilled")
        t.settle()
        t.run()
    running = {name for name, pod in t.world.pods().items() if pod["status"]["phase"] == "Running"}
    lose_status(t)
    t.settle()
    t.pass_time(11)
    t.settle()
    assert (t.attempt, ready(t.job)) == (3, ("True", "Running"))
    assert {name for name, pod in t.world.pods().items() if pod["status"]["phase"] == "Running"} == running
    t.succeed()
    version = t.world.get(MODEL_VERSION, "team", "ranker-v1")
    assert version is not None
    assert version["spec"]["digest"] == DIGEST


def test_a_run_that_had_ended_is_published_although_its_status_was_lost():
    t = Training(output=None).run()
    t.succeed("")
    lose_status(t)
    t.settle()
    assert ready(t.job) == ("True", "Completed")
    assert t.attempt == 1


def test_pods_that_lost_their_owner_make_room_for_owned_ones():
    t = Training().run()
    restore(t)
    t.settle()
    doomed = [pod for pod in t.world.pods().values() if "deletionTimestamp" in pod["metadata"]]
    assert len(doomed) == 2
    for pod in doomed:
        t.world.remove(POD, pod["metadata"]["name"])
    t.run()
    assert ready(t.job) == ("True", "Running")
    owners = {pod["metadata"]["ownerReferences"][0]["uid"] for pod in t.world.pods().values()}
    assert owners == {t.job["metadata"]["uid"]}
