"""Progress with real tokens: the API server itself says whose they are."""

import aiohttp
import pytest

from harness.builders import pod_status, training_job
from harness.lab import Lab
from harness.process import OperatorProcess
from harness.tokens import service_account_token
from harness.waiting import eventually
from shipway.kube.client import Client
from shipway.kube.identity import AUDIENCE
from shipway.kube.resource import POD, TRAINING_JOB, Resource

pytestmark = pytest.mark.lab
SERVICE_ACCOUNT = Resource("", "v1", "serviceaccounts", "ServiceAccount")
REPORT = {"attempt": 1, "step": 120, "totalSteps": 800, "loss": "0.5312", "samplesPerSecond": "20411.3"}


async def test_only_the_jobs_own_pods_may_report_and_what_they_say_reaches_the_status(
    lab: Lab, kube: Client, namespace: str, operator: OperatorProcess
):
    await kube.create(TRAINING_JOB, training_job("one", namespace=namespace))
    await kube.create(TRAINING_JOB, training_job("two", namespace=namespace))
    for name in ("one-1-0", "two-1-0"):
        await eventually(lambda name=name: kube.get(POD, namespace, name), what=f"pod {name}")
    await kube.merge_patch_status(POD, namespace, "one-1-0", pod_status("Running"))
    stranger = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "stranger", "namespace": namespace}}
    await kube.create(SERVICE_ACCOUNT, stranger)

    async def post(token: str) -> int:
        url = f"{operator.http}/v1/namespaces/{namespace}/trainingjobs/one/progress"
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession() as session, session.post(url, json=REPORT, headers=headers) as response:
            return response.status

    own_pod = await kube.get(POD, namespace, "one-1-0")
    other_pod = await kube.get(POD, namespace, "two-1-0")
    assert await post("forged") == 401
    assert await post(await service_account_token(kube, namespace, audience="somebody.else")) == 401
    assert await post(await service_account_token(kube, namespace, "stranger", audience=AUDIENCE)) == 403
    assert await post(await service_account_token(kube, namespace, audience=AUDIENCE, pod=other_pod)) == 403
    assert "progress" not in (await kube.get(TRAINING_JOB, namespace, "one"))["status"]
    assert await post(await service_account_token(kube, namespace, audience=AUDIENCE, pod=own_pod)) == 204

    async def written() -> bool:
        progress = (await kube.get(TRAINING_JOB, namespace, "one"))["status"]["progress"]
        return (progress["step"], progress["loss"], progress["attempt"]) == (120, "0.5312", 1)

    await eventually(written, what="the progress is in the status")
    assert await operator.metric("shipway_trainingjob_step") == 120
