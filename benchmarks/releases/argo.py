"""Argo Rollouts with the same predictor behind the same gateway, judged by Prometheus."""

from typing import Any

from benchmarks.releases.scenarios import Ending, Plan
from benchmarks.releases.settings import SETTINGS, THRESHOLD, Setting
from benchmarks.releases.stage import COMMAND, FOLDER, GATEWAY, PROGRAM, Stage, named, until
from benchmarks.releases.traffic import MODEL
from benchmarks.releases.versions import Version
from shipway.kube.resource import HTTP_ROUTE, POD, SERVICE, Object, Resource
from shipway_lab import secret
from shipway_lab.images import WORKLOADS
from shipway_lab.parts import argo_rollouts, prometheus

ROLLOUT = Resource("argoproj.io", "v1alpha1", "rollouts", "Rollout")
TEMPLATE = Resource("argoproj.io", "v1alpha1", "analysistemplates", "AnalysisTemplate")
READY_SECONDS = 180


class Argo:
    """Releases by changing the pod template of one Rollout."""

    def __init__(self, stage: Stage, setting: str) -> None:
        self.name = f"argo-{setting}"
        self.namespace = f"releases-{setting}"
        self.host = f"{setting}.example.com"
        self._setting = SETTINGS[setting]
        self._client = stage.client
        self._stage = stage

    async def install(self) -> None:
        """A tenant with two services, the route between them and the analysis."""
        await self._stage.tenant(self.namespace)
        for role in ("stable", "canary"):
            spec: Object = {"selector": {"app": MODEL}, "ports": [{"port": 80, "targetPort": 8080}]}
            await self._client.apply(SERVICE, named(SERVICE, self.namespace, role, spec=spec))
        backends = [{"name": "stable", "port": 80, "weight": 100}, {"name": "canary", "port": 80, "weight": 0}]
        spec = {"parentRefs": [GATEWAY], "hostnames": [self.host], "rules": [{"backendRefs": backends}]}
        await self._client.apply(HTTP_ROUTE, named(HTTP_ROUTE, self.namespace, MODEL, spec=spec))
        metric = {
            "name": "errors",
            "interval": f"{self._setting.interval}s",
            "failureLimit": self._setting.failures,
            "successCondition": f"len(result) == 0 || isNaN(result[0]) || result[0] < {THRESHOLD}",
            "provider": {"prometheus": {"address": prometheus.URL, "query": query(self._setting, self.namespace)}},
        }
        analysis = {"args": [{"name": "hash"}], "metrics": [metric]}
        await self._client.apply(TEMPLATE, named(TEMPLATE, self.namespace, "errors", spec=analysis))

    async def remove(self) -> None:
        """End its pods: the next contestant is to have the machine."""
        await self._client.delete(ROLLOUT, self.namespace, MODEL)

        async def gone() -> bool:
            return not (await self._client.list(POD, self.namespace)).items

        await until(gone, within=READY_SECONDS, what=f"the pods in {self.namespace} are gone")

    async def begin(self, version: Version, plan: Plan) -> None:
        """Ask for the version."""
        await self._want(version, plan.argo())

    async def ended(self, version: Version) -> Ending | None:
        """By the status alone."""
        del version
        rollout = await self._client.get(ROLLOUT, self.namespace, MODEL)
        status = rollout.get("status", {})
        if status.get("observedGeneration") != str(rollout["metadata"]["generation"]):
            return None
        if status.get("abort"):
            return Ending.TAKEN_BACK
        complete = status.get("phase") == "Healthy" and status.get("stableRS") == status.get("currentPodHash")
        return Ending.PROMOTED if complete else None

    async def settle(self, version: Version, *, within: float = READY_SECONDS) -> None:
        """Ask for the version and wait until its pod is the only one."""
        await self._want(version, [{"setWeight": 100}])

        async def alone() -> bool:
            pods = (await self._client.list(POD, self.namespace)).items
            return await self.ended(version) is Ending.PROMOTED and len(pods) == 1

        await until(alone, within=within, what=f"{version.name} alone serves")

    async def _want(self, version: Version, steps: list[dict[str, Any]]) -> None:
        argument = {"name": "hash", "valueFrom": {"podTemplateHashValue": "Latest"}}
        canary = {
            "canaryService": "canary",
            "stableService": "stable",
            "maxSurge": 1,
            "maxUnavailable": 0,
            "trafficRouting": {"plugins": {argo_rollouts.PLUGIN: {"route": MODEL}}},
            "analysis": {"templates": [{"templateName": "errors"}], "args": [argument]},
            "steps": steps,
        }
        spec = {
            "replicas": 1,
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": {"app": MODEL}},
            "template": pod_template(version, scrape_seconds=self._setting.scrape),
            "strategy": {"canary": canary},
        }
        await self._client.apply(ROLLOUT, named(ROLLOUT, self.namespace, MODEL, spec=spec))


def query(setting: Setting, namespace: str) -> str:
    """The share of errors among the canary's answers, in PromQL."""
    if setting.gateway:
        counter, ours = "envoy_cluster_upstream_rq_xx", f'envoy_cluster_name=~"{namespace}_canary_.*"'
        bad = f'{ours},envoy_response_code_class="5"'
    else:
        counter = "shipway_predictor_requests_total"
        ours = f'namespace="{namespace}",rollouts_pod_template_hash="{{{{args.hash}}}}"'
        bad = f'{ours},result="error"'
    return f"{_rate(counter, bad, setting.window)} / {_rate(counter, ours, setting.window)}"


def _rate(counter: str, labels: str, window: int) -> str:
    series = f"{counter}{{{labels}}}"
    return f"sum(rate({series}[{window}s]))" if window else f"sum({series})"


def pod_template(version: Version, *, scrape_seconds: int) -> Object:
    """The pod that KServe makes for us, without KServe."""
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    common = {"image": WORKLOADS.name, "securityContext": security}
    files, scratch = {"name": "model", "mountPath": "/mnt/models"}, {"name": "tmp", "mountPath": "/tmp"}  # noqa: S108
    predictor = {
        **common,
        "name": "predictor",
        "command": COMMAND,
        "args": [f"--model_name={MODEL}", "--model_dir=/mnt/models", "--http_port=8080"],
        "env": [
            {"name": "SHIPWAY_MODEL_VERSION", "value": version.name},
            {"name": "SHIPWAY_MODEL_DIGEST", "value": version.digest},
            {"name": "OMP_NUM_THREADS", "value": "1"},
        ],
        "resources": {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": 8080}, "periodSeconds": 1},
        "volumeMounts": [files, scratch, {"name": "program", "mountPath": FOLDER}],
    }
    fetch = {
        **common,
        "name": "fetch",
        "command": ["python", "-m", "shipway_workloads.serving.storage_initializer", version.uri, "/mnt/models"],
        "envFrom": [{"secretRef": {"name": secret.NAME}}],
        "volumeMounts": [files, scratch],
    }
    said = {"scrape": "true", "port": "8090", "interval": f"{scrape_seconds}s"}
    return {
        "metadata": {
            "labels": {"app": MODEL},
            "annotations": {f"prometheus.io/{name}": value for name, value in said.items()},
        },
        "spec": {
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "fsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "initContainers": [fetch],
            "containers": [predictor],
            "volumes": [
                {"name": "model", "emptyDir": {}},
                {"name": "tmp", "emptyDir": {}},
                {"name": "program", "configMap": {"name": PROGRAM}},
            ],
        },
    }
