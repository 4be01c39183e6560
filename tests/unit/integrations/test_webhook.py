"""One POST to a Service of the namespace, at its cluster IP: an opinion, or in words why there is none."""

from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp
import pytest

from shipway.analysis.answers import NoAnswer
from shipway.analysis.gate_types.webhook import Opinion
from shipway.api.v1alpha1.gates import Verdict, WebhookService
from shipway.integrations import answer
from shipway.integrations.webhook import Webhooks
from shipway.kube.client import Client
from shipway.kube.errors import NotFoundError
from shipway.kube.resource import SERVICE, Object, Resource
from unit.integrations.strangers import TOO_LONG, stranger

HERE = {"type": "ClusterIP", "clusterIP": "127.0.0.1"}
QUESTION = {"schema": 1, "version": "v2"}


@dataclass
class Cluster:
    """Knows one Service."""

    spec: Object | None
    asked_for: list[tuple[Resource, str, str]] = field(default_factory=list)

    async def get(self, resource: Resource, namespace: str, name: str) -> Object:
        self.asked_for.append((resource, namespace, name))
        if self.spec is None:
            raise NotFoundError(f"{name} not found", code=404)
        return {"spec": self.spec}


async def asked(said: Any, spec: Object | None = None) -> tuple[Opinion | NoAnswer, list[tuple[str, str, str]]]:
    cluster = Cluster(HERE if spec is None else spec)
    async with stranger() as server, aiohttp.ClientSession() as session:
        server.answer = said
        service = WebhookService(name="approvals", port=server.port, path="/v1/judge")
        hooks = Webhooks(cast("Client", cluster), session=session)
        opinion = await hooks.opinion("team", service, QUESTION)
        assert cluster.asked_for == [(SERVICE, "team", "approvals")]
        if server.heard:
            assert server.headers["Host"] == "approvals.team.svc"
        return opinion, server.heard


@pytest.mark.parametrize("verdict", ["Pass", "NoEvidenceOfHarm", "Fail", "Inconclusive"])
async def test_an_opinion_has_a_verdict_and_words_in_one_line(verdict: str):
    opinion, heard = await asked({"verdict": verdict, "message": "revenue\n fell\x1b"})
    assert opinion == Opinion(Verdict(verdict), "revenue fell")
    assert heard == [("POST", "/v1/judge", '{"schema": 1, "version": "v2"}')]


async def test_the_whole_of_the_longest_message_is_shown():
    opinion, _ = await asked({"verdict": "Pass", "message": "x" * 256})
    assert opinion == Opinion(Verdict.PASS, "x" * 256)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"verdict": "Error"}, "verdict: Input should be 'Pass', 'NoEvidenceOfHarm', 'Fail' or 'Inconclusive'"),
        ({"message": "fine"}, "verdict: Field required"),
        ({"verdict": "Pass", "message": "x" * 257}, "message: String should have at most 256 characters"),
        (b"Pass", "answer: Invalid JSON: expected value at line 1 column 1"),
        (TOO_LONG, "the answer is longer than 65536 bytes"),
    ],
)
async def test_anything_else_is_no_opinion(said: Any, why: str):
    opinion, _ = await asked(said)
    assert opinion == NoAnswer(f"Service approvals: {why}")


@pytest.mark.parametrize("status", [204, 302, 403, 500])
async def test_neither_is_another_status_and_nobody_is_sent_elsewhere(status: int):
    opinion, heard = await asked((status, {"verdict": "Pass"}))
    assert opinion == NoAnswer(f"Service approvals answered with status {status} instead of 200")
    assert len(heard) == 1


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "ExternalName", "externalName": "127.0.0.1"},
        {"type": "ExternalName", "externalName": "127.0.0.1", "clusterIP": "127.0.0.1"},
        {"type": "ClusterIP", "clusterIP": "None"},
        {},
    ],
    ids=["an external name", "one that had a cluster IP", "headless", "none yet"],
)
async def test_a_service_that_leads_elsewhere_is_not_asked(spec: Object):
    opinion, heard = await asked({"verdict": "Pass"}, spec)
    assert opinion == NoAnswer("Service approvals has no cluster IP; only one that has can be asked")
    assert heard == []


async def test_a_service_that_does_not_exist_is_told():
    async with aiohttp.ClientSession() as session:
        hooks = Webhooks(cast("Client", Cluster(None)), session=session)
        opinion = await hooks.opinion("team", WebhookService(name="approvals"), QUESTION)
    assert opinion == NoAnswer("Service approvals does not exist in this namespace")


async def test_who_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(answer, "TIMEOUT_SECONDS", 1.0)
    opinion, _ = await asked(TimeoutError())
    assert opinion == NoAnswer("Service approvals gave no answer within 1 s")
