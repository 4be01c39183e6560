"""A training from its first pod to its end: told once, restarted, suspended, upgraded, let go."""

import pytest

from shipway.controllers.trainingjob.checks import GATHER_SECONDS, SETTLE_SECONDS
from shipway.controllers.trainingjob.rendezvous import SERVICE_NAME
from shipway.controllers.trainingjob.starting import PATIENCE_SECONDS
from shipway.kube.resource import MODEL_VERSION, POD, SERVICE, TRAINING_JOB
from unit.controllers.training import DIGEST, KEY, TRACE, Training, error, result
from unit.controllers.world import CrashError, conditions, ready


def test_a_new_job_gets_its_pods_and_the_service_of_the_namespace_under_which_they_will_meet():
    t = Training()
    t.settle()
    assert set(t.world.pods()) == {"ranker-1-0", "ranker-1-1"}
    service = t.world.get(SERVICE, "team", SERVICE_NAME)
    assert service["spec"]["clusterIP"] == "None"
    assert "selector" not in service["spec"]
    assert "ownerReferences" not in service["metadata"]
    assert ready(t.job) == ("Unknown", "Pending")


def test_a_job_whose_pods_start_at_once_is_told_of_once_and_without_an_event():
    t = Training().run()
    made = 4  # two pods, the namespace's first Service, and the name of rank 0
    assert t.world.writes == made + 1
    assert t.world.notes == []
    assert t.status["attempts"][0]["podsCreatedAt"]


def test_pods_that_take_long_to_start_are_named_once_patience_is_over():
    t = Training()
    wait = t.settle().requeue_after
    assert 0 < wait <= PATIENCE_SECONDS
    assert ready(t.job) == ("Unknown", "Pending")
    t.pass_time(wait).settle()
    assert ready(t.job) == ("False", "PodsStarting")
    assert "starting: ranker-1-0 since" in conditions(t.job)["Ready"]["message"]
    assert t.status["attempts"][0]["podsCreatedAt"]


def test_a_pod_that_vanishes_before_anything_was_told_of_it_is_made_again():
    t = Training()
    t.settle()
    t.world.remove(POD, "ranker-1-1")
    t.settle()
    assert set(t.world.pods()) == {"ranker-1-0", "ranker-1-1"}
    assert t.run().attempt == 1


def test_a_first_attempt_that_is_lost_before_it_was_told_of_is_told_of_first():
    t = Training()
    t.settle()
    t.world.end("ranker-1-1", code=1, message=error("TrainingFailed", "boom"))
    t.settle()
    t.pass_time(GATHER_SECONDS).settle()
    assert [a["attempt"] for a in t.status["attempts"]] == [1, 2]
    assert t.status["restarts"] == 1


def test_a_first_attempt_that_is_suspended_before_it_was_told_of_ends_as_any_other():
    t = Training()
    t.settle()
    t.world.change(TRAINING_JOB, "ranker", {"suspend": True})
    t.settle()
    assert ready(t.job) == ("True", "Suspended")
    assert t.status["attempts"][0]["cause"] == "Suspended"
    assert all("deletionTimestamp" in pod["metadata"] for pod in t.world.pods().values())


def test_an_operator_that_is_upgraded_while_pods_start_tells_of_the_image_that_they_run():
    t = Training(nodes=1)
    t.settle()
    image = t.world.pods()["ranker-1-0"]["spec"]["containers"][0]["image"]
    t.restart_operator(workloads_image="ghcr.io/shipway-ml/workloads:9.9.9")
    t.run()
    assert t.status["image"] == image


def test_an_attempt_that_is_told_of_late_began_with_its_pods():
    t = Training()
    t.settle()
    began = t.world.pods()["ranker-1-0"]["metadata"]["creationTimestamp"]
    t.pass_time(5)
    t.run()
    assert t.status["startTime"] == t.status["attempts"][0]["startedAt"] == began


def test_a_running_job_in_a_quiet_world_writes_nothing():
    t = Training().run()
    writes = t.world.writes
    t.pass_time(3600).settle()
    assert t.world.writes == writes


