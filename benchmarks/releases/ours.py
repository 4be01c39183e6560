"""Our operator, as the chart installs it: a ServingDeployment with the gates that `scenarios` names."""

import copy

from benchmarks.releases.scenarios import Ending, Plan
from benchmarks.releases.stage import COMMAND, FOLDER, GATEWAY, LEAN_COMMAND, PROGRAM, Stage, named, until
from benchmarks.releases.traffic import MODEL
from benchmarks.releases.versions import Version
from shipway.kube.resource import INFERENCE_SERVICE, MODEL_VERSION, OWN, SERVING_DEPLOYMENT, Object, Resource
from shipway_lab import secret
from shipway_workloads.training.artifact import FORMAT_NAME, FORMAT_VERSION

RUNTIME = Resource("serving.kserve.io", "v1alpha1", "clusterservingruntimes", "ClusterServingRuntime", namespaced=False)
ACCOUNT = Resource("", "v1", "serviceaccounts", "ServiceAccount")
BUILT_IN, UNRELIABLE, LEAN = "shipway-ranker", "unreliable", "lean"
READY_SECONDS = 180


class Ours:
    """Releases by changing `spec.version` of one ServingDeployment.

    Args:
        stage: Where.
        lane: Number of the deployment; each has a namespace and a host of its own.
        lean: Whether its predictors only answer.
        replicas: Of each version.
    """

    name = "shipway"

    def __init__(self, stage: Stage, *, lane: int = 0, lean: bool = False, replicas: int = 1) -> None:
        self._runtime = LEAN if lean else UNRELIABLE
        self.namespace = f"releases-{self._runtime}-{lane}"
        self.host = f"{self._runtime}-{lane}.example.com"
        self._stage = stage
        self._client = stage.client
        self._replicas = replicas

    async def install(self) -> None:
        """What a tenant needs, and the runtimes whose predictors are unreliable."""
        await self._stage.tenant(self.namespace)
        account = named(ACCOUNT, self.namespace, MODEL, secrets=[{"name": secret.NAME}])
        await self._client.apply(ACCOUNT, account)
        built_in = await self._client.get(RUNTIME, None, BUILT_IN)
        for name, command in ((UNRELIABLE, COMMAND), (LEAN, LEAN_COMMAND)):
            await self._client.apply(RUNTIME, runtime_of(built_in, name=name, command=command))
        model = OWN["Model"]
        await self._client.apply(model, named(model, self.namespace, MODEL, spec={"owner": {"team": "releases"}}))

    async def begin(self, version: Version, plan: Plan) -> None:
        """Publish the version and wait until it is verified; then ask for it."""
        await self._publish(version)
        await self._want(version, plan)

    async def ended(self, version: Version) -> Ending | None:
        """By the status alone; what was taken back for anything else than a gate was not noticed."""
        status = (await self._client.get(SERVING_DEPLOYMENT, self.namespace, MODEL)).get("status", {})
        abort, stable = status.get("abort", {}), status.get("stable", {})
        if abort.get("version") == version.name and abort.get("routeConfirmedAt"):
            return Ending.TAKEN_BACK if abort["reason"] == "GateFailed" else Ending.NEITHER
        if stable.get("version") == version.name and stable.get("baked"):
            return Ending.PROMOTED
        return None

    async def settle(self, version: Version, *, within: float = READY_SECONDS) -> None:
        """Ask for the version and wait until its InferenceService is the only one."""
        await self._publish(version)
        await self._want(version, Plan((), bake_seconds=1))

        async def alone() -> bool:
            services = (await self._client.list(INFERENCE_SERVICE, self.namespace)).items
            return await self.ended(version) is Ending.PROMOTED and len(services) == 1

        await until(alone, within=within, what=f"{version.name} alone serves")

    async def _publish(self, version: Version) -> None:
        name = f"{MODEL}-{version.name}"
        if await self._stage.find(MODEL_VERSION, self.namespace, name) is None:
            spec = {
                "modelName": MODEL,
                "version": version.name,
                "source": {"uri": version.uri, "secretName": secret.NAME},
                "digest": version.digest,
                "format": {"name": FORMAT_NAME, "version": FORMAT_VERSION},
            }
            await self._client.create(MODEL_VERSION, named(MODEL_VERSION, self.namespace, name, spec=spec))

        async def verified() -> bool:
            found = await self._client.get(MODEL_VERSION, self.namespace, name)
            conditions = found.get("status", {}).get("conditions", ())
            return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

        await until(verified, within=READY_SECONDS, what=f"{name} is verified")

    async def _want(self, version: Version, plan: Plan) -> None:
        spec = {
            "model": MODEL,
            "version": version.name,
            "host": self.host,
            "gateway": GATEWAY,
            "predictor": {
                "runtime": self._runtime,
                "serviceAccountName": MODEL,
                "minReplicas": self._replicas,
                "maxReplicas": self._replicas,
                "resources": {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
            },
            "rollout": plan.ours(),
        }
        await self._client.apply(SERVING_DEPLOYMENT, named(SERVING_DEPLOYMENT, self.namespace, MODEL, spec=spec))


def runtime_of(built_in: Object, *, name: str, command: list[str]) -> Object:
    """The chart's runtime with another predictor in it."""
    spec = copy.deepcopy(built_in["spec"])
    spec["supportedModelFormats"] = [{"name": FORMAT_NAME, "version": FORMAT_VERSION}]
    (container,) = spec["containers"]
    container["command"] = command
    container["volumeMounts"].append({"name": "program", "mountPath": FOLDER})
    spec["volumes"].append({"name": "program", "configMap": {"name": PROGRAM}})
    return named(RUNTIME, "", name, spec=spec)
