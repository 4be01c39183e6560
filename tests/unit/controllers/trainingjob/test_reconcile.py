import pytest

from shipway.controllers.trainingjob.checks import GATHER_SECONDS, SETTLE_SECONDS
from shipway.controllers.trainingjob.reconcile import PATIENCE_SECONDS
from shipway.controllers.trainingjob.rendezvous import SERVICE_NAME
from shipway.kube.resource import ENDPOINT_SLICE, MODEL_VERSION, POD, SERVICE, TRAINING_JOB, Key
from shipway.runtime.plan import Create, Refusal
from unit.controllers.training import DIGEST, KEY, OTHER_DIGEST, TRACE, Training, error, result, training_job
from unit.controllers.world import CrashError, conditions, ready


def leads_to(t: Training, pod: str) -> str:
    """The address that the name of a pod stands for."""
    (endpoint,) = t.world.get(ENDPOINT_SLICE, "team", pod)["endpoints"]
    assert endpoint["hostname"] == pod
    return endpoint["addresses"][0]


def test_a_new_job_gets_its_pods_and_the_service_of_the_namespace_under_which_they_will_meet():
    t = Training()
    t.settle()
    assert set(t.world.pods()) == {"ranker-1-0", "ranker-1-1"}
    service = t.world.get(SERVICE, "team", SERVICE_NAME)
    assert service["spec"]["clusterIP"] == "None"
    assert "selector" not in service["spec"]
    assert "ownerReferences" not in service["metadata"]
    assert ready(t.job) == ("Unknown", "Pending")


def test_the_name_of_rank_0_leads_to_its_address_as_soon_as_it_has_one():
    t = Training()
    t.settle()
    assert t.world.get(ENDPOINT_SLICE, "team", "ranker-1-0") is None
    t.world.set_pod("ranker-1-0", podIP="10.0.0.9")
    t.settle()
    assert leads_to(t, "ranker-1-0") == "10.0.0.9"


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


def test_a_job_of_one_node_meets_nobody():
    t = Training(nodes=1).run()
    assert t.world.list(SERVICE, "team") == t.world.list(ENDPOINT_SLICE, "team") == []
    assert ready(t.job) == ("True", "Running")


def test_a_running_job_in_a_quiet_world_writes_nothing():
    t = Training().run()
    writes = t.world.writes
    t.pass_time(3600).settle()
    assert t.world.writes == writes


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
    assert leads_to(t, "ranker-2-0") == t.world.pods()["ranker-2-0"]["status"]["podIP"]
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


def _disrupted(reason: str) -> list[dict[str, str]]:
    return [{"type": "DisruptionTarget", "status": "True", "reason": reason}]


FAILURES = {
    "OOMKilled": {"code": 137, "reason": "OOMKilled"},
    "Killed": {"code": 137},
    "Evicted": {"code": 137, "conditions": _disrupted("EvictionByEvictionAPI")},
    "Preempted": {"code": 143, "conditions": _disrupted("PreemptionByScheduler")},
    "NodeLost": {"code": 137, "conditions": _disrupted("DeletionByTaintManager")},
    "Error": {"code": 1, "message": error("LossNotFinite", "loss is nan at step 3")},
}


@pytest.mark.parametrize("cause", FAILURES)
def test_the_culprit_is_named_and_not_the_ranks_that_failed_with_it(cause: str):
    t = Training(nodes=3).run()
    # The echoes are heard of first, and end in the same second.
    t.world.end("ranker-1-0", code=1, message=error("PeerLost", "rank 2 is gone"))
    t.settle()
    t.world.end("ranker-1-2", **FAILURES[cause])
    t.settle()
    t.world.end("ranker-1-1", code=1, message=error("PeerLost", "rank 2 is gone"))
    t.settle()
    first = t.status["attempts"][0]
    assert (first["cause"], first["pod"], first["rank"]) == (cause, "ranker-1-2", 2)
    assert first["exitCode"] == FAILURES[cause]["code"]
    assert t.attempt == 2


def _torchrun(exit_code: int, *, rank: int = 0, before: str = "") -> str:
    return f"""{before}E1124 23:49:26.406000 1 opt/torch/distributed/elastic/multiprocessing/api.py:1002] failed
Traceback (most recent call last):
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
===================================================
Root Cause (first observed failure):
[0]:
  time      : 2026-11-24_23:49:26
  rank      : {rank} (local_rank: 0)
  exitcode  : {exit_code} (pid: 14)  (SIGKILL)
  traceback : Signal 9 (SIGKILL) received by PID 14
===================================================
"""


