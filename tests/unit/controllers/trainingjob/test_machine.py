"""Whatever happens to pods, clock, spec and operator, in any order: attempts are neither skipped nor repeated."""

from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shipway.api.v1alpha1.trainingjob import Cause
from shipway.kube.resource import INCIDENT, MODEL_VERSION, POD, TRAINING_JOB
from unit.controllers.training import DIGEST, Training, error, result
from unit.controllers.world import CrashError, conditions

NODES = 3
LOSSES = set(Cause) - {Cause.COMPLETED, Cause.SUSPENDED, Cause.DEADLINE_EXCEEDED}
RANKS = st.integers(0, NODES - 1)


class TrainingMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        health = {"onHang": "Restart", "hangSeconds": 10}
        self.training = Training(nodes=NODES, maxRestarts=3, activeDeadlineSeconds=500, health=health)
        self.attempts = 0
        self.terminal: dict[str, Any] | None = None

    @property
    def world(self):
        return self.training.world

    def _alive(self, rank: int) -> str | None:
        name = self.training.pod(rank)
        pod = self.world.pods().get(name)
        ended = pod is None or pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}
        return None if ended else name

    @rule(crash_after=st.none() | st.integers(0, 5))
    def reconcile(self, crash_after: int | None) -> None:
        try:
            self.training.settle(crash_after=crash_after)
        except CrashError:
            self.training.restart_operator()

    @initialize(up=st.booleans())
    def begin(self, up: bool) -> None:
        if up:
            self.an_attempt_comes_up()

    @rule()
    def an_attempt_comes_up(self) -> None:
        self.training.settle()
        self.kubelet_starts_pods()
        self.training.pass_time(5)
        self.training.settle()

    @rule(rank=RANKS)
    def a_pod_is_lost_and_the_next_attempt_comes_up(self, rank: int) -> None:
        self.a_pod_is_torn_out(rank)
        self.an_attempt_comes_up()

    @precondition(lambda self: self.training.attempt > 0)
    @rule(step=st.integers(0, 799))
    def rank_0_tells_of_a_step_and_of_no_other(self, step: int) -> None:
        self.kubelet_starts_pods()
        self.rank_0_reports(step, late=False)
        self.training.listen(16)

    @rule()
    def kubelet_starts_pods(self) -> None:
        for name, pod in self.world.pods().items():
            if (
                pod.get("status", {}).get("phase", "Pending") == "Pending"
                and "deletionTimestamp" not in pod["metadata"]
            ):
                self.world.start(name)

    @rule()
    def kubelet_ends_deleted_pods(self) -> None:
        for name, pod in self.world.pods().items():
            if "deletionTimestamp" in pod["metadata"]:
                self.world.remove(POD, name)

    @rule(seconds=st.sampled_from([1, 1, 5, 5, 60, 600]))
    def time_passes(self, seconds: int) -> None:
        self.training.pass_time(seconds)

    @rule(rank=RANKS, code=st.sampled_from([1, 134, 137]))
    def a_program_ends_badly(self, rank: int, code: int) -> None:
        if name := self._alive(rank):
            self.world.end(name, code=code, message=error("TrainingFailed", "boom"))

    @rule(rank=RANKS)
    def a_pod_is_evicted(self, rank: int) -> None:
        if name := self._alive(rank):
            disrupted = [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}]
            self.world.set_pod(name, deleting=True, conditions=disrupted)

    @rule(rank=RANKS)
    def a_pod_is_torn_out(self, rank: int) -> None:
        self.world.remove(POD, self.training.pod(rank))

    @rule(message=st.sampled_from([result(), "not a result"]))
    def programs_succeed(self, message: str) -> None:
        for rank in range(NODES):
            if name := self._alive(rank):
                self.world.end(name, message=message if rank == 0 else "")

    @rule(rank=RANKS)
    def one_program_succeeds(self, rank: int) -> None:
        if name := self._alive(rank):
            self.world.end(name, message=result() if rank == 0 else "")

    @precondition(lambda self: self.training.attempt > 0)
    @rule(step=st.integers(0, 800), late=st.booleans())
    def rank_0_reports(self, step: int, late: bool) -> None:
        attempt = self.training.attempt - (1 if late and self.training.attempt > 1 else 0)
        if self.training.board._expected and attempt >= max(e.attempt for e in self.training.board._expected.values()):
            self.training.report(step, attempt=attempt)

    @rule(suspend=st.booleans())
    def someone_suspends_or_resumes(self, suspend: bool) -> None:
        self.world.change(TRAINING_JOB, "ranker", {"suspend": suspend})

    @invariant()
    def attempts_count_up_by_one(self) -> None:
        status = self.training.job.get("status", {})
        numbers = [a["attempt"] for a in status.get("attempts", [])]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else not status.get("attempt")
        told_late = {2} if self.attempts == 0 else set()  # a first one that is lost at once is told of with the second
        assert self.training.attempt in {self.attempts, self.attempts + 1} | told_late
        assert all(a.get("endedAt") for a in status.get("attempts", [])[:-1])
        self.attempts = self.training.attempt

    @invariant()
    def every_restart_has_its_loss(self) -> None:
        status = self.training.job.get("status", {})
        losses = [a for a in status.get("attempts", []) if a["cause"] in LOSSES and a["pod"]]
        restarts = status.get("restarts", 0)
        assert restarts <= 3
        exceeded = conditions(self.training.job).get("Failed", {}).get("reason") == "BackoffLimitExceeded"
        assert len(losses) == restarts + exceeded
        assert all(a["message"] is not None and a["rank"] is not None for a in losses)

    @invariant()
    def every_hang_that_ended_an_attempt_has_its_incident(self) -> None:
        hung = [a for a in self.training.job.get("status", {}).get("attempts", []) if a.get("cause") == Cause.HUNG]
        names = {incident["metadata"]["name"] for incident in self.world.list(INCIDENT, "team")}
        assert all(any(f"-hang-{a['attempt']}-" in name for name in names) for a in hung)

    @invariant()
    def the_end_is_the_end(self) -> None:
        told = conditions(self.training.job)
        ended = {t: told[t]["reason"] for t in ("Succeeded", "Failed") if told.get(t, {}).get("status") == "True"}
        assert len(ended) <= 1
        if self.terminal:
            assert ended == self.terminal
        self.terminal = ended or None

    @invariant()
    def success_has_its_version(self) -> None:
        told = conditions(self.training.job)
        if told.get("Succeeded", {}).get("status") == "True":
            assert self.world.get(MODEL_VERSION, "team", "ranker-v1")["spec"]["digest"] == DIGEST
            assert told["Ready"]["status"] == "True"

    def teardown(self) -> None:
        self.training.settle()
        writes = self.world.writes
        self.training.settle()
        assert self.world.writes == writes, "a quiet world is not written to"


TrainingMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestTrainingMachine = TrainingMachine.TestCase
