"""Rules of two windows: nobody is called below the rate, soon at an outage, and it is over when that is certain."""

from collections.abc import Iterable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shipway.analysis.burn import CALM, LEAST_BAD, RULES, WINDOWS, Burn, Minutes
from shipway.analysis.counts import Count

STEP = 15
BUDGET = 0.001
HOUR = 3600.0
FAST, SLOW = RULES


class Reading:
    """One objective, read four times a minute."""

    def __init__(self, budget: float = BUDGET) -> None:
        self.budget, self.minutes = budget, Minutes()
        self.now = self.gap = 0.0

    def go_on(self, seconds: float, share: float, *, answers: int = 1000) -> "Reading":
        """So many seconds with so many answers a look, of which a share is bad."""
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            self.minutes.add(self.now, Count(answers, round(answers * share)))
        return self

    def stop(self, seconds: float) -> None:
        """Nothing can be read for a while."""
        self.now += seconds
        self.gap = self.now

    @property
    def burn(self) -> Burn:
        counts = {length: self.minutes.window(self.now, length) for length in WINDOWS}
        return Burn(self.budget, counts, read=self.now, steady=self.now - self.gap)

    def until_called(self, share: float, *, answers: int = 1000, within: float = HOUR) -> float:
        """Seconds until somebody is called."""
        began = self.now
        while self.burn.holding is None:
            assert self.now - began < within, f"nobody is called within {within} s"
            self.go_on(STEP, share, answers=answers)
        return self.now - began

    def until_over(self, share: float = 0.0, *, within: float = 7 * HOUR) -> float:
        """Seconds until it is over for certain."""
        began = self.now
        while not self.burn.over:
            assert self.now - began < within, f"it is not over within {within} s"
            self.go_on(STEP, share)
        return self.now - began


looks = st.lists(st.tuples(st.integers(0, 500), st.floats(0, 1)), min_size=1, max_size=400)


def read(pairs: Iterable[tuple[int, float]], budget: float) -> Iterable[Burn]:
    reading = Reading(budget)
    for answers, share in pairs:
        yield reading.go_on(STEP, share, answers=answers).burn


@given(looks, st.sampled_from([0.5, 0.05, 0.01, 0.001, 0.0001]))
def test_nobody_is_called_below_the_rate_nor_for_a_few_bad_answers(pairs: list[tuple[int, float]], budget: float):
    for burn in read(pairs, budget):
        if (rule := burn.holding) is None:
            continue
        long, short = burn.counts[rule.long], burn.counts[rule.short]
        assert min(long.share, short.share) >= min(1.0, rule.rate * budget)
        assert long.hits >= LEAST_BAD


@given(looks, st.sampled_from([0.5, 0.05, 0.001]))
def test_what_is_over_calls_nobody_at_the_same_time(pairs: list[tuple[int, float]], budget: float):
    assert not [burn for burn in read(pairs, budget) if burn.over and burn.holding]


@given(looks)
def test_windows_hold_what_was_counted_in_them_and_at_most_a_minute_more(pairs: list[tuple[int, float]]):
    reading = Reading()
    for answers, share in pairs:
        reading.go_on(STEP, share, answers=answers)
    for minutes, count in reading.burn.counts.items():
        last, longer = (sum(n for n, _ in pairs[-4 * m :]) for m in (minutes, minutes + 1))
        assert last <= count.trials <= longer


@given(st.floats(0.02, 1.0))
def test_an_outage_in_the_middle_of_a_good_day_calls_somebody_as_soon_as_the_hour_has_lost_so_much(share: float):
    reading = Reading().go_on(7 * HOUR, 0.0, answers=100_000)
    took = reading.until_called(share, answers=100_000)
    needed = FAST.rate * BUDGET / share * HOUR
    assert needed - 1 <= took <= needed * 62 / 60 + STEP