def test_features_that_the_program_names_are_in_the_lineage_of_its_version():
    t = Training().run()
    t.succeed(result(lineage={"featureViews": [{"name": "clicks", "uri": "kafka://clicks"}]}))
    lineage = t.world.get(MODEL_VERSION, "team", "ranker-v1")["spec"]["lineage"]
    assert lineage["featureViews"] == [{"name": "clicks", "uri": "kafka://clicks"}]


def test_success_makes_a_version_with_lineage_and_ends_well():
    t = Training().run()
    t.succeed()
    version = t.world.get(MODEL_VERSION, "team", "ranker-v1")
    spec = version["spec"]
    assert "ownerReferences" not in version["metadata"]
    assert spec["digest"] == DIGEST
    assert spec["source"] == {"uri": "s3://models/reco/team/ranker/v1-12345678", "secretName": "storage"}
    assert spec["lineage"]["trainingJob"] == {"name": "ranker", "uid": t.job["metadata"]["uid"], "attempts": 1}
    assert spec["lineage"]["parameters"] == {"epochs": "4"}
    assert spec["lineage"]["datasets"] == [{"name": "movielens-100k", "digest": DIGEST, "uri": ""}]
    assert spec["evaluation"][0]["value"] == "0.7923"
    assert ready(t.job) == ("True", "Completed")
    told = conditions(t.job)
    assert told["Succeeded"]["status"] == "True"
    assert told["Failed"]["status"] == "False"
    assert "Reconciling" not in told
    assert t.status["modelVersion"] == "ranker-v1"
    assert t.status["lossTraceDigest"] == TRACE
    assert t.status["progress"]["step"] == 800
    assert t.status["attempts"][0]["cause"] == "Completed"
    assert set(t.world.pods()) == {"ranker-1-0", "ranker-1-1"}, "the logs of a finished run stay"


def test_a_finished_job_stays_finished_whatever_happens_to_its_pods_and_version():
    t = Training().run()
    t.succeed()
    for name in ("ranker-1-0", "ranker-1-1"):
        t.world.remove(POD, name)
    t.world.remove(MODEL_VERSION, "ranker-v1")
    writes = t.world.writes
    t.pass_time(60).settle()
    assert t.world.writes == writes
    assert ready(t.job) == ("True", "Completed")


def test_a_deleted_pod_is_recorded_then_the_next_attempt_starts_without_waiting_for_the_old_pods_to_be_gone():
    t = Training().run()
    t.report(120, checkpoint={"step": 100, "uri": "s3://m/c/step-100", "time": "2026-11-24T12:00:00Z"})
    t.world.set_pod("ranker-1-1", deleting=True)
    t.settle()
    first, second = t.status["attempts"]
    assert (first["cause"], first["pod"], first["node"], first["rank"], first["step"]) == (
        "PodDeleted",
        "ranker-1-1",
        "node-1",
        1,
        120,
    )
    assert second["attempt"] == t.status["attempt"] == 2
    assert t.status["restarts"] == 1
    pods = t.world.pods()
    assert "deletionTimestamp" in pods["ranker-1-0"]["metadata"]
    assert "deletionTimestamp" not in pods["ranker-2-0"]["metadata"]
    t.world.start("ranker-2-0")
    t.settle()
    assert t.leads_to("ranker-2-0") == t.world.pods()["ranker-2-0"]["status"]["podIP"]
    assert ready(t.job) == ("False", "Restarting")
    assert "checkpoint of step 100" in t.world.notes[-1].message


def test_a_pod_that_vanished_is_a_lost_pod():
    t = Training().run()
    t.world.remove(POD, "ranker-1-0")
    t.settle()
    assert t.status["attempts"][0]["cause"] == "PodDeleted"
    assert t.status["attempts"][0]["pod"] == "ranker-1-0"
    assert t.attempt == 2


