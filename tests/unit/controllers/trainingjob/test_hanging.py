"""What follows from a training that makes no more steps."""

from typing import Any

import pytest

from shipway.api.v1alpha1.incident import IncidentStatus
from shipway.controllers.incident.reconcile import Snapshot, reconcile
from shipway.kube.resource import INCIDENT, MODEL, POD, TRAINING_JOB, Object
from unit.controllers.training import KEY, Training
from unit.controllers.world import CrashError, ready

MODEL_OF_RECO = {
    "kind": MODEL.kind,
    "metadata": {"name": "ranker"},
    "spec": {
        "owner": {"team": "reco", "onCall": "reco-oncall"},
        "tier": "Critical",
        "runbook": "https://example.com/ranker",
    },
}


def training(**health: Any) -> Training:
    """A training in its first attempt that has told of ten steps, two seconds apart."""
    t = Training(health=health)
    t.world.put(MODEL_OF_RECO)
    return t.run().steps()


def incidents(t: Training) -> list[Object]:
    return list(t.world.list(INCIDENT, "team"))


def handled(t: Training, incident: Object) -> IncidentStatus:
    """The status that the Incident gets from what is known of the training now."""
    job = t.world.get(TRAINING_JOB, "team", "ranker")
    plan = reconcile(Snapshot(incident, job, t.world.now, gone=job is None))
    return IncidentStatus.model_validate(plan.status)


def test_a_training_that_makes_no_more_steps_calls_for_its_owner_with_the_numbers():
    t = training().listen(112)
    assert ready(t.job) == ("True", "Running")
    t.listen(12)
    assert ready(t.job) == ("False", "Hanging")
    (incident,) = incidents(t)
    spec = incident["spec"]
    assert (spec["type"], spec["gate"], spec["quarantine"]) == ("TrainingHang", "hang", False)
    assert spec["subject"] == {"kind": "TrainingJob", "name": "ranker", "uid": t.job["metadata"]["uid"]}
    assert (spec["model"], spec["version"], spec["owner"], spec["onCall"]) == ("ranker", "v1", "reco", "reco-oncall")
    assert (spec["severity"], spec["runbook"]) == ("Critical", "https://example.com/ranker")
    assert spec["summary"].startswith("no step for 120 s, step 10 of 800 since ")
    assert spec["summary"].endswith("; about 2 s each are usual, 120 s are allowed; rank 0 says nothing")


def test_a_hang_is_told_once_and_written_no_more():
    t = training().listen(124)
    writes = t.world.writes
    t.listen(600)
    assert t.world.writes == writes
    assert [note.reason for note in t.world.notes if note.type == "Warning"] == ["Hanging"]


def test_it_is_over_when_there_is_a_step_again_and_the_next_hang_is_another():
    t = training().listen(124)
    (first,) = incidents(t)
    assert handled(t, first).mitigated_at is None
    t.pass_time(4).report(11)
    t.settle()
    assert ready(t.job) == ("True", "Running")
    assert "hang" not in t.status
    over = handled(t, first)
    assert [(c.type, c.status, c.reason) for c in over.conditions[:2]] == [
        ("Ready", "True", "Resolved"),
        ("Mitigated", "True", "Mitigated"),
    ]
    t.listen(124)
    assert len({incident["metadata"]["name"] for incident in incidents(t)}) == 2


def test_it_is_over_when_the_job_is_gone_or_has_ended_or_is_suspended():
    gone, ended, suspended = (training().listen(124) for _ in range(3))
    gone.world.remove(TRAINING_JOB, "ranker")
    ended.succeed()
    suspended.world.change(TRAINING_JOB, "ranker", {"suspend": True})
    suspended.settle()
    for t in (gone, ended, suspended):
        assert handled(t, incidents(t)[0]).mitigated_at is not None


def test_an_incident_of_a_training_of_which_nothing_is_known_stays_open():
    t = training().listen(124)
    plan = reconcile(Snapshot(incidents(t)[0], None, t.world.now))
    assert IncidentStatus.model_validate(plan.status).mitigated_at is None


def test_observed_it_changes_nothing_but_the_words():
    t = training(onHang="Observe").listen(124)
    assert ready(t.job) == ("True", "Running")
    assert "and hangs" not in t.status["conditions"][0]["message"]
    assert "no step for 120 s" in t.status["conditions"][0]["message"]
    assert (incidents(t), [note for note in t.world.notes if note.type == "Warning"]) == ([], [])
    t.world.change(TRAINING_JOB, "ranker", {"health": {"onHang": "Notify"}})
    t.settle()
    assert len(incidents(t)) == 1, "whoever asks for it is told of a hang that lasts"


