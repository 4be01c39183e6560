"""The same number of canaries under way in the peer: Argo Rollouts, judged by a query to a real Prometheus."""

import asyncio
from typing import Any

from burst import burst
from cluster import Cluster, in_parallel
from rollouts import OBJECTS, RELEASING, SECONDS, SETTLE_SECONDS, WEIGHT
from subject import Subject, same

from harness.waiting import eventually
from shipway.kube.resource import Object, Resource
from shipway_lab.parts import argo_rollouts, prometheus

ROLLOUT = Resource("argoproj.io", "v1alpha1", "rollouts", "Rollout")
TEMPLATE = Resource("argoproj.io", "v1alpha1", "analysistemplates", "AnalysisTemplate")
RUN = Resource("argoproj.io", "v1alpha1", "analysisruns", "AnalysisRun")
ANALYSIS = "errors"
INTERVAL_SECONDS = 5
"""As a careful team would set it; our operator looks four times a second."""
PARTS = (argo_rollouts.ArgoRollouts.name,)
_LABEL = {"app": "rollout"}


def _rollout() -> dict[str, Any]:
    container = {"name": "predictor", "image": "predictor", "resources": {"requests": {"cpu": "100m"}}}
    return {
        "replicas": 1,
        "selector": {"matchLabels": _LABEL},
        "template": {"metadata": {"labels": _LABEL}, "spec": {"containers": [container]}},
        "strategy": {
            "canary": {
                "analysis": {"templates": [{"templateName": ANALYSIS}]},
                "steps": [{"setWeight": WEIGHT}, {"pause": {"duration": "1h"}}],
            }
        },
    }


def _healthy(rollout: Object) -> bool:
    return bool(rollout.get("status", {}).get("phase") == "Healthy")


ROLLOUTS = Subject("rollout", ROLLOUT, same(_rollout), _healthy, "rollouts-pod-template-hash", pods=1, parts=PARTS)


async def argo(cluster: Cluster) -> dict[str, Any]:
    """Cores of the peer's controller, of Prometheus and of the API server, while so many canaries are analysed.

    Raises:
        AssertionError: an analysis had ended when the time was over.
    """
    await in_parallel([cluster.client.create(TEMPLATE, _template(namespace)) for namespace in cluster.namespaces])
    await burst(cluster, ROLLOUTS, OBJECTS)
    await _release(cluster)
    before, measured = cluster.meter.read(), await _measurements(cluster)
    await asyncio.sleep(SECONDS)
    spent = cluster.meter.read().since(before)
    asked = await _measurements(cluster) - measured
    return {
        "objects": OBJECTS,
        "rollouts": RELEASING,
        "cores": round(spent[argo_rollouts.ArgoRollouts.name] / SECONDS, 3),
        "prometheus_cores": round(spent[prometheus.Prometheus.name] / SECONDS, 3),
        "apiserver_cores": round(spent["apiserver"] / SECONDS, 3),
        "reads_per_second": round(asked / SECONDS, 1),
    }


def _template(namespace: str) -> Object:
    metric = {
        "name": ANALYSIS,
        "interval": f"{INTERVAL_SECONDS}s",
        "failureLimit": 1,
        "successCondition": "result[0] < 0.05",
        "provider": {"prometheus": {"address": prometheus.URL, "query": "vector(0.01)"}},
    }
    metadata = {"name": ANALYSIS, "namespace": namespace}
    head = {"apiVersion": TEMPLATE.api_version, "kind": TEMPLATE.kind, "metadata": metadata}
    return {**head, "spec": {"metrics": [metric]}}


async def _release(cluster: Cluster) -> None:
    changed = {"spec": {"template": {"metadata": {"annotations": {"version": "v2"}}}}}
    names = [(cluster.namespaces[i % len(cluster.namespaces)], f"{ROLLOUTS.name}-{i:05}") for i in range(RELEASING)]
    await in_parallel([cluster.client.merge_patch(ROLLOUT, *name, changed) for name in names])

    async def analysed() -> bool:
        return len([run for run in await _runs(cluster) if _taken(run)]) == RELEASING

    await eventually(analysed, within=300, every=2, what=f"{RELEASING} canaries are analysed")
    await asyncio.sleep(SETTLE_SECONDS)


async def _measurements(cluster: Cluster) -> int:
    runs = await _runs(cluster)
    ended = [run["metadata"]["name"] for run in runs if run["status"]["phase"] != "Running"]
    assert not ended, f"not analysed any more: {ended[:5]}"
    return sum(map(_taken, runs))


async def _runs(cluster: Cluster) -> list[Object]:
    return (await cluster.client.list(RUN)).items


def _taken(run: Object) -> int:
    return sum(int(found.get("count", 0)) for found in run.get("status", {}).get("metricResults", ()))
