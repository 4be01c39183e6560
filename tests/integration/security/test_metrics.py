"""Who may read the operator's metrics: whom the API server knows and RBAC lets, nobody else."""

import time
from pathlib import Path

import aiohttp
import pytest

from harness.lab import OPERATOR_USER, RIGHTS, Lab
from harness.process import OperatorProcess, operator_process
from harness.tokens import service_account_token
from shipway.kube.client import Client
from shipway.kube.identity import AUDIENCE

pytestmark = pytest.mark.lab


async def test_metrics_are_for_those_the_api_server_knows_and_rbac_lets(
    lab: Lab, kube: Client, namespace: str, tmp_path: Path
) -> None:
    await _reader(kube, namespace, "prometheus")
    async with operator_process(
        lab, tmp_path, namespaces=[namespace], SHIPWAY_METRICS_AUTHENTICATION="true"
    ) as operator:
        for token, status in {
            None: 401,
            "forged": 401,
            await service_account_token(kube, namespace, "prometheus", audience="somebody.else"): 401,
            await service_account_token(kube, namespace): 403,
            await service_account_token(kube, namespace, audience=AUDIENCE): 403,
            await service_account_token(kube, namespace, "prometheus"): 200,
            await service_account_token(kube, namespace, "prometheus", audience=AUDIENCE): 200,
        }.items():
            assert await _scrape(operator, token) == status


async def test_a_review_is_asked_for_once_in_a_while_and_not_at_every_scrape(
    lab: Lab, kube: Client, namespace: str, tmp_path: Path
) -> None:
    began = time.time()
    token = await service_account_token(kube, namespace, "default")
    async with operator_process(
        lab, tmp_path, namespaces=[namespace], SHIPWAY_METRICS_AUTHENTICATION="true"
    ) as operator:
        assert [await _scrape(operator, token) for _ in range(20)] == [403] * 20
    reviews = [e for e in lab.audit.entries() if e.resource == "subjectaccessreviews" and e.time >= began]
    asked = [entry.code for entry in reviews if entry.user == OPERATOR_USER]
    assert asked in ([201], [201, 201])  # twice where twenty scrapes took longer than an answer is remembered


async def _reader(kube: Client, namespace: str, name: str) -> None:
    """A service account that the chart's role for readers is bound to, as the chart's users do it."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}
    await kube.create(RIGHTS["ServiceAccount"], account)
    group = "rbac.authorization.k8s.io"
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"{namespace}-{name}"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "shipway-operator-metrics-reader"},
        "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": name}],
    }
    await kube.create(RIGHTS["ClusterRoleBinding"], binding)


async def _scrape(operator: OperatorProcess, token: str | None) -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{operator.metrics}/metrics", headers=headers) as response,
    ):
        assert ("shipway_leading" in await response.text()) == (response.status == 200)
        return response.status
