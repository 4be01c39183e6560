"""What watches miss and servers refuse: the operator notices, waits, and goes on."""

from functools import partial
from pathlib import Path

import pytest
from aiohttp import web

from harness.builders import model, pod_status, training_job
from harness.lab import Lab
from harness.process import OperatorProcess, operator_process
from harness.proxy import faulty_proxy
from harness.waiting import eventually, never
from shipway.api import labels
from shipway.api.v1alpha1.trainingjob import TrainingJobSpec
from shipway.controllers.trainingjob.children import training_pod
from shipway.kube.client import Client
from shipway.kube.resource import MODEL, POD, TRAINING_JOB

pytestmark = pytest.mark.lab


async def test_deletions_missed_in_a_watch_gap_are_noticed(
    lab: Lab, kube: Client, namespace: str, tmp_path: Path
) -> None:
    async with (
        faulty_proxy(lab) as proxy,
        operator_process(
            lab, tmp_path, namespaces=[namespace], server=proxy.url, SHIPWAY_SWEEP_SECONDS="2"
        ) as operator,
    ):
        await kube.create(TRAINING_JOB, training_job("job", namespace=namespace))
        for name in ("stays", "goes"):
            await kube.create(MODEL, model(name, namespace=namespace))
        await eventually(partial(_knows, operator, models=2, trainingjobs=1, pods=1), what="everything is known")
        # Until its status says so, a first attempt whose pod is gone is made again rather than counted as lost.
        await eventually(partial(_is_under_way, kube, namespace), within=30, what="the job takes the pod for its own")

        proxy.cut_watches()
        await kube.delete(MODEL, namespace, "goes")
        pod = await kube.get(POD, namespace, "job-1-0")
        await kube.delete(POD, namespace, "job-1-0", grace_seconds=0)
        proxy.heal(expired=True)

        await eventually(partial(_knows, operator, models=1), within=30, what="the deleted model is forgotten")
        successor = await eventually(partial(_pod_of_another_attempt, kube, namespace), within=30)
        assert successor["metadata"]["uid"] != pod["metadata"]["uid"]


async def test_changes_made_while_all_watches_are_cut_are_noticed(
    lab: Lab, kube: Client, namespace: str, tmp_path: Path
) -> None:
    async with (
        faulty_proxy(lab) as proxy,
        operator_process(lab, tmp_path, namespaces=[namespace], server=proxy.url) as operator,
    ):
        await kube.create(MODEL, model("a", namespace=namespace))
        await eventually(partial(_observed, kube, namespace, "a", 1), what="the model is looked at")

        proxy.cut_watches()
        await kube.merge_patch(MODEL, namespace, "a", {"spec": {"purpose": "changed"}})
        await kube.create(MODEL, model("b", namespace=namespace))
        await never(partial(_observed, kube, namespace, "b", 1), during=1, what="a look without a watch")
        proxy.heal(expired=False)

        await eventually(partial(_observed, kube, namespace, "a", 2), within=30, what="the change is seen")
        await eventually(partial(_observed, kube, namespace, "b", 1), within=30, what="the new model is seen")
        assert operator.running


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_refused_requests_delay_the_work_and_change_nothing_else(
    lab: Lab, kube: Client, namespace: str, tmp_path: Path, status: int
) -> None:
    def is_write(request: web.BaseRequest) -> bool:
        return request.method != "GET"

    async with (
        faulty_proxy(lab) as proxy,
        operator_process(lab, tmp_path, namespaces=[namespace], server=proxy.url),
    ):
        proxy.refuse(is_write, status, times=12)
        await kube.create(TRAINING_JOB, training_job("job", namespace=namespace, nodes=2))

        await eventually(partial(_has_pods, kube, namespace, 2), within=30, what="both pods")
        assert proxy.refused == 12