def test_a_process_killed_under_torchrun_is_the_culprit_at_once_although_the_pod_exits_with_1():
    t = Training().run()
    t.world.end("ranker-1-1", code=1, message=error("PeerLost", "rank 0 is gone"), at=t.world.now - 1)
    t.settle()
    assert t.attempt == 1
    t.world.end("ranker-1-0", code=1, message=_torchrun(-9))
    t.settle()
    first = t.status["attempts"][0]
    assert (first["cause"], first["pod"], first["exitCode"]) == ("Killed", "ranker-1-0", 1)
    assert first["message"] == "one of its processes ended by SIGKILL"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (_torchrun(1, before="RuntimeError: no such column\n"), "RuntimeError: no such column"),
        (_torchrun(3), "one of its processes ended with exit code 3"),
        (_torchrun(-6), "one of its processes ended by SIGABRT"),
        ("Traceback\n  File x\nKeyError: 'item'\n", "Traceback File x KeyError: 'item'"),
    ],
)
def test_a_program_that_knows_no_contract_is_quoted(message: str, words: str):
    t = Training(nodes=1).run()
    t.world.end("ranker-1-0", code=1, message=message)
    t.settle()
    assert (t.status["attempts"][0]["cause"], t.status["attempts"][0]["message"]) == ("Error", words)


def test_what_came_from_outside_is_the_culprit_even_if_a_program_ended_before():
    t = Training().run()
    t.world.end("ranker-1-0", code=1, message="RuntimeError: connection closed by peer", at=t.world.now - 1)
    t.world.set_pod("ranker-1-1", deleting=True)
    t.settle()
    assert t.status["attempts"][0]["pod"] == "ranker-1-1"


def test_a_program_that_fails_alone_waits_a_moment_for_a_better_culprit_and_no_longer():
    t = Training().run()
    t.world.end("ranker-1-0", code=1, message=error("TrainingFailed", "ZeroDivisionError"))
    plan = t.settle()
    assert t.attempt == 1
    assert 0 < plan.requeue_after <= GATHER_SECONDS
    t.pass_time(GATHER_SECONDS).settle()
    assert t.attempt == 2
    assert t.status["attempts"][0]["message"] == "TrainingFailed: ZeroDivisionError"


def test_the_earliest_end_is_the_culprit_among_equals():
    t = Training().run()
    t.world.end("ranker-1-0", code=1, at=t.world.now, message="boom")
    t.world.end("ranker-1-1", code=1, at=t.world.now - 1, message="bang")
    t.settle()
    assert t.status["attempts"][0]["pod"] == "ranker-1-1"


def test_restarts_end_at_the_limit_with_the_numbers_and_the_programs_own_words():
    t = Training(maxRestarts=2)
    for _ in range(3):
        t.run()
        for rank in range(2):
            t.world.end(t.pod(rank), code=1, message=error("InvalidParameter", "epochs must be 1 or more"))
        t.settle()
    assert t.status["restarts"] == 2
    assert t.attempt == 3
    told = conditions(t.job)
    assert told["Failed"]["reason"] == told["Stalled"]["reason"] == "BackoffLimitExceeded"
    assert ready(t.job) == ("False", "BackoffLimitExceeded")
    message = told["Failed"]["message"]
    assert "2 of 2 restarts" in message
    assert "InvalidParameter: epochs must be 1 or more" in message
    assert "exit code 1" in message
    t.pass_time(600).settle()
    assert t.attempt == 3


def test_logs_of_the_attempt_before_stay_and_older_ones_go():
    t = Training(nodes=1)
    for _ in range(3):
        t.run()
        t.world.end(t.pod(0), code=137)
        t.settle()
    gone = {name for name, pod in t.world.pods().items() if "deletionTimestamp" in pod["metadata"]}
    assert gone == {"ranker-1-0", "ranker-2-0"}
    assert {"ranker-3-0", "ranker-4-0"} <= set(t.world.pods())


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


def test_pods_that_find_no_node_are_named_with_the_schedulers_sentence():
    t = Training()
    t.settle()
    sentence = "0/1 nodes are available: 1 Insufficient cpu."
    t.world.set_pod(
        "ranker-1-1", node="", conditions=[{"type": "PodScheduled", "status": "False", "message": sentence}]
    )
    t.settle()
    told = conditions(t.job)["Ready"]
    assert (told["status"], told["reason"]) == ("False", "PodsPending")
    assert "ranker-1-1 since 2027-01-15T08:00:00Z: " + sentence in told["message"]
    writes = t.world.writes
    t.pass_time(600).settle()
    assert t.world.writes == writes, "how long it has been waiting is told by a time, not by a count of seconds"


def test_an_image_that_cannot_be_pulled_is_told():
    t = Training(nodes=1)
    t.settle()
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    t.world.set_pod("ranker-1-0", phase="Pending", containerStatuses=[{"name": "c", "state": waiting}])
    t.settle()
    assert "ImagePullBackOff: no such image" in conditions(t.job)["Ready"]["message"]


def test_a_pod_that_quota_forbids_is_told_in_the_api_servers_words_and_tried_again():
    t = Training()
    words = "exceeded quota: gpus, requested: 4, used: 8, limited: 8"
    t.world.refusal = lambda w: Refusal(w, invalid=False, message=words) if isinstance(w, Create) else None
    t.settle()
    assert ready(t.job) == ("False", "PodRefused")
    assert words in conditions(t.job)["Ready"]["message"]
    t.world.refusal = lambda _: None
    t.run()
    assert ready(t.job) == ("True", "Running")


