"""Whom gates ask, without tasks and sockets: asked when the world's time has come, answering at once."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shipway.analysis.answers import NoAnswer, Series
from shipway.analysis.gate_types.webhook import Opinion
from shipway.analysis.judgement import Judgement
from shipway.api.v1alpha1.gates import Verdict, WebhookService
from shipway.integrations.inquiries import Inquiry
from shipway.kube.resource import Key


class Strangers:
    """Prometheus and the Service of the namespace.

    Attributes:
        measured: What Prometheus tells; may change at any time.
        says: What the Service says.
        queries: What Prometheus was asked.
        questions: What the Service was asked, with its namespace and name.
    """

    def __init__(self) -> None:
        self.measured: float | NoAnswer = 0.0
        self.says: Opinion | NoAnswer = Opinion(Verdict.PASS)
        self.queries: list[str] = []
        self.questions: list[tuple[str, str, Mapping[str, object]]] = []

    async def number(self, query: str) -> float | NoAnswer:
        self.queries.append(query)
        return self.measured

    async def opinion(
        self, namespace: str, service: WebhookService, question: Mapping[str, object]
    ) -> Opinion | NoAnswer:
        self.questions.append((namespace, service.name, question))
        return self.says


@dataclass
class _Asked:
    inquiry: Inquiry[Any]
    series: Series[Any]
    due: float


class Desk:
    """The inquiry board on the world's clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._token = ""
        self._asked: list[_Asked] = []

    def follow(self, _: Key, token: str, inquiries: Sequence[Inquiry[Any]]) -> None:
        if token != self._token:
            self._token = token
            self._asked = [_Asked(each, each.series, self._now() + each.interval) for each in inquiries]

    def forget(self, _: Key) -> None:
        self._token, self._asked = "", []

    def judgements(self, _: Key) -> Mapping[str, Judgement]:
        return {each.inquiry.gate: each.series.judge() for each in self._asked}

    def look(self) -> None:
        for each in self._asked:
            if self._now() >= each.due:
                each.series = each.series.take(_at_once(each.inquiry.ask()))
                each.due = self._now() + each.inquiry.interval


def _at_once(answer: Awaitable[Any]) -> Any:
    try:
        answer.__await__().send(None)  # type: ignore[attr-defined]
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")