async def test_what_fails_again_and_again_is_told_with_the_time_of_the_next_try(
    lab: Lab, kube: Client, namespace: str, tmp_path: Path
) -> None:
    def is_pod_creation(request: web.BaseRequest) -> bool:
        return request.method == "POST" and request.path.endswith("/pods")

    async with (
        faulty_proxy(lab) as proxy,
        operator_process(lab, tmp_path, namespaces=[namespace], server=proxy.url),
    ):
        proxy.refuse(is_pod_creation, 409, times=11)  # a conflict is not retried by the client, so each pass fails
        await kube.create(TRAINING_JOB, training_job("job", namespace=namespace))
        condition = await eventually(partial(_reconciling, kube, namespace), within=30, what="Reconciling is set")
        assert condition is not None
        assert condition["reason"] == "RetryingAfterError"
        assert "times in a row, next try at" in condition["message"]
        await eventually(partial(_has_pods, kube, namespace, 1), within=90, what="the pod in the end")
        await eventually(partial(_is_told_no_more, kube, namespace), what="Reconciling is gone")


async def test_a_pod_whose_labels_a_stranger_took_before_it_was_known_is_followed_all_the_same(
    lab: Lab, kube: Client, namespace: str, tmp_path: Path
) -> None:
    owner = await kube.create(TRAINING_JOB, training_job("job", namespace=namespace))
    body = training_pod(
        owner, TrainingJobSpec.model_validate(owner["spec"]), attempt=1, rank=0, image="i", progress_url=""
    )
    del body["metadata"]["labels"][labels.MANAGED_BY]
    await kube.create(POD, body)
    async with operator_process(lab, tmp_path, namespaces=[namespace], SHIPWAY_SWEEP_SECONDS="1"):
        await eventually(partial(_is_under_way, kube, namespace), within=30, what="the job takes the pod for its own")
        await kube.merge_patch_status(POD, namespace, "job-1-0", pod_status("Failed", exit_code=137))
        await eventually(partial(_pod_of_another_attempt, kube, namespace), within=30, what="the next attempt")


@pytest.mark.parametrize("refusal", [("/api", "", 415), ("/modelversions", "watch", 410)], ids=str)
async def test_kopf_that_gives_up_is_started_anew_and_nothing_is_missed(
    lab: Lab, kube: Client, namespace: str, tmp_path: Path, refusal: tuple[str, str, int]
) -> None:
    path, asked, status = refusal
    async with faulty_proxy(lab) as proxy:
        proxy.refuse(lambda request: request.path.endswith(path) and (not asked or asked in request.query), status)
        async with operator_process(lab, tmp_path, namespaces=[namespace], server=proxy.url) as operator:
            await eventually(partial(_has_logged, operator, "kopf ended"), within=20, what="kopf gives up")
            await kube.create(MODEL, model("a", namespace=namespace))
            await eventually(partial(_observed, kube, namespace, "a", 1), within=30, what="the model is looked at")
            assert operator.running


async def _knows(operator: OperatorProcess, **numbers: int) -> bool:
    for plural, number in numbers.items():
        known = await operator.metric(f'shipway_cache_objects{{resource="{plural}"}}')
        if known != number:
            raise AssertionError(f"{known:g} {plural}, not {number}")
    return True


async def _is_under_way(kube: Client, namespace: str) -> bool:
    return bool((await kube.get(TRAINING_JOB, namespace, "job")).get("status", {}).get("attempt") == 1)


async def _has_logged(operator: OperatorProcess, words: str) -> bool:
    return words in operator.log()


async def _observed(kube: Client, namespace: str, name: str, generation: int) -> bool:
    status = (await kube.get(MODEL, namespace, name))["status"]
    return bool(status["observedGeneration"] == generation)


async def _has_pods(kube: Client, namespace: str, number: int) -> bool:
    return len((await kube.list(POD, namespace)).items) == number


async def _pod_of_another_attempt(kube: Client, namespace: str) -> dict[str, dict[str, str]]:
    return await kube.get(POD, namespace, "job-2-0")


async def _reconciling(kube: Client, namespace: str) -> dict[str, str] | None:
    conditions = (await kube.get(TRAINING_JOB, namespace, "job"))["status"].get("conditions", [])
    return next((c for c in conditions if c["reason"] == "RetryingAfterError"), None)


async def _is_told_no_more(kube: Client, namespace: str) -> bool:
    return await _reconciling(kube, namespace) is None
