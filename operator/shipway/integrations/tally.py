"""Predictors' counters folded into the evidence of a step: restarts, newcomers, and silence told from no traffic.

The counters are cumulative since a predictor's start, so what is missed between two looks is in the next one; only a
predictor's own restart loses what it answered since the last look.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shipway.analysis.bins import Scores
from shipway.analysis.counts import Count
from shipway.analysis.evidence import StepEvidence
from shipway.analysis.labels import Cohort
from shipway.analysis.latency import Histogram
from shipway.analysis.ratio import NO_SUMS, Ratio
from shipway.analysis.sample import Sample
from shipway.integrations.pairing import Pairing, Predictions, Told

STALE_SECONDS = 3.0
"""How long a pod may be silent before what is known of it is too old: twelve looks."""
SETTLE_SECONDS = 2.0
"""What a gateway may take to share out the traffic as a route says that it has accepted."""
BASELINE_SECONDS = 60.0
"""How old the evidence may become, and its successor begin, while the new version has no traffic: stable is compared
with as it was in the last minute or two, however long the new version takes to start."""
BASELINE_ANSWERS = 2000
"""Of so many answers stable is known well enough, and no successor waits for more."""
LONGEST_BASELINE_SECONDS = 600.0
"""A successor with fewer answers waits so long for more: of few answers nothing much can be told."""
CANDIDATE = "Candidate"
STABLE = "Stable"


@dataclass(frozen=True)
class Counters:
    """What one predictor has counted since it started; None is what is not known, or not counted."""

    started_at: float
    requests: int
    errors: int
    latency: Histogram | None = None
    scores: Scores | None = None
    metrics: Mapping[str, Ratio] | None = None
    labels: Mapping[str, tuple[Cohort, ...]] = field(default_factory=dict)
    """Cohorts by version: a label may come to any pod."""
    before: "Counters | None" = None
    """What it had counted a minute ago: answers, errors and latency alone, of all and by slice."""
    slices: "Mapping[str, Counters] | None" = None
    """Answers, errors and latency by slice."""
    left_out: int = 0
    """Names of slices that it did not count."""
    answers: Told | None = None
    """Its newest answers by request; None where it was not asked for them, or does not tell."""

    def since(self, earlier: "Counters") -> Sample:
        """What came after an earlier look at the same pod."""
        restarted = int(self.started_at) != int(earlier.started_at) or self.requests < earlier.requests
        if restarted:
            return self._all()
        trials = self.requests - earlier.requests
        hits = min(max(0, self.errors - earlier.errors), trials)
        scores = self.scores.since(earlier.scores) if self.scores and earlier.scores else None
        metrics = _grown(self.metrics, earlier.metrics)
        return Sample(
            Count(trials, hits),
            _difference(self.latency, earlier.latency),
            scores,
            metrics,
            slices=_slices_since(self.slices, earlier.slices),
            left_out=max(0, self.left_out - earlier.left_out) if earlier.slices is not None else 0,
        )

    def _all(self) -> Sample:
        """What came since it started."""
        return Sample(
            Count(self.requests, self.errors),
            self.latency,
            self.scores,
            self.metrics or {},
            slices=None if self.slices is None else {name: part._all() for name, part in self.slices.items()},
            left_out=self.left_out,
        )


@dataclass(frozen=True)
class Target:
    """A pod to read, and which version it runs."""

    pod: str
    address: str
    role: str
    paired: bool = False
    """Whether its newest answers are asked for, to be laid beside those of the other version."""


@dataclass(frozen=True)
class Assignment:
    """What to read for one release, and where to go on.

    Attributes:
        token: Names the step. With another token the evidence begins at `evidence`.
        targets: The pods.
        evidence: The evidence so far.
        positions: How far pods were read before, for those this board has not read itself.
        weights: Percent of the traffic that the route gives each role; empty while the gateway has not accepted it.
        versions: The version in each role, by which labels are told.
        at: The time, by the clock of the predictors.
    """

    token: str
    targets: tuple[Target, ...]
    evidence: StepEvidence
    positions: Mapping[str, Counters] = field(default_factory=dict)
    weights: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    at: float = 0.0


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


@dataclass(frozen=True)
class _Successor:
    """Evidence that began later, to take the place of the other when that is too old."""

    evidence: StepEvidence
    since: float

    @classmethod
    def of(cls, evidence: StepEvidence, *, since: float) -> "_Successor":
        return cls(evidence.next_step(keep_stable=False), since)

    def is_enough(self, age: float) -> bool:
        """Whether it may take the other's place after so many seconds."""
        known = self.evidence.stable.trials >= BASELINE_ANSWERS or age >= LONGEST_BASELINE_SECONDS
        return age >= BASELINE_SECONDS and known

    def observe(self, candidate: Sample, stable: Sample) -> "_Successor":
        return replace(self, evidence=self.evidence.observe(candidate=candidate, stable=stable))


