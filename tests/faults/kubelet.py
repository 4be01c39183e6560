"""The kubelet of a namespace: lets training and verify pods run and end, and lets go of those that are deleted."""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.builders import pod_status
from harness.replay import World
from integration.training.players import result
from shipway.api import labels
from shipway.integrations.kserve import POD_LABEL
from shipway.kube.errors import ApiError
from shipway.kube.resource import MODEL_VERSION, POD, Object

LOOK_SECONDS = 0.08


class Kubelet:
    """Plays until cancelled.

    Attributes:
        run_seconds: How long training pods run.
        held: While true, no training pod ends.
        stopped: Pods that do nothing, as after SIGSTOP.
        rotten: ModelVersions whose artifact has another digest than they say.
    """

    def __init__(self, world: World, dice: random.Random) -> None:
        self.world = world
        self.run_seconds = 1.0
        self.held = False
        self.stopped: set[str] = set()
        self.rotten: set[str] = set()
        self._dice = dice
        self._since: dict[str, float] = {}

    async def run(self) -> None:
        while True:
            with contextlib.suppress(ApiError):
                for pod in await self.world.list(POD, f"!{POD_LABEL}"):
                    with contextlib.suppress(ApiError):
                        await self._look_after(pod)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look_after(self, pod: Object) -> None:
        meta, phase = pod["metadata"], pod.get("status", {}).get("phase", "Pending")
        if "deletionTimestamp" in meta:
            await self.world.delete(POD, meta["name"])
            return
        if meta["name"] in self.stopped or phase in ("Succeeded", "Failed"):
            return
        began = self._since.setdefault(meta["uid"], time.monotonic())
        if labels.RANK in meta["labels"]:
            await self._train(meta, phase, time.monotonic() - began)
        elif time.monotonic() - began > 0.3:
            await self._verify(meta["name"])

    async def _train(self, meta: Object, phase: str, seconds: float) -> None:
        if phase == "Pending":
            await self.world.set_status(POD, meta["name"], pod_status("Running"))
        elif seconds > self.run_seconds and not self.held:
            said = result() if meta["labels"][labels.RANK] == "0" else ""
            await self.world.set_status(POD, meta["name"], pod_status("Succeeded", message=said))

    async def _verify(self, name: str) -> None:
        version = await self.world.get(MODEL_VERSION, name.removesuffix("-verify"))
        digest = "sha256:" + "0" * 64 if version["metadata"]["name"] in self.rotten else version["spec"]["digest"]
        status = pod_status("Succeeded", container="verify", message=json.dumps({"digest": digest}))
        await self.world.set_status(POD, name, status)


@asynccontextmanager
async def kubelet(world: World, dice: random.Random) -> AsyncIterator[Kubelet]:
    """A kubelet while inside."""
    player = Kubelet(world, dice)
    task = asyncio.create_task(player.run())
    try:
        yield player
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
