"""What the executor does with the real API server's answers."""

import copy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from harness.builders import incident, model
from harness.clock import ShiftedClock
from harness.lab import Lab
from harness.proxy import faulty_proxy
from integration.core import toy
from shipway.kube.client import Client
from shipway.kube.credentials import Connection
from shipway.kube.errors import ApiError, ConflictError, ForbiddenError, InvalidError, NotFoundError
from shipway.kube.resource import EVENT, INCIDENT, MODEL, POD, SERVICE, Object
from shipway.runtime.cache import ObjectCache, version_of
from shipway.runtime.events import EventRecorder
from shipway.runtime.executor import Executor, NameTakenError, RefusedError
from shipway.runtime.feed import Feed
from shipway.runtime.plan import Apply, Create, Delete, Note, PatchStatus, Plan, Refusal, TerminalError
from shipway.runtime.queue import WorkQueue

pytestmark = pytest.mark.lab

READY = {
    "type": "Ready",
    "status": "True",
    "reason": "Good",
    "message": "",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}


@dataclass
class Bench:
    """An executor with the chart's rights, and one Model to work for."""

    executor: Executor
    kube: Client
    cache: ObjectCache
    writes: list[str]
    model: Object

    async def perform(self, *writes: object, status: Object | None = None, **plan: object) -> None:
        await self.executor.perform(MODEL, self.model, Plan(writes, status, **plan))  # type: ignore[arg-type]

    async def stored(self) -> Object:
        self.model = await self.kube.get(MODEL, self.model["metadata"]["namespace"], "toy")
        return self.model


@pytest.fixture
async def bench(lab: Lab, kube: Client, namespace: str) -> AsyncIterator[Bench]:
    async with _bench(lab.operator, kube, namespace) as made:
        yield made


@asynccontextmanager
async def _bench(connection: Connection, kube: Client, namespace: str) -> AsyncIterator[Bench]:
    clock = ShiftedClock()
    cache, writes = ObjectCache(), list[str]()
    feed = Feed(cache, WorkQueue(clock), [toy.ToyController()])
    async with Client.connect(connection) as client:
        executor = Executor(
            client,
            cache=cache,
            feed=feed,
            recorder=EventRecorder(client, instance="test"),
            clock=clock,
            after_write=lambda verb, resource: writes.append(f"{verb} {resource.plural}"),
        )
        created = await kube.create(MODEL, model("toy", namespace=namespace))
        yield Bench(executor, kube, cache, writes, created)


async def test_what_was_created_is_in_the_cache_at_once(bench: Bench) -> None:
    await bench.perform(Create(POD, toy.pod(bench.model, "toy-0")))

    known = bench.cache.get(POD, bench.model["metadata"]["namespace"], "toy-0")
    assert known is not None
    assert known["metadata"]["uid"]


async def test_creating_what_exists_already_is_success_without_a_write(bench: Bench) -> None:
    await bench.perform(Create(POD, toy.pod(bench.model, "toy-0")))
    await bench.perform(Create(POD, toy.pod(bench.model, "toy-0")))

    assert bench.writes == ["create pods"]


async def test_a_name_that_is_somebody_elses_is_told(bench: Bench) -> None:
    foreign = toy.pod(bench.model, "toy-0")
    del foreign["metadata"]["ownerReferences"]
    await bench.kube.create(POD, foreign)

    with pytest.raises(NameTakenError, match=r"Pod toy-0 .*belongs to something else"):
        await bench.perform(Create(POD, toy.pod(bench.model, "toy-0")))


async def test_a_delete_spares_another_incarnation(bench: Bench, namespace: str) -> None:
    pod = await bench.kube.create(POD, toy.pod(bench.model, "toy-0"))

    await bench.perform(Delete(POD, namespace, "toy-0", uid="an-older-one"))
    assert await bench.kube.get(POD, namespace, "toy-0")
    await bench.perform(Delete(POD, namespace, "toy-0", uid=pod["metadata"]["uid"]))
    with pytest.raises(NotFoundError):
        await bench.kube.get(POD, namespace, "toy-0")
    await bench.perform(Delete(POD, namespace, "toy-0", uid=pod["metadata"]["uid"]))
    assert bench.cache.get(POD, namespace, "toy-0") is None
    assert bench.writes == ["delete pods"]


