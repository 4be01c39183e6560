"""The operator asks for what its roles grant, and its roles grant what it asks for: nothing more and nothing less.

One story takes every controller through everything it does, once with the roles of the whole cluster and once with
those of one namespace. Writes are read in the API server's audit log; reads, which the lab's log leaves out, are
written down by a proxy on the way.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from harness.audit import Entry
from harness.builders import pod_status, training_job
from harness.clock import ShiftedClock
from harness.definitions import install_serving_crds
from harness.lab import OPERATOR_NAMESPACE, RIGHTS, Lab, chart_rights
from harness.process import free_port
from harness.proxy import FaultyProxy, faulty_proxy
from harness.replay import World
from harness.rights import Grant, Request, from_audit, from_path, grants
from harness.tokens import service_account_token
from integration.serving import players as serving
from integration.training import players as training
from manifests import minimal
from shipway.controllers.incident.history import KEPT
from shipway.controllers.incident.people import ACKNOWLEDGED_BY
from shipway.controllers.owned import SELECTOR
from shipway.controllers.trainingjob.rendezvous import SERVICE_NAME
from shipway.kube.client import Client
from shipway.kube.credentials import Connection, FixedToken
from shipway.kube.identity import AUDIENCE
from shipway.kube.resource import (
    ENDPOINT_SLICE,
    HTTP_ROUTE,
    INCIDENT,
    INFERENCE_SERVICE,
    NAMESPACE,
    OWN,
    POD,
    SERVICE,
    TEAM,
    TRAINING_JOB,
)
from shipway.main import Operator
from shipway.settings import Settings

pytestmark = pytest.mark.lab
NOT_ASKED_FOR = {
    ("update", "trainingjobs/finalizers"): "an admission plug-in asks for it where owners are to be waited for",
    ("update", "modelversions/finalizers"): "an admission plug-in asks for it where owners are to be waited for",
    ("update", "servingdeployments/finalizers"): "an admission plug-in asks for it where owners are to be waited for",
}
"""Grants that no request shows, each with its reason (OwnerReferencesPermissionEnforcement; the lab has it off)."""
WATCHED = (
    *(resource for resource in OWN.values() if resource.namespaced),
    POD,
    SERVICE,
    ENDPOINT_SLICE,
    INFERENCE_SERVICE,
    HTTP_ROUTE,
)


@dataclass
class Diary:
    """What an operator has read."""

    reads: set[Request] = field(default_factory=set)

    def note(self, request: web.BaseRequest) -> bool:
        """Write a request down, and let it pass."""
        if request.method == "GET":
            read = from_path("GET", request.path, watch="watch" in request.query)
            self.reads |= {read} if read else set()
        return False


@dataclass(frozen=True)
class Subject:
    """An operator with rights of its own, and all that is known of what it asked."""

    world: World
    settings: Settings
    proxy: FaultyProxy
    diary: Diary
    granted: frozenset[Grant]
    written: Callable[[], list[Entry]]


@pytest.fixture(params=["the whole cluster", "one namespace"])
async def subject(
    request: pytest.FixtureRequest, lab: Lab, kube: Client, namespace: str, tmp_path: Path
) -> AsyncIterator[Subject]:
    await install_serving_crds(lab, tmp_path)
    name = f"rights-{uuid.uuid4().hex[:8]}"
    watched = () if request.param == "the whole cluster" else (namespace,)
    diary = Diary()
    async with _identity(kube, {"nameOverride": name, "watchNamespaces": list(watched)}) as (granted, token):
        settings = Settings(
            namespaces=watched,
            operator_namespace=OPERATOR_NAMESPACE,
            lease=name,
            metrics_authentication=True,
            http_port=free_port(),
            metrics_port=free_port(),
        )
        async with faulty_proxy(lab) as proxy:
            proxy.refuse(diary.note, 500)
            world = World(kube, namespace, ShiftedClock())
            connection = Connection(server=proxy.url, token=FixedToken(token))
            async with Client.connect(connection) as client, _working(Operator(settings, client, clock=world.clock)):
                yield Subject(world, settings, proxy, diary, granted, partial(_written, lab, name))


async def test_every_right_is_used_and_none_is_missing(subject: Subject, kube: Client) -> None:
    await _claim(subject)
    await _train(subject.world)
    await _lead_astray(subject.world)
    await _report_progress(subject, kube)
    await _release(subject.world)
    await _close_more_than_are_kept(subject.world)
    await _miss_what_watches_would_bring(subject)
    await kube.delete(TEAM, None, subject.world.namespace)

    written = subject.written()
    assert [str(entry) for entry in written if not entry.authorized] == []
    asked = subject.diary.reads | set(from_audit(written))
    assert sorted(map(str, (one for one in asked if not any(g.allows(one) for g in subject.granted)))) == []
    unused = {grant for grant in subject.granted if not any(grant.allows(one) for one in asked)}
    assert sorted(map(str, unused - _explained(unused))) == []
    assert {(grant.verb, grant.resource) for grant in unused} == NOT_ASKED_FOR.keys()


def test_a_right_too_many_and_a_right_too_few_are_named() -> None:
    granted = grants(chart_rights({"watchNamespaces": ["team-a"]}))
    asked = {Request("delete", "", "services", "team-a", "x"), Request("list", "", "pods")}
    assert not any(grant.allows(one) for grant in granted for one in asked)
    assert any(grant.allows(Request("list", "", "pods", "team-a")) for grant in granted)
    assert "create pods.core by role shipway-operator" in {str(grant) for grant in granted}


def test_a_read_is_known_by_its_path() -> None:
    group = "/apis/shipway.dev/v1alpha1"
    assert from_path("GET", f"{group}/models", watch=True) == Request("watch", "shipway.dev", "models")
    assert from_path("GET", "/api/v1/namespaces/a/pods", watch=False) == Request("list", "", "pods", "a")
    assert from_path("GET", "/api/v1/namespaces/a/pods/b", watch=False) == Request("get", "", "pods", "a", "b")
    assert [from_path("GET", path, watch=False) for path in ("/version", "/api", "/apis/shipway.dev/v1alpha1")] == [
        None
    ] * 3


async def _claim(subject: Subject) -> None:
    """A Team says that the namespace is its own, and the operator that this is so, where it may read Teams."""
    world = subject.world
    await world.client.create(TEAM, minimal("Team", name=world.namespace, namespaces=[world.namespace]))
    if not subject.settings.namespaces:
        await world.condition(TEAM, world.namespace, "Ready")


async def _train(world: World) -> None:
    """Two pods, of which one fails; a second attempt that publishes; and a run that goes on."""
    await training.create_job(world)
    await training.run_pods(world, 1)
    await training.fail(world, 1, 0, exit_code=1, message="boom")
    await training.run_pods(world, 2)
    await training.finish(world, 2)
    await training.verify(world)
    await world.condition(OWN["ModelVersion"], training.NAME, "Ready")
    await world.create(TRAINING_JOB, training_job("lasting", nodes=2))
    for pod in ("lasting-1-0", "lasting-1-1"):
        await training.act(world, partial(world.set_status, POD, pod, pod_status("Running")))
    await world.eventually(partial(world.get, ENDPOINT_SLICE, "lasting-1-0"), what="the way to rank 0")


async def _lead_astray(world: World) -> None:
    """A stranger points the way to rank 0 elsewhere, and it is put back."""
    await world.patch(ENDPOINT_SLICE, "lasting-1-0", {"endpoints": [{"addresses": ["10.0.0.1"]}]})
    elsewhere = {"type": "ExternalName", "externalName": "example.com", "clusterIP": None, "clusterIPs": None}
    await world.patch(SERVICE, SERVICE_NAME, {"spec": elsewhere})

    async def back() -> object:
        (endpoint,) = (await world.get(ENDPOINT_SLICE, "lasting-1-0"))["endpoints"]
        service = await world.get(SERVICE, SERVICE_NAME)
        return endpoint["addresses"] != ["10.0.0.1"] and service["spec"]["type"] == "ClusterIP"

    await world.eventually(back, what="the way to rank 0 is put back")


async def _report_progress(subject: Subject, kube: Client) -> None:
    """A training pod speaks to the operator, and somebody wants its metrics: both tokens are asked about."""
    pod = await subject.world.get(POD, "lasting-1-0")
    token = await service_account_token(kube, subject.world.namespace, audience=AUDIENCE, pod=pod)
    headers = {"Authorization": f"Bearer {token}"}
    url = f"http://127.0.0.1:{subject.settings.http_port}/v1/namespaces/{subject.world.namespace}/trainingjobs/lasting/progress"
    report: dict[str, Any] = {"attempt": 1, "step": 1, "totalSteps": 2}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(url, json=report) as response:
            assert response.status == 204
        async with session.get(f"http://127.0.0.1:{subject.settings.metrics_port}/metrics") as response:
            assert response.status == 403


async def _release(world: World) -> None:
    """A release that succeeds, and one that is taken back and tried again."""
    async with serving.playing(world) as cluster:
        await serving.publish(world, "v2", "v3")
        await serving.deploy(world)
        await serving.serves(world, "v1")
        await serving.release(world, "v2")
        await serving.serves(world, "v2")
        await serving.gone(world, "v1")
        await _resize(world)
        cluster.errors["v3"] = 0.5
        await serving.release(world, "v3")
        await world.eventually(partial(world.list, INCIDENT), what="an Incident", within=30)
        cluster.errors["v3"] = 0.0
        await serving.act(world, "retry", "1")

        async def lifted() -> object:
            (incident,) = await world.list(INCIDENT)
            return incident["status"]["lifted"]

        await world.eventually(lifted, what="the Incident is lifted")


async def _close_more_than_are_kept(world: World) -> None:
    """Incidents that are over, of which the oldest goes."""
    spec = {"quarantine": False, "model": "old"}
    for number in range(KEPT + 1):
        obj = minimal("Incident", name=f"old-{number:02}", detectedAt=f"2026-11-24T10:00:{number:02}Z", **spec)
        obj["metadata"]["annotations"] = {ACKNOWLEDGED_BY: "ada"}
        await world.create(INCIDENT, obj)
        await world.set_status(INCIDENT, f"old-{number:02}", {"mitigatedAt": "2026-11-24T11:00:00Z"})

    async def gone() -> object:
        return await world.find(INCIDENT, "old-00") is None

    await world.eventually(gone, what="the oldest Incident is deleted")


async def _resize(world: World) -> None:
    two = {"minReplicas": 2, "maxReplicas": 2}
    await world.patch(OWN["ServingDeployment"], serving.NAME, {"spec": {"predictor": two}})

    async def resized() -> object:
        (service,) = await world.list(INFERENCE_SERVICE)
        return service["spec"]["predictor"]["minReplicas"] == 2

    await world.eventually(resized, what="the InferenceService has another size")


async def _miss_what_watches_would_bring(subject: Subject) -> None:
    """Objects change while no watch runs: the sweep finds and reads each."""
    world = subject.world
    subject.proxy.cut_watches()
    outside = [resource for resource in (TEAM, NAMESPACE) if not subject.settings.namespaces]
    for resource in outside:
        await world.patch(resource, world.namespace, {"metadata": {"annotations": {"seen": "not"}}})
    for resource in WATCHED:
        selector = "" if resource in OWN.values() else SELECTOR
        for obj in await world.list(resource, selector):
            await world.patch(resource, obj["metadata"]["name"], {"metadata": {"annotations": {"seen": "not"}}})
    world.clock.advance(subject.settings.sweep_seconds)

    async def read() -> object:
        got = {read.resource for read in subject.diary.reads if read.verb == "get"}
        missing = {resource.plural for resource in (*WATCHED, *outside)} - got
        world.clock.advance(2)
        assert not missing, missing
        return True

    await world.eventually(read, what="each is read", within=30)
    subject.proxy.heal(expired=False)


@asynccontextmanager
async def _working(operator: Operator) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(operator.run(stop))
    try:
        async with asyncio.timeout(30):
            await operator.ready.wait()
        yield
    finally:
        stop.set()
        await task


def _explained(unused: set[Grant]) -> set[Grant]:
    return {grant for grant in unused if (grant.verb, grant.resource) in NOT_ASKED_FOR}


def _written(lab: Lab, name: str) -> list[Entry]:
    user = f"system:serviceaccount:{OPERATOR_NAMESPACE}:{name}"
    return [entry for entry in lab.audit.entries() if entry.user == user]


@asynccontextmanager
async def _identity(kube: Client, values: dict[str, Any]) -> AsyncIterator[tuple[frozenset[Grant], str]]:
    """A service account with the rights the chart gives for some values, and no others."""
    optional = {"rbac": {"aggregate": False}, "kserve": {"enabled": False}, "actionStamp": {"mode": "disabled"}}
    documents = chart_rights({**values, **optional})
    for document in documents:
        await kube.apply(RIGHTS[document["kind"]], document)
    try:
        yield grants(documents), await service_account_token(kube, OPERATOR_NAMESPACE, values["nameOverride"])
    finally:
        for document in documents:
            if document["kind"] != "Namespace":
                meta = document["metadata"]
                await kube.delete(RIGHTS[document["kind"]], meta.get("namespace"), meta["name"])
