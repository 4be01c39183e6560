"""Predictors' counters: read four times a second from the pods of the releases under way, folded into their evidence.

The counters are cumulative since a predictor's start, so what is missed between two looks is in the next one; only a
predictor's own restart loses what it answered since the last look.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, model_validator
from pydantic.alias_generators import to_camel

from shipway.analysis.counts import Count
from shipway.analysis.evidence import Sample, StepEvidence
from shipway.analysis.latency import Buckets, Histogram
from shipway.kube.resource import Key

PORT = 8090
PATH = "/counters"
PERIOD_SECONDS = 0.25
TIMEOUT_SECONDS = 1.0
STALE_SECONDS = 3.0
CANDIDATE = "Candidate"
STABLE = "Stable"


@dataclass(frozen=True)
class Counters:
    """What one predictor has counted since it started; `latency` is None where only the totals are known."""

    started_at: float
    requests: int
    errors: int
    latency: Histogram | None = None

    def since(self, earlier: "Counters") -> Sample:
        """What came after an earlier look at the same pod."""
        restarted = int(self.started_at) != int(earlier.started_at) or self.requests < earlier.requests
        if restarted:
            return Sample(Count(self.requests, self.errors), self.latency)
        trials = self.requests - earlier.requests
        hits = min(max(0, self.errors - earlier.errors), trials)
        return Sample(Count(trials, hits), _difference(self.latency, earlier.latency))


@dataclass(frozen=True)
class Target:
    """A pod to read, and which version it runs."""

    pod: str
    address: str
    role: str


@dataclass(frozen=True)
class Assignment:
    """What to read for one release, and where to go on.

    Attributes:
        token: Names the step. With another token the evidence begins at `evidence`.
        targets: The pods.
        evidence: The evidence so far.
        positions: How far pods were read before, for those this board has not read itself.
    """

    token: str
    targets: tuple[Target, ...]
    evidence: StepEvidence
    positions: Mapping[str, Counters] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """What is known of a step.

    Attributes:
        token: The step.
        evidence: Its evidence.
        fresh: Whether every pod of the new version, and at least one of stable, was read within the last seconds.
        problem: Why not; empty in the first seconds after reading began.
        positions: How far each pod was read, by role.
    """

    token: str
    evidence: StepEvidence
    fresh: bool
    problem: str
    positions: Mapping[str, Mapping[str, Counters]]


class CounterBoard:
    """Reads the pods it is asked to follow until it is asked to forget them.

    Args:
        session: To read with; closed with the board.
        on_sample: Told the release's key when there is something new to decide on.
        monotonic: Seconds that only grow.
        port: Port of the counters.
        period: Seconds between two looks.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        on_sample: Callable[[Key], None],
        monotonic: Callable[[], float] = time.monotonic,
        port: int = PORT,
        period: float = PERIOD_SECONDS,
    ) -> None:
        self._session = session
        self._on_sample = on_sample
        self._monotonic = monotonic
        self._port = port
        self._period = period
        self._followed: dict[Key, Follower] = {}

    def follow(self, key: Key, assignment: Assignment) -> None:
        """Read these pods for this step; calling it again with the same step only changes the pods."""
        followed = self._followed.get(key)
        if followed is None:
            followed = Follower(assignment, self._monotonic)
            followed.task = asyncio.create_task(self._run(key, followed), name=f"counters {key}")
            self._followed[key] = followed
        else:
            followed.assign(assignment)

    def forget(self, key: Key) -> None:
        """Stop reading for a release."""
        followed = self._followed.pop(key, None)
        if followed is not None and followed.task is not None:
            followed.task.cancel()

    def reading(self, key: Key) -> Reading | None:
        """What is known now; None for a release that is not followed."""
        followed = self._followed.get(key)
        return followed.reading() if followed else None

    async def close(self) -> None:
        """Stop reading at all."""
        tasks = [followed.task for followed in self._followed.values() if followed.task]
        for key in tuple(self._followed):
            self.forget(key)
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._session.close()

    async def _run(self, key: Key, followed: "Follower") -> None:
        while True:
            began = self._monotonic()
            targets = followed.targets
            answers = await asyncio.gather(*(self._read(target) for target in targets))
            if followed.take(dict(zip(targets, answers, strict=True))):
                self._on_sample(key)
            await asyncio.sleep(max(0.0, self._period - (self._monotonic() - began)))

    async def _read(self, target: Target) -> Counters | str:
        host = f"[{target.address}]" if ":" in target.address else target.address
        url = f"http://{host}:{self._port}{PATH}"
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS), self._session.get(url) as response:
                response.raise_for_status()
                return _Payload.model_validate_json(await response.read()).counters()
        except TimeoutError:
            return f"{url} gave no answer within {TIMEOUT_SECONDS:g} s"
        except (aiohttp.ClientError, ValueError, OSError) as error:
            return f"{url}: {str(error).splitlines()[0] if str(error) else type(error).__name__}"