def test_a_pod_that_can_never_be_valid_fails_the_job():
    t = Training(nodes=1)
    t.world.refusal = lambda w: Refusal(w, invalid=True, message="limits below requests")
    t.settle()
    assert conditions(t.job)["Failed"]["reason"] == "PodRefused"
    assert t.status["attempts"][0]["endedAt"]


def test_pods_of_an_earlier_job_with_the_same_name_are_waited_for_and_never_counted():
    t = Training()
    stranger = t.world.put(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": "ranker-1-0",
                "labels": {"shipway.dev/kind": "TrainingJob", "shipway.dev/name": "ranker"},
                "ownerReferences": [{"uid": "earlier", "controller": True}],
            },
            "spec": {},
            "status": {"phase": "Failed"},
        }
    )
    plan = t.settle()
    assert plan.requeue_after is not None
    assert ready(t.job) == ("False", "PodsPending")
    assert "earlier job" in conditions(t.job)["Ready"]["message"]
    t.world.remove(POD, stranger["metadata"]["name"])
    t.run()
    assert (ready(t.job), t.attempt) == (("True", "Running"), 1)


def test_progress_alone_is_written_every_ten_seconds_and_survives_a_restart_of_the_operator():
    t = Training().run()
    t.report(10)
    t.settle()
    writes = t.world.writes
    t.pass_time(4).report(20)
    plan = t.settle()
    assert t.world.writes == writes
    assert plan.requeue_after == pytest.approx(6, abs=1)
    t.restart_operator()
    t.settle()
    t.pass_time(4).report(30)
    t.settle()
    assert t.world.writes == writes, "the persisted time decides, not the memory of the process"
    t.pass_time(4).settle()
    assert t.status["progress"]["step"] == 30
    assert t.world.writes == writes + 1


def test_progress_rides_along_when_something_else_is_written():
    t = Training().run()
    t.report(10)
    t.settle()
    t.pass_time(2).report(20)
    t.world.end("ranker-1-0", code=137)
    t.settle()
    assert t.status["attempts"][0]["step"] == 20


def test_a_report_of_an_attempt_that_is_over_changes_nothing():
    t = Training().run()
    t.report(100)
    t.settle()
    t.world.end("ranker-1-1", code=137)
    t.run()
    writes = t.world.writes
    t.pass_time(60)
    t.settle()
    assert t.world.writes == writes
    assert (t.status["progress"]["step"], t.status["progress"]["attempt"]) == (100, 1)


def test_a_late_report_of_the_attempt_before_is_no_progress_of_this_one():
    t = Training().run()
    t.world.end("ranker-1-1", code=137)
    t.world.step(t.controller, KEY)
    t.report(700, attempt=1)
    t.run()
    assert t.attempt == 2
    assert "progress" not in t.status


def test_a_loss_that_is_no_number_stays_out_of_the_status():
    t = Training().run()
    t.report(5, loss="nan")
    t.settle()
    assert t.status["progress"]["step"] == 5
    assert "loss" not in t.status["progress"]


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


EDITS = [
    {"endpoints": [{"addresses": ["10.9.9.9"], "hostname": "ranker-1-0", "conditions": {"ready": True}}]},
    {"endpoints": []},
]


@pytest.mark.parametrize("edit", EDITS)
def test_a_name_that_a_stranger_turned_elsewhere_leads_to_rank_0_again(edit):
    t = Training().run()
    before = leads_to(t, "ranker-1-0")
    t.world.change(ENDPOINT_SLICE, "ranker-1-0", edit)
    t.settle()
    assert leads_to(t, "ranker-1-0") == before
    writes = t.world.writes
    t.settle()
    assert t.world.writes == writes


def test_the_namespace_s_service_is_made_again_when_it_is_deleted_or_turned_into_a_name_for_another_host():
    t = Training().run()
    t.world.remove(SERVICE, SERVICE_NAME)
    t.settle()
    assert t.world.get(SERVICE, "team", SERVICE_NAME)
    t.world.change(SERVICE, SERVICE_NAME, {"type": "ExternalName", "externalName": "elsewhere"})
    t.settle()
    assert t.world.get(SERVICE, "team", SERVICE_NAME)["spec"]["type"] == "ClusterIP"


def test_a_second_training_in_the_namespace_shares_the_service():
    t = Training().run()
    writes = t.world.writes
    t.world.put(training_job("other", output=None))
    t.world.settle(t.controller, Key(TRAINING_JOB.kind, "team", "other"))
    assert t.world.writes == writes + 2  # its pods


def test_a_refused_service_is_told_of_and_tried_again_since_it_owes_nothing_to_the_spec():
    t = Training()
    t.world.refusal = lambda write: (
        Refusal(write, invalid=True, message="no") if isinstance(write, Create) and write.resource == SERVICE else None
    )
    t.settle()
    assert ready(t.job) == ("False", "PodRefused")
    assert "refuses a Service: no" in conditions(t.job)["Ready"]["message"]
    t.world.refusal = lambda _: None
    t.run()
    assert ready(t.job) == ("True", "Running")