async def test_a_pod_that_was_gone_at_once_is_forgotten_at_once(bench: Bench, namespace: str) -> None:
    """Its answer is the pod with the version of the watch's farewell: taken in after that, it would stay for good."""
    await bench.perform(Create(POD, toy.pod(bench.model, "toy-0")))
    known = bench.cache.get(POD, namespace, "toy-0")
    assert known is not None

    await bench.perform(Delete(POD, namespace, "toy-0", uid=known["metadata"]["uid"]))
    assert bench.cache.get(POD, namespace, "toy-0") is None
    assert not bench.cache.is_news(POD, known)


async def test_a_pod_that_takes_its_time_to_end_is_known_until_then(bench: Bench, namespace: str) -> None:
    lasting = toy.pod(bench.model, "toy-0")
    lasting["metadata"]["finalizers"] = ["test.shipway.dev/hold"]
    created = await bench.kube.create(POD, lasting)

    await bench.perform(Delete(POD, namespace, "toy-0", uid=created["metadata"]["uid"]))
    known = bench.cache.get(POD, namespace, "toy-0")
    assert known is not None
    assert "deletionTimestamp" in known["metadata"]
    await bench.kube.merge_patch(POD, namespace, "toy-0", {"metadata": {"finalizers": None}})


async def test_a_conflict_that_is_not_about_the_incarnation_does_not_make_a_delete_done(
    lab: Lab, kube: Client, namespace: str
) -> None:
    async with faulty_proxy(lab) as proxy, _bench(replace(lab.operator, server=proxy.url), kube, namespace) as bench:
        await bench.perform(Create(POD, toy.pod(bench.model, "toy-0")))
        known = bench.cache.get(POD, namespace, "toy-0")
        assert known is not None
        proxy.refuse(lambda request: request.method == "DELETE", 409)

        doom = Delete(POD, namespace, "toy-0", uid=known["metadata"]["uid"])
        with pytest.raises(ConflictError):
            await bench.perform(doom)
        assert bench.cache.get(POD, namespace, "toy-0") is not None
        await bench.perform(doom)
        with pytest.raises(NotFoundError):
            await kube.get(POD, namespace, "toy-0")


async def test_an_apply_with_an_old_resource_version_is_refused(bench: Bench) -> None:
    await bench.perform(Apply(SERVICE, toy.service(bench.model, "1")))
    stale = toy.service(bench.model, "2")
    stale["metadata"]["resourceVersion"] = "1"

    with pytest.raises(ConflictError):
        await bench.perform(Apply(SERVICE, stale))


async def test_an_apply_is_refused_once_somebody_else_has_written_and_goes_through_on_what_is_read_then(
    bench: Bench, namespace: str
) -> None:
    await bench.perform(Apply(SERVICE, toy.service(bench.model, "1")))
    name = toy.service(bench.model, "1")["metadata"]["name"]
    theirs = await bench.kube.merge_patch(SERVICE, namespace, name, {"metadata": {"annotations": {"by": "other"}}})

    with pytest.raises(ConflictError):
        await bench.perform(Apply(SERVICE, toy.service(bench.model, "2")))
    known = bench.cache.get(SERVICE, namespace, name)
    assert known is not None
    assert version_of(known) == version_of(theirs)
    await bench.perform(Apply(SERVICE, toy.service(bench.model, "2")))


async def test_an_apply_never_takes_over_what_is_not_known_and_somebody_elses(bench: Bench, namespace: str) -> None:
    foreign = toy.service(bench.model, "1")
    del foreign["metadata"]["ownerReferences"]
    before = await bench.kube.create(SERVICE, foreign)

    with pytest.raises(NameTakenError):
        await bench.perform(Apply(SERVICE, toy.service(bench.model, "2")))
    assert await bench.kube.get(SERVICE, namespace, before["metadata"]["name"]) == before