class Follower:
    """One release: its pods, how far each was read, and the evidence."""

    def __init__(self, assignment: Assignment, monotonic: Callable[[], float]) -> None:
        self.task: asyncio.Task[None] | None = None
        self._monotonic = monotonic
        self._assignment = assignment
        self._evidence = assignment.evidence
        self._positions: dict[str, Counters] = dict(assignment.positions)
        self._heard: dict[str, float] = {}
        self._errors: dict[str, str] = {}
        self._joined = {target.pod: monotonic() for target in assignment.targets}
        self._told = (False, "")

    @property
    def targets(self) -> tuple[Target, ...]:
        return self._assignment.targets

    def assign(self, assignment: Assignment) -> None:
        if assignment.token != self._assignment.token:
            self._evidence = assignment.evidence
        now, pods = self._monotonic(), {target.pod for target in assignment.targets}
        self._assignment = assignment
        self._joined = {pod: self._joined.get(pod, now) for pod in pods}
        for memory in (self._positions, self._heard, self._errors):
            for gone in memory.keys() - pods:
                del memory[gone]

    def take(self, answers: Mapping[Target, Counters | str]) -> bool:
        """Fold one round of answers in; whether there is something new to decide on."""
        samples: dict[str, Sample] = {CANDIDATE: Sample(), STABLE: Sample()}
        for target, answer in answers.items():
            if target not in self.targets:
                continue
            if isinstance(answer, str):
                self._errors[target.pod] = answer
                continue
            self._errors.pop(target.pod, None)
            self._heard[target.pod] = self._monotonic()
            if (earlier := self._positions.get(target.pod)) is not None:
                samples[target.role] = _sum(samples[target.role], answer.since(earlier))
            self._positions[target.pod] = answer
        new, old = samples[CANDIDATE], samples[STABLE]
        if new.answers.trials or old.answers.trials:
            self._evidence = self._evidence.observe(candidate=new, stable=old)
        state = (self._fresh(), self._problem())
        news = bool(new.answers.trials or old.answers.trials) or state != self._told
        self._told = state
        return news

    def reading(self) -> Reading:
        positions = {
            role: {t.pod: self._positions[t.pod] for t in self._of(role) if t.pod in self._positions}
            for role in (CANDIDATE, STABLE)
        }
        return Reading(self._assignment.token, self._evidence, self._fresh(), self._problem(), positions)

    def _of(self, role: str) -> Sequence[Target]:
        return [target for target in self.targets if target.role == role]

    def _is_fresh(self, target: Target) -> bool:
        heard = self._heard.get(target.pod)
        return heard is not None and self._monotonic() - heard <= STALE_SECONDS

    def _fresh(self) -> bool:
        new, old = self._of(CANDIDATE), self._of(STABLE)
        return bool(new) and all(map(self._is_fresh, new)) and (not old or any(map(self._is_fresh, old)))

    def _problem(self) -> str:
        """The first pod whose counters cannot be read although there was time enough."""
        old = self._of(STABLE)
        late = [target for target in self._of(CANDIDATE) if self._is_late(target)]
        if old and all(map(self._is_late, old)):
            late.extend(old)
        if not late:
            return ""
        pod = late[0].pod
        return f"the counters of pod {pod} cannot be read: {self._errors.get(pod, 'no answer yet')}"

    def _is_late(self, target: Target) -> bool:
        since = max(self._joined[target.pod], self._heard.get(target.pod, 0.0))
        return self._monotonic() - since > STALE_SECONDS


class _Latency(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)
    first_bound: PositiveFloat
    ratio: float = Field(gt=1)
    counts: list[NonNegativeInt] = Field(min_length=2, max_length=256)


class _Payload(BaseModel):
    """The answer of `/counters`, schema 1."""

    model_config = ConfigDict(alias_generator=to_camel)
    schema_: int = Field(alias="schema", ge=1, le=1)
    started_at: float
    requests: NonNegativeInt
    errors: NonNegativeInt
    latency: _Latency

    @model_validator(mode="after")
    def _errors_are_answers(self) -> "_Payload":
        if self.errors > self.requests:
            raise ValueError(f"errors ({self.errors}) exceed requests ({self.requests})")
        return self

    def counters(self) -> Counters:
        buckets = Buckets(self.latency.first_bound, self.latency.ratio, len(self.latency.counts))
        return Counters(self.started_at, self.requests, self.errors, Histogram(buckets, tuple(self.latency.counts)))


def _difference(later: Histogram | None, earlier: Histogram | None) -> Histogram | None:
    if later is None or earlier is None or later.buckets != earlier.buckets:
        return None
    counts = tuple(max(0, a - b) for a, b in zip(later.counts, earlier.counts, strict=True))
    return Histogram(later.buckets, counts)


def _sum(a: Sample, b: Sample) -> Sample:
    if a.latency is None or b.latency is None:
        return Sample(a.answers + b.answers, a.latency or b.latency)
    return Sample(a.answers + b.answers, a.latency + b.latency)
