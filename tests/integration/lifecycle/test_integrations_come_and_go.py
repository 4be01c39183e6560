"""KServe and the Gateway API installed after the operator, and removed under it: noticed within half a minute."""

import time
from pathlib import Path

import pytest

from harness.builders import model, serving_deployment
from harness.definitions import install_serving_crds
from harness.lab import Lab
from harness.process import operator_process
from harness.waiting import eventually
from shipway.kube.client import Client
from shipway.kube.errors import NotFoundError
from shipway.kube.resource import CRD, HTTP_ROUTE, INFERENCE_SERVICE, MODEL, SERVING_DEPLOYMENT

pytestmark = pytest.mark.lab

SECONDS = 30
DEFINITIONS = [f"{resource.plural}.{resource.group}" for resource in (INFERENCE_SERVICE, HTTP_ROUTE)]


async def remove(admin: Client) -> None:
    for name in DEFINITIONS:
        try:
            await admin.delete(CRD, None, name)
        except NotFoundError:
            continue

    async def gone() -> bool:
        return not {obj["metadata"]["name"] for obj in (await admin.list(CRD)).items} & set(DEFINITIONS)

    await eventually(gone, within=60, what="the definitions are gone")


async def test_they_are_noticed_when_they_come_and_when_they_go(
    bare_lab: Lab, admin: Client, team: str, tmp_path: Path
) -> None:
    await remove(admin)
    spec = {"model": "ranker", "version": "v1", "host": "r.example.com", "gateway": {"name": "gw"}}
    await admin.create(MODEL, model(namespace=team))
    await admin.create(SERVING_DEPLOYMENT, serving_deployment(namespace=team, **spec))

    async def says(reason: str) -> bool:
        sdep = await admin.get(SERVING_DEPLOYMENT, team, "ranker")
        return any(c["type"] == "Ready" and c["reason"] == reason for c in sdep["status"]["conditions"])

    async with operator_process(bare_lab, tmp_path, namespaces=[team]):
        await eventually(lambda: says("IntegrationMissing"), within=30, what="it says what is missing")
        await install_serving_crds(bare_lab, tmp_path)
        installed = time.monotonic()
        await eventually(lambda: says("VersionMissing"), within=3 * SECONDS, what="they are noticed")
        came = time.monotonic() - installed
        removed = time.monotonic()
        await remove(admin)
        await eventually(lambda: says("IntegrationMissing"), within=3 * SECONDS, what="their end is noticed")
        went = time.monotonic() - removed

    print(f"integrations noticed after {came:.1f} s, their removal after {went:.1f} s")
    assert max(came, went) <= SECONDS
