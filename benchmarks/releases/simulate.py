"""How soon a bad version is noticed, and how often a good one is blamed: the gate against two usual ways, simulated.

    python -m benchmarks.releases.simulate [--runs 200] [--json FILE]

Answers are drawn as Poisson counts every quarter of a second, as the operator reads them. Three rules see the same
draws: the gate (margin one point, its part of alpha 0.05 in a release with two gates and four weights), the same bounds
without the detector (a cumulative test), and a threshold on a window of three seconds, as an aggressive Argo Rollouts
analysis has it.
"""

import argparse
import json
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np

from shipway.analysis.confidence import interval
from shipway.analysis.counts import NOTHING, Count
from shipway.analysis.gates import Comparison, Tolerance
from shipway.analysis.measure import PROPORTION
from shipway.api.v1alpha1.gates import Verdict

TICK = 0.25
TOLERANCE = Tolerance(margin=0.01, min_samples=30, alpha=0.05 / 2, step=2 / 3)
"""One of two gates, in a first step at a quarter of the traffic."""
Pair = tuple[Count, Count]
Rule = Callable[[Iterator[Pair]], int | None]
"""Sees batches of the candidate and of stable; the number of the batch after which it blames the candidate."""


@dataclass(frozen=True)
class Story:
    """A step of a release: the candidate is as good as stable for a while, then it is not."""

    name: str
    weight: int
    rate: float
    stable: float
    bad: float
    healthy_seconds: float
    seconds: float = 60.0
    alone_seconds: float = 0.0
    """How long stable has all the traffic before, while the candidate starts."""

    def batches(self, rng: np.random.Generator) -> Iterator[Pair]:
        """One draw of the start and of the whole step."""
        for _ in range(round(self.alone_seconds / TICK)):
            yield NOTHING, _draw(rng, self.rate * TICK, self.stable)
        new, old = self.rate * self.weight / 100 * TICK, self.rate * (100 - self.weight) / 100 * TICK
        for tick in range(round((self.healthy_seconds + self.seconds) / TICK)):
            share = self.bad if tick * TICK >= self.healthy_seconds else self.stable
            yield _draw(rng, new, share), _draw(rng, old, self.stable)


@dataclass(frozen=True)
class Result:
    """What a rule did in many draws of a story; seconds are from the first moment the candidate was bad."""

    story: str
    rule: str
    blamed_while_healthy: float
    noticed: float
    median_seconds: float | None
    p90_seconds: float | None
    median_bad_answers: float | None


def gate(batches: Iterator[Pair]) -> int | None:
    """The gate as it is."""
    comparison = Comparison.begin(TOLERANCE, PROPORTION)
    for number, (new, old) in enumerate(batches):
        comparison = comparison.observe(candidate=new, stable=old)
        if comparison.judge().verdict is Verdict.FAIL:
            return number
    return None


def cumulative(batches: Iterator[Pair]) -> int | None:
    """Only the bounds of all answers so far, at the whole alpha."""
    new, old = NOTHING, NOTHING
    for number, (more_new, more_old) in enumerate(batches):
        new, old = new + more_new, old + more_old
        worst = interval(old, TOLERANCE.alpha / 2).upper
        if interval(new, TOLERANCE.alpha / 2).lower - worst > TOLERANCE.margin:
            return number
    return None


def window(batches: Iterator[Pair]) -> int | None:
    """More than five percent of errors in the last three seconds, looked at every second."""
    seen: deque[Count] = deque(maxlen=round(3 / TICK))
    for number, (new, _) in enumerate(batches):
        seen.append(new)
        if number % round(1 / TICK) == 0 and sum(seen, NOTHING).share > 0.05:
            return number
    return None


RULES: dict[str, Rule] = {"gate": gate, "cumulative": cumulative, "window 3 s > 5 %": window}
STORIES = (
    Story("good at 25 %, no errors", 25, 50, 0.0, 0.0, 60, 0),
    Story("good at 25 %, 0.1 % errors", 25, 50, 0.001, 0.001, 60, 0),
    Story("good at 25 %, 1 % errors", 25, 50, 0.01, 0.01, 60, 0),
    Story("good at 10 %, 5 % errors", 10, 100, 0.05, 0.05, 60, 0),
    Story("0 to 20 % after 20 s at 25 %", 25, 50, 0.0, 0.2, 20),
    Story("1 to 20 % after 20 s at 25 %", 25, 50, 0.01, 0.2, 20),
    Story("0 to 20 % after 5 min at 25 %", 25, 50, 0.0, 0.2, 300),
    Story("0 to 30 % at once at 10 %", 10, 100, 0.0, 0.3, 0),
    Story("1 to 30 % at once, 10 s alone", 10, 100, 0.01, 0.3, 0, alone_seconds=10),
    Story("1 to 30 % at once, 60 s alone", 10, 100, 0.01, 0.3, 0, alone_seconds=60),
    Story("1 to 30 % after 35 s at 10 %", 10, 100, 0.01, 0.3, 35, alone_seconds=60),
    Story("0 to 5 % after 20 s at 50 %", 50, 100, 0.0, 0.05, 20),
)


def measure(story: Story, rule: str, runs: int, seed: int) -> Result:
    """Many draws of one story under one rule; the same seed gives every rule the same draws."""
    rng = np.random.default_rng(seed)
    changes = (story.alone_seconds + story.healthy_seconds) / TICK
    seen, bad = [], []
    for _ in range(runs):
        drawn = list(story.batches(rng))
        seen.append(RULES[rule](iter(drawn)))
        end = len(drawn) if seen[-1] is None else seen[-1] + 1
        bad.append(sum(new.hits for new, _ in drawn[round(changes) : end]))
    early = [number for number in seen if number is not None and number < changes]
    late = sorted((number + 1 - changes) * TICK for number in seen if number is not None and number >= changes)
    return Result(
        story.name,
        rule,
        len(early) / runs,
        len(late) / runs,
        median(late) if late else None,
        late[int(0.9 * (len(late) - 1))] if late else None,
        median(bad) if late else None,
    )


def _draw(rng: np.random.Generator, mean: float, share: float) -> Count:
    trials = int(rng.poisson(mean))
    return Count(trials, int(rng.binomial(trials, share)))


def main() -> int:
    """Print the table, and write it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = [measure(story, rule, options.runs, options.seed) for story in STORIES for rule in RULES]
    print(f"{'story':<32} {'rule':<18} {'blamed healthy':>14} {'noticed':>8} {'median s':>9} {'p90 s':>7} {'bad':>5}")
    for r in results:
        numbers = [f"{x:g}" if x is not None else "-" for x in (r.median_seconds, r.p90_seconds, r.median_bad_answers)]
        shares = f"{r.blamed_while_healthy:>14.1%} {r.noticed:>8.0%}"
        print(f"{r.story:<32} {r.rule:<18} {shares} {numbers[0]:>9} {numbers[1]:>7} {numbers[2]:>5}")
    if options.json:
        text = json.dumps(
            {"runs": options.runs, "seed": options.seed, "results": [asdict(r) for r in results]}, indent=1
        )
        options.json.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
