"""The detector's evidence when a version turns bad after long health, beside a test that adds up all answers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import log

import numpy as np

from benchmarks.releases.pictures import svg
from benchmarks.releases.pictures.axes import Frame, Scale
from benchmarks.releases.simulate import TICK, Story
from shipway.analysis.confidence import interval
from shipway.analysis.counts import NOTHING
from shipway.analysis.detector import ALTERNATIVES, STAKES, Detector, bernoulli, log_mean
from shipway.analysis.gates import Comparison, Tolerance
from shipway.analysis.measure import PROPORTION
from shipway.api.v1alpha1.rollout import Rollout
from shipway.controllers.servingdeployment.alpha import of_gates, part_of_step

SEED = 1
STORY = Story("bad after health", weight=10, rate=100, stable=0.01, bad=0.3, healthy_seconds=300, seconds=45)
MARGIN = 0.01
WIDTH, HEIGHT = 880, 460
_TOP, _BOTTOM = 84, 360
_LEFT, _TURN, _RIGHT = 64, 330, 864
_HIGHEST, _LOWEST = 10, -35
"""Powers of ten that the scale ends at."""


_TITLE = "Evidence that the new version is worse, when it turns bad after five healthy minutes"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Moment:
    """What was known at one look.

    Attributes:
        seconds: Since the version turned bad.
        detector: Power of ten of the detector's evidence.
        adding_up: Power of ten of the evidence of the same bets on all answers since the first.
        lower: Lower bound of the difference, over all answers of the step.
    """

    seconds: float
    detector: float
    adding_up: float
    lower: float


def draw() -> str:
    """The picture."""
    seen = moments()
    up = Scale(_LOWEST, _HIGHEST, _BOTTOM, _TOP)
    past = Frame(Scale(-STORY.healthy_seconds, 0, _LEFT, _TURN), up)
    then = Frame(Scale(0, STORY.seconds, _TURN, _RIGHT), up)
    parts = [
        svg.text(16, 24, _TITLE, strong=True),
        *(svg.text(16, 42 + 16 * number, words, "faint") for number, words in enumerate(_setting())),
        svg.box(_TURN, _TOP, _RIGHT - _TURN, _BOTTOM - _TOP, "bad", opacity=0.07),
        *past.grid(across={-300: "5 min before", -150: "2.5 min"}, up=_powers()),
        *then.grid(across={0: "it turns bad", 10: "10 s", 20: "20 s", 30: "30 s", 40: "40 s"}, up={}),
        *_curves(past, [moment for moment in seen if moment.seconds <= 0]),
        *_curves(then, [moment for moment in seen if moment.seconds >= 0]),
        *_threshold(past, then),
        *_marks(then, seen),
        *_legend(seen),
    ]
    title = "A detector and a test that adds up, after a long healthy past"
    return svg.picture(WIDTH, HEIGHT, title=title, description=_description(seen), parts=parts)


def moments() -> list[Moment]:
    """Every look at one draw of the story; both kinds of evidence are of the same bets against the same bound."""
    rules = tolerance()
    comparison, detector = Comparison.begin(rules, PROPORTION), Detector(stakes=STAKES)
    stable, sums, found = NOTHING, (0.0,) * len(ALTERNATIVES), []
    for number, (new, old) in enumerate(STORY.batches(np.random.default_rng(SEED)), start=1):
        bound = interval(stable, rules.baseline_alpha).upper + rules.margin
        detector, stable = detector.observe(new, bound), stable + old
        sums = tuple(a + b for a, b in zip(sums, bernoulli(new.trials, new.hits, bound), strict=True))
        comparison = comparison.observe(candidate=new, stable=old)
        evidence = (_power(detector.log_value), _power(log_mean(sums, STAKES)))
        found.append(Moment(number * TICK - STORY.healthy_seconds, *evidence, comparison.judge().lower))
    return found


def tolerance() -> Tolerance:
    """What the gate `errors` of the default plan may spend in its first step."""
    rules = Rollout()
    return Tolerance(MARGIN, 30, alpha=of_gates(rules)["errors"], step=part_of_step(rules, load=5))


def limit() -> float:
    """Power of ten of the evidence at which the detector rings: 1/alpha."""
    return _power(-log(tolerance().detector_alpha))


def first(seen: Sequence[Moment], holds: Callable[[Moment], bool]) -> Moment:
    """The first moment in which it is bad and this holds."""
    return next(moment for moment in seen if moment.seconds > 0 and holds(moment))


def _curves(frame: Frame, seen: Sequence[Moment]) -> Iterator[str]:
    """One point a pixel, as far as the scale goes."""
    shown = {round(frame.across.at(moment.seconds)): moment for moment in seen}.values()
    for style, powers in (
        ("open-line", [(moment.seconds, moment.adding_up) for moment in shown]),
        ("calm-line", [(moment.seconds, moment.detector) for moment in shown]),
    ):
        within = takewhile(lambda point: point[1] <= _HIGHEST, powers)
        yield svg.line([frame.at(*point) for point in within], style, width=2)


def _threshold(past: Frame, then: Frame) -> Iterator[str]:
    yield past.level(limit(), "limit")
    yield then.level(limit(), "limit")
    words = f"1/alpha of the detector in this step: {10 ** limit():.0f}"
    yield svg.text(_LEFT + 6, past.up.at(limit()) - 6, words)


def _marks(frame: Frame, seen: Sequence[Moment]) -> Iterator[str]:
    rang, added = _rang(seen), _added(seen)
    yield svg.dot(*frame.at(rang.seconds, rang.detector), "calm")
    yield svg.dot(*frame.at(added.seconds, added.adding_up), "open")
    below = frame.up.at(limit()) + 22
    yield svg.text(frame.across.at(rang.seconds) + 14, below, f"the detector rings after {rang.seconds:g} s", "calm")
    yield svg.text(frame.across.at(added.seconds) + 14, below, f"after {added.seconds:g} s", "faint")


def _legend(seen: Sequence[Moment]) -> Iterator[str]:
    crossed = first(seen, lambda moment: moment.lower > MARGIN)
    detector = "the detector: asks for every moment at once whether the change came then"
    adding_up = (
        "the same bets on all answers added up: the good ones have to be made up for first"
        f" (the interval alone takes {crossed.seconds:g} s)"
    )
    for number, (style, words) in enumerate((("calm-line", detector), ("open-line", adding_up))):
        y = _BOTTOM + 48 + 22 * number
        yield svg.line([(_LEFT, y), (_LEFT + 30, y)], style, width=2)
        yield svg.text(_LEFT + 38, y + 4, words)


def _rang(seen: Sequence[Moment]) -> Moment:
    return first(seen, lambda moment: moment.detector >= limit())


def _added(seen: Sequence[Moment]) -> Moment:
    return first(seen, lambda moment: moment.adding_up >= limit())


def _powers() -> dict[float, str]:
    return {power: f"10{str(power).translate(_RAISED)}" if power else "1" for power in range(-30, _HIGHEST + 1, 10)}


def _power(logarithm: float) -> float:
    return logarithm / log(10)


def _setting() -> tuple[str, str]:
    rate = STORY.rate * STORY.weight / 100
    return (
        f"{rate:g} answers a second of the new version: 1 % bad as of stable's, then 30 %. The margin is one point.",
        "Evidence is 1 or less on average while nothing is wrong.",
    )


def _description(seen: Sequence[Moment]) -> str:
    rang, added = _rang(seen), _added(seen)
    lowest = min(moment.adding_up for moment in seen)
    return (
        "Two curves of evidence, by powers of ten, over five healthy minutes and 45 bad seconds, and a line at 1/alpha."
        f" In the healthy minutes the test that adds up falls to 1e{lowest:.0f}; the detector hardly falls. "
        f"Then the detector is over the line after {rang.seconds:g} seconds, the other after {added.seconds:g}."
    )
