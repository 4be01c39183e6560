"""The results as tables for people: the part of docs/release-speed.md between two marks."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks import pages
from benchmarks.releases.answers import Run
from benchmarks.releases.claims import OURS, back, of, p95
from benchmarks.releases.scenarios import SCENARIOS, Ending

Results = Mapping[str, Any]
BEGIN = "<!-- figures: make bench-releases-report -->"
SAID = {
    "from-start": "30 % errors from the first answer on",
    "after-health": "30 % errors after 35 healthy seconds",
    "at-10": "30 % errors at 10 requests a second",
    "at-1000": "30 % errors at 1,000 requests a second",
    "slow": "a quarter of the answers late",
    "differing": "answers that differ a little, shadowed before any client gets them",
    "shifted": "scores half a standard deviation too high",
    "mirrored": "30 % errors, shadowed before any client gets its answers",
    "same": "as good as stable, a minute at 10 %",
    "good": "as good as stable, the default plan",
}
STORIES = {"equal": "equally good, 1 % errors", "subtle": "0.5 % errors, the new one 1.5 %"}


def filled(page: str, results: Results) -> str:
    """The page with the figures of these results between its marks; raises ValueError where it lacks them."""
    return pages.filled(page, begin=BEGIN, text=report(results))


def report(results: Results) -> str:
    """All tables and sentences."""
    runs = [Run.from_json(found) for found in results["runs"]]
    parts = [pages.claims(results["claims"]), _releases(runs), *_lost(results), _simulated(results), _machine(results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _releases(runs: Sequence[Run]) -> str:
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.scenario, run.contestant), []).append(run)
    order = sorted(groups, key=lambda key: (list(SCENARIOS).index(key[0]), key[1] != OURS, key[1]))
    rows = [_row(SAID[scenario], contestant, groups[scenario, contestant]) for scenario, contestant in order]
    head = ("release", "by", "runs", "taken back", "seconds, median", "95 %", "bad answers, median", "95 %")
    return pages.table(head, rows) if rows else ""


def _row(said: str, contestant: str, runs: Sequence[Run]) -> tuple[str, ...]:
    seconds = back(of(runs, runs[0].scenario))
    bad = [run.bad_answers for run in runs if run.bad_answers is not None]
    taken = sum(run.ended is Ending.TAKEN_BACK for run in runs)
    figures = (f"{median(seconds):.1f}", f"{p95(seconds):.1f}") if seconds else ("", "")
    answers = (f"{median(bad):g}", f"{p95(bad):g}") if bad else ("", "")
    return said, contestant, str(len(runs)), f"{taken / len(runs):.0%}", *figures, *answers


def _lost(results: Results) -> Iterable[str]:
    for found in results["disturbed"]:
        took = ", ".join(f"{name} {seconds:g} s" for name, seconds in found["seconds"].items())
        yield f"Disturbed all the time ({took}): {found['lost']} of {found['requests']:,} requests lost."


def _simulated(results: Results) -> str:
    drawn = results["simulated"]
    if not drawn:
        return ""
    rows = [
        (STORIES[story], rule, *(f"{found.get(ending, 0) / drawn['runs']:.1%}" for ending in _ENDINGS))
        for story in STORIES
        for rule, found in drawn[story].items()
    ]
    head = ("the two versions", "rule", "taken back", "taken back at 100 %", "waits for a person", "promoted")
    return f"{drawn['runs']:,} releases drawn for each rule:\n\n{pages.table(head, rows)}"


_ENDINGS = ("taken_back", "taken_back_late", "held", "promoted")


def _machine(results: Results) -> str:
    machine = results["machine"]
    return (
        f"{machine['cores']} cores ({machine['cpu']}), {machine['memory_gib']:g} GiB, "
        f"Kubernetes {machine['kubernetes']}, Python {machine['python']}; "
        f"{machine['load_at_end']:g} programs wanted a core at the end."
    )
