"""The four acts: train and lose a pod, release well, release badly, try the bad one again."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shipway_demo.claims import Report, claim
from shipway_demo.cluster import Cluster
from shipway_demo.screen import Screen, Step
from shipway_demo.watchers import PeakWatcher, RouteWatcher, refused, unlike, writes
from shipway_workloads.replay import Answer, Replay

NAMESPACE = "team-reco"
SYSTEM = "shipway-system"
HOST = "ranker.example.com"
RATE = 80.0
"""Requests per second of the replay."""
STEPS = [5, 25, 50, 100]
WINDOW_SECONDS = 12
"""Within which a bad version must be taken back, from its first bad answer."""
HEALTHY_SECONDS_AT_25 = 20.0
QUIET_SECONDS = 60.0
BASELINES = {"user_item_bias": 0.771, "item_mean": 0.726, "user_mean": 0.665, "popularity": 0.663}

Object = dict[str, Any]
Progress = Callable[[Object | None], tuple[str, float | None]]


class DemoError(Exception):
    """The story cannot go on: says what was waited for and what was there instead."""


@dataclass
class Story:
    """One run of the demonstration."""

    cluster: Cluster
    screen: Screen
    report: Report
    examples: Path
    route: RouteWatcher = field(init=False)
    memory: PeakWatcher = field(init=False)
    replay: Replay = field(init=False)

    async def tell(self) -> None:
        """All acts; every claim ends in the report."""
        self.route = RouteWatcher(read=self._weights)
        self.memory = PeakWatcher(read=self.cluster.operator_rss_mib)
        async with self.memory:
            await self._train_and_serve()
            self.replay = Replay(url=self.cluster.gateway, host=HOST, model="ranker", rate=RATE, segment="head")
            async with self.route, self.replay:
                await self._release_good()
                await self._release_bad()
                await self._reapply_bad()
            await self._quiet()
        self.report.add(claim("secrets_said", await self.cluster.secrets_said(NAMESPACE), "", ("==", 0)))
        self.report.add(claim("refused_by_rbac", refused(self.cluster.audit_log), "", ("==", 0)))
        self.report.add(claim("operator_rss_mib", self.memory.peak, "MiB", ("<=", 150)))

    async def _train_and_serve(self) -> None:
        self.screen.act("a. Train on two pods, lose one, serve")
        began = time.time()
        await self.cluster.apply(self.examples / "00-team.yaml")
        await self.cluster.give_credentials(NAMESPACE)
        for file in ("10-model.yaml", "11-train-v1.yaml"):
            await self.cluster.apply(self.examples / file)
        with self.screen.step("Train v1 until its second checkpoint") as step:
            await self._until(step, "TrainingJob", "ranker-v1", _has_checkpoint, seconds=180, show=_training)
        with self.screen.step("Kill the pod of rank 1 without notice") as step:
            victim = await self.cluster.pod_of_rank(NAMESPACE, "ranker-v1", 1)
            await self.cluster.kill_pod(NAMESPACE, victim)
            step.done(victim)
        with self.screen.step("Resume from the checkpoint and finish") as step:
            job = await self._until(step, "TrainingJob", "ranker-v1", _finished, seconds=240, show=_training)
            step.done(f"{job['status'].get('restarts', 0)} restart, loss {job['status']['progress'].get('loss')}")
        with self.screen.step("Verify the artifact's digest, serve it") as step:
            await self.cluster.apply(self.examples / "20-serve-v1.yaml")
            await self._until(step, "ServingDeployment", "ranker", _is_ready, seconds=180, show=_serving)
            await self.cluster.first_answer(HOST, "ranker", {"user": 196, "item": 242}, seconds=30)
        self.report.add(claim("v1_ready_seconds", time.time() - began, "s"))
        await self._same_losses(job)
        await self._quality("ranker-v1")

    async def _same_losses(self, resumed: Object) -> None:
        await self.cluster.apply(self.examples / "12-train-v1-unbroken.yaml")
        with self.screen.step("Train the same again, unbroken, in one pod") as step:
            unbroken = await self._until(
                step, "TrainingJob", "ranker-v1-unbroken", _finished, seconds=240, show=_training
            )
            pair = [job["status"].get("lossTraceDigest") for job in (resumed, unbroken)]
            step.done(f"digest of all losses {str(pair[1])[7:19]}")
        restarted = resumed["status"].get("restarts", 0) >= 1
        self.report.add(
            claim("train_resumed_exactly", restarted and pair[0] is not None and pair[0] == pair[1], "", ("==", True))
        )

    async def _quality(self, version: str) -> None:
        found = await self.cluster.get("ModelVersion", NAMESPACE, version)
        measured = {e["name"]: float(e["value"]) for e in (found or {})["spec"]["evaluation"] if not e.get("slice")}
        auc = measured["auc"]
        beside = ", ".join(f"{n.removeprefix('baselineAuc.')} {v}" for n, v in measured.items() if "baselineAuc" in n)
        self.screen.note(f"AUC {auc} on the last 20 % of each viewer's ratings; recomputed beside it: {beside}")
        for name, limit in BASELINES.items():
            self.report.add(claim(f"auc_{version.rsplit('-', 1)[1]}_above_{name}", auc, "", (">", limit)))

    async def _release_good(self) -> None:
        self.screen.act("b. A better version, step by step, and the operator killed on the way")
        await self.cluster.apply(self.examples / "30-train-v2.yaml")
        with self.screen.step("Train v2") as step:
            await self._until(step, "TrainingJob", "ranker-v2", _finished, seconds=300, show=_training)
        began = time.time()
        await self.cluster.apply(self.examples / "31-serve-v2.yaml")
        with self.screen.step("5, 25, 50, 100 percent under live traffic") as step:
            at_25 = _weight_at_least("v2", 25)
            await self._until(step, "ServingDeployment", "ranker", at_25, seconds=180, show=self._releasing)
            backend = await self._backend("candidate")
            await asyncio.sleep(5)
            await self.cluster.kill_operator()
            self.screen.note("operator killed in the middle of the 25 % step; traffic does not notice")
            done = _stable_is("v2", baked=True)
            sdep = await self._until(step, "ServingDeployment", "ranker", done, seconds=300, show=self._releasing)
        answers = self.replay.answers_since(began)
        steps = self.route.steps_of(backend, began)
        wrong = unlike(steps, STEPS) + unlike([r["weight"] for r in sdep["status"]["rollout"]["history"]], STEPS)
        self.report.add(claim("v2_failed_requests", sum(not a.ok for a in answers), "", ("==", 0)))
        self.report.add(claim("v2_steps_skipped_or_repeated", wrong, "", ("==", 0)))
        self.report.add(claim("v2_requests", len(answers), "", (">=", 2000)))

    async def _release_bad(self) -> None:
        self.screen.act("c. A version whose artifact lost a fifth of its rows")
        await self.cluster.apply(self.examples / "40-train-v3.yaml")
        with self.screen.step("Make v3: v2 after a faulty clean-up job") as step:
            await self._until(step, "TrainingJob", "ranker-v3", _finished, seconds=180, show=_training)
        stable = await self._inference_service("stable")
        stable_before = await self.cluster.pods_of_version(NAMESPACE, stable)
        began = time.time()
        await self.cluster.apply(self.examples / "41-serve-v3.yaml")
        with self.screen.step("v3 looks healthy at 5 and 25 percent") as step:
            at_25 = _weight_at_least("v3", 25)
            await self._until(step, "ServingDeployment", "ranker", at_25, seconds=180, show=self._releasing)
            backend = await self._backend("candidate")
            started = time.monotonic()
            while time.monotonic() - started < HEALTHY_SECONDS_AT_25:
                sdep = await self.cluster.get("ServingDeployment", NAMESPACE, "ranker")
                step.say(*self._releasing(sdep))
                await asyncio.sleep(0.5)
        with self.screen.step("The replay reaches films of the lost rows") as step:
            self.replay.switch("all")
            sdep = await self._until(
                step, "ServingDeployment", "ranker", _aborted("v3"), seconds=60, show=self._releasing
            )
            await self._until(step, "ServingDeployment", "ranker", _confirmed, seconds=30, show=self._releasing)
            step.done(sdep["status"]["abort"]["message"])
        await asyncio.sleep(3)
        await self._judge_rollback(backend, began)
        await self._judge_incident(sdep)
        after = await self.cluster.pods_of_version(NAMESPACE, stable)
        self.report.add(claim("stable_untouched", stable_before == after and bool(after), "", ("==", True)))

    async def _judge_rollback(self, backend: str, began: float) -> None:
        bad = [a for a in self.replay.answers_since(began) if not a.ok]
        if not bad:
            raise DemoError("no bad answer was seen although the replay reached the lost rows")
        first, last = bad[0].ended, bad[-1].ended
        off = self.route.last_off(backend, began)
        stable_at = max(last, off or last)
        # A window that ended with the last bad answer would tell how much traffic the version had, not what was spoilt.
        over = max(stable_at, first + WINDOW_SECONDS)
        await asyncio.sleep(max(0.0, over - time.time()))
        window = [a for a in self.replay.answers_since(began) if first <= a.ended <= over]
        share = 100 * len(bad) / max(1, len(window))
        self.report.add(claim("v3_first_bad_to_stable_seconds", stable_at - first, "s", ("<=", WINDOW_SECONDS)))
        self.report.add(claim("v3_bad_share_of_window", share, "%", ("<=", 8)))
        self.report.add(claim("v3_weight_after", await self._weight_of(backend), "%", ("==", 0)))

    async def _judge_incident(self, sdep: Object) -> None:
        name = sdep["status"]["abort"].get("incident", "")
        incident = await self.cluster.get("Incident", NAMESPACE, name) if name else None
        spec: Object = (incident or {}).get("spec", {})
        numbers = any(
            e.get("verdict") == "Fail" and e.get("samples") and e.get("candidate") for e in spec.get("evidence", [])
        )
        complete = spec.get("owner") == "recommendations" and spec.get("gate") == "errors" and numbers
        if incident:
            self.screen.note(f"incident {name}: {spec.get('owner')} ({spec.get('onCall')}): {spec.get('summary')}")
        self.report.add(claim("incident_names_owner_gate_numbers", complete, "", ("==", True)))

    async def _reapply_bad(self) -> None:
        self.screen.act("d. The bad version is applied again")
        self.replay.switch("head")
        await self.cluster.apply(self.examples / "31-serve-v2.yaml")
        with self.screen.step("Back to v2 in the manifest") as step:
            await self._until(step, "ServingDeployment", "ranker", _is_ready, seconds=60, show=_serving)
        began = time.time()
        await self.cluster.apply(self.examples / "41-serve-v3.yaml")
        with self.screen.step("v3 again: held") as step:
            sdep = await self._until(step, "ServingDeployment", "ranker", _held, seconds=30, show=_serving)
            await asyncio.sleep(5)
            reason = _condition(sdep, "Ready")
            step.done(reason["message"])
        moved = any(len([w for w in c.by_backend.values() if w]) > 1 for c in self.route.changes if c.at > began)
        held = reason["reason"] == "Quarantined" and "errors" in reason["message"] and not moved
        self.report.add(claim("v3_reapplied_held_with_reason", held, "", ("==", True)))

    async def _quiet(self) -> None:
        self.screen.act("Quiet")
        await asyncio.sleep(5)
        offset = self.cluster.audit_log.stat().st_size
        with self.screen.step("Nothing changes for a minute: the operator writes nothing") as step:
            while step.seconds < QUIET_SECONDS:
                found = writes(self.cluster.audit_log, offset=offset)
                step.say(f"{len(found)} writes", step.seconds / QUIET_SECONDS)
                await asyncio.sleep(1)
        found = writes(self.cluster.audit_log, offset=offset)
        for write in found[:5]:
            self.screen.note(f"unexpected write: {write['verb']} {write['resource']} {write['name']}")
        self.report.add(claim("writes_in_quiet_minute", len(found), "", ("==", 0)))

    async def _until(
        self,
        step: Step,
        kind: str,
        name: str,
        predicate: Callable[[Object], bool],
        *,
        seconds: float,
        show: Progress,
    ) -> Object:
        deadline = time.monotonic() + seconds
        found: Object | None = None
        while time.monotonic() < deadline:
            found = await self.cluster.get(kind, NAMESPACE, name)
            if found and predicate(found):
                return found
            if found and (failed := _condition(found, "Failed")).get("status") == "True":
                raise DemoError(f"{kind} {name} failed: {failed.get('message')}")
            step.say(*show(found))
            await asyncio.sleep(0.25)
        ready = _condition(found or {}, "Ready")
        raise DemoError(
            f"{kind} {name} is not there after {seconds:.0f} s: {ready.get('reason')}: {ready.get('message')}"
        )

    async def _weights(self) -> dict[str, int] | None:
        route = await self.cluster.get("HTTPRoute", NAMESPACE, "ranker")
        if route is None:
            return None
        refs = route["spec"]["rules"][0].get("backendRefs", [])
        return {ref["name"]: ref.get("weight", 1) for ref in refs}

    async def _weight_of(self, backend: str) -> int:
        return (await self._weights() or {}).get(backend, 0)

    async def _backend(self, role: str) -> str:
        return f"{await self._inference_service(role)}-predictor"

    async def _inference_service(self, role: str) -> str:
        sdep = await self.cluster.get("ServingDeployment", NAMESPACE, "ranker")
        return str((sdep or {})["status"][role]["inferenceService"])

    def _releasing(self, sdep: Object | None) -> tuple[str, float | None]:
        line, fraction = _serving(sdep)
        recent: list[Answer] = self.replay.answers_since(time.time() - 5)
        bad = sum(not a.ok for a in recent)
        return f"{line}  [{len(recent) / 5:.0f} req/s, {bad} bad]", fraction


def _condition(obj: Mapping[str, Any], type_: str) -> dict[str, Any]:
    conditions = obj.get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == type_), {})


def _current(obj: Object) -> bool:
    return bool(obj["metadata"]["generation"] == obj.get("status", {}).get("observedGeneration"))


def _has_checkpoint(job: Object) -> bool:
    return bool(job.get("status", {}).get("lastCheckpoint", {}).get("step", 0) >= 100)


def _finished(job: Object) -> bool:
    return _condition(job, "Succeeded").get("status") == "True"


def _is_ready(sdep: Object) -> bool:
    return _current(sdep) and _condition(sdep, "Ready").get("status") == "True"


def _held(sdep: Object) -> bool:
    return _current(sdep) and _condition(sdep, "Ready").get("reason") == "Quarantined"


def _weight_at_least(version: str, weight: int) -> Callable[[Object], bool]:
    def holds(sdep: Object) -> bool:
        status = sdep.get("status", {})
        observed = status.get("rollout", {}).get("weights", {}).get("observed", 0)
        return bool(status.get("candidate", {}).get("version") == version and observed >= weight)

    return holds


def _stable_is(version: str, *, baked: bool) -> Callable[[Object], bool]:
    def holds(sdep: Object) -> bool:
        stable = sdep.get("status", {}).get("stable", {})
        return stable.get("version") == version and (not baked or bool(stable.get("baked")))

    return holds


def _aborted(version: str) -> Callable[[Object], bool]:
    return lambda sdep: sdep.get("status", {}).get("abort", {}).get("version") == version


def _confirmed(sdep: Object) -> bool:
    return bool(sdep.get("status", {}).get("abort", {}).get("routeConfirmedAt"))


def _training(job: Object | None) -> tuple[str, float | None]:
    status = (job or {}).get("status", {})
    progress = status.get("progress", {})
    total = progress.get("totalSteps", 0)
    if not total:
        ready = _condition(job or {}, "Ready")
        return f"{ready.get('reason', 'waiting')}: {ready.get('message', '')}", None
    saved = status.get("lastCheckpoint", {}).get("step", "-")
    line = (
        f"attempt {status.get('attempt', 0)}, step {progress['step']}/{total}, loss {progress.get('loss', '-')}, "
        f"{progress.get('samplesPerSecond', '-')} samples/s, checkpoint {saved}"
    )
    return line, progress["step"] / total


def _serving(sdep: Object | None) -> tuple[str, float | None]:
    status = (sdep or {}).get("status", {})
    observed = status.get("rollout", {}).get("weights", {}).get("observed")
    return status.get("summary", "waiting for the operator"), None if observed is None else observed / 100
