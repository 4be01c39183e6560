"""What a series of measurements says: a limit, how often it has to be passed, and questions without an answer."""

import pytest

from shipway.analysis.answers import NoAnswer
from shipway.analysis.gate_types.promql import Limit, PromQL

NONE = NoAnswer("Prometheus gave no answer within 5 s")


def after(*answers: float | NoAnswer, worse: str = "Above", failures: int = 2, measurements: int = 3) -> PromQL:
    series = PromQL(Limit(0.05, worse, failures, measurements))
    for answer in answers:
        series = series.take(answer)
    return series


@pytest.mark.parametrize(
    ("answers", "verdict", "message"),
    [
        ((), "Inconclusive", "0 of 3 good measurements seen"),
        ((0.01, 0.01), "Inconclusive", "2 of 3 good measurements seen"),
        ((0.01, 0.01, 0.05), "NoEvidenceOfHarm", "at most 0.05 in 3 measurements"),
        ((0.06,), "Inconclusive", "at most 0.05 is allowed; 2 bad measurements in a row are a Fail"),
        ((0.06, 0.07), "Fail", "at most 0.05 is allowed; 2 measurements in a row were worse"),
        ((0.06, 0.01, 0.06), "Inconclusive", "at most 0.05 is allowed; 2 bad measurements in a row are a Fail"),
        ((0.01, 0.06, 0.01, 0.01), "NoEvidenceOfHarm", "at most 0.05 in 3 measurements"),
        ((0.01, 0.01, 0.01, 0.06), "Inconclusive", "at most 0.05 is allowed; 2 bad measurements in a row are a Fail"),
        ((0.06, NONE, 0.06), "Fail", "at most 0.05 is allowed; 2 measurements in a row were worse"),
        ((0.06, 0.06, NONE, NONE, NONE), "Fail", "at most 0.05 is allowed; 2 measurements in a row were worse"),
        ((NONE, NONE), "Inconclusive", NONE.why),
        ((NONE, NONE, NONE), "Error", NONE.why),
        ((0.01, 0.01, 0.01, NONE), "Inconclusive", NONE.why),
        ((NONE, NONE, NONE, 0.01), "Inconclusive", "1 of 3 good measurements seen"),
        ((NONE, NONE, 0.01, NONE, NONE), "Inconclusive", NONE.why),
    ],
)
def test_measurements_in_a_row_decide(answers: tuple[float | NoAnswer, ...], verdict: str, message: str):
    judgement = after(*answers).judge()
    assert (judgement.verdict, judgement.message) == (verdict, message)


@pytest.mark.parametrize(
    ("worse", "value", "is_bad"),
    [("Above", 0.05, False), ("Above", 0.0501, True), ("Below", 0.05, False), ("Below", 0.0499, True)],
)
def test_the_limit_itself_is_good(worse: str, value: float, is_bad: bool):
    assert (after(value, worse=worse, failures=1).judge().verdict == "Fail") is is_bad


def test_the_last_number_is_shown_and_compared_with_nobody():
    judgement = after(0.01, 0.0312).judge()
    assert (str(judgement.candidate), judgement.candidate.trials) == ("0.0312", 2)
    assert judgement.stable is None
    assert judgement.bound == "at most 0.05"
    assert after(worse="Below").judge().bound == "at least 0.05"
