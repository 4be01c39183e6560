"""Who ended an attempt: the culprit among those that fell with it, in its own words, up to the limit of restarts."""

import pytest

from shipway.controllers.trainingjob.checks import GATHER_SECONDS
from unit.controllers.training import Training, error
from unit.controllers.world import conditions, ready


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
