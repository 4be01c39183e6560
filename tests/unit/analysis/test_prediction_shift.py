"""A prediction gate says what it cannot compare, and compares nothing where stable predicts nothing."""

from shipway.analysis.bins import INCOMPARABLE, Bins, Scores
from shipway.analysis.counts import Count
from shipway.analysis.distances import Distance
from shipway.analysis.gate_types.prediction_shift import PredictionShift
from shipway.analysis.gates import Tolerance
from shipway.analysis.sample import Sample
from shipway.analysis.shift import Shift
from shipway.analysis.silence import SILENT_BATCHES
from shipway.api.v1alpha1.gates import Verdict

BEGUN = PredictionShift("scores", Shift(Tolerance(0.05, 30, 0.001), Distance.KOLMOGOROV_SMIRNOV))
EVEN = Sample(Count(50), scores=Scores("tenths", Bins((5,) * 10)))
SILENT = Sample(Count(50))


def after(gate: PredictionShift, candidate: Sample, stable: Sample, times: int) -> PredictionShift:
    for _ in range(times):
        gate = gate.observe(candidate=candidate, stable=stable)
    return gate


def test_versions_that_predict_alike_show_no_harm():
    assert after(BEGUN, EVEN, EVEN, 20).judge().verdict is Verdict.NO_EVIDENCE_OF_HARM


def test_a_version_that_predicts_higher_fails():
    higher = Sample(Count(50), scores=Scores("tenths", Bins((0,) * 5 + (10,) * 5)))
    assert after(after(BEGUN, Sample(), EVEN, 5), higher, EVEN, 20).judge().verdict is Verdict.FAIL


def test_bins_of_another_scale_are_an_error_though_they_are_as_many():
    other = Sample(Count(50), scores=Scores("percent", Bins((5,) * 10)))
    judgement = after(BEGUN, other, EVEN, 1).judge()
    assert (judgement.verdict, judgement.message) == (Verdict.ERROR, "predictions are counted in different bins")


def test_pods_of_one_version_that_count_differently_cannot_be_put_together():
    mixed = Scores("tenths", Bins((1,) * 10)) + Scores("halves", Bins((1, 1)))
    assert mixed == INCOMPARABLE == mixed + Scores("tenths", Bins((1,) * 10))
    assert after(BEGUN, Sample(Count(50), scores=mixed), EVEN, 1).judge().verdict is Verdict.ERROR


def test_a_predictor_that_answers_and_counts_no_predictions_is_named():
    gate = after(BEGUN, EVEN, SILENT, SILENT_BATCHES)
    assert gate.judge().message == "the predictor of stable answers without counting its predictions"
    assert after(gate, EVEN, EVEN, 1).judge().verdict is not Verdict.ERROR


def test_a_version_that_only_fails_need_not_predict():
    failing = Sample(Count(50, 50))
    assert after(BEGUN, failing, EVEN, 2 * SILENT_BATCHES).judge().verdict is Verdict.INCONCLUSIVE


def test_where_stable_has_no_traffic_nothing_is_counted_and_nothing_said():
    alone = after(BEGUN, EVEN, EVEN, 20).next_step(keep_stable=True)
    assert after(alone, EVEN, Sample(), 20) == alone
    assert alone.judge().verdict is Verdict.NO_EVIDENCE_OF_HARM
