"""Whatever happens to verify pod, Model, clock and operator: each failure counts once, and a verdict stays."""

import json
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shipway.api.conditions import seconds
from shipway.controllers.modelversion.checks import retry_after
from shipway.controllers.modelversion.controller import ModelVersionController
from shipway.kube.resource import MODEL, MODEL_VERSION, POD, Key, Object
from unit.controllers.world import CrashError, World, conditions

KEY = Key(MODEL_VERSION.kind, "team", "ranker-v1")
VERIFY = "ranker-v1-verify"
DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64

CRASHES = st.none() | st.integers(0, 3)


class VerificationMachine(RuleBasedStateMachine):
    """The model is three facts: how often reading has failed, when it last did, and the digest once there is one."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.failures = 0
        self.failed_at: float | None = None
        self.found = ""
        self.pods: set[str] = set()
        self.restart_operator()

    @initialize(with_model=st.booleans())
    def begin(self, with_model: bool) -> None:
        if with_model:
            self.the_model_comes_and_goes()
        spec = {
            "modelName": "ranker",
            "version": "v1",
            "source": {"uri": "s3://models/ranker/v1"},
            "digest": DIGEST,
            "format": {"name": "shipway-ranker"},
        }
        meta = {"name": "ranker-v1", "namespace": "team"}
        self.world.put(
            {"apiVersion": MODEL_VERSION.api_version, "kind": MODEL_VERSION.kind, "metadata": meta, "spec": spec}
        )

    def restart_operator(self) -> None:
        self.controller = ModelVersionController(workloads_image="img:1")

    @rule(crash_after=CRASHES)
    def reconcile(self, crash_after: int | None) -> None:
        try:
            self.world.settle(self.controller, KEY, crash_after=crash_after)
        except CrashError:
            self.restart_operator()

    @rule(seconds=st.sampled_from([1, 9, 11, 60, 700]))
    def time_passes(self, seconds: int) -> None:
        self.world.now += seconds

    @rule(crash_after=CRASHES)
    def reading_fails(self, crash_after: int | None) -> None:
        if self._runs():
            self.world.end(VERIFY, code=1, message=json.dumps({"error": {"reason": "NotFound", "message": "no key"}}))
            self._has_failed(crash_after)

    @rule(crash_after=CRASHES)
    def the_pod_is_killed_before_it_says_anything(self, crash_after: int | None) -> None:
        if self._runs():
            self.world.end(VERIFY, code=137, reason="OOMKilled")
            self._has_failed(crash_after)

    @rule(digest=st.sampled_from([DIGEST, DIGEST, OTHER]), crash_after=CRASHES)
    def reading_succeeds(self, digest: str, crash_after: int | None) -> None:
        if self._runs():
            self.world.end(VERIFY, message=json.dumps({"digest": digest, "files": 2, "sizeBytes": 9}))
            self._is_seen(crash_after)
            self.found = self.found or digest

    @rule()
    def a_stranger_deletes_the_pod_while_it_runs(self) -> None:
        if self._runs():
            self.world.remove(POD, VERIFY)

    @rule()
    def the_kubelet_lets_go_of_the_pod(self) -> None:
        if (pod := self.world.pods().get(VERIFY)) and "deletionTimestamp" in pod["metadata"]:
            self.world.remove(POD, VERIFY)

    @rule()
    def the_model_comes_and_goes(self) -> None:
        if self.world.get(MODEL, "team", "ranker"):
            self.world.remove(MODEL, "ranker")
        else:
            self.world.put({"kind": MODEL.kind, "metadata": {"name": "ranker"}, "spec": {"owner": {"team": "reco"}}})

    @invariant()
    def each_failure_counts_once(self) -> None:
        expected = 0 if self.found else self.failures
        assert self._status().get("failedVerifications", 0) == expected

    @invariant()
    def a_verdict_stays(self) -> None:
        assert self._status().get("verifiedDigest", "") == self.found

    @invariant()
    def nobody_reads_before_the_time_or_after_the_verdict(self) -> None:
        for pod in self.world.pods().values():
            if pod["metadata"]["uid"] in self.pods:
                continue
            self.pods.add(pod["metadata"]["uid"])
            assert not self.found, "a verified artifact is read again"
            created = seconds(pod["metadata"]["creationTimestamp"])
            assert self.failed_at is None or created >= self.failed_at + retry_after(self.failures)

    @invariant()
    def ready_means_as_the_spec_says_and_registered(self) -> None:
        told = conditions(self._version())
        if told.get("Ready", {}).get("status") == "True":
            assert self.found == DIGEST
        if told.get("Stalled", {}).get("status") == "True":
            assert self.found == OTHER

    def teardown(self) -> None:
        if KEY.name not in {name for _, _, name in self.world.objects}:
            return
        self.reconcile(crash_after=None)
        registered = self.world.get(MODEL, "team", "ranker") is not None
        ready = conditions(self._version())["Ready"]["status"] == "True"
        assert ready == (self.found == DIGEST and registered)
        writes = self.world.writes
        self.reconcile(crash_after=None)
        assert self.world.writes == writes, "a quiet world is not written to"

    def _has_failed(self, crash_after: int | None) -> None:
        self.failures += 1
        self.failed_at = self.world.now
        self._is_seen(crash_after)

    def _is_seen(self, crash_after: int | None) -> None:
        # An end is always seen in the end: a pod that ended and vanished unseen is one that never ran.
        self.reconcile(crash_after=crash_after)
        self.reconcile(crash_after=None)

    def _runs(self) -> bool:
        pod = self.world.pods().get(VERIFY)
        if pod is None or "deletionTimestamp" in pod["metadata"]:
            return False
        return pod.get("status", {}).get("phase") not in {"Succeeded", "Failed"}

    def _version(self) -> Object:
        version = self.world.get(MODEL_VERSION, "team", "ranker-v1")
        return version or {}

    def _status(self) -> dict[str, Any]:
        return dict(self._version().get("status", {}))


VerificationMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestVerificationMachine = VerificationMachine.TestCase
