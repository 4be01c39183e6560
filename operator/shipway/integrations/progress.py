"""Progress of training: rank 0 of each job posts it, the board keeps the newest, reconcilers and Prometheus read it."""

import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from pydantic import ValidationError

from shipway.integrations.answer import first_of
from shipway.integrations.report import Report
from shipway.integrations.signs import Attention, ListeningClock, Signs
from shipway.kube.errors import ApiError
from shipway.kube.resource import TRAINING_JOB, Key
from shipway.runtime.bearer import bearer_token

MAX_BODY_BYTES = 64 * 1024
STATUS_INTERVAL_SECONDS = 10.0
STATUS_WRITES_PER_SECOND = 20.0
PATH = "/v1/namespaces/{namespace}/trainingjobs/{name}/progress"


class Caller(Protocol):
    """Who a token belongs to, as the API server says."""

    @property
    def namespace(self) -> str:
        """Namespace of the service account."""
        ...

    @property
    def name(self) -> str:
        """Name of the service account."""
        ...

    @property
    def pod(self) -> str | None:
        """Name of the pod the token is bound to, if it is."""
        ...


Review = Callable[[str], Awaitable[Caller | None]]
"""Asks whose token it is; None for a token that is not valid for us."""


@dataclass(frozen=True)
class _Expected:
    service_account: str
    attempt: int


