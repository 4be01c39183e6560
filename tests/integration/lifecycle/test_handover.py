"""Two replicas: who writes after the leader ends, dies or comes back from a stop, by the API server's own log."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web

from harness.audit import Entry
from harness.builders import model, training_job
from harness.lab import OPERATOR_USER, Lab
from harness.process import OperatorProcess, operator_process
from harness.proxy import FaultyProxy, faulty_proxy
from harness.waiting import eventually
from shipway.kube.client import Client
from shipway.kube.resource import MODEL, TRAINING_JOB
from shipway.settings import Settings

pytestmark = pytest.mark.lab

LEASE = {"SHIPWAY_LEASE": "shipway-operator", "SHIPWAY_LEASE_SECONDS": str(Settings().lease_seconds)}
MEASURED = "SHIPWAY_TEST_ROUNDS" in os.environ
"""Whether seconds are measured (`make test-lifecycle`), and not only told from those of another way to be followed."""
ROUNDS = int(os.environ.get("SHIPWAY_TEST_ROUNDS", "1"))
"""How often the leader is killed; more give the worst case a chance."""
MODELS = [f"m{number}" for number in range(8)]
JOBS = [f"j{number}" for number in range(4)]
A_WORKER_EACH = {"SHIPWAY_WORKERS": str(len(MODELS) + len(JOBS))}


@asynccontextmanager
async def replica(
    lab: Lab, folder: Path, namespace: str, *, proxy: FaultyProxy | None = None
) -> AsyncIterator[OperatorProcess]:
    server = proxy.url if proxy else None
    async with operator_process(
        lab, folder, namespaces=[namespace], server=server, **LEASE, **A_WORKER_EACH
    ) as process:
        yield process


async def leads(operator: OperatorProcess) -> bool:
    return await operator.metric("shipway_leading") == 1


def is_by(operator: OperatorProcess, entry: Entry) -> bool:
    return entry.agent.startswith("shipway/") and entry.agent.endswith(f"-{operator.pid}")


def accepted(lab: Lab, namespace: str, since: float, operator: OperatorProcess, name: str = "") -> list[Entry]:
    """The writes of a replica that the API server took, Events left out: they tell, they change nothing."""
    entries = lab.audit.writes(since, user=OPERATOR_USER, namespace=namespace)
    mine = [entry for entry in entries if is_by(operator, entry) and entry.code < 300 and entry.resource != "events"]
    return [entry for entry in mine if name in ("", entry.name)]


async def seconds_until_the_other_acts(
    lab: Lab, kube: Client, namespace: str, *, leader: OperatorProcess, other: OperatorProcess, how: signal.Signals
) -> float:
    """From the signal to the leader until the other's first write to an object that was made just then."""
    await eventually(partial(leads, leader), within=20, what="the first one leads")
    name = f"waiting-{time.monotonic_ns()}"
    at = time.time()
    os.kill(leader.pid, how)
    await kube.create(MODEL, model(name, namespace=namespace))

    async def acted() -> list[Entry]:
        return accepted(lab, namespace, at, other, name)

    first = (await eventually(acted, within=30, what="the other one acts"))[0]
    await leader.wait()
    return first.time - at


async def test_a_killed_leader_is_followed_once_its_lease_is_over(
    lab: Lab, kube: Client, namespace: str, tmp_path: Path
) -> None:
    took = []
    for number in range(ROUNDS):
        async with replica(lab, tmp_path, namespace) as leader:
            await eventually(partial(leads, leader), within=20, what="the first one leads")
            async with replica(lab, tmp_path, namespace) as other:
                await asyncio.sleep(0.7 * number % 2)
                took.append(
                    await seconds_until_the_other_acts(
                        lab, kube, namespace, leader=leader, other=other, how=signal.SIGKILL
                    )
                )
                assert await other.terminate() == 0

    print(f"killed leader: the other acted after {took} s")
    assert max(took) <= (9 if MEASURED else 15)


