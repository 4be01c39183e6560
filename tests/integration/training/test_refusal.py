"""Pods the API server will not have."""

import asyncio

import pytest

from harness.builders import model, training_job
from harness.lab import Lab
from harness.process import OperatorProcess
from harness.waiting import eventually
from shipway.kube.client import Client
from shipway.kube.resource import MODEL, POD, TRAINING_JOB, Object, Resource

pytestmark = pytest.mark.lab
QUOTA = Resource("", "v1", "resourcequotas", "ResourceQuota")


async def test_a_job_over_quota_says_so_once_and_starts_when_there_is_room(
    lab: Lab, kube: Client, namespace: str, operator: OperatorProcess
):
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "pods", "namespace": namespace},
        "spec": {"hard": {"pods": "1"}},
    }
    await kube.create(QUOTA, quota)
    await eventually(lambda: _counted(kube, namespace), what="the quota is counted")
    await kube.create(MODEL, model(namespace=namespace))
    await kube.create(TRAINING_JOB, training_job("big", namespace=namespace, nodes=2))

    async def refused() -> bool:
        told = _ready(await kube.get(TRAINING_JOB, namespace, "big"))
        return told["reason"] == "PodRefused" and "exceeded quota: pods" in told["message"]

    await eventually(refused, what="the refusal is told in the API server's words")
    before = await kube.get(TRAINING_JOB, namespace, "big")
    await asyncio.sleep(3)
    after = await kube.get(TRAINING_JOB, namespace, "big")
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"], "retries write nothing"
    assert await operator.metric("workqueue_retries_total") > 8

    await kube.delete(QUOTA, namespace, "pods")
    await eventually(lambda: _starts(kube, namespace), within=40, what="both pods are there and it says so")


async def _starts(kube: Client, namespace: str) -> bool:
    names = {pod["metadata"]["name"] for pod in (await kube.list(POD, namespace)).items}
    told = _ready(await kube.get(TRAINING_JOB, namespace, "big"))
    return names == {"big-1-0", "big-1-1"} and told["reason"] in {"PodsStarting", "PodsPending"}


def _ready(job: Object) -> Object:
    return next(c for c in job["status"]["conditions"] if c["type"] == "Ready")


async def _counted(kube: Client, namespace: str) -> bool:
    quota = await kube.get(QUOTA, namespace, "pods")
    return "pods" in quota.get("status", {}).get("hard", {})
