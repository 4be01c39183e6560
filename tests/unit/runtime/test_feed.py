"""The feed: what a change wakes, and how urgently."""

from collections.abc import Iterable, Sequence
from typing import Any

from harness.clock import ShiftedClock
from shipway.api import labels
from shipway.kube.resource import INCIDENT, MODEL, POD, Key, Object, Resource
from shipway.runtime.cache import ObjectCache, owner_of
from shipway.runtime.controller import Cache, Watch
from shipway.runtime.feed import Feed
from shipway.runtime.plan import Plan
from shipway.runtime.queue import WorkQueue

M = Key("Model", "ns", "m")


def owners(obj: Object, _: Cache) -> Iterable[Key]:
    owner = owner_of(obj)
    return [owner] if owner else []


class ModelController:
    resource: Resource = MODEL
    watches: Sequence[Watch] = (Watch(POD, owners), Watch(INCIDENT, owners))

    async def plan(self, key: Key, cache: Cache, now: float) -> Plan | None:
        return None


class World:
    def __init__(self) -> None:
        self.cache = ObjectCache()
        self.queue = WorkQueue(ShiftedClock())
        self.feed = Feed(self.cache, self.queue, [ModelController()])

    def woken(self) -> list[Key]:
        keys = []
        while (key := self.queue.pop()) is not None:
            self.queue.done(key)
            keys.append(key)
        return keys


def obj(kind: str, name: str, version: int, *, owner: str | None = None, **meta: Any) -> Object:
    marks = {labels.KIND: "Model", labels.NAME: owner} if owner else {}
    base = {"namespace": "ns", "name": name, "uid": name, "resourceVersion": str(version), "labels": marks}
    return {"kind": kind, "metadata": base | meta}


def test_a_changed_object_wakes_its_own_key_once_per_version() -> None:
    world = World()

    assert world.feed.changed(MODEL, obj("Model", "m", 1))
    assert world.woken() == [M]
    assert not world.feed.changed(MODEL, obj("Model", "m", 1))
    assert world.woken() == []


def test_a_child_wakes_its_owner_and_its_former_owner() -> None:
    world = World()
    world.feed.changed(POD, obj("Pod", "p", 1, owner="m"))
    assert world.woken() == [M]

    world.feed.changed(POD, obj("Pod", "p", 2, owner="other"))
    assert sorted(world.woken()) == [M, Key("Model", "ns", "other")]


def test_a_deleted_child_wakes_its_owner_before_everything_else() -> None:
    world = World()
    world.feed.changed(POD, obj("Pod", "p", 1, owner="m"))
    world.woken()
    world.feed.changed(MODEL, obj("Model", "other", 2))

    world.feed.deleted(POD, obj("Pod", "p", 3))

    assert world.woken() == [M, Key("Model", "ns", "other")]


def test_a_new_intent_goes_before_other_changes() -> None:
    world = World()
    for name in ("a", "m"):
        world.feed.changed(MODEL, obj("Model", name, 1, generation=1))
    world.woken()
    world.feed.changed(POD, obj("Pod", "p", 2, owner="a"))

    world.feed.changed(MODEL, obj("Model", "m", 3, generation=1, annotations={"shipway.dev/action": "abort"}))

    assert world.woken()[0] == M


def test_the_echo_of_a_status_does_not_cut_a_backoff_short_and_a_child_does() -> None:
    world = World()
    world.feed.changed(MODEL, obj("Model", "m", 1))
    world.queue.pop()
    world.queue.retry(M)
    world.queue.retry(M)
    world.queue.done(M)

    world.feed.changed(MODEL, obj("Model", "m", 2))
    assert world.woken() == []
    world.feed.changed(POD, obj("Pod", "p", 3, owner="m"))
    assert world.woken() == [M]


def test_what_no_controller_reconciles_wakes_nobody() -> None:
    world = World()
    stranger = obj("Pod", "p", 1)
    stranger["metadata"]["labels"] = {labels.KIND: "Deployment", labels.NAME: "d"}

    world.feed.changed(POD, stranger)

    assert world.woken() == []


def test_what_several_controllers_ask_of_an_object_is_asked_once() -> None:
    asked: list[str] = []

    def owners_noted(obj: Object, cache: Cache) -> Iterable[Key]:
        asked.append(obj["metadata"]["name"])
        return owners(obj, cache)

    class Asking(ModelController):
        watches = (Watch(POD, owners_noted),)

    feed = Feed(ObjectCache(), queue := WorkQueue(ShiftedClock()), [Asking(), Asking()])
    assert feed.changed(POD, obj("Pod", "p", 1, owner="m"))
    assert asked == ["p"]
    assert queue.pop() == M


def test_a_resource_that_comes_or_goes_wakes_all_whose_controller_reads_it() -> None:
    world = World()
    for name in ("a", "b"):
        world.feed.changed(MODEL, obj("Model", name, 1))
    world.woken()

    world.feed.reconsider(INCIDENT)

    assert sorted(key.name for key in world.woken()) == ["a", "b"]


def test_the_answer_to_a_write_is_kept_as_a_watch_would_bring_it() -> None:
    world = World()
    answer = obj("Pod", "p", 1, owner="m", managedFields=[{"manager": "shipway"}])
    assert world.feed.answered(POD, {"apiVersion": "v1", **answer, "spec": {"containers": []}})
    known = world.cache.get(POD, "ns", "p")
    assert known is not None
    assert "managedFields" not in known["metadata"]
    assert world.woken() == [M]
