"""Does what a plan says, and nothing else: the only place the operator writes from."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from shipway.api.conditions import Type, Verdict, merge
from shipway.api.schema import Condition
from shipway.kube.client import Client
from shipway.kube.errors import (
    AlreadyExistsError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)
from shipway.kube.resource import Object, Resource
from shipway.runtime import metrics
from shipway.runtime.cache import ObjectCache, uid_of
from shipway.runtime.clock import Clock
from shipway.runtime.events import EventRecorder
from shipway.runtime.feed import Feed
from shipway.runtime.plan import Apply, Create, Delete, PatchStatus, Plan, Refusal, TerminalError, Write


class NameTakenError(Exception):
    """A child cannot be created since an object of its name exists and is not this owner's."""


class RefusedError(Exception):
    """The API server refused a write (403 or 422), and the status says so already: there is no more to tell."""


class Executor:
    """Performs plans. Whatever the server answers goes into the feed at once, so that the next look sees it.

    Args:
        client: The client to write with; its `before_write` checks the lease.
        cache: What is known.
        feed: Where answers go.
        recorder: Sends Events.
        clock: For condition and event times.
        after_write: Called after each write that reached the server; the replay harness ends the operator here.
    """

    def __init__(
        self,
        client: Client,
        *,
        cache: ObjectCache,
        feed: Feed,
        recorder: EventRecorder,
        clock: Clock,
        after_write: Callable[[str, Resource], None] | None = None,
    ) -> None:
        self._client = client
        self._cache = cache
        self._feed = feed
        self._recorder = recorder
        self._clock = clock
        self._after_write = after_write

    async def perform(self, resource: Resource, obj: Object, plan: Plan) -> None:
        """Writes in order, then the status if it differs, then events.

        Raises:
            ApiError: a write failed; what came after it was not done.
            NameTakenError: a child's name is somebody else's.
            RefusedError: the API server refused a write and the plan had a status for that, which is written.
        """
        for number, write in enumerate(plan.writes, start=1):
            try:
                await self._write(write)
            except (ForbiddenError, InvalidError) as error:
                if plan.refused is None:
                    raise
                await self._make_regardless(plan.writes[number:])
                refusal = Refusal(write, invalid=isinstance(error, InvalidError), message=error.message)
                await self._write_status(resource, obj, plan.refused(refusal))
                raise RefusedError(error.message) from error
        if plan.status is not None:
            await self._write_status(resource, obj, plan.status)
        for note in plan.events:
            await self._recorder.send(obj, note, self._clock.now())
            self._wrote("event", resource)

    async def stall(self, resource: Resource, obj: Object, error: TerminalError) -> None:
        """Say in the status that nothing helps until the spec changes."""
        await self._set_conditions(
            resource,
            obj,
            Verdict(Type.READY, status=False, reason=error.reason, message=error.message),
            Verdict(Type.STALLED, status=True, reason=error.reason, message=error.message),
        )

    async def report_failure(self, resource: Resource, obj: Object, message: str) -> None:
        """Say in the status what fails again and again, and when the next try is."""
        verdict = Verdict(Type.RECONCILING, status=True, reason="RetryingAfterError", message=message)
        await self._set_conditions(resource, obj, verdict)

    async def refresh(self, resource: Resource, obj: Object) -> Object | None:
        """Ask the server for an object that has changed without our knowing yet; what has its name now."""
        meta = obj["metadata"]
        try:
            found = await self._client.get(resource, meta.get("namespace"), meta["name"])
        except NotFoundError:
            self._feed.deleted(resource, obj, gone_for_good=True)
            return None
        self._feed.answered(resource, found)
        return found

    async def _make_regardless(self, writes: Sequence[Write]) -> None:
        for write in writes:
            if isinstance(write, Create) and write.regardless:
                with suppress(ForbiddenError, InvalidError):
                    await self._create(write)

    async def _write(self, write: Write) -> None:
        match write:
            case Create():
                await self._create(write)
            case Apply():
                await self._apply(write)
            case Delete():
                await self._delete(write)
            case PatchStatus():
                await self._patch_status(write)

    async def _create(self, write: Create) -> None:
        try:
            created = await self._client.create(write.resource, write.body, metadata_only=write.read_as_sent)
        except AlreadyExistsError:
            meta = write.body["metadata"]
            existing = await self._client.get(write.resource, meta.get("namespace"), meta["name"])
            self._feed.answered(write.resource, existing)
            _check_owner(write.body, existing)
            return
        self._feed.answered(write.resource, {**write.body, **created} if write.read_as_sent else created)
        self._wrote("create", write.resource)

    async def _apply(self, write: Apply) -> None:
        meta = write.body["metadata"]
        known = self._cache.get(write.resource, meta.get("namespace", ""), meta["name"])
        if known is None:
            # Not an apply: that would change whatever somebody else has made of that name meanwhile.
            unversioned = {name: value for name, value in meta.items() if name != "resourceVersion"}
            await self._create(Create(write.resource, {**write.body, "metadata": unversioned}))
            return
        fenced = {**write.body, "metadata": {"resourceVersion": known["metadata"]["resourceVersion"], **meta}}
        try:
            answer = await self._client.apply(write.resource, fenced)
        except ConflictError:
            await self.refresh(write.resource, known)
            raise
        self._feed.answered(write.resource, answer)
        self._wrote("apply", write.resource)

    async def _delete(self, write: Delete) -> None:
        doomed: Object = {
            "apiVersion": write.resource.api_version,
            "kind": write.resource.kind,
            "metadata": {"namespace": write.namespace, "name": write.name, "uid": write.uid},
        }
        try:
            answer = await self._client.delete(
                write.resource,
                write.namespace,
                write.name,
                uid=write.uid,
                version=write.version,
                grace_seconds=write.grace_seconds,
            )
        except NotFoundError:
            self._feed.deleted(write.resource, doomed, gone_for_good=True)
            return
        except ConflictError:
            # Another incarnation, a later version, or two requests that met within the server: only a look tells.
            found = await self.refresh(write.resource, doomed)
            if found is not None and (write.version or uid_of(found) == write.uid):
                raise
            self._feed.deleted(write.resource, doomed, gone_for_good=True)
            return
        if answer is None:
            self._feed.deleted(write.resource, doomed, gone_for_good=True)
        else:
            self._feed.answered(write.resource, answer)
        self._wrote("delete", write.resource)

    async def _patch_status(self, write: PatchStatus) -> None:
        known = self._cache.get(write.resource, write.namespace, write.name)
        if known is not None and merged(known.get("status"), write.patch) == known.get("status"):
            return
        obj = known or await self._client.get(write.resource, write.namespace, write.name)
        fenced = {"metadata": {"resourceVersion": obj["metadata"]["resourceVersion"]}, "status": write.patch}
        try:
            answer = await self._client.merge_patch(
                write.resource, write.namespace, write.name, fenced, subresource="status"
            )
        except ConflictError:
            await self.refresh(write.resource, obj)
            raise
        self._feed.answered(write.resource, answer)
        self._wrote("patch_status", write.resource)

    async def _write_status(self, resource: Resource, obj: Object, status: Object) -> None:
        if status == obj.get("status"):
            return
        body = {"metadata": obj["metadata"], "status": status}
        self._feed.answered(resource, await self._client.write_status(resource, body))
        self._wrote("status", resource)

    async def _set_conditions(self, resource: Resource, obj: Object, *verdicts: Verdict) -> None:
        status = dict(obj.get("status") or {})
        generation = obj["metadata"].get("generation", 0)
        previous = [Condition.model_validate(c) for c in status.get("conditions") or []]
        decided = merge(previous, verdicts, generation=generation, now=self._clock.now())
        types = {condition.type for condition in decided}
        kept = [condition for condition in previous if condition.type not in types]
        status["conditions"] = [condition.to_wire() for condition in (*decided, *kept)]
        status["observedGeneration"] = generation
        await self._write_status(resource, obj, status)

    def _wrote(self, verb: str, resource: Resource) -> None:
        metrics.WRITES.labels(verb, resource.plural).inc()
        if self._after_write is not None:
            self._after_write(verb, resource)


def merged(value: Any, patch: Any) -> Any:
    """The value after a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(value) if isinstance(value, Mapping) else {}
    for name, part in patch.items():
        if part is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), part)
    return result


def _check_owner(wanted: Object, existing: Object) -> None:
    owner = _controller_uid(wanted)
    if owner is None or (_controller_uid(existing) == owner and "deletionTimestamp" not in existing["metadata"]):
        return
    meta = existing["metadata"]
    state = "is still being deleted" if "deletionTimestamp" in meta else "belongs to something else"
    raise NameTakenError(
        f"{existing['kind']} {meta['name']} (uid {uid_of(existing)}) {state}; it is created once that name is free"
    )


def _controller_uid(obj: Object) -> str | None:
    owners = obj["metadata"].get("ownerReferences") or []
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)