class RejectedError(Exception):
    """A report that is not taken.

    Args:
        status: The HTTP status.
        reason: CamelCase word.
        message: What is wrong, and what would be right.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message


class ProgressBoard(Collector):
    """The newest report of each running job, in memory: it is news, not truth, and a restart may forget it.

    Args:
        on_report: Told the job's key after each report.
        clock: Unix seconds.
        monotonic: Seconds that nobody sets ahead or back.
    """

    def __init__(
        self,
        *,
        on_report: Callable[[Key], None],
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_report = on_report
        self._clock = clock
        self._listening = ListeningClock(monotonic)
        self._expected: dict[Key, _Expected] = {}
        self._latest: dict[Key, Report] = {}
        self._attention: dict[Key, Attention] = {}

    def expect(self, key: Key, *, service_account: str, attempt: int) -> None:
        """Says whose reports of which attempt are taken for a job."""
        self._expected[key] = _Expected(service_account, attempt)
        paid = self._attention.get(key)
        if paid is None or paid.attempt != attempt:
            self._attention[key] = Attention(attempt, began=self._listening.now())

    def forget(self, key: Key) -> None:
        """Takes a job that is finished or gone off the board."""
        for kept in (self._expected, self._latest, self._attention):
            kept.pop(key, None)

    def latest(self, key: Key) -> Report | None:
        """The newest report of a job since this process started."""
        return self._latest.get(key)

    def signs(self, key: Key) -> Signs | None:
        """The signs of life of the attempt whose reports are expected; None where none are."""
        paid = self._attention.get(key)
        return paid.signs(now=self._listening.now()) if paid else None

    def status_interval(self) -> float:
        """Seconds between two status writes of one job: stretched so that all jobs together stay within the budget."""
        return max(STATUS_INTERVAL_SECONDS, len(self._latest) / STATUS_WRITES_PER_SECOND)

    def admit(self, key: Key, caller: Caller) -> None:
        """Checks that the caller is a pod of the job.

        Raises:
            RejectedError: 404 or 403.
        """
        expected = self._expected.get(key)
        if expected is None:
            raise RejectedError(404, "NotFound", f"no TrainingJob {key.namespace}/{key.name} is running")
        if (caller.namespace, caller.name) != (key.namespace, expected.service_account):
            raise RejectedError(
                403,
                "Forbidden",
                f"the token is of service account {caller.namespace}/{caller.name}; "
                f"the job's is {key.namespace}/{expected.service_account}",
            )
        if caller.pod is not None and not _is_pod_of(caller.pod, key.name):
            raise RejectedError(403, "Forbidden", f"the token is of pod {caller.pod}, which is not one of the job's")

    def miss(self) -> None:
        """Notes that a report could not be taken for no fault of whoever sent it: what is not heard is no silence."""
        self._listening.miss()

    def post(self, key: Key, report: Report) -> None:
        """Takes a report.

        Raises:
            RejectedError: 409 for a report of an attempt that is over; 404 for a job that is not running.
        """
        expected = self._expected.get(key)
        if expected is None:
            raise RejectedError(404, "NotFound", f"no TrainingJob {key.namespace}/{key.name} is running")
        if report.attempt < expected.attempt:
            raise RejectedError(
                409, "StaleAttempt", f"attempt {report.attempt} is over; attempt {expected.attempt} is under way"
            )
        self._latest[key] = report.model_copy(update={"received_at": self._clock()})
        self._attention[key].hear(report, at=self._listening.now())
        self._on_report(key)

    def collect(self) -> Iterator[Metric]:
        """The newest numbers as gauges, without the ten seconds that status writes are apart."""
        names = ["namespace", "name"]
        step = GaugeMetricFamily("shipway_trainingjob_step", "Optimizer steps done.", labels=names)
        loss = GaugeMetricFamily("shipway_trainingjob_loss", "Mean training loss over all ranks.", labels=names)
        speed = GaugeMetricFamily(
            "shipway_trainingjob_samples_per_second", "Training samples per second over all ranks.", labels=names
        )
        silence = GaugeMetricFamily(
            "shipway_trainingjob_seconds_since_step",
            "Seconds since a new step was heard of, as far as this operator has listened.",
            labels=names,
        )
        for key, report in list(self._latest.items()):
            values = [key.namespace, key.name]
            if (signs := self.signs(key)) and signs.reported:
                silence.add_metric(values, signs.without_step)
            step.add_metric(values, report.step)
            if report.loss is not None:
                loss.add_metric(values, float(report.loss))
            if report.samples_per_second is not None:
                speed.add_metric(values, float(report.samples_per_second))
        yield from (step, loss, speed, silence)


def routes(board: ProgressBoard, review: Review) -> list[web.RouteDef]:
    """The HTTP routes of the progress API, for the operator's own server.

    Args:
        board: Where reports go.
        review: Whose token it is.
    """

    async def post(request: web.Request) -> web.Response:
        try:
            await _take(request, board, review)
        except RejectedError as rejected:
            error = {"reason": rejected.reason, "message": rejected.message}
            return web.json_response({"error": error}, status=rejected.status)
        return web.Response(status=204)

    return [web.post(PATH, post)]


async def _take(request: web.Request, board: ProgressBoard, review: Review) -> None:
    key = Key(TRAINING_JOB.kind, request.match_info["namespace"], request.match_info["name"])
    try:
        caller = await review(_token(request))
    except ApiError:
        board.miss()
        raise
    if caller is None:
        raise RejectedError(401, "Unauthorized", "the token is not valid for audience shipway.dev; it may have expired")
    board.admit(key, caller)
    try:
        report = Report.model_validate_json(await _body(request))
    except ValidationError as error:
        raise RejectedError(400, "Invalid", first_of(error, whole="body")) from error
    board.post(key, report)


def _token(request: web.Request) -> str:
    token = bearer_token(request)
    if token is None:
        raise RejectedError(401, "Unauthorized", "send the pod's token as `Authorization: Bearer TOKEN`")
    return token


async def _body(request: web.Request) -> bytes:
    body = bytearray()
    # Chunked bodies tell no length: count what comes rather than trust a header.
    async for chunk in request.content.iter_chunked(8192):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise RejectedError(413, "TooLarge", f"a report is at most {MAX_BODY_BYTES} bytes")
    return bytes(body)


def _is_pod_of(pod: str, job: str) -> bool:
    name, _, rank = pod.rpartition("-")
    name, _, attempt = name.rpartition("-")
    return name == job and rank.isdecimal() and attempt.isdecimal()
