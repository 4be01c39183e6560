"""What a predictor has answered since it started: of all requests together, and of each slice that they declare.

Plain cumulative numbers, so that a reader takes differences and loses nothing by missing a read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from shipway_workloads.serving import prediction_id, recent
from shipway_workloads.serving.business import BusinessMetrics
from shipway_workloads.serving.labels import LateLabels
from shipway_workloads.serving.lately import Lately
from shipway_workloads.serving.latency import BOUNDED_BUCKETS, FIRST_BOUND_SECONDS, RATIO, LatencyHistogram
from shipway_workloads.serving.prediction_id import Answer
from shipway_workloads.serving.recent import RecentAnswers
from shipway_workloads.serving.scores import SCALE, ScoreHistogram
from shipway_workloads.serving.slices import Slices

SCHEMA = 3


def requests_of(totals: Mapping[str, Any]) -> int:
    """How many requests were counted."""
    return int(totals["requests"])


@dataclass(kw_only=True, eq=False)
class Counters:
    """Counts of one predictor process; touched by its event loop alone, so there is no lock.

    Attributes:
        pod: Host name, which is the pod's name.
        started_at: Seconds since the epoch.
        model: Name of the model.
        version: Name of its version.
        digest: OMS root digest of the loaded artifact, once it is loaded.
        requests: Prediction requests answered.
        errors: Those answered with 5xx.
        client_errors: Those answered with 4xx.
        latency: How long they took, from the request's arrival to the end of the answer.
        slices: The same of each slice that requests declare.
        scores: What was predicted; the model counts it.
        metrics: What the answers say that they are worth.
        labels: What the predictions turned out to be worth.
        lately: What had been counted a minute ago, or longer ago where that is little.
        recent: The newest answers, by request.
    """

    pod: str
    started_at: float
    model: str
    version: str
    digest: str = ""
    requests: int = 0
    errors: int = 0
    client_errors: int = 0
    latency: LatencyHistogram = field(default_factory=LatencyHistogram)
    slices: Slices = field(default_factory=Slices)
    scores: ScoreHistogram = field(default_factory=ScoreHistogram)
    metrics: BusinessMetrics = field(default_factory=BusinessMetrics)
    labels: LateLabels = field(default_factory=lambda: LateLabels(time.time))
    lately: Lately[dict[str, Any]] = field(default_factory=lambda: Lately(requests_of))
    recent: RecentAnswers = field(default_factory=lambda: RecentAnswers(time.monotonic))

    def answered(self, predictions: Sequence[float]) -> str:
        """Counts the predictions of an answer; its id, by which their labels are told."""
        self.scores.observe(predictions)
        recent.leave(predictions)
        at = int(self.labels.clock())
        id_ = prediction_id.write(self.version, at, predictions)
        if id_:
            self.labels.predicted(Answer(self.version, at, tuple(predictions)))
        return id_

    def observe(self, *, status: int, seconds: float, slices: Sequence[str] = ()) -> None:
        """Counts one answered request, and for each slice that it declares."""
        self.lately.changes(self._totals)
        self.requests += 1
        if status >= 500:
            self.errors += 1
        elif status >= 400:
            self.client_errors += 1
        self.latency.observe(seconds)
        if slices:
            self.slices.observe(slices, failed=status >= 500, seconds=seconds)

    def to_json(self) -> dict[str, Any]:
        """The body of `GET /counters`."""
        return {
            "schema": SCHEMA,
            "startedAt": self.started_at,
            "pod": self.pod,
            "model": {"name": self.model, "version": self.version, "digest": self.digest},
            **self._totals(),
            "slicesLeftOut": self.slices.left_out,
            "before": self.lately.before,
            "clientErrors": self.client_errors,
            "scores": {"scale": SCALE, "counts": self.scores.counts},
            "metrics": self.metrics.to_json(),
            "labels": self.labels.to_json(),
        }

    def collect(self) -> Iterator[Metric]:
        """The same numbers as Prometheus metrics; makes this a prometheus_client collector."""
        requests = CounterMetricFamily("shipway_predictor_requests", "Prediction requests answered.", labels=["result"])
        requests.add_metric(["ok"], self.requests - self.errors - self.client_errors)
        requests.add_metric(["error"], self.errors)
        requests.add_metric(["clientError"], self.client_errors)
        yield requests
        latency = HistogramMetricFamily("shipway_predictor_request_duration_seconds", "Time to answer a request.")
        latency.add_metric([], self._cumulative_buckets(), self.latency.sum_seconds)
        yield latency
        info = GaugeMetricFamily(
            "shipway_predictor_model_info", "1 for the model served.", labels=["model", "version", "digest"]
        )
        info.add_metric([self.model, self.version, self.digest], 1)
        yield info

    def _totals(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "errors": self.errors,
            "latency": self.latency.to_json(),
            "slices": self.slices.to_json(),
        }

    def _cumulative_buckets(self) -> list[tuple[str, float]]:
        bounds = [f"{FIRST_BOUND_SECONDS * RATIO**i:.6g}" for i in range(BOUNDED_BUCKETS)] + ["+Inf"]
        total = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip(bounds, self.latency.counts, strict=True):
            total += count
            buckets.append((bound, total))
        return buckets