def test_an_operator_that_has_only_just_taken_over_does_not_take_a_late_cache_for_a_lost_pod():
    t = Training()
    t.settle()
    t.pass_time(PATIENCE_SECONDS).settle()
    pod = t.world.pods()["ranker-1-1"]
    t.world.remove(POD, "ranker-1-1")
    assert 0 < t.settle().requeue_after <= SETTLE_SECONDS
    t.world.put(pod)
    t.pass_time(SETTLE_SECONDS + 1).settle()
    assert t.attempt == 1


def test_suspend_stops_pods_and_resume_starts_a_new_attempt_that_is_no_restart():
    t = Training(maxRestarts=0, activeDeadlineSeconds=100).run()
    t.report(50)
    t.pass_time(10)
    t.world.change(TRAINING_JOB, "ranker", {"suspend": True})
    t.settle()
    assert ready(t.job) == ("True", "Suspended")
    assert "at step 50" in conditions(t.job)["Ready"]["message"]
    assert all("deletionTimestamp" in pod["metadata"] for pod in t.world.pods().values())
    for name in list(t.world.pods()):
        t.world.remove(POD, name)
    t.pass_time(1000).settle()
    t.world.change(TRAINING_JOB, "ranker", {"suspend": False})
    t.run()
    assert ready(t.job) == ("True", "Running"), "time spent suspended does not count against the deadline"
    assert (t.attempt, t.status["restarts"], t.status["suspendedSeconds"]) == (2, 0, 1000)
    assert t.status["attempts"][0]["cause"] == "Suspended"


def test_a_job_created_suspended_makes_nothing():
    t = Training(suspend=True)
    t.settle()
    assert t.world.pods() == {}
    assert ready(t.job) == ("True", "Suspended")


def test_the_deadline_ends_the_job_and_is_waited_for():
    t = Training(activeDeadlineSeconds=60).run()
    plan = t.settle()
    assert plan.requeue_after == pytest.approx(55)
    t.pass_time(56).settle()
    assert conditions(t.job)["Failed"]["reason"] == "DeadlineExceeded"
    assert "60 s (spec.activeDeadlineSeconds)" in conditions(t.job)["Failed"]["message"]
    assert all("deletionTimestamp" in pod["metadata"] for pod in t.world.pods().values())


def test_an_upgrade_of_the_operator_changes_no_image_of_a_run_under_way():
    t = Training().run()
    t.controller._workloads_image = "ghcr.io/shipway-ml/workloads:9.9.9"
    t.world.end("ranker-1-0", code=137)
    t.run()
    t.world.change(TRAINING_JOB, "ranker", {"suspend": True})
    t.settle()
    t.world.change(TRAINING_JOB, "ranker", {"suspend": False})
    t.settle()
    assert t.attempt == 3
    images = {pod["spec"]["containers"][0]["image"] for pod in t.world.pods().values()}
    assert images == {"ghcr.io/shipway-ml/workloads:0.1.0"}


def test_a_job_that_is_being_deleted_is_left_to_the_garbage_collector():
    t = Training().run()
    t.job["metadata"]["deletionTimestamp"] = "2027-01-15T08:00:00Z"
    writes = t.world.writes
    t.settle()
    assert t.world.writes == writes


def test_the_board_forgets_a_job_that_is_gone():
    t = Training().run()
    t.report(10)
    t.world.remove(TRAINING_JOB, "ranker")
    t.world.step(t.controller, KEY)
    assert t.board.latest(KEY) is None


@pytest.mark.parametrize("crash_after", range(7))
def test_a_crash_after_any_write_of_a_restart_ends_in_the_same_state(crash_after: int):
    def play(crash: int | None) -> dict[str, object]:
        t = Training().run()
        t.world.set_pod("ranker-1-1", deleting=True)
        try:
            t.settle(crash_after=crash)
        except CrashError:
            t.restart_operator()
        t.run()
        t.succeed()
        return {
            "attempts": [(a["attempt"], a["cause"], a["pod"]) for a in t.status["attempts"]],
            "restarts": t.status["restarts"],
            "pods": sorted(t.world.pods()),
            "ready": ready(t.job),
            "version": t.world.get(MODEL_VERSION, "team", "ranker-v1")["spec"]["digest"],
        }

    assert play(crash_after) == play(None)
