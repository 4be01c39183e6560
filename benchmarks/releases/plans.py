"""Whole releases by the default plan, drawn as the operator would read them and judged by several rules.

Of two versions that are equally good none should be taken back; of one that fails one answer in a hundred more, all
should be, before it has all the traffic. A rule that cannot tell is shown by both numbers together.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import sqrt
from typing import Any, Protocol

import numpy as np

from benchmarks.releases.scenarios import DEFAULT, GATES, Plan
from benchmarks.releases.settings import SETTINGS, THRESHOLD, Setting
from shipway.analysis.counts import NOTHING, Count
from shipway.analysis.latency import Buckets, Histogram
from shipway.analysis.sample import Sample
from shipway.api.v1alpha1.gates import Verdict
from shipway.api.v1alpha1.servingdeployment import RolloutStatus, ServingDeploymentSpec, Weights
from shipway.controllers.servingdeployment.evidence import from_status, to_status

TICK = 0.25
BUCKETS = Buckets(0.001, 1.25, 52)
LATENCY = np.array([0.02, 0.08, 0.2, 0.3, 0.2, 0.1, 0.05, 0.02, 0.02, 0.01])
"""Shares of answers in the tenth bucket (up to 9 ms) and those above it, the same for both versions."""
FIRST_BUCKET = 10
HOLD_SECONDS = 300
MAY_GO_ON = {Verdict.PASS, Verdict.NO_EVIDENCE_OF_HARM}
_SPEC = {"model": "ranker", "version": "v2", "host": "ranker.example.com", "gateway": {"name": "shipway"}}
_BEGINNING = RolloutStatus(
    id="1", version="v2", inference_service="v2", state="Stepping", started_at="2026-01-01T00:00:00Z"
)


class Judge(Protocol):
    """A rule at work on one release."""

    def begin(self, weight: int) -> None:
        """A step begins."""
        ...

    def look(self, new: Sample, old: Sample) -> Verdict:
        """What it says after one more batch."""
        ...


@dataclass(frozen=True)
class Versions:
    """Two versions under the default plan.

    Attributes:
        stable: Share of errors of the old one.
        candidate: The same of the new one.
        margin: Of the gate that watches errors.
        rate: Requests a second.
    """

    stable: float
    candidate: float
    margin: str = "0.01"
    rate: float = 100.0


EQUAL = Versions(0.01, 0.01)
SUBTLE = Versions(0.005, 0.015, margin="0.0025")


class Gates:
    """All gates, as the operator begins them for this rollout."""

    def __init__(self, versions: Versions) -> None:
        rollout = DEFAULT.ours()
        gates = [gate if gate["type"] != "ErrorRate" else {**gate, "margin": versions.margin} for gate in GATES]
        self._spec = ServingDeploymentSpec.model_validate({**_SPEC, "rollout": {**rollout, "gates": gates}})
        self._evidence = from_status(self._spec, _BEGINNING)

    def begin(self, weight: int) -> None:
        """See Judge; by way of the status, as the operator does it."""
        kept = to_status(self._evidence.next_step(keep_stable=weight == 100), {})
        step = {"weights": Weights(desired=weight, observed=weight), "evidence": kept}
        self._evidence = from_status(self._spec, _BEGINNING.model_copy(update=step))

    def look(self, new: Sample, old: Sample) -> Verdict:
        """See Judge."""
        self._evidence = self._evidence.observe(candidate=new, stable=old)
        verdicts = {judgement.verdict for judgement in self._evidence.judge().values()}
        if Verdict.FAIL in verdicts:
            return Verdict.FAIL
        return Verdict.PASS if verdicts <= MAY_GO_ON else Verdict.INCONCLUSIVE


class Repeated:
    """What is often done by hand: a test of any difference at one percent, looked at every five seconds."""

    LOOK_TICKS = round(5 / TICK)
    CRITICAL = 2.326

    def __init__(self) -> None:
        self._new, self._old, self._ticks = NOTHING, NOTHING, 0

    def begin(self, weight: int) -> None:
        """See Judge; at 100 percent stable has no answers more to compare with."""
        self._new, self._old, self._ticks = NOTHING, NOTHING if weight < 100 else self._old, 0

    def look(self, new: Sample, old: Sample) -> Verdict:
        """See Judge."""
        self._new, self._old, self._ticks = self._new + new.answers, self._old + old.answers, self._ticks + 1
        if self._ticks % self.LOOK_TICKS or not (self._new.trials and self._old.trials):
            return Verdict.PASS
        spread = sqrt(sum(max(c.share * (1 - c.share), 1e-9) / c.trials for c in (self._new, self._old)))
        return Verdict.FAIL if self._new.share - self._old.share > self.CRITICAL * spread else Verdict.PASS


class Threshold:
    """Argo Rollouts' analysis in one of its settings."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._window = round(setting.window / TICK)
        self._totals = [NOTHING]
        self._share, self._failures = 0.0, 0

    def begin(self, weight: int) -> None:
        """See Judge: it knows of no steps."""

    def look(self, new: Sample, old: Sample) -> Verdict:
        """See Judge."""
        del old
        self._totals.append(self._totals[-1] + new.answers)
        ticks = len(self._totals) - 1
        if ticks % round(self._setting.scrape / TICK) == 0:
            self._share = self._recent_share()
        if ticks % round(self._setting.interval / TICK) == 0 and self._share >= THRESHOLD:
            self._failures += 1
        return Verdict.FAIL if self._failures > self._setting.failures else Verdict.PASS

    def _recent_share(self) -> float:
        before = self._totals[-1 - self._window] if 0 < self._window < len(self._totals) else NOTHING
        now = self._totals[-1]
        trials = now.trials - before.trials
        return (now.hits - before.hits) / trials if trials else 0.0