async def test_a_planned_handover_waits_for_no_lease(lab: Lab, kube: Client, namespace: str, tmp_path: Path) -> None:
    took = []
    async with replica(lab, tmp_path, namespace) as first:
        await eventually(partial(leads, first), within=20, what="the first one leads")
        leader = first
        for _ in range(max(2, ROUNDS)):
            other = OperatorProcess(lab, tmp_path, namespaces=[namespace], server=None, env=LEASE)
            await other.start()
            took.append(
                await seconds_until_the_other_acts(lab, kube, namespace, leader=leader, other=other, how=signal.SIGTERM)
            )
            leader = other
        assert await leader.terminate() == 0

    print(f"planned handover: the other acted after {took} s")
    assert max(took) <= (1 if MEASURED else Settings().lease_seconds / 2)


def is_write(request: web.BaseRequest) -> bool:
    return request.method not in ("GET", "HEAD") and "/leases" not in request.path


async def test_no_write_of_a_leader_that_was_stopped_is_taken_once_the_next_one_has_written(
    lab: Lab, kube: Client, namespace: str, tmp_path: Path
) -> None:
    since = time.time()
    async with faulty_proxy(lab) as network, replica(lab, tmp_path, namespace, proxy=network) as old:
        await eventually(partial(leads, old), within=20, what="the old one leads")
        await kube.create(MODEL, model("before", namespace=namespace))
        await eventually(partial(_written_by, lab, namespace, since, old, ["before"]), what="the old one works")
        async with replica(lab, tmp_path, namespace) as new:
            await _stop_with_writes_on_their_way(kube, namespace, old, network)
            everything = [*MODELS, *JOBS, *(f"{job}-1-0" for job in JOBS)]
            await eventually(
                partial(_written_by, lab, namespace, since, new, everything), within=30, what="the new one works"
            )
            network.release()
            await eventually(partial(_answered, lab, since, old, len(network.held)), what="what was held has arrived")
            os.kill(old.pid, signal.SIGCONT)
            await _change_everything(kube, namespace)
            await eventually(partial(_knows_better, old), what="the old one knows that it does not lead")
            await asyncio.sleep(1)

            assert await new.metric("shipway_leading") == 1
            assert _late_writes(lab, namespace, since, old=old, new=new) == []
            assert network.held, "nothing was on its way: this test proves nothing"
            assert await new.terminate() == 0


async def _stop_with_writes_on_their_way(
    kube: Client, namespace: str, old: OperatorProcess, network: FaultyProxy
) -> None:
    network.hold(is_write)
    for name in MODELS:
        await kube.create(MODEL, model(name, namespace=namespace))
    for name in JOBS:
        await kube.create(TRAINING_JOB, training_job(name, namespace=namespace))

    async def sent() -> bool:
        return len(network.held) >= len(MODELS) + len(JOBS)

    await eventually(sent, what="the old one has sent a write for each object")
    os.kill(old.pid, signal.SIGSTOP)


async def _change_everything(kube: Client, namespace: str) -> None:
    for name in MODELS:
        await kube.merge_patch(MODEL, namespace, name, {"spec": {"purpose": "changed"}})
    for name in JOBS:
        await kube.merge_patch(TRAINING_JOB, namespace, name, {"spec": {"suspend": True}})


async def _written_by(lab: Lab, namespace: str, since: float, operator: OperatorProcess, names: Sequence[str]) -> bool:
    return set(names) <= {entry.name for entry in accepted(lab, namespace, since, operator)}


async def _answered(lab: Lab, since: float, operator: OperatorProcess, number: int) -> bool:
    entries = lab.audit.writes(since, user=OPERATOR_USER)
    return sum(is_by(operator, entry) for entry in entries) >= number


async def _knows_better(operator: OperatorProcess) -> bool:
    return await operator.metric("shipway_leading") == 0


def _late_writes(lab: Lab, namespace: str, since: float, *, old: OperatorProcess, new: OperatorProcess) -> list[str]:
    """The old leader's accepted writes to objects that the new one had written to before."""
    first: dict[tuple[str, str], float] = {}
    for entry in accepted(lab, namespace, since, new):
        first.setdefault((entry.resource.partition("/")[0], entry.name), entry.time)
    return [
        str(entry)
        for entry in accepted(lab, namespace, since, old)
        if entry.time > first.get((entry.resource.partition("/")[0], entry.name), float("inf"))
    ]
