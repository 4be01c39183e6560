"""One leader at a time, on a real Lease, with clocks that can be set ahead."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from harness.clock import ShiftedClock
from harness.waiting import eventually
from shipway.kube.client import Client
from shipway.kube.resource import LEASE, POD
from shipway.runtime.leader import SAFETY, LeaseLeadership, NotLeadingError

pytestmark = pytest.mark.lab

SECONDS = 4


class Candidate:
    """A process that wants to lead, with a clock of its own."""

    def __init__(self, kube: Client, namespace: str, identity: str) -> None:
        self.clock = ShiftedClock()
        self.lease = LeaseLeadership(
            kube, namespace=namespace, name="lease", identity=identity, seconds=SECONDS, clock=self.clock
        )

    async def leads(self) -> bool:
        return self.lease.leading


@asynccontextmanager
async def campaigning(candidate: Candidate) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(candidate.lease.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_only_one_of_two_leads_and_the_other_follows_a_release(kube: Client, namespace: str) -> None:
    first, second = Candidate(kube, namespace, "first"), Candidate(kube, namespace, "second")
    async with campaigning(second) as follower:
        await eventually(second.leads)
        async with campaigning(first):
            await asyncio.sleep(SECONDS / 4 + 0.5)
            assert not first.lease.leading
            with pytest.raises(NotLeadingError, match="not held by first"):
                first.lease.check()

            follower.cancel()
            await asyncio.wait([follower])
            assert not second.lease.leading
            await eventually(first.leads, within=SECONDS / 2)


async def test_a_leader_that_goes_silent_is_followed_after_the_duration(kube: Client, namespace: str) -> None:
    first, second = Candidate(kube, namespace, "first"), Candidate(kube, namespace, "second")
    await first.lease._try_once()
    assert first.lease.leading

    await second.lease._try_once()
    second.clock.advance(SECONDS - 0.5)
    await second.lease._try_once()
    assert not second.lease.leading
    second.clock.advance(1)
    await second.lease._try_once()
    assert second.lease.leading

    lease = await kube.get(LEASE, namespace, "lease")
    assert lease["spec"]["leaseTransitions"] == 2


async def test_a_leader_stops_trusting_its_lease_before_anybody_may_take_it(kube: Client, namespace: str) -> None:
    first = Candidate(kube, namespace, "first")
    await first.lease._try_once()

    first.clock.advance(SECONDS * SAFETY)
    assert not first.lease.leading
    with pytest.raises(NotLeadingError):
        await kube.guarded(first.lease.check).create(POD, {"metadata": {"namespace": namespace, "name": "p"}})


async def test_a_renewal_that_comes_too_late_is_refused(kube: Client, namespace: str) -> None:
    first, second = Candidate(kube, namespace, "first"), Candidate(kube, namespace, "second")
    await first.lease._try_once()
    await second.lease._try_once()
    second.clock.advance(SECONDS + 1)
    await second.lease._try_once()
    first.clock.advance(SECONDS)
    await first.lease._try_once()

    assert second.lease.leading
    assert not first.lease.leading


async def test_renewing_changes_the_time_and_not_the_transitions(kube: Client, namespace: str) -> None:
    first = Candidate(kube, namespace, "first")
    await first.lease._try_once()
    before = (await kube.get(LEASE, namespace, "lease"))["spec"]
    first.clock.advance(1)
    await first.lease._try_once()
    after = (await kube.get(LEASE, namespace, "lease"))["spec"]

    assert after["acquireTime"] == before["acquireTime"]
    assert after["renewTime"] > before["renewTime"]
    assert after["leaseTransitions"] == before["leaseTransitions"] == 1
