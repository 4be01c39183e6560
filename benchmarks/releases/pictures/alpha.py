"""How one release's alpha is spent: over gates, over steps, and over the tests within a step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.releases.pictures import svg
from shipway.analysis.gates import Tolerance
from shipway.api.v1alpha1.rollout import Rollout
from shipway.controllers.servingdeployment import steps
from shipway.controllers.servingdeployment.alpha import of_gates, part_of_step

WIDTH, HEIGHT = 880, 366
GATE = "errors"
"""Of the default plan; the other one spends its part in the same way."""
_LEFT, _RIGHT = 16, 864
_BAR = 44
_SETTING = (
    "The largest chance that a version is ever taken back that is worse than stable by just what the margins allow."
)
_ROWS = (86, 192, 298)


@dataclass(frozen=True)
class Part:
    """A part of alpha.

    Attributes:
        name: What it is spent on.
        share: How much, as a probability.
        style: Its colour.
    """

    name: str
    share: float
    style: str


def draw() -> str:
    """The picture."""
    gates, spent, tests = of_release(), of_gate(), of_first_step()
    whole = sum(part.share for part in gates)
    parts = [
        svg.text(_LEFT, 24, f"How the default plan spends its alpha of {_percent(whole)}", strong=True),
        svg.text(_LEFT, 42, _SETTING, "faint"),
        _opened(_ROWS[0], gates, 0, _ROWS[1]),
        _opened(_ROWS[1], spent, 1, _ROWS[2]),
        *_row(_ROWS[0], "over the gates", gates),
        *_row(_ROWS[1], "of the gate errors, over the steps", spent),
        *_row(_ROWS[2], "of its step at 5 %, over the tests", tests),
    ]
    title = "How alpha is spent over gates, steps and tests"
    return svg.picture(WIDTH, HEIGHT, title=title, description=_description(), parts=parts)


def of_release() -> list[Part]:
    """What each gate of the default plan has."""
    return [Part(name, share, "calm" if name == GATE else "open") for name, share in of_gates(Rollout()).items()]


def of_gate() -> list[Part]:
    """What the first gate spends: side by side on the whole release, the rest in its steps and in the bake."""
    rules = Rollout()
    weights = [stage.load for stage in steps.stages_of(rules.steps)]
    whole = _tolerance(weights[0])
    found = [Part("side by side", whole.side_by_side_alpha, "good")]
    for weight, name in [*((weight, f"at {weight} %") for weight in weights), (100, "bake")]:
        step = _tolerance(weight)
        found.append(Part(name, step.baseline_alpha + step.bound_alpha + step.detector_alpha, "calm"))
    return found


def of_first_step() -> list[Part]:
    """What the first gate spends in the first step, by test."""
    step = _tolerance(steps.stages_of(Rollout().steps)[0].load)
    return [
        Part("detector", step.detector_alpha, "calm"),
        Part("stable's interval", step.baseline_alpha, "open"),
        Part("its interval", step.bound_alpha, "open"),
    ]


def _tolerance(weight: int) -> Tolerance:
    rules = Rollout()
    return Tolerance(0.01, 30, alpha=of_gates(rules)[GATE], step=part_of_step(rules, load=weight))


def _row(top: float, what: str, parts: Sequence[Part]) -> Iterator[str]:
    """A bar with its parts; what has no room within is told above."""
    places = list(zip(parts, _places(parts), strict=True))
    outside = [part for part, (begin, end) in places if not _fits(part, end - begin)]
    yield svg.text(_LEFT, top - 8, what, strong=True)
    if outside:
        told = ", ".join(f"{part.name} {_percent(part.share)}" for part in outside)
        yield svg.text(_RIGHT, top - 8, told, anchor="end")
    for part, (begin, end) in places:
        yield svg.box(begin, top, end - begin - 2, _BAR, part.style)
        if part not in outside:
            yield svg.text((begin + end) / 2, top + 19, part.name, "label", anchor="middle")
            yield svg.text((begin + end) / 2, top + 35, _percent(part.share), "label", anchor="middle")


def _fits(part: Part, width: float) -> bool:
    return max(map(svg.width_of, (part.name, _percent(part.share)))) < width - 6


def _opened(top: float, parts: Sequence[Part], which: int, below: float) -> str:
    """A part leads to the row that tells more of it."""
    begin, end = _places(parts)[which]
    corners = [(begin, top + _BAR), (end - 2, top + _BAR), (_RIGHT, below), (_LEFT, below)]
    return svg.area(corners, parts[which].style, opacity=0.12)


def _places(parts: Sequence[Part]) -> list[tuple[float, float]]:
    total, at, found = sum(part.share for part in parts), float(_LEFT), []
    for part in parts:
        width = part.share / total * (_RIGHT + 2 - _LEFT)
        found.append((at, at + width))
        at += width
    return found


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"


def _description() -> str:
    rows = (("Gates", of_release()), ("Of the gate errors", of_gate()), ("Of its first step", of_first_step()))
    said = [f"{what}: {', '.join(f'{part.name} {_percent(part.share)}' for part in row)}." for what, row in rows]
    return f"Three bars, each a part of the one above. {' '.join(said)}"
