"""Who answers to what our operator makes: KServe, a gateway, the program in a verify pod. As cheaply as can be."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from watching import follow

from harness.builders import DIGEST, pod_status
from shipway.api import labels
from shipway.controllers.servingdeployment.checks import is_ready
from shipway.integrations.kserve import POD_LABEL
from shipway.kube.client import Client
from shipway.kube.errors import AlreadyExistsError, NotFoundError
from shipway.kube.resource import HTTP_ROUTE, INFERENCE_SERVICE, MODEL_VERSION, POD, Object, Resource

ANSWERS_AT_ONCE = 16
_LONG_AGO = "2026-01-01T00:00:00Z"
Answer = Callable[[Client, Object], Awaitable[object] | None]


@dataclass(frozen=True)
class Player:
    """Someone who answers to what is seen of one kind.

    Attributes:
        resource: Whose objects are watched.
        selector: Labels that they have.
        answer: What follows the sight of an object; None for nothing. It may see the same object again.
    """

    resource: Resource
    selector: str
    answer: Answer


@asynccontextmanager
async def playing(client: Client, players: Iterable[Player]) -> AsyncIterator[None]:
    """Let everyone play meanwhile.

    Raises:
        ExceptionGroup: the API server refused an answer.
    """
    gate = asyncio.Semaphore(ANSWERS_AT_ONCE)

    async def give(answer: Awaitable[object]) -> None:
        # What it was about may be gone, or answered already by a glance at an older state.
        async with gate:
            with suppress(NotFoundError, AlreadyExistsError):
                await answer

    async with asyncio.TaskGroup() as group:

        def follower(player: Player) -> Callable[[Object], None]:
            def take(obj: Object) -> None:
                answer = None if "deletionTimestamp" in obj["metadata"] else player.answer(client, obj)
                if answer is not None:
                    group.create_task(give(answer))

            return take

        watches = [await follow(client, each.resource, each.selector, follower(each)) for each in players]
        try:
            yield
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)


def _start_predictor(client: Client, service: Object) -> Awaitable[object] | None:
    if service.get("status", {}).get("conditions"):
        return None
    meta = service["metadata"]
    owner = {"apiVersion": service["apiVersion"], "kind": service["kind"], "name": meta["name"], "uid": meta["uid"]}
    model = service["spec"]["predictor"]["model"]
    container = {"name": "kserve-container", "image": "predictor", "resources": model.get("resources", {})}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{meta['name']}-predictor-0",
            "namespace": meta["namespace"],
            "labels": {**meta["labels"], POD_LABEL: meta["name"]},
            "ownerReferences": [owner],
        },
        "spec": {"automountServiceAccountToken": False, "containers": [container]},
    }
    return client.create(POD, pod)


def _report_predictor(client: Client, pod: Object) -> Awaitable[object] | None:
    if not is_ready(pod):
        return None
    meta = pod["metadata"]
    condition = {"type": "PredictorReady", "status": "True", "lastTransitionTime": _LONG_AGO}
    status = {"conditions": [condition]}
    return client.merge_patch_status(INFERENCE_SERVICE, meta["namespace"], meta["labels"][POD_LABEL], status)


def _accept_route(client: Client, route: Object) -> Awaitable[object] | None:
    meta, parents = route["metadata"], route.get("status", {}).get("parents", ())
    seen = [c["observedGeneration"] for parent in parents for c in parent["conditions"]]
    if seen and min(seen) >= meta["generation"]:
        return None
    conditions = [
        {
            "type": kind,
            "status": "True",
            "reason": kind,
            "message": "",
            "observedGeneration": meta["generation"],
            "lastTransitionTime": _LONG_AGO,
        }
        for kind in ("Accepted", "ResolvedRefs")
    ]
    ref = route["spec"]["parentRefs"][0]
    parent = {"parentRef": ref, "controllerName": "benchmark/gateway", "conditions": conditions}
    return client.merge_patch_status(HTTP_ROUTE, meta["namespace"], meta["name"], {"parents": [parent]})


def _finish_verifying(client: Client, pod: Object) -> Awaitable[object] | None:
    if pod["status"].get("phase") != "Running":
        return None
    said = json.dumps({"digest": DIGEST, "files": 2, "sizeBytes": 4096})
    status = pod_status("Succeeded", container="verify", message=said, pod_ip=pod["status"]["podIP"])
    return client.merge_patch_status(POD, pod["metadata"]["namespace"], pod["metadata"]["name"], status)


KSERVE = (
    Player(INFERENCE_SERVICE, "", _start_predictor),
    Player(POD, POD_LABEL, _report_predictor),
)
GATEWAY = (Player(HTTP_ROUTE, "", _accept_route),)
VERIFIER = (Player(POD, f"{labels.KIND}={MODEL_VERSION.kind}", _finish_verifying),)
