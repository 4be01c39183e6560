"""Four verdicts: the interval of the difference against the margin, as answers come in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import wrap

import numpy as np

from benchmarks.releases.pictures import svg
from benchmarks.releases.pictures.axes import Frame, Scale
from benchmarks.releases.simulate import Story
from shipway.analysis.gates import Comparison, Tolerance
from shipway.analysis.judgement import Judgement
from shipway.analysis.measure import PROPORTION
from shipway.api.v1alpha1.gates import Verdict
from shipway.api.v1alpha1.rollout import Rollout
from shipway.controllers.servingdeployment.alpha import of_gates, part_of_step

WEIGHT, RATE, MARGIN, SEED = 25, 100, 0.03, 3
MIN_SAMPLES = 30
GOOD = Story("as good as stable", WEIGHT, RATE, stable=0.01, bad=0.01, healthy_seconds=0, seconds=160)
BAD = Story("fifteen bad in a hundred", WEIGHT, RATE, stable=0.01, bad=0.15, healthy_seconds=0, seconds=16)
SHORT_SECONDS = 12.0
"""The end of the step where the good version is not known well enough for a proof."""

STYLES = {Verdict.PASS: "good", Verdict.NO_EVIDENCE_OF_HARM: "calm", Verdict.INCONCLUSIVE: "open", Verdict.FAIL: "bad"}
WIDTH, HEIGHT = 880, 660
_PANEL = (372, 180)
_LINE = 16
_CHARACTERS_A_LINE = 56


@dataclass(frozen=True)
class Look:
    """What the gate said after so many answers of the new version."""

    answers: int
    judgement: Judgement


@dataclass(frozen=True)
class Panel:
    """One verdict.

    Attributes:
        verdict: Which.
        what: The story in words.
        looks: Up to the verdict.
        rest: What would have followed, had the version not been taken back.
    """

    verdict: Verdict
    what: str
    looks: Sequence[Look]
    rest: Sequence[Look] = ()


def draw() -> str:
    """The picture."""
    places = [(left, top) for top in (92, 386) for left in (56, 484)]
    title = "How much larger may the new version's share of bad answers be than stable's, in points of percent?"
    parts = [
        svg.text(16, 24, title, strong=True),
        *(svg.text(16, 42 + _LINE * number, words, "faint") for number, words in enumerate(_setting())),
    ]
    for panel, (left, top) in zip(panels(), places, strict=True):
        parts += _panel(panel, left, top)
    return svg.picture(WIDTH, HEIGHT, title="Four verdicts of a gate", description=_description(), parts=parts)


def panels() -> list[Panel]:
    """The four, each with the looks that led to it."""
    good, bad = looks(GOOD), looks(BAD)
    short = [look for look in good if look.answers <= SHORT_SECONDS * RATE * WEIGHT / 100]
    failed = next(at for at, look in enumerate(bad) if look.judgement.verdict is Verdict.FAIL)
    crossed = next(at for at, look in enumerate(bad) if look.judgement.lower > MARGIN)
    return [
        Panel(Verdict.PASS, "1 % bad answers in both versions", good),
        Panel(Verdict.NO_EVIDENCE_OF_HARM, "the same release, its step over sooner", short),
        Panel(Verdict.INCONCLUSIVE, "15 % bad answers, one look earlier", bad[:failed]),
        Panel(Verdict.FAIL, "the same release, and the next look", bad[: failed + 1], bad[failed : crossed + 1]),
    ]


def looks(story: Story) -> list[Look]:
    """What the gate `errors` of the default plan says of a release, with this margin, each time it looks."""
    rules = Rollout()
    tolerance = Tolerance(
        MARGIN, MIN_SAMPLES, alpha=of_gates(rules)["errors"], step=part_of_step(rules, load=story.weight)
    )
    comparison, found = Comparison.begin(tolerance, PROPORTION), []
    for new, old in story.batches(np.random.default_rng(SEED)):
        comparison = comparison.observe(candidate=new, stable=old)
        found.append(Look(comparison.candidate.trials, comparison.judge()))
    return found


def _panel(panel: Panel, left: float, top: float) -> Iterator[str]:
    width, height = _PANEL
    frame = Frame(
        Scale(5, 5_000, left, left + width, by_ratio=True),
        Scale(-0.1, 0.3, top + 40 + height, top + 40),
    )
    style, last = STYLES[panel.verdict], panel.looks[-1]
    yield svg.text(left, top, panel.verdict.value, style, strong=True)
    yield svg.text(left + width, top, panel.what, anchor="end")
    for number, words in enumerate(wrap(_said(panel), _CHARACTERS_A_LINE)):
        yield svg.text(left, top + _LINE * (number + 1), words, "faint")
    yield from frame.grid(
        across={10: "10", 100: "100", 1_000: "1,000"},
        up={-0.1: "-10", 0: "0", 0.1: "+10", 0.2: "+20", 0.3: "+30"},
    )
    yield svg.text(left + width, frame.up.begin + 16, "answers", "faint", anchor="end")
    yield from _rest(frame, panel.rest)
    for verdict, part in _segments(panel.looks):
        yield svg.area(_band(frame, part), STYLES[verdict], opacity=0.45)
    yield frame.level(MARGIN, "limit")
    yield svg.text(left + width - 4, frame.up.at(MARGIN) - 4, f"margin {MARGIN * 100:+.0f}", anchor="end")
    yield from _strip(frame, panel.looks)
    for bound in (last.judgement.lower, last.judgement.upper):
        yield svg.dot(*frame.at(last.answers, bound), style)


def _rest(frame: Frame, rest: Sequence[Look]) -> Iterator[str]:
    """What would have followed: the interval alone needs more."""
    if not rest:
        return
    yield svg.area(_band(frame, rest), "open", opacity=0.25)
    place, top = frame.across.at(rest[-1].answers) + 6, frame.up.at(0.2)
    yield svg.text(place, top, "had it gone on,", "faint")
    yield svg.text(place, top + _LINE, "the interval alone fails", "faint")
    yield svg.text(place, top + 2 * _LINE, f"it after {rest[-1].answers:,} answers", "faint")


def _strip(frame: Frame, looks_: Sequence[Look]) -> Iterator[str]:
    """Which verdict held when, below the frame."""
    top = frame.up.begin + 24
    for verdict, part in _segments(looks_):
        begin, end = frame.across.at(part[0].answers), frame.across.at(part[-1].answers)
        yield svg.box(begin, top, max(end - begin, 3), 18, STYLES[verdict])
        if end - begin >= svg.width_of(verdict.value):
            yield svg.text((begin + end) / 2, top + 13, verdict.value, "label", anchor="middle")


def _segments(looks_: Sequence[Look]) -> list[tuple[Verdict, list[Look]]]:
    """Runs of one verdict, each up to the look that ended it."""
    runs = [list(run) for _, run in groupby(looks_, key=lambda look: look.judgement.verdict)]
    ends = [run[0] for run in runs[1:]]
    closed = [[*run, end] for run, end in zip(runs, ends, strict=False)]
    return [(run[0].judgement.verdict, run) for run in [*closed, runs[-1]]]


def _band(frame: Frame, looks_: Sequence[Look]) -> list[svg.Point]:
    """The interval over the answers, there along its upper and back along its lower end; one point a pixel."""
    seen: dict[int, Look] = {round(frame.across.at(look.answers)): look for look in looks_ if look.answers}
    upper = [frame.at(look.answers, look.judgement.upper) for look in seen.values()]
    lower = [frame.at(look.answers, look.judgement.lower) for look in seen.values()]
    return [*upper, *reversed(lower)]


def _said(panel: Panel) -> str:
    last = panel.looks[-1]
    return f"after {last.answers:,} answers: {last.judgement.message}"


def _setting() -> tuple[str, str]:
    return (
        f"Over the new version's answers: {RATE} requests a second, {WEIGHT} % of them its own; the default alpha.",
        "The band holds the difference at all looks at once. The bar below says which verdict held meanwhile.",
    )


def _description() -> str:
    said = [f"{panel.verdict.value}: {panel.what}, {_said(panel)}." for panel in panels()]
    rest = panels()[-1].rest
    return (
        "Four charts of the interval in which the difference of the shares of bad answers lies, and of the margin of "
        f"{MARGIN * 100:.0f} points. The interval narrows as answers come in. {' '.join(said)} The interval alone "
        f"would have failed the last one after {rest[-1].answers:,} answers."
    )
