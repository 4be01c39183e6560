"""Who may write: a Lease, held by one process at a time.

Kubernetes has no fencing tokens. Two things stand in for them: what is changed carries the resourceVersion it is known
by, so that it is refused once somebody else has written, and at each single send the holder checks by its own monotonic
clock that its lease cannot have expired.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from shipway.kube.client import Client
from shipway.kube.errors import AlreadyExistsError, ApiError, ConflictError, NotFoundError
from shipway.kube.resource import LEASE, Object
from shipway.runtime.clock import Clock

SAFETY = 0.75
"""Share of the lease's duration for which its holder trusts it; the rest covers a send under way and slow clocks."""
RENEW = 0.25
"""Share of the duration after which its holder renews it: two more tries fit in before it stops trusting it."""
TRY = 0.2
"""Share of the duration after which one try to renew is given up for a fresh one."""
LOOK = 1 / 32
"""Share of the duration between two looks of those who wait: a lease given back is taken within it."""
RELEASE_SECONDS = 2.0

log = logging.getLogger(__name__)


class NotLeadingError(Exception):
    """A write was not sent since the lease is not held (any more)."""


class Leadership(Protocol):
    """Whether this process may write."""

    @property
    def leading(self) -> bool:
        """Whether it may now."""
        ...

    def check(self) -> None:
        """Raise NotLeadingError unless it may now."""
        ...

    async def wait(self) -> None:
        """Return as soon as it may."""
        ...


class AlwaysLeading:
    """The only process there is."""

    leading = True

    def check(self) -> None:
        """It may."""

    async def wait(self) -> None:
        """It may."""


@dataclass
class _Seen:
    """What another holder last wrote, and when we noticed by our own clock."""

    record: tuple[str, str]
    ends: float
    """When its time is over unless it renews."""


class LeaseLeadership:
    """Acquires a coordination.k8s.io Lease, renews it, gives it back at the end.

    Args:
        client: An unguarded client.
        namespace: Namespace of the Lease.
        name: Its name.
        identity: Unique name of this process.
        seconds: Duration of the lease, whole seconds.
        clock: Both clocks.
    """

    def __init__(
        self,
        client: Client,
        *,
        namespace: str,
        name: str,
        identity: str,
        seconds: int,
        clock: Clock,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._seconds = seconds
        self._clock = clock
        self._deadline = float("-inf")
        self._renew_at = float("-inf")
        self._held = asyncio.Event()
        self._seen: _Seen | None = None

    @property
    def leading(self) -> bool:
        """Whether the lease is held and cannot have expired."""
        return self._clock.monotonic() < self._deadline

    def check(self) -> None:
        """Raise NotLeadingError unless the lease is held and cannot have expired."""
        if not self.leading:
            raise NotLeadingError(f"lease {self._namespace}/{self._name} is not held by {self._identity}")

    async def wait(self) -> None:
        """Return as soon as the lease is held."""
        while not self.leading:
            self._note(leading=False)
            await self._held.wait()

    async def run(self) -> None:
        """Acquire and renew until cancelled, then release."""
        try:
            while True:
                await self._try_once()
                self._note(leading=self.leading)
                await self._clock.sleep(self._pause())
        finally:
            self._deadline = self._renew_at = float("-inf")
            self._note(leading=False)
            await asyncio.shield(self._release())

    def _pause(self) -> float:
        """Seconds to the next try: when a renewal is due, when the holder's time is over, or in a moment."""
        now, moment = self._clock.monotonic(), self._seconds * LOOK
        if self._renew_at > now:
            return self._renew_at - now
        if self.leading or self._seen is None or self._seen.ends <= now:
            return moment
        return min(moment, self._seen.ends - now)

    async def _try_once(self) -> None:
        start = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._seconds * TRY):
                lease = await self._get_or_create()
                if lease is None or not self._is_free(lease):
                    return
                await self._client.merge_patch(LEASE, self._namespace, self._name, self._claim(lease))
                self._deadline = start + self._seconds * SAFETY
                self._renew_at = start + self._seconds * RENEW
        except ConflictError:
            log.info("another process took lease %s first", self._name)
        except (ApiError, TimeoutError) as error:
            log.warning("lease %s could not be renewed: %s", self._name, error or "no answer in time")

    async def _get_or_create(self) -> Object | None:
        try:
            return await self._client.get(LEASE, self._namespace, self._name)
        except NotFoundError:
            pass
        body = {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": {"namespace": self._namespace, "name": self._name},
            "spec": {},
        }
        try:
            return await self._client.create(LEASE, body)
        except AlreadyExistsError:
            return None

    def _is_free(self, lease: Object) -> bool:
        """Free when nobody or ourselves hold it, or when its holder has not renewed for a whole duration we watched."""
        spec = lease.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        if holder in ("", self._identity):
            return True
        record = (holder, spec.get("renewTime") or "")
        if self._seen is None or self._seen.record != record:
            duration = float(spec.get("leaseDurationSeconds") or self._seconds)
            self._seen = _Seen(record, self._clock.monotonic() + duration)
        return self._clock.monotonic() >= self._seen.ends

    def _claim(self, lease: Object) -> dict[str, Any]:
        spec = lease.get("spec") or {}
        now = _micro_time(self._clock.now())
        mine = spec.get("holderIdentity") == self._identity
        transitions = int(spec.get("leaseTransitions") or 0)
        return {
            "metadata": {"resourceVersion": lease["metadata"]["resourceVersion"]},
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": self._seconds,
                "acquireTime": spec.get("acquireTime") if mine else now,
                "renewTime": now,
                "leaseTransitions": transitions if mine else transitions + 1,
            },
        }

    async def _release(self) -> None:
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                lease = await self._client.get(LEASE, self._namespace, self._name)
                if lease["spec"].get("holderIdentity") != self._identity:
                    return
                patch = {
                    "metadata": {"resourceVersion": lease["metadata"]["resourceVersion"]},
                    "spec": {"holderIdentity": "", "leaseDurationSeconds": 1},
                }
                await self._client.merge_patch(LEASE, self._namespace, self._name, patch)
        except (ApiError, TimeoutError) as error:
            log.warning("lease %s could not be released, it will expire: %s", self._name, error)

    def _note(self, *, leading: bool) -> None:
        if leading == self._held.is_set():
            return
        if leading:
            log.info("lease %s is held by %s", self._name, self._identity)
            self._held.set()
        else:
            log.info("lease %s is not held any more", self._name)
            self._held.clear()


def _micro_time(now: float) -> str:
    return datetime.fromtimestamp(now, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
