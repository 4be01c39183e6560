"""What a series of opinions says: the last one counts, and harm stays told."""

import pytest

from shipway.analysis.answers import NoAnswer
from shipway.analysis.gate_types.webhook import Opinion, Webhook
from shipway.api.v1alpha1.gates import Verdict

NONE = NoAnswer("Service approvals cannot be reached: ClientConnectorError")
PASS, FAIL = Opinion(Verdict.PASS, "looks good"), Opinion(Verdict.FAIL, "revenue fell")
WAIT, FINE = Opinion(Verdict.INCONCLUSIVE, "wait"), Opinion(Verdict.NO_EVIDENCE_OF_HARM)


def after(*answers: Opinion | NoAnswer) -> Webhook:
    series = Webhook()
    for answer in answers:
        series = series.take(answer)
    return series


@pytest.mark.parametrize(
    ("answers", "verdict", "message"),
    [
        ((), "Inconclusive", "not asked yet"),
        ((PASS,), "Pass", "looks good"),
        ((FINE,), "NoEvidenceOfHarm", "says NoEvidenceOfHarm"),
        ((FAIL,), "Fail", "revenue fell"),
        ((PASS, WAIT), "Inconclusive", "wait"),
        ((FAIL, PASS), "Pass", "looks good"),
        ((FAIL, NONE, NONE, NONE), "Fail", "revenue fell"),
        ((PASS, NONE), "Inconclusive", NONE.why),
        ((PASS, NONE, NONE, NONE), "Error", NONE.why),
        ((NONE, NONE, NONE, PASS), "Pass", "looks good"),
    ],
)
def test_the_last_opinion_counts(answers: tuple[Opinion | NoAnswer, ...], verdict: str, message: str):
    judgement = after(*answers).judge()
    assert (judgement.verdict, judgement.message) == (verdict, message)


def test_what_was_said_is_shown_with_how_often():
    judgement = after(WAIT, NONE, PASS).judge()
    assert (str(judgement.candidate), judgement.candidate.trials) == ("Pass", 2)
