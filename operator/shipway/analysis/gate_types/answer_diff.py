"""AnswerDiff: the share of requests that both versions, of which one gets copies, answer differently."""

from dataclasses import dataclass, field, replace
from math import log

from shipway.analysis import confidence
from shipway.analysis.confidence import Interval
from shipway.analysis.counts import NOTHING, Count
from shipway.analysis.detector import Detector
from shipway.analysis.gates import SUSPICION, Tolerance
from shipway.analysis.judgement import Judgement
from shipway.analysis.sample import Sample
from shipway.analysis.silence import NOBODY, Silence
from shipway.api.v1alpha1.gates import Verdict

UNPAIRED_BATCHES = 120
"""Batches with answers of both versions and not one request that both have answered, after which it is no coincidence:
half a minute as a rule, twice as long as an answer waits for its other half."""
_NO_PAIRS = (
    "both versions answer, and no request is known by one x-request-id to both; "
    "let the gateway give each request an id of its own and its copy the same one"
)


@dataclass(frozen=True)
class AnswerDiff:
    """The evidence of one AnswerDiff gate in one step. It knows of no stable: the share that differs is the harm.

    Attributes:
        name: The gate.
        allowed: Which share may differ, and how sure one must be.
        tolerance: How far apart two predictions are the same.
        mirrored: Whether a request can be answered by both now.
        pairs: Requests answered by both, and those of them answered differently.
        detector: Whether that has become more than what is allowed.
        silence: Who answers without telling answers.
        unpaired: Who answers without a request of the batch being known to be answered by both.
    """

    name: str
    allowed: Tolerance
    tolerance: float
    mirrored: bool = False
    pairs: Count = NOTHING
    detector: Detector = field(default_factory=Detector)
    silence: Silence = NOBODY
    unpaired: Silence = NOBODY

    def observe(self, *, candidate: Sample, stable: Sample) -> "AnswerDiff":
        """See GateEvidence."""
        if candidate.pairs is None:
            return replace(self, mirrored=False)
        batch = Count(len(candidate.pairs), sum(distance > self.tolerance for distance in candidate.pairs))
        heard, paired = (candidate.tells_answers, stable.tells_answers), (batch.trials > 0, batch.trials > 0)
        return replace(
            self,
            mirrored=True,
            pairs=self.pairs + batch,
            detector=self.detector.observe(batch, self.allowed.margin),
            silence=self.silence.observe(candidate.answers, stable.answers, heard=heard),
            unpaired=self.unpaired.observe(candidate.answers, stable.answers, heard=paired),
        )

    def next_step(self, *, keep_stable: bool) -> "AnswerDiff":
        """See GateEvidence."""
        del keep_stable
        return replace(self, pairs=NOTHING, detector=Detector(), silence=NOBODY, unpaired=NOBODY)

    def judge(self) -> Judgement:
        """See GateEvidence."""
        found = confidence.interval(self.pairs, self.allowed.bound_alpha)
        verdict, message = self._verdict(found)
        bound = f"{found.lower:.2%} to {found.upper:.2%} of the answers differ"
        return Judgement(verdict, self.pairs, None, found.lower, found.upper, message, bound)

    @property
    def stable_suffers_too(self) -> bool:
        """See GateEvidence; the difference is nobody's but the new version's."""
        return False

    @property
    def _problem(self) -> str:
        """Why no answers can be laid side by side; empty where that is not known."""
        if version := self.silence.of_whom:
            return f"the predictor of {version} does not tell its answers (/counters?answers=true)"
        unpaired = min(self.unpaired.candidate, self.unpaired.stable)
        return _NO_PAIRS if not self.pairs.trials and unpaired >= UNPAIRED_BATCHES else ""

    def _verdict(self, found: Interval) -> tuple[Verdict, str]:
        if not self.mirrored:
            return Verdict.NO_EVIDENCE_OF_HARM, "no request is answered by both versions now"
        if problem := self._problem:
            return Verdict.ERROR, problem
        margin = self.allowed.margin
        if found.lower > margin:
            return Verdict.FAIL, f"at least {found.lower:.2%} of the answers differ; {margin:.2%} is allowed"
        if self.detector.log_value >= -log(self.allowed.detector_alpha):
            return Verdict.FAIL, f"more answers differ than the {margin:.2%} that are allowed"
        if found.upper <= margin:
            return Verdict.PASS, f"at most {found.upper:.2%} of the answers differ; {margin:.2%} is allowed"
        return self._undecided()

    def _undecided(self) -> tuple[Verdict, str]:
        seen, needed = self.pairs.trials, self.allowed.min_samples
        if seen < needed:
            return Verdict.INCONCLUSIVE, f"{seen} of {needed} requests seen that both versions answered"
        likely = confidence.interval(self.pairs, SUSPICION / 2).lower > self.allowed.margin
        if likely or self.detector.log_value >= log(1 / SUSPICION):
            return Verdict.INCONCLUSIVE, "more answers seem to differ than are allowed; more are needed to tell"
        return Verdict.NO_EVIDENCE_OF_HARM, f"no evidence of harm in {seen} requests that both versions answered"
