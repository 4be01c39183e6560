"""Pods that find no node, no image, no quota or another's name: told in the cluster's words, and tried again."""

from shipway.kube.resource import POD
from shipway.runtime.plan import Create, Refusal
from unit.controllers.training import Training
from unit.controllers.world import conditions, ready


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
