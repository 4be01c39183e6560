"""The real operator process: at rest, restarted, stopped, grown, and without some of the cluster's parts."""

import asyncio
import time
from functools import partial
from pathlib import Path

import pytest

from harness.builders import model, model_version, training_job
from harness.lab import OPERATOR_USER, Lab
from harness.process import OperatorProcess, operator_process
from harness.waiting import eventually
from shipway.kube.client import Client
from shipway.kube.resource import LEASE, MODEL, MODEL_VERSION, POD, TRAINING_JOB, Object

pytestmark = pytest.mark.lab

LEASE_NAME = "shipway-operator"
QUIET_SECONDS = 4.0


async def populate(kube: Client, namespace: str) -> None:
    """A job whose pods wait for a node, and a registered model with a version."""
    for resource, body in (
        (TRAINING_JOB, training_job("job", namespace=namespace, nodes=2)),
        (MODEL, model("ranker", namespace=namespace)),
        (MODEL_VERSION, model_version("v1", namespace=namespace)),
    ):
        await kube.create(resource, body)


async def pods_of(kube: Client, namespace: str) -> dict[str, str]:
    return {p["metadata"]["name"]: p["metadata"]["uid"] for p in (await kube.list(POD, namespace)).items}


async def at_rest(lab: Lab, namespace: str) -> float:
    """Wait until the operator has written nothing for two seconds; the time since when."""

    async def quiet() -> float:
        writes = lab.audit.writes(0, user=OPERATOR_USER, namespace=namespace)
        assert writes, "no writes yet"
        last = writes[-1].time
        return last if time.time() - last > 2 else 0

    return await eventually(quiet, within=30, every=0.2, what="the operator has come to rest")


async def test_steady_state_makes_no_writes(lab: Lab, kube: Client, namespace: str, tmp_path: Path) -> None:
    async with operator_process(lab, tmp_path, namespaces=[namespace], SHIPWAY_SWEEP_SECONDS="1") as operator:
        await populate(kube, namespace)
        await eventually(partial(_has_pods, kube, namespace, 3), what="pods of the job and the version")
        await at_rest(lab, namespace)
        since = time.time()
        await asyncio.sleep(QUIET_SECONDS)

        assert await operator.metric("controller_reconcile_total") > 0
        assert [str(write) for write in lab.audit.writes(since, user=OPERATOR_USER, namespace=namespace)] == []


UPGRADES = {
    "the same version": {},
    "one that renders pods anew": {"SHIPWAY_WORKLOADS_IMAGE": "ghcr.io/shipway-ml/workloads:9"},
}


@pytest.mark.parametrize("upgrade", UPGRADES.values(), ids=UPGRADES.keys())
async def test_a_restart_writes_nothing_and_leaves_every_pod_alone(
    lab: Lab, kube: Client, namespace: str, tmp_path: Path, upgrade: dict[str, str]
) -> None:
    async with operator_process(lab, tmp_path, namespaces=[namespace]) as first:
        await populate(kube, namespace)
        await eventually(partial(_has_pods, kube, namespace, 3), what="pods of the job and the version")
        await at_rest(lab, namespace)
        assert await first.terminate() == 0
    before, since = await pods_of(kube, namespace), time.time()

    async with operator_process(lab, tmp_path, namespaces=[namespace], **upgrade) as second:
        await eventually(partial(_looked_at, second, 3), what="every key looked at again")
        await asyncio.sleep(2)

    assert [str(write) for write in lab.audit.writes(since, user=OPERATOR_USER, namespace=namespace)] == []
    assert await pods_of(kube, namespace) == before


async def test_a_hundred_fifty_mebibytes_are_enough(lab: Lab, kube: Client, namespace: str, tmp_path: Path) -> None:
    for number in range(300):
        await kube.create(MODEL, model(f"m{number}", namespace=namespace))
    async with operator_process(lab, tmp_path, namespaces=[namespace]) as operator:
        await eventually(partial(_looked_at, operator, 300), within=60, what="300 models looked at")

        assert operator.rss_mib() <= 150, f"{operator.rss_mib():.0f} MiB"


async def test_a_termination_signal_ends_it_within_five_seconds(operator: OperatorProcess) -> None:
    start = time.monotonic()

    assert await operator.terminate() == 0
    assert time.monotonic() - start < 5


async def test_the_probes_answer(operator: OperatorProcess) -> None:
    assert await operator.get("/healthz") == (200, "ok")
    assert await operator.get("/readyz") == (200, "ok")


async def test_a_wrong_setting_is_named(lab: Lab, tmp_path: Path) -> None:
    operator = OperatorProcess(lab, tmp_path, namespaces=[], server=None, env={"SHIPWAY_WORKERS": "many"})

    with pytest.raises(AssertionError, match="SHIPWAY_WORKERS is 'many'; write a whole number from 1 to 1024"):
        await operator.start()


async def test_a_standby_takes_over_from_a_leader_that_ends_or_dies(
    lab: Lab, kube: Client, namespace: str, tmp_path: Path
) -> None:
    env = {"SHIPWAY_LEASE": LEASE_NAME, "SHIPWAY_LEASE_SECONDS": "3"}
    start = partial(operator_process, lab, tmp_path, namespaces=[namespace], **env)
    async with start() as first:
        await eventually(partial(_leads, first), what="the first leads")
        async with start() as second:
            await kube.create(MODEL, model("a", namespace=namespace))
            await eventually(partial(_observed, kube, namespace, "a"), what="the leader works")
            assert await second.metric("controller_reconcile_total") == 0

            assert await first.terminate() == 0
            since = time.monotonic()
            await eventually(partial(_leads, second), within=10, what="the standby leads after a release")
            assert time.monotonic() - since < 2.5, "a released lease is taken before it would have expired"
            async with start() as third:
                assert await second.kill() != 0
                await kube.create(MODEL, model("b", namespace=namespace))
                await eventually(partial(_observed, kube, namespace, "b"), within=10, what="the next one works")
                assert await third.metric("shipway_leading") == 1
                assert await third.terminate() == 0

    lease = await kube.get(LEASE, "shipway-system", LEASE_NAME)
    assert lease["spec"]["holderIdentity"] == ""


async def _has_pods(kube: Client, namespace: str, number: int) -> bool:
    return len(await pods_of(kube, namespace)) == number


async def _looked_at(operator: OperatorProcess, keys: int) -> bool:
    return await operator.metric("controller_reconcile_total") >= keys and await operator.metric("workqueue_depth") == 0


async def _leads(operator: OperatorProcess) -> bool:
    return await operator.metric("shipway_leading") == 1


async def _observed(kube: Client, namespace: str, name: str) -> bool:
    obj: Object = await kube.get(MODEL, namespace, name)
    return bool(obj["status"]["observedGeneration"] == 1)