def _threshold(setting: Setting) -> Callable[[Versions], Judge]:
    return lambda _: Threshold(setting)


RULES: Mapping[str, Callable[[Versions], Judge]] = {
    "gates": Gates,
    "repeated test": lambda _: Repeated(),
    **{f"argo-{name}": _threshold(setting) for name, setting in SETTINGS.items()},
}


def release(judge: Judge, versions: Versions, rng: np.random.Generator, plan: Plan = DEFAULT) -> str:
    """How one release ends: `taken_back` before it has all the traffic or `taken_back_late`, `held` or `promoted`."""
    for weight, seconds in (*plan.steps, (100, plan.bake_seconds)):
        judge.begin(weight)
        ticks, verdict = 0, Verdict.INCONCLUSIVE
        while ticks * TICK < seconds or verdict is Verdict.INCONCLUSIVE:
            if ticks * TICK >= seconds + HOLD_SECONDS:
                return "held"
            verdict = judge.look(
                _batch(rng, versions.rate * weight / 100, versions.candidate),
                _batch(rng, versions.rate * (100 - weight) / 100, versions.stable),
            )
            ticks += 1
            if verdict is Verdict.FAIL:
                return "taken_back" if weight < 100 else "taken_back_late"
    return "promoted"


def releases(rule: str, versions: Versions, *, runs: int, seed: int) -> dict[str, int]:
    """How many of so many releases ended how; the same seed gives every rule the same first draws."""
    found: dict[str, int] = {}
    for number in range(runs):
        ending = release(RULES[rule](versions), versions, np.random.default_rng((seed, number)))
        found[ending] = found.get(ending, 0) + 1
    return found


def simulated(*, runs: int, seed: int, processes: int) -> dict[str, Any]:
    """Both stories under every rule: `{story: {rule: {ending: how many}}}`."""
    stories = {"equal": EQUAL, "subtle": SUBTLE}
    with ProcessPoolExecutor(processes) as pool:
        asked = {
            (story, rule): pool.submit(releases, rule, versions, runs=runs, seed=seed)
            for story, versions in stories.items()
            for rule in RULES
        }
        found: dict[str, dict[str, dict[str, int]]] = {story: {} for story in stories}
        for (story, rule), work in asked.items():
            found[story][rule] = work.result()
    return {"runs": runs, "seed": seed, **found}


def _batch(rng: np.random.Generator, rate: float, errors: float) -> Sample:
    trials = int(rng.poisson(rate * TICK))
    if not trials:
        return Sample()
    late: Sequence[int] = rng.multinomial(trials, LATENCY).tolist()
    after = BUCKETS.size - FIRST_BUCKET - len(late)
    counts = (*(0,) * FIRST_BUCKET, *late, *(0,) * after)
    return Sample(Count(trials, int(rng.binomial(trials, errors))), Histogram(BUCKETS, counts))