async def test_a_delete_decided_on_an_older_version_is_refused(bench: Bench, namespace: str) -> None:
    pod = await bench.kube.create(POD, toy.pod(bench.model, "toy-0"))
    meta = pod["metadata"]
    await bench.kube.merge_patch(POD, namespace, "toy-0", {"metadata": {"annotations": {"by": "other"}}})

    with pytest.raises(ConflictError):
        await bench.perform(Delete(POD, namespace, "toy-0", meta["uid"], version=meta["resourceVersion"]))
    assert await bench.kube.get(POD, namespace, "toy-0")


async def test_a_status_patch_is_refused_once_somebody_else_has_written(bench: Bench, namespace: str) -> None:
    await bench.kube.create(INCIDENT, incident("rollback", namespace=namespace))
    await bench.perform(PatchStatus(INCIDENT, namespace, "rollback", _lifted("first")))
    await bench.kube.merge_patch_status(INCIDENT, namespace, "rollback", _lifted("theirs"))

    again = PatchStatus(INCIDENT, namespace, "rollback", _lifted("second"))
    with pytest.raises(ConflictError):
        await bench.perform(again)
    await bench.perform(again)
    assert (await bench.kube.get(INCIDENT, namespace, "rollback"))["status"]["lifted"]["reason"] == "second"


async def test_the_same_status_is_not_written_again(bench: Bench) -> None:
    status = {"observedGeneration": 1, "versions": 2, "conditions": [READY]}
    await bench.perform(status=status)
    await bench.stored()
    await bench.perform(status=copy.deepcopy(bench.model["status"]))

    assert bench.writes == ["status models"]


async def test_a_status_decided_on_an_older_version_is_refused(bench: Bench) -> None:
    await bench.kube.merge_patch(MODEL, bench.model["metadata"]["namespace"], "toy", {"spec": {"purpose": "news"}})

    with pytest.raises(ConflictError):
        await bench.perform(status={"observedGeneration": 1})


async def test_a_status_of_a_deleted_and_recreated_object_is_refused(bench: Bench, namespace: str) -> None:
    await bench.kube.delete(MODEL, namespace, "toy")
    await bench.kube.create(MODEL, model("toy", namespace=namespace))

    with pytest.raises(ConflictError):
        await bench.perform(status={"observedGeneration": 1})


async def test_a_status_is_replaced_whole_even_what_others_wrote(bench: Bench) -> None:
    await bench.kube.merge_patch_status(MODEL, bench.model["metadata"]["namespace"], "toy", {"latestVersion": "v9"})
    await bench.stored()

    await bench.perform(status={"observedGeneration": 1, "versions": 1, "conditions": [READY]})

    assert "latestVersion" not in (await bench.stored())["status"]


async def test_a_status_patch_that_changes_nothing_is_not_sent(bench: Bench, namespace: str) -> None:
    await bench.kube.create(INCIDENT, incident("rollback", namespace=namespace))
    patch = PatchStatus(INCIDENT, namespace, "rollback", _lifted("once"))

    await bench.perform(patch)
    await bench.perform(patch)

    assert bench.writes == ["patch_status incidents"]


async def test_an_event_comes_after_the_status_and_once(bench: Bench, namespace: str) -> None:
    note = Note("Warning", "Odd", "something is odd")
    await bench.perform(status={"observedGeneration": 1}, events=(note,))
    await bench.perform(events=(note,))

    events = [e for e in (await bench.kube.list(EVENT, namespace)).items if e["reason"] == "Odd"]
    assert [(e["type"], e["note"], e["regarding"]["name"]) for e in events] == [("Warning", note.message, "toy")]
    assert bench.writes[:2] == ["status models", "event models"]


async def test_no_event_of_a_status_that_was_refused(bench: Bench, namespace: str) -> None:
    await bench.kube.merge_patch(MODEL, namespace, "toy", {"spec": {"purpose": "news"}})

    with pytest.raises(ConflictError):
        await bench.perform(status={"observedGeneration": 1}, events=(Note("Normal", "Odd", "x"),))
    assert not [e for e in (await bench.kube.list(EVENT, namespace)).items if e["reason"] == "Odd"]


async def test_an_event_that_is_refused_fails_nothing(bench: Bench) -> None:
    await bench.perform(status={"observedGeneration": 1}, events=(Note("Normal", "", "an event needs a reason"),))

    assert (await bench.stored())["status"]["observedGeneration"] == 1


