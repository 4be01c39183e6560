"""What a platform engineer does with charts/shipway/gitops: merged into what is there, nothing of theirs is lost."""

import os
from pathlib import Path
from typing import Any

import yaml

from own_cluster import Cluster
from releases import CHART
from shipway.api.v1alpha1 import KINDS

GITOPS = Path(CHART) / "gitops"
OURS = {
    *(f"resource.customizations.health.shipway.dev_{kind.kind}" for kind in KINDS),
    "resource.customizations.actions.shipway.dev_ServingDeployment",
}
THEIRS = {"url": "https://argocd.example.com", "resource.customizations.health.example.com_Thing": "return {}\n"}


def _built(cluster: Cluster, folder: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(cluster.kubectl("kustomize", str(folder))))


def _installation(folder: Path, component: str, *resources: dict[str, Any], namespace: str = "") -> Path:
    """A kustomization of theirs with one of our components, in a namespace if one is named."""
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["theirs.yaml"],
        "components": [os.path.relpath(GITOPS / component, folder)],
    } | ({"namespace": namespace} if namespace else {})
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    (folder / "theirs.yaml").write_text(yaml.safe_dump_all(resources))
    return folder


def _argocd_cm() -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm"}, "data": THEIRS}


def test_our_keys_are_applied_onto_an_argocd_cm_that_exists(cluster: Cluster, team: str):
    cluster.kubectl("create", "-n", team, "-f", "-", stdin=yaml.safe_dump(_argocd_cm()))
    (config_map,) = _built(cluster, GITOPS / "argocd-cm")
    assert config_map["metadata"] == {
        "name": "argocd-cm",
        "namespace": "argocd",
        "labels": {"app.kubernetes.io/part-of": "argocd"},
    }
    config_map["metadata"]["namespace"] = team
    apply = ("apply", "--server-side", "--field-manager=shipway", "-f", "-")
    cluster.kubectl(*apply, stdin=yaml.safe_dump(config_map))
    stored = cluster.get("configmap", "argocd-cm", "-n", team)["data"]
    assert set(stored) == OURS | set(THEIRS)
    assert stored.items() >= THEIRS.items()


def test_our_keys_are_merged_where_argo_cd_is_installed_by_kustomize(cluster: Cluster, tmp_path: Path):
    (merged,) = _built(cluster, _installation(tmp_path, "argocd", _argocd_cm(), namespace="argocd"))
    assert merged["metadata"] == {"name": "argocd-cm", "namespace": "argocd"}
    assert set(merged["data"]) == OURS | set(THEIRS)


def test_every_flux_kustomization_beside_the_component_gets_the_expressions_and_nothing_else_changes(
    cluster: Cluster, tmp_path: Path
):
    teams = [
        {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {"name": name, "namespace": "flux-system"},
            "spec": {"path": f"./{name}", "wait": True},
        }
        for name in ("team-reco", "team-search")
    ]
    built = _built(cluster, _installation(tmp_path, "flux", *teams, _argocd_cm()))
    assert [b for b in built if b["kind"] == "ConfigMap"] == [_argocd_cm()]
    patched = [b for b in built if b["kind"] == "Kustomization"]
    for kustomization in patched:
        exprs = kustomization["spec"].pop("healthCheckExprs")
        assert {e["kind"] for e in exprs} == {kind.kind for kind in KINDS}
        assert all(set(e) == {"apiVersion", "kind", "inProgress", "failed", "current"} for e in exprs)
    assert patched == teams
