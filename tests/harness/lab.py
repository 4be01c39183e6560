"""The cluster tests run against: the one SHIPWAY_TEST_KUBECONFIG names, or a control plane without nodes of our own."""

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import helm_python as helm
import yaml

from harness.audit import AuditLog
from harness.tokens import service_account_token
from shipway.kube import credentials
from shipway.kube.client import Client
from shipway.kube.credentials import Connection, FixedToken
from shipway.kube.errors import ApiError
from shipway.kube.resource import CRD, Object, Resource

ROOT = Path(__file__).resolve().parents[2]
NAME = f"pytest-{os.getpid()}"
"""Two sessions on one machine must not take each other's cluster down."""
OPERATOR_NAMESPACE = "shipway-system"
OPERATOR_ACCOUNT = "shipway-operator"
OPERATOR_USER = f"system:serviceaccount:{OPERATOR_NAMESPACE}:{OPERATOR_ACCOUNT}"

NAMESPACE = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
_RBAC = ("rbac.authorization.k8s.io", "v1")
RIGHTS = {
    resource.kind: resource
    for resource in (
        NAMESPACE,
        Resource("", "v1", "serviceaccounts", "ServiceAccount"),
        Resource(*_RBAC, "clusterroles", "ClusterRole", namespaced=False),
        Resource(*_RBAC, "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
        Resource(*_RBAC, "roles", "Role"),
        Resource(*_RBAC, "rolebindings", "RoleBinding"),
    )
}


@dataclass(frozen=True)
class Lab:
    """A cluster with our CRDs, and an identity for operators apart from the tests' own."""

    kubeconfig: Path
    audit: AuditLog
    admin: Connection
    """Who the tests are."""
    operator: Connection
    """Who operators are: a service account, so that the audit log tells them from the tests."""

    def operator_kubeconfig(self, folder: Path, *, server: str | None = None) -> Path:
        """A kubeconfig of the operator's identity, to this cluster or to a proxy before it."""
        cluster = {"server": server or self.operator.server}
        if not server and self.operator.ca:
            cluster["certificate-authority-data"] = base64.b64encode(self.operator.ca.encode()).decode()
        assert isinstance(self.operator.token, FixedToken)
        config = {
            "current-context": "operator",
            "contexts": [{"name": "operator", "context": {"cluster": "lab", "user": "operator"}}],
            "clusters": [{"name": "lab", "cluster": cluster}],
            "users": [{"name": "operator", "user": {"token": self.operator.token.value}}],
        }
        path = folder / "operator.kubeconfig"
        path.write_text(json.dumps(config))
        return path


@contextmanager
def kubeconfig() -> Iterator[tuple[Path, Path]]:
    """The kubeconfig and the audit log; a lab started here is brought down in the end."""
    if given := os.environ.get("SHIPWAY_TEST_KUBECONFIG"):
        path = Path(given)
        yield path, Path(os.environ.get("SHIPWAY_TEST_AUDIT_LOG") or path.parent / "log" / "audit.log")
        return
    name = os.environ.get("SHIPWAY_TEST_LAB", NAME)
    _lab("up", "--no-node", "--name", name)
    try:
        status = json.loads(_lab("status", "--name", name, "-o", "json"))
        yield Path(status["kubeconfig"]), Path(status["audit_log"])
    finally:
        _lab("down", "--name", name)


async def prepare(path: Path, audit_log: Path) -> Lab:
    """Install what operators need into the cluster: CRDs and an identity."""
    admin = credentials.from_kubeconfig(path)
    async with Client.connect(admin) as client:
        await install_release(client)
        token = await service_account_token(client, OPERATOR_NAMESPACE, OPERATOR_ACCOUNT, seconds=24 * 3600)
    operator = Connection(server=admin.server, token=FixedToken(token), ca=admin.ca)
    return Lab(path, AuditLog(audit_log), admin, operator)


async def install_release(client: Client, root: Path = ROOT) -> None:
    """Install what the operator of a release needs: its CRDs and its chart's rights.

    Args:
        client: With all rights.
        root: Top of the release's source tree.
    """
    await install_crds(client, [root / "crds"])
    for document in chart_rights(root=root):
        await client.apply(RIGHTS[document["kind"]], document)


async def install_crds(client: Client, folders: list[Path]) -> None:
    """Apply every CustomResourceDefinition in some folders and wait until the server serves them."""
    documents = [
        document
        for folder in folders
        for file in sorted(folder.glob("*.y*ml"))
        for document in yaml.safe_load_all(file.read_text())
        if document and document.get("kind") == CRD.kind
    ]
    for document in documents:
        await client.apply(CRD, document)
    for document in documents:
        await _served(client, document)


async def _served(client: Client, crd: Object) -> None:
    spec = crd["spec"]
    resources = [
        Resource(spec["group"], version["name"], spec["names"]["plural"], spec["names"]["kind"])
        for version in spec["versions"]
        if version["served"]
    ]
    deadline = time.monotonic() + 20
    for resource in resources:
        while True:
            try:
                await client.list(resource)
                break
            except ApiError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)


def chart_rights(values: dict[str, Any] | None = None, *, root: Path = ROOT) -> list[Object]:
    """The namespace, service account, roles and bindings of the chart: operators in tests may do as much as in use."""
    with helm.Chart.load(root / "charts" / "shipway") as chart:
        rendered: dict[str, str] = chart.render(values or {}, name="shipway", namespace=OPERATOR_NAMESPACE)
    texts = (text for path, text in rendered.items() if "/rbac/" in path)
    documents = [document for text in texts for document in yaml.safe_load_all(text) if document]
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OPERATOR_NAMESPACE}}
    return [namespace, *documents]


def _lab(*arguments: str) -> str:
    command = [sys.executable, "-m", "shipway_lab", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout
