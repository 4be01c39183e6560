"""People and machines that interfere: each deed is one write, noted as theirs."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from faults.history import History
from faults.kubelet import Kubelet
from harness.builders import pod_status
from harness.replay import World
from shipway.api import labels
from shipway.controllers.owned import SELECTOR
from shipway.integrations.kserve import POD_LABEL
from shipway.kube.resource import ENDPOINT_SLICE, HTTP_ROUTE, INFERENCE_SERVICE, POD, SERVICE, Object, Resource
from shipway.runtime.cache import version_of

Deed = Callable[[], Awaitable[None]]
TRAINING_PODS = f"{SELECTOR},{labels.RANK}"
SERVING_PODS = f"{SELECTOR},{POD_LABEL}"
VERIFY_PODS = f"{SELECTOR},!{POD_LABEL},!{labels.RANK}"


@dataclass
class Strangers:
    """Their deeds on the world.

    Attributes:
        losses: How many training pods they ended: no job may restart more often.
    """

    world: World
    history: History
    kubelet: Kubelet
    dice: random.Random
    losses: int = 0
    frozen: list[tuple[str, Object]] = field(default_factory=list)

    async def patch(self, resource: Resource, name: str, patch: Object) -> None:
        """Change an object, as the one who did it."""
        self.history.foreign.add(version_of(await self.world.patch(resource, name, patch)))

    def training(self) -> Sequence[Deed]:
        """What happens to training."""
        return (
            self._delete_training_pod,
            self._kill_training_pod,
            self._fail_training_pod,
            self._strip_training_pod,
            self._flap_node,
            self._stop_process,
            self._delete_service,
            self._turn_service,
            self._delete_meeting_point,
            self._turn_meeting_point,
        )

    def versions(self) -> Sequence[Deed]:
        """What happens to verification."""
        return self._delete_verify_pod, self._fail_verify_pod

    def serving(self) -> Sequence[Deed]:
        """What happens to serving."""
        return (
            self._delete_predictor_pod,
            self._flap_node,
            self._delete_inference_service,
            self._edit_inference_service,
            self._delete_route,
            self._empty_route,
            self._turn_route,
        )

    async def calm(self) -> None:
        """Nodes are ready again, processes go on."""
        self.kubelet.stopped.clear()
        while self.frozen:
            name, status = self.frozen.pop()
            if (pod := await self.world.find(POD, name)) and pod["status"].get("phase") == "Running":
                await self.world.set_status(POD, name, status)

    async def _one(self, resource: Resource, selector: str) -> Object | None:
        found = await self.world.list(resource, selector)
        return self.dice.choice(found) if found else None

    async def _running(self) -> Object | None:
        pods = await self.world.list(POD, TRAINING_PODS)
        found = [
            pod
            for pod in pods
            if pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
        ]
        return self.dice.choice(found) if found else None

    async def _delete_training_pod(self) -> None:
        if pod := await self._one(POD, TRAINING_PODS):
            self.losses += 1
            await self.world.delete(POD, pod["metadata"]["name"])

    async def _kill_training_pod(self) -> None:
        await self._end(pod_status("Failed", exit_code=137, reason="Error"))

    async def _fail_training_pod(self) -> None:
        await self._end(
            pod_status("Failed", exit_code=1, message='{"error":{"reason":"DataMissing","message":"none"}}')
        )

    async def _end(self, status: Object) -> None:
        if pod := await self._running():
            self.losses += 1
            await self.world.set_status(POD, pod["metadata"]["name"], status)

    async def _strip_training_pod(self) -> None:
        if pod := await self._one(POD, TRAINING_PODS):
            self.losses += 1
            await self.patch(POD, pod["metadata"]["name"], {"metadata": {"labels": {labels.MANAGED_BY: None}}})

    async def _flap_node(self) -> None:
        """What the node lifecycle controller does while a node does not report: pods are no longer ready, and stay."""
        if self.frozen:
            await self.calm()
            return
        for pod in await self.world.list(POD, SELECTOR):
            if pod["status"].get("phase") == "Running":
                status = {"conditions": pod["status"].get("conditions", [])}
                self.frozen.append((pod["metadata"]["name"], status))
                unready = [{**c, "status": "False", "reason": "NodeNotReady"} for c in status["conditions"]]
                await self.world.set_status(POD, pod["metadata"]["name"], {"conditions": unready})

    async def _stop_process(self) -> None:
        if pod := await self._running():
            self.kubelet.stopped.add(pod["metadata"]["name"])

    async def _delete_service(self) -> None:
        if service := await self._one(SERVICE, SELECTOR):
            await self.world.delete(SERVICE, service["metadata"]["name"])

    async def _turn_service(self) -> None:
        if service := await self._one(SERVICE, SELECTOR):
            elsewhere = {"type": "ExternalName", "externalName": "somebody.example.com", "clusterIP": None}
            await self.patch(SERVICE, service["metadata"]["name"], {"spec": elsewhere})

    async def _delete_meeting_point(self) -> None:
        if meeting := await self._one(ENDPOINT_SLICE, SELECTOR):
            await self.world.delete(ENDPOINT_SLICE, meeting["metadata"]["name"])

    async def _turn_meeting_point(self) -> None:
        if meeting := await self._one(ENDPOINT_SLICE, SELECTOR):
            elsewhere = [{**endpoint, "addresses": ["192.0.2.1"]} for endpoint in meeting["endpoints"]]
            await self.patch(ENDPOINT_SLICE, meeting["metadata"]["name"], {"endpoints": elsewhere})

    async def _delete_verify_pod(self) -> None:
        if pod := await self._one(POD, VERIFY_PODS):
            await self.world.delete(POD, pod["metadata"]["name"])

    async def _fail_verify_pod(self) -> None:
        pod = await self._one(POD, VERIFY_PODS)
        if pod and pod["status"].get("phase") not in ("Succeeded", "Failed"):
            await self.world.set_status(POD, pod["metadata"]["name"], pod_status("Failed", container="verify"))

    async def _delete_predictor_pod(self) -> None:
        if pod := await self._one(POD, SERVING_PODS):
            await self.world.delete(POD, pod["metadata"]["name"])

    async def _delete_inference_service(self) -> None:
        if service := await self._one(INFERENCE_SERVICE, SELECTOR):
            await self.world.delete(INFERENCE_SERVICE, service["metadata"]["name"])

    async def _edit_inference_service(self) -> None:
        if service := await self._one(INFERENCE_SERVICE, SELECTOR):
            patch = {"spec": {"predictor": {"maxReplicas": 9, "model": {"storageUri": "s3://models/test/another"}}}}
            await self.patch(INFERENCE_SERVICE, service["metadata"]["name"], patch)

    async def _delete_route(self) -> None:
        if route := await self._one(HTTP_ROUTE, SELECTOR):
            await self.world.delete(HTTP_ROUTE, route["metadata"]["name"])

    async def _empty_route(self) -> None:
        await self._edit_route(lambda ref: {**ref, "weight": 0})

    async def _turn_route(self) -> None:
        await self._edit_route(lambda ref: {**ref, "name": "somebody-else"})

    async def _edit_route(self, edit: Callable[[Object], Object]) -> None:
        if route := await self._one(HTTP_ROUTE, SELECTOR):
            rules = [
                {**rule, "backendRefs": [edit(ref) for ref in rule["backendRefs"]]} for rule in route["spec"]["rules"]
            ]
            await self.patch(HTTP_ROUTE, route["metadata"]["name"], {"spec": {"rules": rules}})