def test_an_outage_is_noticed_a_minute_after_reading_began():
    assert Reading().until_called(1.0) == FAST.least
    assert Reading().until_called(1.0, answers=1) == max(FAST.least, LEAST_BAD * STEP)


def test_a_slow_burn_is_noticed_too_and_not_within_the_first_minutes_of_a_new_operator():
    assert Reading().until_called(0.01) == SLOW.least
    day = Reading().go_on(7 * HOUR, 0.0)
    assert 3 * HOUR < day.until_called(0.01, within=5 * HOUR) < 4 * HOUR


def test_what_the_budget_allows_calls_nobody_however_long_it_lasts():
    reading = Reading().go_on(STEP, 0.0)
    for _ in range(4 * 60 * 8):
        reading.go_on(STEP, 5 * BUDGET)
        assert reading.burn.holding is None


def test_where_the_target_is_so_low_that_no_rate_is_reached_an_outage_calls_still():
    assert Reading(0.5).until_called(1.0) == FAST.least
    assert Reading(0.5).go_on(HOUR, 0.9).burn.holding is None


def test_a_few_bad_answers_at_night_call_nobody():
    reading = Reading().go_on(3 * STEP, 1.0, answers=LEAST_BAD // 3)
    assert reading.go_on(10 * STEP, 0.0, answers=0).burn.holding is None


def test_a_short_outage_of_a_good_day_is_over_when_the_short_window_is_clean():
    reading = Reading().go_on(7 * HOUR, 0.0)
    reading.until_called(1.0)
    assert 300 <= reading.until_over() <= 300 + 60 + STEP


def test_windows_that_were_never_full_end_nothing_before_the_longer_of_the_short_ones_is():
    reading = Reading()
    reading.until_called(1.0)
    reading.stop(0.0)
    assert 60 * SLOW.short <= reading.until_over() <= 60 * SLOW.short + 60 + STEP


def test_a_gap_begins_the_wait_anew():
    reading = Reading()
    reading.until_called(1.0)
    reading.go_on(60 * 29, 0.0)
    reading.stop(120)
    assert reading.until_over() >= 60 * SLOW.short


def test_that_nobody_asks_any_more_proves_nothing_until_the_outage_has_left_every_window():
    reading = Reading()
    reading.until_called(1.0)
    reading.go_on(2 * HOUR, 0.0, answers=0)
    assert not reading.burn.over
    assert reading.go_on(4 * HOUR + 120, 0.0, answers=0).burn.over


@pytest.mark.parametrize("rule", RULES)
def test_a_rate_at_the_edge_neither_calls_nor_ends(rule):
    between = Reading().go_on(7 * HOUR, (1 + CALM) / 2 * rule.rate * BUDGET, answers=100_000).burn
    assert not between._holds(rule)
    assert not between._has_ended(rule)


@given(st.lists(st.integers(0, 10**16), min_size=1, max_size=5))
def test_a_predictor_that_counts_nonsense_breaks_nothing(numbers: list[int]):
    minutes = Minutes()
    for number in numbers:
        minutes.add(60.0, Count(number, number))
    count = minutes.window(60.0, 5)
    assert count.hits == count.trials == min(sum(numbers), 2**32 - 1)


@given(st.floats(0, 10**7), st.floats(0, 10**6))
def test_what_is_older_than_a_window_is_not_in_it(at: float, later: float):
    assume(later > 0)
    minutes = Minutes()
    minutes.add(at, Count(5, 2))
    passed = int((at + later) // 60) - int(at // 60)
    for length in WINDOWS:
        assert minutes.window(at + later, length) == (Count(5, 2) if passed <= length else Count())


def test_six_hours_take_a_few_kilobytes_and_no_more_after_a_week():
    reading = Reading().go_on(7 * 24 * HOUR, 0.0)
    assert len(reading.minutes._answers) == max(WINDOWS) + 1
    assert 2 * reading.minutes._answers.itemsize * (max(WINDOWS) + 1) < 4096
