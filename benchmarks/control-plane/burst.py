"""N objects created as fast as the API takes them, until each says that its pods run."""

import asyncio
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from audit_log import AuditLog
from cluster import Cluster, in_parallel
from needs import provide
from observer import Seen, observing
from subject import Subject

from harness.waiting import eventually
from shipway.kube.errors import NotFoundError
from shipway.kube.resource import POD, Object

PATIENCE_SECONDS, PATIENCE_SECONDS_PER_OBJECT = 300.0, 0.2
SETTLE_SECONDS = 3.0
"""What follows the last status, endpoints for example, belongs to the cost as well."""


@dataclass(frozen=True)
class Burst:
    """Seconds since the first create; processor seconds; MiB.

    Attributes:
        subject: What was created.
        objects: How many.
        create_s: Until the last create was answered.
        pods_exist_s: Until every pod was seen.
        pods_running_s: Until every pod was seen running.
        ready_s: Until every object reported it.
        p50_s: From its create to its report, median over the objects.
        p99_s: The same, 99th percentile.
        cpu: By process, until three seconds after the last report; `others` is foreign work on the machine.
        peak_mib: Peak resident memory by process.
        writes: API writes per object and user, by verb and resource.
        children_s: Until every child that is no pod was seen, by plural; left out of the results where there is none.
    """

    subject: str
    objects: int
    create_s: float
    pods_exist_s: float
    pods_running_s: float
    ready_s: float
    p50_s: float
    p99_s: float
    cpu: dict[str, float]
    peak_mib: dict[str, int]
    writes: dict[str, dict[str, float]]
    children_s: dict[str, float] = field(default_factory=dict)

    @property
    def control_plane_cpu(self) -> float:
        """Processor seconds of everything but the driver and foreign work."""
        return round(sum(value for part, value in self.cpu.items() if part not in ("driver", "others")), 2)

    def to_json(self) -> dict[str, Any]:
        """For the results."""
        found = {name: value for name, value in asdict(self).items() if name != "children_s" or value}
        return {**found, "control_plane_cpu": self.control_plane_cpu}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Burst":
        """What `to_json` made."""
        return cls(**{each.name: found[each.name] for each in fields(cls) if each.name in found})


class IncompleteError(Exception):
    """Not every object became ready in time."""


async def burst(cluster: Cluster, subject: Subject, objects: int) -> Burst:
    """Create so many objects, spread over the namespaces, and wait for all. What they need is there before it begins.

    Raises:
        IncompleteError: The time was over before; says how far it came.
    """
    within = PATIENCE_SECONDS + objects * PATIENCE_SECONDS_PER_OBJECT
    names = [(cluster.namespaces[i % len(cluster.namespaces)], f"{subject.name}-{i:05}") for i in range(objects)]
    created: dict[tuple[str, str], float] = {}
    needs = [need for namespace, name in names for need in subject.needs(name, namespace)]
    await provide(cluster.client, needs, within=within)

    async def create(namespace: str, name: str) -> None:
        await cluster.client.create(subject.resource, subject.make(name, namespace))
        created[namespace, name] = time.monotonic()

    audit = AuditLog(cluster.lab.kubeconfig.parent / "log" / "audit.log")
    async with observing(cluster.client, subject) as seen:
        cluster.meter.forget_peaks()
        before, start = cluster.meter.read(), time.monotonic()
        await in_parallel([create(*name) for name in names])
        create_s = time.monotonic() - start
        if not await seen.until(lambda: _complete(seen, subject, objects), within=within):
            raise IncompleteError(f"{objects} of {subject.name}, after {within:g} s: {_counts(seen)}")
        await asyncio.sleep(SETTLE_SECONDS)
        after = cluster.meter.read()
    waits = sorted(seen.ready[name] - created[name] for name in names)
    return Burst(
        subject=subject.name,
        objects=objects,
        create_s=round(create_s, 2),
        pods_exist_s=round(max(seen.exist.values()) - start, 2),
        pods_running_s=round(max(seen.running.values()) - start, 2),
        ready_s=round(max(seen.ready.values()) - start, 2),
        p50_s=round(waits[len(waits) // 2], 3),
        p99_s=round(waits[int(len(waits) * 0.99)], 3),
        cpu=after.since(before),
        peak_mib=cluster.meter.peaks(),
        writes=audit.per_object(objects),
        children_s={plural: round(max(found.values()) - start, 2) for plural, found in seen.children.items()},
    )


async def clear(cluster: Cluster, subject: Subject) -> None:
    """Delete every object of the subject and wait until all that came of it is gone."""

    async def delete(obj: Object) -> None:
        meta = obj["metadata"]
        with suppress(NotFoundError):
            await cluster.client.delete(subject.resource, meta["namespace"], meta["name"])

    objects = (await cluster.client.list(subject.resource, metadata_only=True)).items
    await in_parallel([delete(obj) for obj in objects])

    async def gone() -> bool:
        kinds = [(POD, subject.pod_label), *[(child, "") for child in subject.children]]
        lists = [await cluster.client.list(kind, selector=label, metadata_only=True) for kind, label in kinds]
        return not any(found.items for found in lists)

    await eventually(gone, within=600, every=1, what=f"all that came of {subject.name} gone")
    await asyncio.sleep(SETTLE_SECONDS)


def _complete(seen: Seen, subject: Subject, objects: int) -> bool:
    children = all(len(found) >= objects for found in seen.children.values())
    return children and len(seen.running) >= objects * subject.pods and len(seen.ready) >= objects


def _counts(seen: Seen) -> str:
    children = "".join(f"{len(found)} {plural} exist, " for plural, found in seen.children.items())
    return f"{children}{len(seen.exist)} pods exist, {len(seen.running)} run, {len(seen.ready)} objects are ready"
