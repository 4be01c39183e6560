"""N objects created as fast as the API takes them, until each says that its pods run."""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import orjson
from cluster import Cluster, in_parallel
from observer import observing
from subjects import PODS_PER_OBJECT, Subject

from harness.audit import QUIET, WRITES
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

    @property
    def control_plane_cpu(self) -> float:
        """Processor seconds of everything but the driver and foreign work."""
        return round(sum(value for part, value in self.cpu.items() if part not in ("driver", "others")), 2)

    def to_json(self) -> dict[str, Any]:
        """For the results."""
        return {**asdict(self), "control_plane_cpu": self.control_plane_cpu}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Burst":
        """What `to_json` made."""
        return cls(**{field.name: found[field.name] for field in fields(cls)})


class IncompleteError(Exception):
    """Not every object became ready in time."""


async def burst(cluster: Cluster, subject: Subject, objects: int) -> Burst:
    """Create so many objects, spread over the namespaces, and wait for all.

    Raises:
        IncompleteError: The time was over before; says how far it came.
    """
    within = PATIENCE_SECONDS + objects * PATIENCE_SECONDS_PER_OBJECT
    names = [(cluster.namespaces[i % len(cluster.namespaces)], f"{subject.name}-{i:05}") for i in range(objects)]
    created: dict[tuple[str, str], float] = {}

    async def create(namespace: str, name: str) -> None:
        await cluster.client.create(subject.resource, subject.make(name, namespace))
        created[namespace, name] = time.monotonic()

    audit = _Audit(cluster.lab.kubeconfig.parent / "log" / "audit.log")
    async with observing(cluster.client, subject) as seen:
        cluster.meter.forget_peaks()
        before, start = cluster.meter.read(), time.monotonic()
        await in_parallel([create(*name) for name in names])
        create_s = time.monotonic() - start
        pods = objects * PODS_PER_OBJECT
        complete = await seen.until(lambda: len(seen.running) >= pods and len(seen.ready) >= objects, within=within)
        if not complete:
            counts = f"{len(seen.exist)} pods exist, {len(seen.running)} run, {len(seen.ready)} objects are ready"
            raise IncompleteError(f"{objects} of {subject.name}, after {within:g} s: {counts}")
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
    )


async def clear(cluster: Cluster, subject: Subject) -> None:
    """Delete every object of the subject and wait until its pods are gone."""

    async def delete(obj: Object) -> None:
        meta = obj["metadata"]
        with suppress(NotFoundError):
            await cluster.client.delete(subject.resource, meta["namespace"], meta["name"])

    objects = (await cluster.client.list(subject.resource, metadata_only=True)).items
    await in_parallel([delete(obj) for obj in objects])

    async def gone() -> bool:
        return not (await cluster.client.list(POD, selector=subject.pod_label, metadata_only=True)).items

    await eventually(gone, within=600, every=1, what=f"all pods of {subject.name} gone")
    await asyncio.sleep(SETTLE_SECONDS)


class _Audit:
    """The part of the audit log that is written from here on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._start = path.stat().st_size

    def per_object(self, objects: int) -> dict[str, dict[str, float]]:
        """Writes per object, by the last word of the user's name and by verb and resource."""
        counts: dict[str, Counter[str]] = {}
        with self._path.open("rb") as log:
            log.seek(self._start)
            for line in log:
                if line.endswith(b"\n"):
                    self._count(orjson.loads(line), counts)
        return {
            user: {what: round(number / objects, 3) for what, number in count.most_common() if number / objects > 0.005}
            for user, count in sorted(counts.items())
        }

    def _count(self, event: dict[str, Any], counts: dict[str, Counter[str]]) -> None:
        ref = event.get("objectRef") or {}
        resource = ref.get("resource", "")
        if event["verb"] not in WRITES or resource in QUIET:
            return
        name = resource + (f"/{ref['subresource']}" if ref.get("subresource") else "")
        user = event["user"]["username"].rpartition(":")[2]
        refused = "" if (event.get("responseStatus") or {}).get("code", 0) < 400 else " refused"
        counts.setdefault(user, Counter())[f"{event['verb']} {name}{refused}"] += 1
