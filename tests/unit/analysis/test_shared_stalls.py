"""What hits both versions in one moment is not held against the new one; what hits the new one alone still is."""

from random import Random
from statistics import median

from shipway.analysis import gates
from shipway.analysis.counts import NOTHING, Count
from shipway.analysis.measure import PROPORTION
from shipway.api.v1alpha1.gates import Verdict

TICK = 0.25
LATENCY = gates.Tolerance(margin=0.10, min_samples=30, alpha=0.001)
ERRORS = gates.Tolerance(margin=0.01, min_samples=30, alpha=0.001)


def batch(random: Random, *, rate: float, share: float) -> Count:
    trials = sum(random.random() < rate * TICK / 20 for _ in range(20))
    return Count(trials, sum(random.random() < share for _ in range(trials)))


def fails_within(random: Random, *, seconds: float, stalls: bool) -> bool:
    gate = gates.Comparison.begin(LATENCY, PROPORTION)
    stalled_until = -1.0
    for tick in range(int(seconds / TICK)):
        now = tick * TICK
        if stalls and random.random() < TICK / 8:
            stalled_until = now + 0.5
        slow = 0.95 if now < stalled_until else 0.04
        gate = gate.observe(candidate=batch(random, rate=15, share=slow), stable=batch(random, rate=45, share=slow))
        if gate.judge().verdict is Verdict.FAIL:
            return True
    return False


def seconds_to_notice(random: Random, share: float) -> float:
    gate = gates.Comparison.begin(ERRORS, PROPORTION)
    for tick in range(int(80 / TICK)):
        bad = share if tick * TICK >= 20 else 0.0
        gate = gate.observe(candidate=batch(random, rate=12.5, share=bad), stable=batch(random, rate=37, share=0.0))
        if gate.judge().verdict is Verdict.FAIL:
            return tick * TICK - 20
    return 60.0


def fails_after_an_outage_of_both(random: Random) -> bool:
    """Stable has been well for a minute before, of which the new version knows nothing."""
    gate = gates.Comparison.begin(ERRORS, PROPORTION)
    for _ in range(int(60 / TICK)):
        gate = gate.observe(candidate=NOTHING, stable=batch(random, rate=60, share=0.01))
    for tick in range(int(30 / TICK)):
        share = 1.0 if 10 <= tick * TICK < 13 else 0.01
        gate = gate.observe(candidate=batch(random, rate=15, share=share), stable=batch(random, rate=45, share=share))
        if gate.judge().verdict is Verdict.FAIL:
            return True
    return False


def test_an_outage_of_both_in_the_first_step_does_not_take_a_good_version_back() -> None:
    assert not any(fails_after_an_outage_of_both(Random(seed)) for seed in range(20))


def test_stalls_that_slow_both_versions_do_not_take_a_good_version_back() -> None:
    failed = sum(fails_within(Random(seed), seconds=60, stalls=True) for seed in range(20))
    assert failed <= 1


def test_a_fifth_of_errors_after_twenty_healthy_seconds_is_noticed_within_seconds() -> None:
    delays = [seconds_to_notice(Random(seed), 0.2) for seed in range(15)]
    assert median(delays) <= 4
    assert max(delays) <= 10
