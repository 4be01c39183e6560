"""Kueue as a part of the lab does its work: a Job waits in its queue until there is quota for it.

Not part of the tiers: compiling Kueue takes minutes. `make test-lab-parts` runs it.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from own_cluster import Cluster, eventually, own_cluster
from shipway_lab.parts import kwok


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with own_cluster("lab-parts-tests", "--with", "kueue,kwok", "--fake-nodes", "1") as started:
        yield started


def queue(*, cpus: int) -> list[dict[str, Any]]:
    """A queue `mine` in the namespace `default`, with a quota."""
    version = "kueue.x-k8s.io/v1beta2"
    flavors = [{"name": "any", "resources": [{"name": "cpu", "nominalQuota": cpus}]}]
    groups = [{"coveredResources": ["cpu"], "flavors": flavors}]
    return [
        {"apiVersion": version, "kind": "ResourceFlavor", "metadata": {"name": "any"}},
        {
            "apiVersion": version,
            "kind": "ClusterQueue",
            "metadata": {"name": "all"},
            "spec": {"namespaceSelector": {}, "resourceGroups": groups},
        },
        {
            "apiVersion": version,
            "kind": "LocalQueue",
            "metadata": {"name": "mine", "namespace": "default"},
            "spec": {"clusterQueue": "all"},
        },
    ]


def job(name: str, *, pods: int, cpu: int) -> dict[str, Any]:
    """An indexed Job in that queue; its pods run until an annotation tells them for how long."""
    container = {"name": "main", "image": "nowhere/at-all:1", "resources": {"requests": {"cpu": cpu}}}
    template = {"restartPolicy": "Never", "tolerations": [{"operator": "Exists"}], "containers": [container]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "default", "labels": {"kueue.x-k8s.io/queue-name": "mine"}},
        "spec": {
            "completionMode": "Indexed",
            "completions": pods,
            "parallelism": pods,
            "template": {"spec": template},
        },
    }


def apply(cluster: Cluster, *objects: dict[str, Any]) -> None:
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))


def workload(cluster: Cluster, name: str) -> dict[str, str]:
    """Conditions of the Workload that Kueue made for a Job."""
    for each in cluster.get("workloads")["items"]:
        if each["metadata"]["ownerReferences"][0]["name"] == name:
            return {found["type"]: found["status"] for found in each.get("status", {}).get("conditions", ())}
    return {}


def running(cluster: Cluster, name: str) -> int:
    pods = cluster.get("pods", "-l", f"job-name={name}")["items"]
    return sum(pod["status"].get("phase") == "Running" for pod in pods)


def test_a_job_is_admitted_when_there_is_quota_and_waits_while_there_is_none(cluster: Cluster) -> None:
    eventually("a service account", lambda: cluster.succeeds("get", "serviceaccount", "default"))
    apply(cluster, *queue(cpus=2))
    apply(cluster, job("first", pods=2, cpu=1))
    eventually("two pods of the first Job run", lambda: running(cluster, "first") == 2)
    assert workload(cluster, "first")["Admitted"] == "True"
    apply(cluster, job("second", pods=1, cpu=1))
    eventually("the second Job is refused", lambda: workload(cluster, "second").get("QuotaReserved") == "False")
    assert cluster.get("job", "second")["spec"]["suspend"]
    assert running(cluster, "second") == 0
    cluster.kubectl("annotate", "pods", "-l", "job-name=first", f"{kwok.DURATION}=1ms")
    eventually("a pod of the second Job runs", lambda: running(cluster, "second") == 1)
    assert not cluster.get("job", "second")["spec"]["suspend"]


def test_its_webhooks_are_asked(cluster: Cluster) -> None:
    _, negative, _ = queue(cpus=-1)
    refused = cluster.refusal("apply", "-f", "-", stdin=json.dumps(negative))
    assert 'admission webhook "vclusterqueue.kb.io" denied the request' in refused
