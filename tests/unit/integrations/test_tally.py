"""What a pod's counters tell of the time between two looks: restarts, news, and what was not counted before."""

import pytest

from shipway.analysis.bins import Bins, Scores
from shipway.analysis.counts import Count
from shipway.analysis.latency import Buckets, Histogram
from shipway.analysis.ratio import Ratio
from shipway.analysis.sample import Sample
from shipway.integrations.tally import Counters

BUCKETS = Buckets(0.001, 2.0, 3)


def counted(started: float, requests: int, errors: int, *latency: int) -> Counters:
    return Counters(started, requests, errors, Histogram(BUCKETS, latency) if latency else None)


def predicted(started: float, requests: int, *scores: int) -> Counters:
    return Counters(started, requests, 0, scores=Scores("halves", Bins(scores)))


def worth(started: float, requests: int, sums: dict[str, float]) -> Counters:
    return Counters(started, requests, 0, metrics={name: Ratio(0, top) for name, top in sums.items()})


def sliced(requests: int, acme: int | None, *, started: float = 1, left_out: int = 0) -> Counters:
    """Counters with one slice, or none yet."""
    parts = {} if acme is None else {"acme": counted(started, acme, 0, acme, 0, 0)}
    return Counters(started, requests, 0, slices=parts, left_out=left_out)


ACME = Sample(Count(3), Histogram(BUCKETS, (3, 0, 0)))


@pytest.mark.parametrize(
    ("earlier", "later", "sample"),
    [
        (
            counted(1, 10, 1, 9, 1, 0),
            counted(1, 14, 2, 12, 2, 0),
            Sample(Count(4, 1), Histogram(BUCKETS, (3, 1, 0))),
        ),
        (counted(1, 10, 1, 9, 1, 0), counted(9, 3, 1, 3, 0, 0), Sample(Count(3, 1), Histogram(BUCKETS, (3, 0, 0)))),
        (counted(1, 10, 1, 9, 1, 0), counted(1, 4, 0, 4, 0, 0), Sample(Count(4, 0), Histogram(BUCKETS, (4, 0, 0)))),
        (counted(1, 10, 1), counted(1, 12, 1, 10, 2, 0), Sample(Count(2, 0), None)),
        (counted(1, 10, 1), counted(1, 10, 2), Sample(Count(0, 0), None)),
        (predicted(1, 10, 4, 6), predicted(1, 12, 5, 9), Sample(Count(2), scores=Scores("halves", Bins((1, 3))))),
        (predicted(1, 10, 4, 6), predicted(7, 12, 5, 9), Sample(Count(12), scores=Scores("halves", Bins((5, 9))))),
        (predicted(1, 10, 4, 6), predicted(1, 12, 5, 9, 0), Sample(Count(2))),
        (counted(1, 10, 0), predicted(1, 12, 5, 9), Sample(Count(2))),
        (worth(1, 10, {"a": 4.0}), worth(1, 12, {"a": 5.5}), Sample(Count(2), metrics={"a": Ratio(0, 1.5)})),
        (worth(1, 10, {}), worth(1, 12, {"a": 5.5}), Sample(Count(2), metrics={"a": Ratio(0, 5.5)})),
        (counted(1, 10, 0), worth(1, 12, {"a": 5.5}), Sample(Count(2))),
        (worth(1, 10, {"a": 4.0}), worth(9, 3, {"a": 1.0}), Sample(Count(3), metrics={"a": Ratio(0, 1.0)})),
        (sliced(10, 4), sliced(15, 7), Sample(Count(5), slices={"acme": ACME})),
        (sliced(10, None), sliced(15, 3), Sample(Count(5), slices={"acme": ACME})),
        (sliced(10, 4), sliced(15, 4), Sample(Count(5), slices={})),
        (sliced(10, 4), sliced(5, 3, started=9), Sample(Count(5), slices={"acme": ACME})),
        (sliced(10, 4), sliced(15, 4, left_out=2), Sample(Count(5), slices={}, left_out=2)),
        (counted(1, 10, 0), sliced(15, 7, left_out=2), Sample(Count(5), slices={})),
        (sliced(10, 4), counted(1, 15, 0), Sample(Count(5))),
    ],
    ids=[
        "goes on",
        "restarted",
        "counts less than before",
        "only totals known",
        "error before its answer",
        "predictions go on",
        "predictions of a restarted pod",
        "predictions in other bins",
        "predictions of which nothing was known",
        "sums go on",
        "a new sum",
        "sums of which nothing was known",
        "sums of a restarted pod",
        "slices go on",
        "a new slice",
        "a slice without new answers",
        "slices of a restarted pod",
        "slices that were left out",
        "slices of which nothing was known",
        "slices that are counted no more",
    ],
)
def test_what_came_since(earlier: Counters, later: Counters, sample: Sample):
    assert later.since(earlier) == sample
