"""What is lost is told with the disturbance it was lost in."""

from benchmarks.releases.answers import Answer
from benchmarks.releases.disturbances import Log


def lost(at: float, status: int) -> Answer:
    return Answer(sent=at, ended=at + 1, status=status, version="", harm="")


def test_answers_are_counted_by_disturbance_and_status() -> None:
    log = Log([("promotion", 0, 10), ("drains", 12, 20), ("promotion", 20.5, 30)])
    answers = [lost(1, 503), lost(2, 503), lost(11, 0), lost(13, 0), lost(25, 502)]
    assert log.lost_in(answers) == {"promotion": {503: 2, 502: 1}, "between": {0: 1}, "drains": {0: 1}}
    assert log.seconds() == {"promotion": 19.5, "drains": 8}