async def test_a_failed_write_ends_the_pass(bench: Bench, namespace: str) -> None:
    bad = toy.pod(bench.model, "toy-0")
    bad["spec"]["hostNetwork"] = True

    with pytest.raises(ForbiddenError, match="restricted"):
        await bench.perform(Create(POD, bad), Create(POD, toy.pod(bench.model, "toy-1")), status={"versions": 1})
    assert bench.writes == []
    assert (await bench.kube.list(POD, namespace)).items == []


@pytest.mark.parametrize(
    ("break_it", "error", "invalid"),
    [
        (lambda pod: pod["spec"].update(hostNetwork=True), ForbiddenError, False),
        (lambda pod: pod["spec"]["containers"][0].update(name="NOT A NAME"), InvalidError, True),
    ],
)
async def test_a_refused_write_is_told_in_the_status_first(
    bench: Bench, break_it: Callable[[Object], None], error: type[ApiError], invalid: bool
) -> None:
    bad = toy.pod(bench.model, "toy-0")
    break_it(bad)
    refusals: list[Refusal] = []

    def refused(refusal: Refusal) -> Object:
        refusals.append(refusal)
        return {"observedGeneration": 1, "latestVersion": "refused"}

    with pytest.raises(RefusedError) as caught:
        await bench.perform(Create(POD, bad), status={"observedGeneration": 1}, refused=refused)

    assert isinstance(caught.value.__cause__, error)
    assert (await bench.stored())["status"]["latestVersion"] == "refused"
    assert refusals[0].invalid is invalid
    assert "toy-0" in refusals[0].message or "restricted" in refusals[0].message


async def test_what_is_to_be_made_regardless_is_made_where_a_write_before_it_was_refused(
    bench: Bench, namespace: str
) -> None:
    bad = toy.pod(bench.model, "toy-0")
    bad["spec"]["hostNetwork"] = True
    calls = [incident(name, namespace=namespace) for name in ("called", "left-out")]
    writes = (Create(POD, bad), Create(INCIDENT, calls[0], regardless=True), Create(INCIDENT, calls[1]))

    with pytest.raises(RefusedError):
        await bench.perform(*writes, refused=lambda _: {"observedGeneration": 1})

    assert [found["metadata"]["name"] for found in (await bench.kube.list(INCIDENT, namespace)).items] == ["called"]


async def test_stalling_keeps_the_other_conditions(bench: Bench) -> None:
    other = READY | {"type": "AliasesResolved"}
    await bench.perform(status={"observedGeneration": 1, "conditions": [other, READY]})

    await bench.executor.stall(MODEL, await bench.stored(), TerminalError("PodsInvalid", "write a number"))

    conditions = {c["type"]: c for c in (await bench.stored())["status"]["conditions"]}
    assert (conditions["Ready"]["status"], conditions["Ready"]["reason"]) == ("False", "PodsInvalid")
    assert (conditions["Stalled"]["status"], conditions["Stalled"]["message"]) == ("True", "write a number")
    assert conditions["AliasesResolved"]["status"] == "True"


async def test_stalling_twice_writes_once(bench: Bench) -> None:
    error = TerminalError("PodsInvalid", "write a number")
    await bench.executor.stall(MODEL, bench.model, error)
    await bench.executor.stall(MODEL, await bench.stored(), error)

    assert bench.writes == ["status models"]


async def test_refreshing_takes_in_what_the_watch_has_not_brought(bench: Bench, namespace: str) -> None:
    changed = await bench.kube.merge_patch(MODEL, namespace, "toy", {"spec": {"purpose": "news"}})

    await bench.executor.refresh(MODEL, bench.model)
    assert version_of(bench.cache.get(MODEL, namespace, "toy") or {}) == version_of(changed)

    await bench.kube.delete(MODEL, namespace, "toy")
    await bench.executor.refresh(MODEL, bench.model)
    assert bench.cache.get(MODEL, namespace, "toy") is None


def _lifted(reason: str) -> Object:
    return {"lifted": {"by": "alice", "reason": reason, "time": "2026-01-01T00:00:00Z"}}