class Follower:
    """One release: its pods, how far each was read, and the evidence. Does no I/O.

    Args:
        assignment: What to read, and where to go on.
        monotonic: Seconds that only grow.
    """

    def __init__(self, assignment: Assignment, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._assignment = assignment
        self._evidence = assignment.evidence
        self._successor = _Successor.of(assignment.evidence, since=monotonic())
        self._positions: dict[str, Counters] = dict(assignment.positions)
        self._pairing = Pairing(monotonic)
        self._mirrored = False
        self._heard: dict[str, float] = {}
        self._errors: dict[str, str] = {}
        self._joined = {target.pod: monotonic() for target in assignment.targets}
        self._weighed = monotonic()
        self._told = (False, "")

    @property
    def targets(self) -> tuple[Target, ...]:
        """The pods to read."""
        return self._assignment.targets

    def assign(self, assignment: Assignment) -> None:
        """Go on with these pods; with another step's token, begin at its evidence."""
        now, pods = self._monotonic(), {target.pod for target in assignment.targets}
        if assignment.token != self._assignment.token:
            self._evidence = assignment.evidence
            self._successor = _Successor.of(assignment.evidence, since=now)
            self._pairing = Pairing(self._monotonic)
        if assignment.weights != self._assignment.weights:
            self._weighed = now
        self._assignment = assignment
        self._joined = {pod: self._joined.get(pod, now) for pod in pods}
        for memory in (self._positions, self._heard, self._errors):
            for gone in memory.keys() - pods:
                del memory[gone]

    def take(self, answers: Mapping[Target, Counters | str]) -> bool:
        """Fold one round of answers in; whether there is something new to decide on."""
        weights = self._settled_weights()
        samples = {role: Sample(weight=weights.get(role)) for role in (CANDIDATE, STABLE)}
        for target, answer in answers.items():
            if target not in self.targets:
                continue
            if problem := answer if isinstance(answer, str) else self._unlike(target, answer):
                self._errors[target.pod] = problem
                continue
            assert isinstance(answer, Counters)
            self._errors.pop(target.pod, None)
            self._heard[target.pod] = self._monotonic()
            if (earlier := self._positions.get(target.pod, self._first(target, answer))) is not None:
                samples[target.role] += answer.since(earlier)
            if answer.answers is not None:
                samples[target.role] = replace(samples[target.role], tells_answers=True)
            self._positions[target.pod] = answer
        new, old = samples[CANDIDATE], samples[STABLE]
        pairs, mirrored = self._pairs(answers), self._mirrored
        new = replace(new, pairs=pairs)
        self._mirrored = pairs is not None
        if new.answers.trials or old.answers.trials or pairs or self._mirrored != mirrored:
            self._observe(self._with_labels(new, CANDIDATE), self._with_labels(old, STABLE))
        state = (self._fresh(), self._problem())
        news = bool(new.answers.trials or old.answers.trials) or state != self._told
        self._told = state
        return news

    def reading(self) -> Reading:
        """What is known now."""
        positions = {
            role: {t.pod: self._positions[t.pod] for t in self._of(role) if t.pod in self._positions}
            for role in (CANDIDATE, STABLE)
        }
        return Reading(self._assignment.token, self._evidence, self._fresh(), self._problem(), positions)

    def _unlike(self, target: Target, answer: Counters) -> str:
        """Why its latency cannot be added to that of the other pods of its version; empty where it can."""
        others = [other for other in self._of(target.role) if other.pod != target.pod]
        known = {other.pod: self._positions[other.pod].latency for other in others if other.pod in self._positions}
        for pod, latency in known.items():
            if latency and answer.latency and latency.buckets != answer.latency.buckets:
                return f"it counts latency in other buckets than pod {pod}; let all pods of a version count alike"
        return ""

    def _pairs(self, answers: Mapping[Target, Counters | str]) -> tuple[float, ...] | None:
        """How far apart both answers to a request are, for those that both told of now; None where none was asked."""
        if not any(target.paired for target in answers):
            return None
        told: dict[str, list[tuple[str, Predictions]]] = {CANDIDATE: [], STABLE: []}
        for target, answer in answers.items():
            if target.paired and target in self.targets and isinstance(answer, Counters):
                told[target.role] += answer.answers or ()
        return self._pairing.take(candidate=told[CANDIDATE], stable=told[STABLE])

    def _first(self, target: Target, answer: Counters) -> Counters | None:
        """Where a pod that was never read before begins: a baseline need not be waited for, stable has one."""
        waits = self._assignment.weights.get(CANDIDATE) == 0
        return answer.before if waits and target.role == STABLE else None

    def _observe(self, candidate: Sample, stable: Sample) -> None:
        self._evidence = self._evidence.observe(candidate=candidate, stable=stable)
        if self._assignment.weights.get(CANDIDATE) != 0:
            return
        younger, now = self._successor.observe(candidate, stable), self._monotonic()
        if younger.is_enough(now - younger.since):
            self._evidence = younger.evidence
            younger = _Successor.of(younger.evidence, since=now)
        self._successor = younger

    def _with_labels(self, sample: Sample, role: str) -> Sample:
        version = self._assignment.versions.get(role, "")
        cohorts = tuple(cohort for counters in self._positions.values() for cohort in counters.labels.get(version, ()))
        return replace(sample, cohorts=cohorts, at=self._assignment.at)

    def _settled_weights(self) -> Mapping[str, int]:
        settled = self._monotonic() - self._weighed >= SETTLE_SECONDS
        return self._assignment.weights if settled else {}

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


def _grown(later: Mapping[str, Ratio] | None, earlier: Mapping[str, Ratio] | None) -> Mapping[str, Ratio]:
    """What was summed up since an earlier look; nothing where that did not look at metrics."""
    if later is None or earlier is None:
        return {}
    return {name: sums.since(earlier.get(name, NO_SUMS)) for name, sums in later.items()}


def _slices_since(
    later: Mapping[str, Counters] | None, earlier: Mapping[str, Counters] | None
) -> Mapping[str, Sample] | None:
    """The slices that had answers since an earlier look; none where that did not look at slices."""
    if later is None:
        return None
    if earlier is None:
        return {}
    grown = {name: part.since(earlier[name]) if name in earlier else part._all() for name, part in later.items()}
    return {name: sample for name, sample in grown.items() if sample.answers.trials}


def _difference(later: Histogram | None, earlier: Histogram | None) -> Histogram | None:
    if later is None or earlier is None or later.buckets != earlier.buckets:
        return None
    counts = tuple(max(0, a - b) for a, b in zip(later.counts, earlier.counts, strict=True))
    return Histogram(later.buckets, counts)
