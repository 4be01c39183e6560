"""What is going on while everything fails: a training, some versions, a release; each knows how it must end."""

import contextlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from faults.kubelet import Kubelet
from faults.proxy import SeededProxy
from faults.strangers import Deed, Strangers
from harness.builders import model, model_version, training_job
from harness.replay import World
from integration.serving import players
from integration.training.players import NAME as JOB
from shipway.api import labels
from shipway.controllers.trainingjob.rendezvous import SERVICE_NAME
from shipway.kube.errors import AlreadyExistsError
from shipway.kube.resource import (
    ENDPOINT_SLICE,
    INCIDENT,
    MODEL,
    MODEL_VERSION,
    POD,
    SERVICE,
    SERVING_DEPLOYMENT,
    TRAINING_JOB,
    Object,
)

RETRY_SECONDS = 3600.0
"""Longer than any wait between two tries to read an artifact."""


@dataclass
class Stage:
    """Who plays in a story."""

    world: World
    kubelet: Kubelet
    strangers: Strangers
    proxy: SeededProxy
    dice: random.Random


class Story:
    """Begins, goes on by deeds, is told how to end, and says when it has."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.world = stage.world

    @asynccontextmanager
    async def playing(self) -> AsyncIterator[None]:
        """Whoever else plays, while inside."""
        yield

    async def begin(self) -> None:
        """Create what it is about."""

    def deeds(self) -> Sequence[Deed]:
        """What may happen any time."""
        return ()

    async def last_wish(self) -> None:
        """What users want in the end."""

    async def has_ended(self) -> bool:
        """Whether it has come to its end.

        Raises:
            AssertionError: it has not; says what is missing.
        """
        raise NotImplementedError

    async def forget(self) -> None:
        """Delete what owns other things."""


class TrainingStory(Story):
    """A job of two pods publishes a version, whatever happens to pods, Service and operator."""

    async def begin(self) -> None:
        self.stage.kubelet.held = self.stage.dice.random() < 0.5
        self.stage.kubelet.run_seconds = self.stage.dice.uniform(0.3, 4.0)
        await self.world.create(MODEL, model())
        wanted: dict[str, Any] = {"nodes": 2, "maxRestarts": 1000, "output": {"model": "ranker", "version": "v1"}}
        await self.world.create(TRAINING_JOB, training_job(JOB, **wanted))

    def deeds(self) -> Sequence[Deed]:
        return (*self.stage.strangers.training(), self.stage.strangers.versions()[0], self._suspend_or_resume)

    async def _suspend_or_resume(self) -> None:
        job = await self.world.get(TRAINING_JOB, JOB)
        spec = {"suspend": not job["spec"].get("suspend", False)}
        await self.stage.strangers.patch(TRAINING_JOB, JOB, {"spec": spec})

    async def last_wish(self) -> None:
        await self.stage.strangers.patch(TRAINING_JOB, JOB, {"spec": {"suspend": False}})
        if self.stage.kubelet.held and not self._is_over(await self.world.get(TRAINING_JOB, JOB)):
            await self.world.eventually(self._pods_can_meet, within=30, what="the pods of the job can meet")
        self.stage.kubelet.held = False

    async def _pods_can_meet(self) -> bool:
        job = await self.world.get(TRAINING_JOB, JOB)
        if self._is_over(job):
            return True
        rank_0 = await self.world.get(POD, f"{JOB}-{job['status'].get('attempt', 1)}-0")
        meeting = await self.world.get(ENDPOINT_SLICE, rank_0["metadata"]["name"])
        (endpoint,) = meeting["endpoints"]
        assert endpoint["addresses"] == [rank_0["status"]["podIP"]], f"the pods are led to {endpoint}"
        assert endpoint["hostname"] == rank_0["metadata"]["name"], f"rank 0 is called {endpoint}"
        assert meeting["metadata"]["labels"]["kubernetes.io/service-name"] == SERVICE_NAME
        service = await self.world.get(SERVICE, SERVICE_NAME)
        assert service["spec"]["type"] == "ClusterIP", service["spec"]
        return True

    def _is_over(self, job: Object) -> bool:
        return any(is_true(job, kind) for kind in ("Succeeded", "Failed"))

    async def has_ended(self) -> bool:
        job = await self.world.get(TRAINING_JOB, JOB)
        honest(job)
        restarts, losses = job["status"].get("restarts", 0), self.stage.strangers.losses
        assert restarts <= losses, f"{restarts} restarts for {losses} lost pods: {job['status'].get('attempts')}"
        if is_true(job, "Failed"):
            reason = condition(job, "Failed")["reason"]
            assert self.stage.proxy.invalid & {"pods", "modelversions"}, job["status"]
            return reason in ("PodRefused", "ResultInvalid")
        assert is_true(job, "Succeeded"), [(c["type"], c["reason"], c["message"]) for c in job["status"]["conditions"]]
        version = await self.world.get(MODEL_VERSION, "ranker-v1")
        honest(version)
        assert is_true(version, "Ready"), version["status"]["conditions"]
        running = [
            p
            for p in await self.world.list(POD, labels.RANK)
            if p["status"].get("phase") not in ("Succeeded", "Failed")
        ]
        unlabelled = {p["metadata"]["name"] for p in running if labels.MANAGED_BY not in p["metadata"]["labels"]}
        left = {p["metadata"]["name"] for p in running} - unlabelled
        assert not left, f"pods left behind: {left}"
        return True

    async def forget(self) -> None:
        await self.world.delete(TRAINING_JOB, JOB)


class VersionsStory(Story):
    """Three versions are verified, one of them is not what it says."""

    async def begin(self) -> None:
        await self.world.create(MODEL, model())
        for version in ("v1", "v2", "v3"):
            await self.world.create(MODEL_VERSION, model_version(version))
        self.stage.kubelet.rotten.add("ranker-v2")

    def deeds(self) -> Sequence[Deed]:
        return (*self.stage.strangers.versions(), self._model_comes_and_goes)

    async def _model_comes_and_goes(self) -> None:
        if await self.world.find(MODEL, "ranker"):
            await self.world.delete(MODEL, "ranker")
        else:
            await self.world.create(MODEL, model())

    async def last_wish(self) -> None:
        with contextlib.suppress(AlreadyExistsError):
            await self.world.create(MODEL, model())
        self.world.clock.advance(RETRY_SECONDS)

    async def has_ended(self) -> bool:
        for name, type_ in (("v1", "Ready"), ("v2", "Stalled"), ("v3", "Ready")):
            version = await self.world.get(MODEL_VERSION, f"ranker-{name}")
            honest(version)
            assert is_true(version, type_), (name, version["status"]["conditions"])
        assert not await self.world.list(POD), "verify pods are left behind"
        registered = await self.world.get(MODEL, "ranker")
        honest(registered)
        status = registered["status"]
        assert (status["versions"], status["latestVersion"] in ("v1", "v3")) == (3, True), status
        return True

    async def forget(self) -> None:
        for name in ("v1", "v2", "v3"):
            await self.world.delete(MODEL_VERSION, f"ranker-{name}")


class ReleaseStory(Story):
    """A deployment goes from version to version; one of them answers with errors."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.cluster = players.Cluster(stage.world)
        self.bad = stage.dice.choice(("", "v2", "v3"))
        self.wanted = stage.dice.choice(("v1", "v2", "v3"))
        self._ids = 0

    @asynccontextmanager
    async def playing(self) -> AsyncIterator[None]:
        async with players.playing(self.world, self.cluster):
            yield

    async def begin(self) -> None:
        if self.bad:
            self.cluster.errors[self.bad] = 0.3
        await self.world.create(MODEL, model())
        for version in ("v1", "v2", "v3"):
            digest = "sha256:" + version[-1] * 64
            await self.world.create(MODEL_VERSION, model_version(version, digest=digest))
        await players.deploy(self.world)

    def deeds(self) -> Sequence[Deed]:
        people = (self._release, self._release, self._release, self._edit_steps, self._pause, self._resume)
        return (*self.stage.strangers.serving(), *people)

    async def _change(self, patch: Object) -> None:
        await self.stage.strangers.patch(SERVING_DEPLOYMENT, players.NAME, patch)

    async def _release(self) -> None:
        version = self.stage.dice.choice(("v1", "v2", "v3"))
        if version != self.bad or await self._can_compare():
            await self._change({"spec": {"version": version}})

    async def _can_compare(self) -> bool:
        """Whether a version is trusted: a first one has nothing to be measured against, and is taken as it is."""
        return bool((await players.status(self.world)).get("stable"))

    async def _edit_steps(self) -> None:
        first = self.stage.dice.choice((10, 20, 30))
        steps = [{"setWeight": first}, {"pause": {"seconds": 1}}, {"setWeight": 60}, {"pause": {"seconds": 1}}]
        await self._change({"spec": {"rollout": {"steps": steps}}})

    async def _pause(self) -> None:
        await self._act("pause")

    async def _resume(self) -> None:
        await self._act("resume")

    @property
    def _last_id(self) -> str:
        return f"id-{self._ids}"

    async def _act(self, verb: str) -> None:
        self._ids += 1
        notes = {labels.ACTION: verb, labels.ACTION_ID: self._last_id, labels.ACTION_REASON: "because"}
        await self._change({"metadata": {"annotations": notes}})

    async def last_wish(self) -> None:
        await self._act("resume")
        if self.wanted == self.bad:
            await self.world.eventually(self._can_compare, within=60, what="a version is trusted")
        await self._change({"spec": {"version": self.wanted}})
        await self._act("resume")

    async def has_ended(self) -> bool:
        deployment = await self.world.get(SERVING_DEPLOYMENT, players.NAME)
        honest(deployment)
        status = deployment["status"]
        stable, rollout = status.get("stable", {}).get("version"), status.get("rollout", {})
        asked = f"{self.wanted} is wanted, {self.bad or 'none'} is bad"
        told = f"{asked}; {status.get('summary')}; {rollout.get('id')} {rollout.get('state')} {status.get('abort')}"
        assert stable, told
        acted = [action["id"] for action in status.get("actions", ())]
        assert self._last_id in acted, f"{self._last_id} was not acted on, only {acted}: {told}"
        assert await players.share(self.world, stable) == 100, f"{stable} has not all the traffic: {told}"
        if self.wanted != self.bad:
            assert stable == self.wanted, told
            assert is_true(deployment, "Ready"), told
            return True
        assert stable != self.bad, told
        assert is_true(deployment, "Stalled"), told
        assert await self.world.list(INCIDENT), "there is no Incident"
        return True

    async def forget(self) -> None:
        await self.world.delete(SERVING_DEPLOYMENT, players.NAME)


STORIES: dict[str, Callable[[Stage], Story]] = {
    "training": TrainingStory,
    "versions": VersionsStory,
    "release": ReleaseStory,
}


def condition(obj: Object, type_: str) -> Object:
    """A condition, empty when there is none."""
    return next((c for c in obj.get("status", {}).get("conditions", ()) if c["type"] == type_), {})


def is_true(obj: Object, type_: str) -> bool:
    """Whether a condition is True."""
    return bool(condition(obj, type_).get("status") == "True")


def honest(obj: Object) -> None:
    """The status speaks of the spec as it is."""
    seen, real = obj.get("status", {}).get("observedGeneration"), obj["metadata"]["generation"]
    assert seen == real, f"{obj['kind']} {obj['metadata']['name']}: observed generation {seen} of {real}"