def test_a_restart_goes_on_from_the_last_checkpoint_and_counts():
    t = training(onHang="Restart").listen(124)
    assert t.attempt == 2
    record = t.status["attempts"][0]
    assert (record["cause"], record["step"], record["rank"]) == ("Hung", 10, 0)
    assert t.status["restarts"] == 1
    (incident,) = incidents(t)
    assert handled(t, incident).mitigated_at is None, "it has made no step yet"
    t.run()
    assert ready(t.job) == ("True", "Running")
    t.report(1)
    t.settle()
    assert handled(t, incident).mitigated_at is not None
    t.steps().listen(124)
    assert [i["metadata"]["name"].split("-hang-")[1] for i in incidents(t)] == ["1-10", "2-10"]


def test_an_attempt_that_hangs_while_the_status_tells_of_the_one_before_has_an_incident_of_its_own():
    t = Training(nodes=3, maxRestarts=3, health={"onHang": "Restart", "hangSeconds": 10}).run()
    t.report(0)
    t.listen(16)
    assert t.attempt == 2
    t.world.remove(POD, t.pod(0))
    for name in t.world.pods():
        t.world.start(name)
    t.report(0)
    t.listen(16)
    t.run()
    t.settle()
    assert t.attempt == 3
    assert [i["metadata"]["name"].split("-hang-")[1] for i in incidents(t)] == ["1-0", "2-0"]


def test_at_the_limit_of_restarts_it_fails_as_for_a_lost_pod():
    t = Training(health={"onHang": "Restart"}, maxRestarts=0).run().steps().listen(124)
    assert ready(t.job) == ("False", "BackoffLimitExceeded")
    assert t.status["attempts"][0]["cause"] == "Hung"
    (incident,) = incidents(t)
    assert handled(t, incident).mitigated_at is not None
    assert incident["spec"]["owner"] == "unknown", "there is no Model"


@pytest.mark.parametrize("then", ["steps", "ends", "is restarted"])
def test_a_crash_after_any_write_makes_neither_none_nor_two(then: str):
    for crash_after in range(7):
        t = training(onHang="Restart" if then == "is restarted" else "Notify").listen(116)
        t.pass_time(4)
        try:
            t.settle(crash_after=crash_after)
        except CrashError:
            t.restart_operator()
            t.board.expect(KEY, service_account="default", attempt=t.attempt)
        if then == "steps":
            t.report(11)
        if then == "ends":
            t.succeed()
        t.settle()
        t.settle()
        assert len(incidents(t)) == 1, f"crashed after write {crash_after + 1}"
        assert t.attempt == (2 if then == "is restarted" else 1)


def test_a_training_that_never_reported_in_this_attempt_is_not_judged():
    t = Training(health={"hangSeconds": 10}).run().listen(400)
    assert ready(t.job) == ("True", "Running")


def test_after_a_restart_of_the_operator_it_listens_for_a_full_budget_first():
    t = training(hangSeconds=60).listen(52)
    t.restart_operator()
    t.settle()
    t.listen(56)
    assert ready(t.job) == ("True", "Running")
    t.listen(8)
    assert ready(t.job) == ("False", "Hanging")
    assert incidents(t)[0]["spec"]["summary"].startswith("no step for 11"), "as long as the status knows"


def test_a_restarted_operator_that_nobody_wakes_looks_again_by_itself():
    t = training(hangSeconds=60)
    t.restart_operator()
    assert t.world.step(t.controller, KEY).requeue_after == pytest.approx(5)


def test_a_hang_outlasts_a_restart_of_the_operator_until_there_is_a_step():
    t = training().listen(124)
    t.restart_operator()
    writes = t.world.writes
    t.settle()
    t.listen(20)
    assert t.world.writes == writes
    t.report(10)
    t.settle()
    assert ready(t.job) == ("False", "Hanging"), "the same step again"
    t.pass_time(2).report(11)
    t.settle()
    assert ready(t.job) == ("True", "Running")


@pytest.mark.parametrize("jump", [Training.set_clock_ahead, Training.pass_time])
def test_neither_a_clock_set_ahead_nor_a_sleep_of_the_operator_makes_a_hang(jump: Any):
    t = training(hangSeconds=60).listen(40)
    jump(t, 3600)
    t.settle()
    t.listen(12)
    assert ready(t.job) == ("True", "Running")
    t.listen(12)
    assert ready(t.job) == ("False", "Hanging")


def test_while_a_pod_does_not_run_nothing_is_judged():
    t = training(hangSeconds=60)
    t.world.end("ranker-1-1")
    t.listen(200)
    assert incidents(t) == []


def test_what_rank_0_announces_is_in_the_words():
    t = training()
    t.report(10, activity="Compiling")
    t.settle()
    for _ in range(80):
        t.listen(12)
        t.report(10, activity="Compiling")
        t.settle()
    assert ready(t.job) == ("False", "Hanging")
    assert incidents(t)[0]["spec"]["summary"].endswith("900 s are allowed; rank 0 says Compiling")


def test_the_job_is_looked_at_again_in_time():
    t = training(hangSeconds=60)
    plan = t.settle()
    assert plan.requeue_after is not None
    assert plan.requeue_after <= 5
    t.listen(56, every=8)
    assert t.world.step(t.controller, KEY).requeue_after == pytest.approx(4)
